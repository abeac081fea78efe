/** Headers that say who asks and how a request is told from its repetition. */
import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
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

/** Tells a request from others, and from the same key in another's hands; undefined where it has none. */
export function keyOf({
  identity,
  headers,
}: Pick<FastifyRequest, "identity" | "headers">): string | undefined {
  const key = headers["idempotency-key"];
  if (typeof key !== "string") return undefined;
  return createHash("sha256").update(`${identity.id}\n${key}`).digest("hex").slice(0, 32);
}

interface Asking {
  identity: Identity;
  headers: z.output<typeof askingHeaders>;
}
