/** One connection, while sentinels choose another master. */
import { Redis } from "ioredis";
import { afterEach, expect, it } from "vitest";
import { connectRedis, openRedis } from "../../../src/redis/connection.ts";
import { startSentinels } from "../../support/sentinels.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it("comes back where it is told of the failover while it asks a sentinel that hangs", async () => {
  const sentinels = await startSentinels({ downAfterMs: 500 });
  closing.push(() => sentinels.close());
  const { addresses, name, processes, first } = sentinels;
  const redis = connectRedis({ sentinels: addresses, masterName: name, tls: false }, "records", {
    warn: () => {},
  });
  closing.push(() => redis.disconnect());
  await openRedis(redis);
  await expect.poll(() => Promise.all(addresses.map(listeners))).toEqual([1, 1, 1]);

  // It is the first that is asked; the other two agree without it.
  processes[0]?.freeze();
  await first.kill();
  await expect.poll(() => redis.status).not.toBe("ready");
  await expect.poll(() => redis.status, { timeout: 40_000 }).toBe("ready");
  expect(await redis.set("still", "there")).toBe("OK");
});

/** How many connections a sentinel tells of failovers. */
async function listeners(address: { host: string; port: number }): Promise<number> {
  const redis = new Redis({ ...address, lazyConnect: true });
  try {
    await redis.connect();
    const clients = String(await redis.call("CLIENT", "LIST"));
    return clients.split("\n").filter((line) => / sub=1 /.test(line)).length;
  } finally {
    redis.disconnect();
  }
}
