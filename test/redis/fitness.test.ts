/** Which Redis is refused at the start, and what is said about one that could lose something. */
import { afterEach, describe, expect, it } from "vitest";
import type { Redis } from "ioredis";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { checkRedis } from "../../src/redis/fitness.ts";
import type { RedisServerOptions } from "../support/redis-server.ts";
import { startDedicatedRedis } from "../support/redis.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: RedisServerOptions = {}): Promise<Redis> {
  const server = await startDedicatedRedis(options);
  closing.push(() => server.close());
  const redis = connectRedis(server.url, "records", { warn: () => {} });
  closing.push(() => redis.disconnect());
  await openRedis(redis);
  return redis;
}

describe("refuses", () => {
  it("a Redis that evicts keys, and names both reasons to refuse", async () => {
    const redis = await open({ settings: { "maxmemory-policy": "allkeys-lru" } });
    await expect(checkRedis(redis)).rejects.toMatchObject({
      code: "bad-redis",
      message: expect.stringMatching(
        /version \d+\.\d+\.\d+ with maxmemory-policy allkeys-lru.*6\.2.*noeviction/,
      ),
    });
  });

  it("a replica", async () => {
    const redis = await open({ appendOnly: true, settings: { replicaof: "127.0.0.1 1" } });
    await expect(checkRedis(redis)).rejects.toMatchObject({
      code: "bad-redis",
      message: expect.stringMatching(/Redis at 127\.0\.0\.1:\d+ is a replica of 127\.0\.0\.1:1/),
    });
  });
});

describe("tells what would be lost", () => {
  it.each([
    [{ settings: { save: "" } }, /keeps nothing on disk/],
    [{ settings: { save: "3600 1" } }, /snapshots only/],
    [{ appendOnly: true, settings: { appendfsync: "everysec" } }, /everysec.*up to two seconds/],
    [{ appendOnly: true, settings: { appendfsync: "no" } }, /appendfsync no.*about 30 s/],
  ])("%j", async (options, warning) => {
    expect(await checkRedis(await open(options))).toEqual([expect.stringMatching(warning)]);
  });

  it("where CONFIG is forbidden, as much as it knows", async () => {
    const redis = await open({ appendOnly: true });
    await redis.acl("SETUSER", "default", "-config");
    expect(await checkRedis(redis)).toEqual([expect.stringMatching(/does not tell how often/)]);
  });

  it("with replicas asked for, that they are missing", async () => {
    const redis = await open({ appendOnly: true, settings: { appendfsync: "everysec" } });
    expect(await checkRedis(redis, 1)).toEqual([expect.stringMatching(/has 0 replicas .* asks for 1/)]);
  });
});

it("is content with an append-only file that is synced always", async () => {
  expect(await checkRedis(await open({ appendOnly: true }))).toEqual([]);
});
