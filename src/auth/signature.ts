/**
 * Signatures of deliveries: HMAC-SHA256 over `<timestamp>.<raw body>`, the timestamp in seconds since the epoch.
 * The timestamp is signed with the body, so that a delivery can't be kept and sent later.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";
import { TealError } from "../errors.ts";

/** How far the sender's clock may be from ours, either way. */
export const toleranceMs = 5 * 60_000;

/** The value of the header `Teal-Signature`. */
export function sign(secret: Secret, timestamp: string, body: Buffer): string {
  const mac = createHmac("sha256", secret.reveal()).update(`${timestamp}.`).update(body);
  return `v1=${mac.digest("hex")}`;
}

/** Throws `unauthorized`, saying which header is missing or wrong, unless the delivery is the secret owner's. */
export function verifySignature(
  secret: Secret,
  delivery: { timestamp: string | undefined; signature: string | undefined; body: Buffer },
  now: number,
): void {
  const { timestamp, signature, body } = delivery;
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) {
    throw new TealError(
      "unauthorized",
      "The header Teal-Timestamp must be the time in seconds since the epoch.",
    );
  }
  if (signature === undefined || !/^v1=[0-9a-f]{64}$/.test(signature)) {
    throw new TealError("unauthorized", "The header Teal-Signature must be v1=<64 hexadecimal digits>.");
  }
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(sign(secret, timestamp, body)))) {
    throw new TealError(
      "unauthorized",
      "The signature does not match the timestamp, the body and the secret.",
    );
  }
  const awayMs = Math.abs(now - Number(timestamp) * 1000);
  if (awayMs > toleranceMs) {
    throw new TealError(
      "unauthorized",
      `Teal-Timestamp is ${Math.round(awayMs / 1000)} s away from the server's clock; at most ${toleranceMs / 1000} s are allowed.`,
    );
  }
}
