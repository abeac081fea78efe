import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Kept, RepeatBook } from "../../src/api/repeats.ts";
import { createRepeatBook } from "../../src/redis/repeats.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";
import { startDedicatedRedis } from "../support/redis.ts";
import { createMemoryRepeats } from "../support/memory-repeats.ts";

let redis: TestRecords;
let count = 0;
beforeAll(async () => {
  redis = await openTestRecords();
});
afterAll(() => redis.close());

const answer: Kept = { status: 201, body: '{"id":"d1"}', location: "/v1/deployments/d1" };

describe.each([
  ["in Redis", () => createRepeatBook<Kept>(redis.redis, `${redis.prefix}:${(count += 1)}`)],
  ["in memory", createMemoryRepeats],
])("idempotency keys %s", (_where, create) => {
  let book: RepeatBook;
  beforeEach(() => {
    book = create();
  });

  it("belong to the request that took them first", async () => {
    expect(await book.take("k", "a")).toEqual({ kind: "new" });
    expect(await book.take("k", "a")).toEqual({ kind: "same" });
    expect(await book.take("k", "b")).toEqual({ kind: "other" });
    expect(await book.take("l", "b")).toEqual({ kind: "new" });
  });

  it("give its answer back, in full", async () => {
    await book.take("k", "a");
    await book.keep("k", "a", answer);
    expect(await book.take("k", "a")).toEqual({ kind: "same", answer });
    expect(await book.take("k", "b")).toEqual({ kind: "other" });
  });

  it("are free once released", async () => {
    await book.take("k", "a");
    await book.release("k");
    expect(await book.take("k", "b")).toEqual({ kind: "new" });
  });
});

it("keys go by themselves after a while, kept answers too", async () => {
  const book = createRepeatBook<Kept>(redis.redis, `${redis.prefix}:short`, 50);
  await book.take("k", "a");
  await book.keep("k", "a", answer);
  await expect.poll(() => book.take("k", "b")).toEqual({ kind: "new" });
});

it("a memory that is full keeps nobody from asking", async () => {
  const full = await startDedicatedRedis();
  const connection = new Redis(full.url);
  const book = createRepeatBook<Kept>(connection, "{teal}");
  await book.take("k", "a");
  await connection.config("SET", "maxmemory", "1");
  expect(await book.take("k", "b")).toEqual({ kind: "other" });
  expect(await book.take("l", "b")).toEqual({ kind: "new" });
  await expect(book.keep("l", "b", answer)).rejects.toMatchObject({ code: "unavailable" });
  connection.disconnect();
  await full.close();
});
