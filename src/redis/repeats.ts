/** Idempotency keys of requests: a value each, which goes by itself. */
import type { Redis } from "ioredis";
import { asking } from "./errors.ts";
import { defaultLimits } from "./limits.ts";

interface Entry<Answer> {
  request: string;
  answer?: Answer;
}

/** Implements the port `RepeatBook` of the API; an answer is whatever JSON can hold. */
export function createRepeatBook<Answer>(redis: Redis, prefix: string, keptMs = defaultLimits.idempotencyMs) {
  const keyOf = (key: string) => `${prefix}:repeat:${key}`;
  return {
    take: (key: string, request: string) =>
      asking("look for an earlier request", async () => {
        const entry: Entry<Answer> = { request };
        const set = await redis.set(keyOf(key), JSON.stringify(entry), "PX", keptMs, "NX").catch(unlessFull);
        const found = set === "OK" ? null : await redis.get(keyOf(key));
        // It may have gone in between, or there was no room for it.
        if (found === null) return { kind: "new" as const };
        const { request: earlier, answer }: Entry<Answer> = JSON.parse(found);
        if (earlier !== request) return { kind: "other" as const };
        return { kind: "same" as const, ...(answer !== undefined && { answer }) };
      }),
    keep: async (key: string, request: string, answer: Answer): Promise<void> => {
      const entry: Entry<Answer> = { request, answer };
      await asking("keep an answer", () => redis.set(keyOf(key), JSON.stringify(entry), "PX", keptMs));
    },
    release: async (key: string): Promise<void> => {
      await asking("forget a request", () => redis.del(keyOf(key)));
    },
  };
}

/** A rollback is accepted by a Redis whose memory is full, so its key must not be what it is refused for. */
function unlessFull(error: unknown): null {
  if (error instanceof Error && error.message.startsWith("OOM")) return null;
  throw error;
}
