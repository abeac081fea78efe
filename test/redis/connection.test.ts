/** What Teal does with a Redis that is unfit, ill or away. */
import { afterEach, describe, expect, it } from "vitest";
import type { Redis } from "ioredis";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { createRecords, type RedisRecords } from "../../src/redis/records.ts";
import { command, decision, deployment, note } from "../contract/deployment.ts";
import type { RedisServerOptions } from "../support/redis-server.ts";
import { type DedicatedRedis, startDedicatedRedis } from "../support/redis.ts";

const quiet = { warn: () => {} };
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Opened {
  server: DedicatedRedis;
  redis: Redis;
  records: RedisRecords;
}

async function open(options: RedisServerOptions = {}): Promise<Opened> {
  const server = await startDedicatedRedis(options);
  closing.push(() => server.close());
  const redis = connectRedis(server.url, "records", quiet);
  closing.push(() => redis.disconnect());
  await openRedis(redis);
  const subscriber = (): Redis => connectRedis(server.url, "subscriber", quiet);
  const records = createRecords({ redis, subscriber, prefix: server.prefix });
  closing.push(() => records.close());
  return { server, redis, records };
}

const create = (records: RedisRecords, id: string): Promise<unknown> =>
  records.create(deployment(id, { service: id }), [note(0)], { whenBusy: "queue" });

describe("at the start", () => {
  it("says where Redis should have been", async () => {
    const redis = connectRedis("redis://127.0.0.1:1", "records", quiet);
    await expect(openRedis(redis, 200)).rejects.toMatchObject({
      code: "unavailable",
      message: "Redis at 127.0.0.1:1 did not answer within 200 ms",
    });
  });
});

it("waits at the start for a Redis that starts later", async () => {
  const { server } = await open();
  await server.kill();
  const redis = connectRedis(server.url, "records", quiet);
  closing.push(() => redis.disconnect());
  const opened = openRedis(redis, 10_000);
  await expect.poll(() => redis.status).toBe("reconnecting");
  await server.restart();
  await opened;
  expect(await redis.ping()).toBe("PONG");
});

describe("records", () => {
  it("are refused at once while Redis is away, and kept again when it is back", async () => {
    const { server, records } = await open({ appendOnly: true });
    const heard: string[] = [];
    await records.subscribe((id) => heard.push(id));
    await create(records, "a");
    await server.kill();
    const startedAt = Date.now();
    await expect(create(records, "b")).rejects.toMatchObject({ code: "unavailable", retryAfterMs: 1_000 });
    await expect(records.load("a")).rejects.toMatchObject({ code: "unavailable" });
    // Waiting for either of them would take five seconds.
    expect(Date.now() - startedAt).toBeLessThan(4_000);
    await server.restart();
    await expect.poll(() => create(records, "b"), { timeout: 10_000 }).toMatchObject({ kind: "created" });
    expect(await records.load("a")).toBeDefined();
    // The subscription came back by itself.
    let n = 0;
    await expect
      .poll(async () => create(records, `c${n++}`).then(() => heard.some((id) => id.startsWith("c"))), {
        timeout: 10_000,
      })
      .toBe(true);
  });

  it("are refused within the limit by a Redis that hangs", async () => {
    const { server, records } = await open();
    await server.freeze();
    await expect(create(records, "a")).rejects.toMatchObject({ code: "unavailable" });
    await server.thaw();
    await expect.poll(() => create(records, "b"), { timeout: 10_000 }).toMatchObject({ kind: "created" });
  });

  it("are not created, and no command is kept, after whoever asked was told that it failed", async () => {
    const { server, redis, records } = await open();
    await create(records, "a");
    const permits = () => redis.keys(`${server.prefix}:permit:*`);
    const gone = async () => {
      await expect.poll(permits, { timeout: 10_000 }).toEqual([]);
    };
    await gone();
    const delayed = createRecords({
      redis,
      subscriber: () => redis,
      prefix: server.prefix,
      permitMs: 50,
      // As if it lay in the connection to a Redis that hangs.
      keep: async (_, write) => {
        await gone();
        return write(redis);
      },
    });
    const late = { code: "unavailable", message: expect.stringContaining("nothing was written") };
    await expect(create(delayed, "b")).rejects.toMatchObject(late);
    await expect(delayed.post("a", command("c"), 1)).rejects.toMatchObject(late);
    expect(await records.load("b")).toBeUndefined();
    expect((await records.claim("a"))?.inbox).toEqual([]);
  });

  it("are refused by a replica", async () => {
    const { redis, records } = await open();
    await redis.replicaof("127.0.0.1", 1);
    await expect(create(records, "a")).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => redis.replicaof("NO", "ONE").catch(() => "away"), { timeout: 5_000 }).toBe("OK");
    await expect.poll(() => create(records, "a"), { timeout: 10_000 }).toMatchObject({ kind: "created" });
  });

  it("are refused whole when memory is full, never in part", async () => {
    const { redis, records } = await open();
    await create(records, "a");
    const held = await records.claim("a");
    if (!held) throw new Error("absent");
    await redis.config("SET", "maxmemory", "1");
    const unavailable = { code: "unavailable" };
    await expect(create(records, "b")).rejects.toMatchObject(unavailable);
    await expect(records.commit(held, decision(held.deployment), 1)).rejects.toMatchObject(unavailable);
    await expect(records.post("a", command("c"), 1)).rejects.toMatchObject(unavailable);
    expect(await redis.keys("*:d:b*")).toEqual([]);
    await redis.config("SET", "maxmemory", "0");
    expect((await records.commit(held, decision(held.deployment), 1)).kind).toBe("committed");
    expect(await records.events("a", 0, 10)).toHaveLength(2);
  });

  it("take the way back also where memory is full", async () => {
    const { redis, records } = await open();
    await create(records, "a");
    await redis.config("SET", "maxmemory", "1");
    expect(await records.post("a", command("c", { kind: "rollback" }), 1)).toBe("posted");
    const held = await records.claim("a");
    if (!held) throw new Error("absent");
    expect(held.inbox).toHaveLength(1);
    const onward = decision(held.deployment, { phase: "shifting" });
    await expect(records.commit(held, onward, 1)).rejects.toMatchObject({ code: "unavailable" });
    const back = decision(held.deployment, { phase: "rolling_back" });
    expect((await records.commit(held, back, 1)).kind).toBe("committed");
    expect(await records.events("a", 0, 10)).toHaveLength(2);
  });
});
