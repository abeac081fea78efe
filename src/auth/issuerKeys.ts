/** The public keys of issuers: asked for where they are needed, kept for a while, asked for again when one is missing. */
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import { z } from "zod";
import type { Issuer } from "../config/access.ts";
import { TealError } from "../errors.ts";

/** Whom the keys are asked of. */
export interface KeySource {
  /**
   * The JSON that an address answers with, at most 512 KiB of it. Ends by `deadline`, ms since the epoch. Throws
   * TealError('unavailable'). Safe to repeat.
   */
  fetchJson(url: string, deadline: number): Promise<unknown>;
}

export type KeyFinder = ReturnType<typeof createLocalJWKSet>;

export interface IssuerKeys {
  /**
   * Those that are known, not older than `limits.keptMs`; asked for where there are none. Throws
   * TealError('unavailable').
   */
  of(issuer: Issuer): Promise<KeyFinder>;
  /**
   * Those of now, for a token whose key is not among the known; undefined where the known are of just now. Throws
   * TealError('unavailable').
   */
  afresh(issuer: Issuer): Promise<KeyFinder | undefined>;
}

export const limits = {
  /** So old, they are asked for again: a key that its issuer withdrew is good for no longer, if it answers. */
  freshMs: 10 * 60_000,
  /** So long they are good while their issuer does not answer. */
  keptMs: 60 * 60_000,
  /** Whoever sends unknown keys makes us ask no more often; nor does an issuer that does not answer. */
  pauseMs: 30_000,
  /** For both questions together. */
  askMs: 10_000,
  keys: 100,
} as const;

/** What is known of one issuer. */
interface Known {
  found?: { keys: KeyFinder; at: number };
  /** Of the last question, where that came to nothing. */
  failed?: { error: TealError; at: number };
  askedAt: number;
  asking?: Promise<KeyFinder>;
}

export function createIssuerKeys(source: KeySource, clock: { now(): number }): IssuerKeys {
  // By the entry of the configuration in force: one that was changed or taken out is forgotten.
  const all = new WeakMap<Issuer, Known>();

  return {
    of: async (issuer) => {
      const known = knownOf(issuer);
      const { found, failed } = known;
      const now = clock.now();
      const ageMs = found ? now - found.at : Infinity;
      if (found && ageMs < limits.freshMs) return found.keys;
      try {
        if (failed && now - failed.at < limits.pauseMs) throw failed.error;
        return await ask(issuer, known);
      } catch (error) {
        if (found && ageMs < limits.keptMs) return found.keys;
        throw error;
      }
    },
    afresh: async (issuer) => {
      const known = knownOf(issuer);
      if (known.asking || clock.now() - known.askedAt >= limits.pauseMs) return ask(issuer, known);
      if (known.failed) throw known.failed.error;
      return undefined;
    },
  };

  function knownOf(issuer: Issuer): Known {
    const known = all.get(issuer) ?? { askedAt: -Infinity };
    all.set(issuer, known);
    return known;
  }

  /** One question at a time, however many wait for its answer. */
  function ask(issuer: Issuer, known: Known): Promise<KeyFinder> {
    known.askedAt = clock.now();
    known.asking ??= askNow(issuer, known).finally(() => delete known.asking);
    return known.asking;
  }

  async function askNow(issuer: Issuer, known: Known): Promise<KeyFinder> {
    try {
      const deadline = clock.now() + limits.askMs;
      const url = issuer.jwksUrl ?? (await discover(issuer, deadline));
      const keys = toKeys(await source.fetchJson(url, deadline), issuer);
      known.found = { keys, at: clock.now() };
      delete known.failed;
      return keys;
    } catch (cause) {
      if (!(cause instanceof TealError)) throw cause;
      const error = new TealError(
        "unavailable",
        `The keys of ${issuer.issuer}, which signed this token, can't be had at the moment.`,
        { retryAfterMs: limits.pauseMs, cause },
      );
      known.failed = { error, at: clock.now() };
      throw error;
    }
  }

  /** OpenID Connect Discovery 1.0, section 4. What another issuer says of itself is not believed. */
  async function discover({ issuer }: Issuer, deadline: number): Promise<string> {
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const { data } = discovery.safeParse(await source.fetchJson(url, deadline));
    if (data === undefined) throw new TealError("unavailable", `${url} names no jwks_uri`);
    if (data.issuer !== issuer) throw new TealError("unavailable", `${url} is of another issuer`);
    return data.jwks_uri;
  }
}

const discovery = z.object({ issuer: z.string().max(2048), jwks_uri: z.url().max(2048) });

const keySet = z.object({
  keys: z.array(z.looseObject({ kty: z.string() })).max(limits.keys),
}) satisfies z.ZodType<JSONWebKeySet>;

function toKeys(answer: unknown, { issuer }: Issuer): KeyFinder {
  const { data } = keySet.safeParse(answer);
  if (data === undefined) throw new TealError("unavailable", `the keys of ${issuer} are no JSON Web Key Set`);
  return createLocalJWKSet(data);
}
