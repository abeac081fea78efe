/** What a token says of its holder, and which grants that fits. Pure. */
import { type ClaimGrant, github, type Issuer, originClaims } from "../config/access.ts";
import { repositoryPattern } from "../config/github.ts";
import { isLike } from "../config/pattern.ts";
import type { Source } from "../deployment/record.ts";
import { TealError } from "../errors.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** Throws TealError('forbidden') where none fits; it tells which claims were seen, and what the nearest grant asks. */
export function grantsFor(issuer: Issuer, claims: Claims): ClaimGrant[] {
  const fitting = issuer.grants.filter((grant) => missed(grant, claims).length === 0);
  if (fitting.length > 0) return fitting;
  throw new TealError("forbidden", `No grant in access.oidc is for this token. ${reason(issuer, claims)}`);
}

/** What the holder is called in the history. */
export function holderOf({ name }: Issuer, claims: Claims): string {
  const filled = name.replaceAll(/\{\{(.*?)\}\}/g, (_, claim: string) => seen(claims, claim.trim()) ?? "?");
  return shown(filled, 128);
}

/** What code a workflow of GitHub's runs for; other issuers don't say it so. */
export function sourceOf({ issuer }: Issuer, claims: Claims): Source | undefined {
  const { repository, sha, environment, run_id: run } = claims;
  if (typeof repository !== "string" || !repositoryPattern.test(repository)) return undefined;
  if (typeof sha !== "string" || !/^[0-9a-f]{40,64}$/.test(sha)) return undefined;
  return {
    repository,
    commit: sha,
    ...(typeof environment === "string" && environment.length <= 255 && { environment }),
    ...(issuer === github &&
      typeof run === "string" &&
      /^\d{1,20}$/.test(run) && { url: `https://github.com/${repository}/actions/runs/${run}` }),
  };
}

/** Names of the grant's claims that the token doesn't have as asked. */
function missed(grant: ClaimGrant, claims: Claims): string[] {
  return Object.entries(grant.claims).flatMap(([claim, patterns]) => {
    const fits = valuesOf(claims, claim).some((value) => patterns.some((pattern) => isLike(value, pattern)));
    return fits ? [] : [claim];
  });
}

/** A claim may be a list, of groups for instance. */
function valuesOf(claims: Claims, claim: string): string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return [value].flat().flatMap((one) => {
    return typeof one === "string" || typeof one === "number" || typeof one === "boolean"
      ? [String(one)]
      : [];
  });
}

/**
 * The grant that lacks least is the one that was meant. Where anybody has tokens of the issuer, what is asked is
 * told only to those that it says to be of the right house.
 */
function reason(issuer: Issuer, claims: Claims): string {
  const origins = originClaims(issuer.issuer);
  const near = issuer.grants
    .map((grant) => ({ grant, lacks: missed(grant, claims) }))
    .filter(({ grant, lacks }) => {
      return origins?.some((claim) => Object.hasOwn(grant.claims, claim) && !lacks.includes(claim)) ?? true;
    })
    .sort((a, b) => a.lacks.length - b.lacks.length)[0];
  if (near) {
    const lines = near.lacks.map((claim) => {
      const asked = (near.grant.claims[claim] ?? []).map((pattern) => shown(pattern)).slice(0, patternsMax);
      return `${claim} is ${seen(claims, claim) ?? "not in it"}, asked for is ${asked.join(" or ")}`;
    });
    return `${lines.join("; ")}.`;
  }
  const told = (origins ?? []).flatMap((claim) => {
    const value = seen(claims, claim);
    return value === undefined ? [] : [`${claim} ${value}`];
  });
  return `None is for ${told.join(", ") || "its issuer's holders"}.`;
}

const patternsMax = 10;

function seen(claims: Claims, claim: string): string | undefined {
  const values = valuesOf(claims, claim);
  return values.length > 0 ? shown(values.join(", ")) : undefined;
}

/** On one line, nothing unprintable, at most `max` characters. */
function shown(text: string, max = 200): string {
  const clean = text
    .slice(0, 4 * max)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  const characters = Array.from(clean);
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : clean;
}
