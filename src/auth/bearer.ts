/** The API's bearer token: one shared secret, compared without telling by the time taken how much was right. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";
import { TealError } from "../errors.ts";

/**
 * Gives a check of the `Authorization` header that throws `unauthorized`; without a token everybody passes (see
 * `requireProtection`).
 */
export function bearerCheck(token: Secret | undefined): (authorization: string | undefined) => void {
  if (!token) return () => {};
  const expected = digest(token.reveal());
  return (authorization) => {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (given === undefined) {
      throw new TealError("unauthorized", "The request has no header `Authorization: Bearer <token>`.");
    }
    if (!timingSafeEqual(digest(given), expected)) {
      throw new TealError("unauthorized", "The bearer token is not the one that Teal was started with.");
    }
  };
}

/** Refuses to serve without a token, unless it is asked for and nobody else can reach the address. */
export function requireProtection(http: { host: string; token?: Secret; insecure: boolean }): void {
  if (http.token) return;
  const loopback = ["127.0.0.1", "::1", "localhost"].includes(http.host);
  if (loopback && http.insecure) return;
  throw new TealError(
    "bad-config",
    `No token protects the API at ${http.host}. Set TEAL_TOKEN or TEAL_TOKEN_FILE to a secret of at least 16 ` +
      "characters; or, to serve this machine alone without one, set TEAL_INSECURE=1 and TEAL_HOST=127.0.0.1.",
  );
}

/** Both sides hashed: equal lengths whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
