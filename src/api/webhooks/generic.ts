/** Deliveries of any CI that can compute an HMAC. Only what is signed counts, so other headers are ignored. */
import { verify } from "../../auth/signature.ts";
import type { Secret } from "../../config/secret.ts";
import type { Received } from "./delivery.ts";
import { parsed, type Request } from "./raw.ts";

/** How old the timestamp may be. */
const freshMs = 5 * 60_000;

/** Throws `unauthorized`, `bad-request`. */
export function readGeneric(keys: readonly Secret[], { header, body }: Request): Received {
  const delivery = { timestamp: header("teal-timestamp"), signature: header("teal-signature"), body };
  verify(keys, delivery);
  return {
    source: "generic",
    identity: delivery.signature,
    sentAt: Number(delivery.timestamp) * 1000,
    freshMs,
    ...parsed(body),
  };
}
