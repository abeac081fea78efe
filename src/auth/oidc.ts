/**
 * Tokens of OpenID Connect issuers, such as GitHub's for its workflows: no secret is shared. A token is believed
 * for what its issuer signed, by keys that the issuer publishes at an address of the configuration; nothing that a
 * token says of keys or addresses is followed.
 */
import { createHash } from "node:crypto";
import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import type { AccessConfig, Issuer } from "../config/access.ts";
import { TealError } from "../errors.ts";
import { type Claims, grantsFor, holderOf, sourceOf } from "./claims.ts";
import type { Identity } from "./identity.ts";
import { createIssuerKeys, type KeyFinder, type KeySource } from "./issuerKeys.ts";

export interface OidcParts {
  /** As it is now; asked for each token. */
  config: () => AccessConfig;
  keys: KeySource;
  clock: { now(): number };
}

/** GitHub's have about 2,000. */
const tokenMax = 8_192;

/** How far an issuer's clock may be from ours. */
const toleranceSeconds = 30;

/** What an issuer signs with a key of its own. With a shared one, its public key would do for a forger. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/**
 * Gives the check of a token. It throws TealError('unauthorized') for what is no token of a configured issuer's,
 * meant for us and of now; 'forbidden' where no grant is for it; 'unavailable' while its issuer can't be asked.
 */
export function createOidc({ config, keys, clock }: OidcParts): (jwt: string) => Promise<Identity> {
  const known = createIssuerKeys(keys, clock);
  return async (jwt) => {
    const issuer = issuerOf(jwt, config());
    const claims = await verified(jwt, issuer);
    const source = sourceOf(issuer, claims);
    return {
      name: holderOf(issuer, claims),
      kind: "ci",
      via: "oidc",
      grants: grantsFor(issuer, claims).map(({ gives }) => gives),
      id: `oidc:${digest([issuer.issuer, claims.sub ?? ""])}`,
      ...(claims.exp !== undefined && { expiresAt: claims.exp * 1000 }),
      ...(source && { source }),
    };
  };

  async function verified(jwt: string, issuer: Issuer): Promise<Claims & JWTPayload> {
    const check = async (finder: KeyFinder): Promise<JWTPayload> => {
      const { payload } = await jwtVerify(jwt, finder, {
        issuer: issuer.issuer,
        audience: [...issuer.audiences],
        algorithms,
        requiredClaims: ["exp", "sub"],
        clockTolerance: toleranceSeconds,
        currentDate: new Date(clock.now()),
      });
      return payload;
    };
    try {
      return await check(await known.of(issuer));
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw refusal(error, issuer);
    }
    // Issuers change their keys: perhaps this one is new.
    const fresh = await known.afresh(issuer);
    if (!fresh) throw refused(unknownKey(issuer));
    return check(fresh).catch((error: unknown) => {
      throw refusal(error, issuer);
    });
  }
}

/** Which issuer a token says it is of; whether that is so, its signature tells. */
function issuerOf(jwt: string, { oidc }: AccessConfig): Issuer {
  if (jwt.length > tokenMax) throw refused(`is longer than ${tokenMax} characters`);
  let iss: unknown;
  try {
    ({ iss } = decodeJwt(jwt));
  } catch {
    throw refused("can't be read as a JSON Web Token");
  }
  const issuer = oidc.find((one) => one.issuer === iss);
  if (!issuer) throw refused("is of an issuer that access.oidc in teal.yaml doesn't have");
  return issuer;
}

/** What is wrong with a token, without a word of what it holds. */
function refusal(error: unknown, issuer: Issuer): unknown {
  if (error instanceof errors.JWTExpired) return refused("is expired; get a new one for each request");
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "nbf") return refused("is not valid yet; a clock is wrong");
    if (error.claim === "aud" && error.reason === "check_failed") {
      return refused(`is meant for somebody else; its audience must be ${issuer.audiences.join(" or ")}`);
    }
    return refused(`has a claim ${error.claim} that is missing or wrong`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refused(`must be signed by a key of its issuer's own, with one of ${algorithms.join(", ")}`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused("is not signed by its issuer");
  if (error instanceof errors.JWKSNoMatchingKey) return refused(unknownKey(issuer));
  // A key that is too short is a TypeError.
  if (error instanceof errors.JOSEError || error instanceof TypeError) {
    return refused("can't be checked: its form, or the issuer's key, is not as JSON Web Tokens have it");
  }
  return error;
}

function unknownKey({ issuer }: Issuer): string {
  return `is signed by a key that ${issuer} doesn't publish`;
}

function refused(why: string): TealError {
  return new TealError("unauthorized", `The token ${why}.`);
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
