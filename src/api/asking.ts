/** Headers that say who asks and how a request is told from its repetition. */
import { z } from "zod";
import type { Identity } from "../auth/identity.ts";
import type { Actor } from "../deployment/record.ts";
import { actorHeader, idempotencyKey } from "./contract.ts";

/** Not strict: a request carries many other headers. */
export const askingHeaders = z.object({
  "teal-actor": actorHeader.optional(),
  "idempotency-key": idempotencyKey.optional(),
});

/**
 * Who asks, for the history. The token that Teal was started with is shared, so whoever has it may say a name; all
 * others have one.
 */
export function actorOf({ identity, headers }: Asking): Actor {
  const { kind, name, via } = identity;
  const shared = via === "root" || via === "none";
  return { kind, name: (shared ? headers["teal-actor"] : undefined) ?? name };
}

interface Asking {
  identity: Identity;
  headers: z.output<typeof askingHeaders>;
}
