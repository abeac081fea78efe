/** Workers whose Redis, or whose fellows, fail under them. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Redis } from "ioredis";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { createRecords, type RedisRecords } from "../../src/redis/records.ts";
import { createWakes, type RedisWakes } from "../../src/redis/wakes.ts";
import { deployment, note } from "../contract/deployment.ts";
import { type RunningProcess, startBuilt } from "../support/processes.ts";
import { type DedicatedRedis, startDedicatedRedis } from "../support/redis.ts";

const quiet = { warn: () => {} };
const turns = 30;
const ids = ["a", "b", "c", "d", "e"];
const patience = { timeout: 30_000, interval: 50 };

let server: DedicatedRedis;
let redis: Redis;
let records: RedisRecords;
let wakes: RedisWakes;

beforeEach(async () => {
  server = await startDedicatedRedis({ appendOnly: true });
  const { url, prefix } = server;
  redis = connectRedis(url, "records", quiet);
  await openRedis(redis);
  records = createRecords({ redis, subscriber: () => connectRedis(url, "subscriber", quiet), prefix });
  wakes = createWakes({ redis, prefix, log: quiet });
  for (const id of ids) {
    const d = deployment(id, { service: id, createdAt: Date.now() });
    await records.create(d, [note(0)], { whenBusy: "reject" });
  }
});

afterEach(async () => {
  await wakes.close();
  redis.disconnect();
  await server.close();
});

function start(name: string): RunningProcess {
  const { url, prefix } = server;
  const options = { url, prefix, turns, pauseMs: 50, lockMs: 1_000, stalledMs: 300, sweepMs: 500 };
  return startBuilt("test/workers/countdown.js", [JSON.stringify(options)], { name });
}

async function begin(...workers: RunningProcess[]): Promise<void> {
  for (const worker of workers) await worker.waitForLine(/consuming/);
  for (const id of ids) await wakes.wake(id);
  for (const worker of workers) await worker.waitForLine(/step 3$/);
}

/** No turn was written twice or left out. */
const undisturbed = ids.map(() => ["line 0", ...Array.from({ length: turns }, (_, i) => `step ${i + 1}`)]);

/** The history of each deployment, once all have reached their end. */
async function histories(): Promise<string[][]> {
  const all: string[][] = [];
  for (const id of ids) {
    await expect
      .poll(async () => (await records.load(id).catch(() => undefined))?.step, patience)
      .toBe(turns);
    all.push((await records.events(id, 0, 100)).map((event) => event.message));
  }
  return all;
}

it("go on by themselves after Redis was killed and restarted", { timeout: 60_000 }, async () => {
  await begin(start("first"), start("second"));
  await server.kill();
  await expect(records.load("a")).rejects.toMatchObject({ code: "unavailable" });
  await server.restart();
  expect(await histories()).toEqual(undisturbed);
});

it("go on after Redis hung", { timeout: 60_000 }, async () => {
  await begin(start("first"), start("second"));
  await server.freeze();
  await expect(records.load("a")).rejects.toMatchObject({ code: "unavailable" });
  await server.thaw();
  expect(await histories()).toEqual(undisturbed);
});

it("take over from one that is frozen, which does no harm when it thaws", { timeout: 60_000 }, async () => {
  const frozen = start("frozen");
  await begin(frozen);
  frozen.freeze();
  const other = start("other");
  await other.waitForLine(/step 20$/, 30_000);
  frozen.thaw();
  expect(await histories()).toEqual(undisturbed);
});
