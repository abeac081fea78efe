/** A Redis that refuses everything must not be asked thousands of times a second. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { Redis } from "ioredis";
import { connectRedis } from "../../src/redis/connection.ts";
import { startRounds } from "../../workers/rounds.ts";
import { type DedicatedRedis, startDedicatedRedis } from "../support/redis.ts";

let server: DedicatedRedis;
let admin: Redis;

beforeEach(async () => {
  server = await startDedicatedRedis();
  admin = new Redis(server.url);
});

afterEach(async () => {
  admin.disconnect();
  await server.close();
});

async function commandsSoFar(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await admin.info("stats"))?.[1]);
}

it("rests after a refusal, and goes on when it passes", async () => {
  const refusals: unknown[] = [];
  let rounds = 0;
  const connection = connectRedis(server.url, "jobs", { warn: () => {} });
  const log = { warn: (fields: object) => void refusals.push(fields), error: () => {} };
  const work = async () => {
    rounds += 1;
  };
  const options = { connection, prefix: server.prefix, log, everyMs: 100, lockMs: 1_000, stalledMs: 500 };
  const running = startRounds("rounds", work, options);
  try {
    await expect.poll(() => rounds, { timeout: 10_000 }).toBeGreaterThan(1);
    await admin.config("SET", "maxmemory", "1");
    await expect.poll(() => refusals.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const before = await commandsSoFar();
    const end = Date.now() + 2_000;
    await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(end);
    // Without a rest they are tens of thousands.
    expect((await commandsSoFar()) - before).toBeLessThan(1_000);
    await admin.config("SET", "maxmemory", "0");
    const then = rounds;
    await expect.poll(() => rounds, { timeout: 10_000 }).toBeGreaterThan(then + 1);
  } finally {
    await running.stop();
    connection.disconnect();
  }
});
