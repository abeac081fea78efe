/** Signatures after the Standard Webhooks specification 1.0.0 (standardwebhooks.com): HMAC-SHA256, `v1`. */
import { createHmac } from "node:crypto";
import type { Hidden } from "./headers.ts";

export interface Signable {
  /** The same for every repeat. */
  id: string;
  /** Of this attempt, ms since the epoch. */
  at: number;
  body: string;
}

/** One signature for each key (`whsec_` and base64), so that a receiver may know either while one is replaced. */
export function signatureHeaders(
  keys: readonly Hidden[],
  { id, at, body }: Signable,
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = keys.map((key) => {
    const bytes = Buffer.from(key.reveal().replace(/^whsec_/, ""), "base64");
    return `v1,${createHmac("sha256", bytes).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

/**
 * An id as a header can carry it. A full stop is the separator of what is signed, so none may be in an id; what is
 * neither a letter, a digit, `_`, `-` nor `/` becomes `%` and its hexadecimal bytes.
 */
export function safeId(id: string): string {
  return id.replaceAll(
    /[^\w/-]/gu,
    (character) => `%${Buffer.from(character).toString("hex").toUpperCase().match(/../g)?.join("%")}`,
  );
}
