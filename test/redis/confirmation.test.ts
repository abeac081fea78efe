/** Acceptance that replicas confirm. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Redis } from "ioredis";
import { confirming } from "../../src/redis/confirmation.ts";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { createRecords, type RedisRecords } from "../../src/redis/records.ts";
import { command, deployment, note } from "../contract/deployment.ts";
import { type RedisServer, startLocalRedis } from "../support/redis-server.ts";

const prefix = "{confirmed}";
const closing: (() => unknown)[] = [];
let master: RedisServer;
let accepting: Redis;
let records: RedisRecords;

const connect = async ({ url }: RedisServer): Promise<Redis> => {
  const redis = connectRedis(url, "records", { warn: () => {} });
  closing.push(() => redis.disconnect());
  await openRedis(redis);
  return redis;
};

beforeEach(async () => {
  master = await startLocalRedis({ settings: { "repl-diskless-sync-delay": 0 } });
  closing.push(() => master.close());
  const redis = await connect(master);
  accepting = await connect(master);
  const keep = confirming({ redis: accepting, prefix, replicas: 1, timeoutMs: 1_500 });
  records = createRecords({ redis, subscriber: () => redis, prefix, keep });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startReplica(): Promise<RedisServer> {
  const replica = await startLocalRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } });
  closing.push(() => replica.close());
  await expect.poll(() => accepting.wait(1, 100), { timeout: 10_000 }).toBe(1);
  return replica;
}

const create = (id: string) =>
  records.create(deployment(id, { service: id }), [note(0)], { whenBusy: "reject" });
const post = () => records.post("a", command("c"), 1);
const unavailable = (why: RegExp) => ({ code: "unavailable", message: expect.stringMatching(why) });

it("what is accepted is on the replica", async () => {
  const replica = await connect(await startReplica());
  expect(await create("a")).toMatchObject({ kind: "created" });
  expect(await replica.hget(`${prefix}:d:a`, "epoch")).toBe("0");
  expect(await post()).toBe("posted");
  expect(await replica.llen(`${prefix}:d:a:inbox`)).toBe(1);
});

it("without a replica nothing is created, and a command is kept but not acknowledged", async () => {
  const replica = await startReplica();
  await create("a");
  await replica.kill();
  await expect(create("b")).rejects.toMatchObject(unavailable(/0 of 1 replicas.*nothing was written/));
  expect(await records.load("b")).toBeUndefined();
  await expect(post()).rejects.toMatchObject(unavailable(/it was written/));
  expect((await records.claim("a"))?.inbox).toHaveLength(1);
});

it("a repetition is acknowledged only once the replica has what the first attempt wrote", async () => {
  const replica = await startReplica();
  await create("a");
  await replica.freeze();
  await expect(post()).rejects.toMatchObject(unavailable(/it was written/));
  await expect(post()).rejects.toMatchObject(unavailable(/it was written/));
  await replica.thaw();
  await expect.poll(post, { timeout: 10_000 }).toBe("posted");
});

it("a connection that was lost meanwhile confirms nothing", async () => {
  await startReplica();
  const keep = confirming({ redis: accepting, prefix, replicas: 1, timeoutMs: 1_500 });
  const write = async (redis: Redis): Promise<void> => {
    await redis.set(`${prefix}:x`, "1");
    const closed = new Promise((resolve) => redis.once("close", resolve));
    redis.disconnect(true);
    await closed;
    await expect.poll(() => redis.status).toBe("ready");
  };
  await expect(keep("ask", write)).rejects.toMatchObject(unavailable(/connection was lost/));
});

it("those who ask at the same time share a round", async () => {
  const replica = await startReplica();
  const ids = Array.from({ length: 50 }, (_, i) => `d${i}`);
  expect((await Promise.all(ids.map(create))).every(({ kind }) => kind === "created")).toBe(true);
  await replica.freeze();
  const startedAt = Date.now();
  const refused = await Promise.allSettled(ids.map((id) => create(`${id}-again`)));
  expect(refused.every(({ status }) => status === "rejected")).toBe(true);
  // One after the other they would take more than a minute.
  expect(Date.now() - startedAt).toBeLessThan(12_000);
});
