/**
 * What deliveries are checked with: HMAC-SHA256 over the body to the byte, or a key that comes with it. Where several
 * keys are valid each is tried, and none is left out once one fits, so that the time taken tells nothing.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";
import { TealError } from "../errors.ts";

/** The value of the header `Teal-Signature`; the timestamp is signed too, so that it can't be renewed. */
export function sign(key: Secret, timestamp: string, body: Buffer): string {
  return `v1=${createHmac("sha256", key.reveal()).update(`${timestamp}.`).update(body).digest("hex")}`;
}

/** The value of GitHub's header `X-Hub-Signature-256`. */
export function signAsGithub(key: Secret, body: Buffer): string {
  return `sha256=${createHmac("sha256", key.reveal()).update(body).digest("hex")}`;
}

/** Throws `unauthorized`, saying which header is missing or wrong, unless the delivery is a key owner's. */
export function verify(
  keys: readonly Secret[],
  delivery: { timestamp: string | undefined; signature: string | undefined; body: Buffer },
): asserts delivery is { timestamp: string; signature: string; body: Buffer } {
  const { timestamp, signature, body } = delivery;
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) {
    throw unauthorized("The header Teal-Timestamp must be the time in seconds since the epoch.");
  }
  if (signature === undefined || !/^v1=[0-9a-f]{64}$/.test(signature)) {
    throw unauthorized("The header Teal-Signature must be v1=<64 hexadecimal digits>.");
  }
  if (!isOneOf(signature, keys, (key) => sign(key, timestamp, body))) {
    throw unauthorized("The signature does not match the timestamp, the body and the secret.");
  }
}

/** Throws `unauthorized` unless the body was signed as GitHub signs, with one of the keys. */
export function verifyGithub(keys: readonly Secret[], signature: string | undefined, body: Buffer): void {
  if (signature === undefined || !/^sha256=[0-9a-f]{64}$/.test(signature)) {
    throw unauthorized(
      "The header X-Hub-Signature-256 must be sha256=<64 hexadecimal digits>: give the webhook a secret on GitHub.",
    );
  }
  if (!isOneOf(signature, keys, (key) => signAsGithub(key, body))) {
    throw unauthorized("The signature does not match the body and TEAL_GITHUB_SECRET.");
  }
}

/** Throws `unauthorized` unless what came in the header is one of the keys. */
export function verifyKey(keys: readonly Secret[], header: string, given: string | undefined): void {
  if (given === undefined) throw unauthorized(`The request has no header ${header}.`);
  if (!isOneOf(given, keys, (key) => key.reveal()))
    throw unauthorized(`The key in the header ${header} is not valid.`);
}

function isOneOf(given: string, keys: readonly Secret[], expected: (key: Secret) => string): boolean {
  return keys.filter((key) => timingSafeEqual(digest(given), digest(expected(key)))).length > 0;
}

/** Both sides hashed: equal lengths whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unauthorized(message: string): TealError {
  return new TealError("unauthorized", message);
}
