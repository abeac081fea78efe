/** A request to a webhook, as it came. */
import { TealError } from "../../errors.ts";

export interface Request {
  /** By its name in lower case; undefined where there is none, or several. */
  header: (name: string) => string | undefined;
  /** To the byte: what is checked. */
  body: Buffer;
}

/** Throws `bad-request`. */
export function parsed(body: Buffer): { body: string; payload: Record<string, unknown> } {
  const text = body.toString("utf8");
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch {
    throw new TealError("bad-request", "The body is not JSON.");
  }
  if (!isMapping(payload)) throw new TealError("bad-request", "The body is not a JSON object.");
  return { body: text, payload };
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
