/** Where the demo's Redis comes from. */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { startOwnRedis } from "../../test/support/redis-source.ts";

/** The Redis of REDIS_URL, in a corner of its own, or one that is started for this and thrown away. */
export async function openRedis(): Promise<{ url: string; prefix: string; close(): Promise<void> }> {
  const prefix = `{teal-demo-${randomBytes(4).toString("hex")}}`;
  const given = process.env["REDIS_URL"];
  if (!given) {
    const own = await startOwnRedis({ appendOnly: true });
    return { url: own.url, prefix, close: () => own.close() };
  }
  return { url: given, prefix, close: () => removeKeys(given, prefix) };
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 5_000 });
  redis.on("error", () => undefined);
  try {
    let cursor = "0";
    do {
      const [next, keys] = await redis.scan(cursor, "MATCH", `${prefix}*`, "COUNT", 1_000);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    } while (cursor !== "0");
  } finally {
    redis.disconnect();
  }
}
