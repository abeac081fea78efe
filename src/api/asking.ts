/** Headers that say who asks and how a request is told from its repetition. */
import { z } from "zod";
import type { Actor } from "../deployment/record.ts";
import { actorHeader, idempotencyKey } from "./contract.ts";

/** Not strict: a request carries many other headers. */
export const askingHeaders = z.object({
  "teal-actor": actorHeader.optional(),
  "idempotency-key": idempotencyKey.optional(),
});
type AskingHeaders = z.output<typeof askingHeaders>;

/** Whoever has the token may give any name: it is for the history, not for permission. */
export function actorOf(headers: AskingHeaders): Actor {
  return { kind: "operator", name: headers["teal-actor"] ?? "api" };
}
