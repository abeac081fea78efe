/** Signed deliveries that had their answer, each a key that goes by itself. */
import type { Redis } from "ioredis";
import { asking } from "./errors.ts";

/** Implements the port `Deliveries` of the webhooks. */
export function createDeliveries(redis: Redis, keyPrefix: string) {
  const keyOf = (key: string) => `${keyPrefix}:delivery:${key}`;
  return {
    isSpent: (key: string): Promise<boolean> =>
      asking("look for an earlier delivery", async () => (await redis.exists(keyOf(key))) === 1),
    spend: async (key: string, ttlMs: number): Promise<void> => {
      await asking("remember a delivery", () => redis.set(keyOf(key), "1", "PX", ttlMs));
    },
  };
}
