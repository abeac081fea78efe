/** Idempotency keys in memory. The contract suite holds them to what those in Redis do. */
import type { Kept, RepeatBook } from "../../src/api/repeats.ts";

export function createMemoryRepeats(): RepeatBook {
  const taken = new Map<string, { request: string; answer?: Kept }>();
  return {
    take: async (key, request) => {
      const earlier = taken.get(key);
      if (!earlier) {
        taken.set(key, { request });
        return { kind: "new" };
      }
      if (earlier.request !== request) return { kind: "other" };
      return { kind: "same", ...(earlier.answer && { answer: earlier.answer }) };
    },
    keep: async (key, request, answer) => void taken.set(key, { request, answer }),
    release: async (key) => void taken.delete(key),
  };
}
