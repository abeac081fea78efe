import type { AwsError } from "../model/error.ts";

/** A result as plain values: times as `time` writes them, maps as objects, nothing undefined. */
export function plainOf(value: unknown, time: (time: Date) => unknown): unknown {
  if (value instanceof Date) return time(value);
  if (value instanceof Map) return plainOf(Object.fromEntries(value), time);
  if (Array.isArray(value)) return value.map((one) => plainOf(one, time));
  if (typeof value !== "object" || value === null) return value;
  const plain: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) plain[key] = plainOf(member, time);
  }
  return plain;
}

/** The header in which a service that once spoke the query protocol repeats that protocol's error code. */
export function queryErrorOf(error: AwsError): Record<string, string> {
  return { "x-amzn-query-error": `${error.code};${error.fault === "client" ? "Sender" : "Receiver"}` };
}
