/** `access`: who may call Teal without a secret of Teal's own. */
import { z } from "zod";
import { actions, type Grant, roleNames } from "../auth/roles.ts";
import { noneTwice, text, url } from "./words.ts";

export interface AccessConfig {
  /** Whose tokens count; no two have the same `issuer`. */
  oidc: readonly Issuer[];
}

/** Somebody who says of programs and people who they are, by OpenID Connect's tokens. */
export interface Issuer {
  /** As its tokens name it. */
  issuer: string;
  /** A token must be meant for one of these. */
  audiences: readonly string[];
  /** What its tokens' holders are called in the history: text and, in double braces, names of claims. */
  name: string;
  /** Where its keys are; left out, it is asked. */
  jwksUrl?: string;
  grants: readonly ClaimGrant[];
}

/** What tokens are good for whose claims are all like one of these patterns, where `*` stands for any characters. */
export interface ClaimGrant {
  claims: Readonly<Record<string, readonly string[]>>;
  gives: Grant;
}

/** GitHub's, for its workflows. */
export const github = "https://token.actions.githubusercontent.com";

const whole = /^[^*]+$/;
/** `acme/checkout`, `acme/*`: whose it is stands there in full. */
const owned = /^[^/*]+\//;

/**
 * Issuers that give anybody tokens, for any audience. Of such a one a grant must ask whose the token is; by claim,
 * what a pattern must look like to say that.
 */
const publicIssuers: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  [github]: {
    repository: owned,
    repository_id: whole,
    repository_owner: whole,
    repository_owner_id: whole,
    sub: /^repo:[^/*]+\/|^[^*]+$/,
  },
  "https://gitlab.com": {
    project_path: owned,
    project_id: whole,
    namespace_path: whole,
    namespace_id: whole,
    sub: /^project_path:[^/*]+\/|^[^*]+$/,
  },
  "https://agent.buildkite.com": { organization_slug: whole, organization_id: whole, sub: whole },
  "https://accounts.google.com": { hd: whole, email: whole, sub: whole },
};

/** The claims that tell whose a token is, where strangers have tokens of this issuer too. */
export function originClaims(issuer: string): readonly string[] | undefined {
  return Object.hasOwn(publicIssuers, issuer) ? Object.keys(publicIssuers[issuer] ?? {}) : undefined;
}

const limits = { issuers: 20, grants: 200, claims: 20, patterns: 50, audiences: 5, services: 200 } as const;

const one = text(512);

/** One text, or several of which one must fit. */
function oneOrMore(max: number) {
  return z.union([one, z.array(one).min(1).max(max).superRefine(noneTwice)], {
    error: ({ input }) => `${input === undefined ? "is missing; it " : ""}must be a text or a list of texts`,
  });
}

const claimName = z
  .string()
  .regex(/^[\w:./-]{1,128}$/, { error: "must be the name of a claim, such as repository" });

const grant = z.strictObject({
  claims: z
    .record(claimName, oneOrMore(limits.patterns))
    .refine((claims) => Object.keys(claims).length > 0, { error: "must ask for at least one claim" })
    .refine((claims) => Object.keys(claims).length <= limits.claims, {
      error: `must be at most ${limits.claims} claims`,
    })
    .describe("Each must be in the token, with this value or one of these; * stands for any characters."),
  role: z.enum(roleNames),
  services: z
    .array(
      z.string().regex(/^[a-z0-9*][a-z0-9*-]{0,39}$/, {
        error: "must be the name of a service, in which * may stand for any characters",
      }),
    )
    .min(1)
    .max(limits.services)
    .superRefine(noneTwice)
    .describe('Names of services; "*" stands for all.'),
  actions: z
    .array(z.enum(actions))
    .min(1)
    .superRefine(noneTwice)
    .optional()
    .describe("Only these of the role's."),
});

const nameOfHolder = text(200).superRefine((written, context) => {
  for (const [whole, inner = ""] of written.matchAll(/\{\{(.*?)\}\}/g)) {
    if (!claimName.safeParse(inner.trim()).success) {
      context.addIssue({ code: "custom", message: `has ${whole}, which is no name of a claim` });
    }
  }
});

const issuer = z
  .strictObject({
    issuer: url
      .refine((written) => !written.includes("?"), { error: "must have no query" })
      .describe("As the claim iss has it, such as https://token.actions.githubusercontent.com."),
    audience: oneOrMore(limits.audiences).describe(
      "What the tokens must be meant for: the address of this Teal, best.",
    ),
    name: nameOfHolder
      .optional()
      .describe(
        'Who it is in the history, such as "{{ repository }}@{{ ref }}". Default {{ sub }}; of GitHub, {{ repository }}/{{ workflow }}.',
      ),
    jwksUrl: url
      .optional()
      .describe("Where the issuer's keys are. Left out: asked of it at /.well-known/openid-configuration."),
    grants: z.array(grant).min(1).max(limits.grants),
  })
  .superRefine((written, context) => {
    const origins = Object.hasOwn(publicIssuers, written.issuer) && publicIssuers[written.issuer];
    if (!origins) return;
    for (const [index, { claims }] of written.grants.entries()) {
      const own = Object.entries(origins).some(([claim, form]) => {
        const patterns = [claims[claim] ?? []].flat();
        return patterns.length > 0 && patterns.every((pattern) => form.test(pattern));
      });
      if (own) continue;
      context.addIssue({
        code: "custom",
        path: ["grants", index, "claims"],
        message: `would let strangers in, for anybody can have tokens of this issuer; one of ${Object.keys(origins).join(", ")} must name an owner in full, such as acme/checkout or acme/*`,
      });
    }
  });

export const accessSchema = z
  .strictObject({
    oidc: z
      .array(issuer)
      .max(limits.issuers)
      .superRefine((issuers, context) => {
        const names = issuers.map(({ issuer: name }) => name);
        names.forEach((name, index) => {
          if (names.indexOf(name) === index) return;
          context.addIssue({ code: "custom", path: [index, "issuer"], message: "stands in the list twice" });
        });
      })
      .optional()
      .describe("Issuers whose tokens count, such as GitHub's for its workflows."),
  })
  .describe("Who may call Teal without a secret of Teal's own.");

export function toAccess({ oidc = [] }: z.output<typeof accessSchema> = {}): AccessConfig {
  return {
    oidc: oidc.map(({ issuer: name, audience, name: holder, jwksUrl, grants }) => ({
      issuer: name,
      audiences: [audience].flat(),
      name: holder ?? (name === github ? "{{ repository }}/{{ workflow }}" : "{{ sub }}"),
      ...(jwksUrl !== undefined && { jwksUrl }),
      grants: grants.map(({ claims, role, services, actions: some }) => ({
        claims: Object.fromEntries(
          Object.entries(claims).map(([claim, patterns]) => [claim, [patterns].flat()]),
        ),
        gives: { role, services, ...(some && { actions: some }) },
      })),
    })),
  };
}
