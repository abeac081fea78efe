/** What every book of deliveries does: the one in Redis, and the one in memory that the tests of the API use. */
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Deliveries, Delivery } from "../../src/api/webhooks/delivery.ts";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { bookLimits, type BookLimits, createDeliveries } from "../../src/redis/deliveries.ts";
import { createMemoryDeliveries } from "../support/memory-deliveries.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

let corner: TestRedis;
let redis: Redis;
beforeAll(async () => {
  corner = await startRedis();
  redis = connectRedis(corner.url, "records", { warn: () => {} });
  await openRedis(redis);
});
afterAll(async () => {
  redis.disconnect();
  await corner.close();
});

/** Each under a prefix of its own. */
const inRedis = (limits: Partial<BookLimits> = {}): { prefix: string; book: Deliveries } => {
  const prefix = `${corner.prefix}:${randomUUID()}`;
  return { prefix, book: createDeliveries<Delivery>(redis, prefix, { ...bookLimits, ...limits }) };
};

const delivery = (id: string, receivedAt = 1_000, service = "checkout"): Delivery => ({
  id,
  source: "github",
  event: "workflow_run",
  sentAt: receivedAt,
  receivedAt,
  results: [{ outcome: "started", webhook: "main", service, deployment: `d-${id}` }],
  bytes: 2,
});
const all = () => true;
const isFirst = ({ id }: Delivery) => id === "a";
const hour = 3_600_000;

describe.each<[string, () => Deliveries]>([
  ["in Redis", () => inRedis().book],
  ["in memory", () => createMemoryDeliveries(() => Date.now())],
])("a book of deliveries %s", (_, make) => {
  it("remembers what was kept, and that it had its answer", async () => {
    const book = make();
    expect(await book.isSpent("a")).toBe(false);
    expect(await book.load("a")).toBeUndefined();
    await book.keep(delivery("a"), '{"of":"a"}', hour);
    expect(await book.isSpent("a")).toBe(true);
    expect(await book.load("a")).toEqual(delivery("a"));
    expect(await book.payload("a")).toBe('{"of":"a"}');
  });

  it("forgets that it had its answer when the time for that is over", async () => {
    const book = make();
    await book.keep(delivery("a"), undefined, 1);
    await expect.poll(() => book.isSpent("a")).toBe(false);
    expect(await book.load("a")).toEqual(delivery("a"));
  });

  it("keeps a delivery without its payload", async () => {
    const book = make();
    await book.keep(delivery("a"), undefined, hour);
    expect(await book.payload("a")).toBeUndefined();
  });

  it("replaces what was kept under the same id", async () => {
    const book = make();
    await book.keep(delivery("a", 1_000, "checkout"), "1", hour);
    await book.keep(delivery("a", 1_000, "worker"), "2", hour);
    const { deliveries } = await book.list({ limit: 10, fits: all });
    expect(deliveries).toEqual([delivery("a", 1_000, "worker")]);
    expect(await book.payload("a")).toBe("2");
  });

  it("lists newest first, page by page, each once", async () => {
    const book = make();
    for (const [index, id] of ["a", "b", "c", "d", "e"].entries()) {
      await book.keep(delivery(id, 1_000 + Math.floor(index / 2)), undefined, hour);
    }
    const first = await book.list({ limit: 2, fits: all });
    expect(first.deliveries.map(({ id }) => id)).toEqual(["e", "d"]);
    const pages: string[][] = [];
    for (let before = first.next; before !== undefined;) {
      const page = await book.list({ limit: 2, before, fits: all });
      pages.push(page.deliveries.map(({ id }) => id));
      before = page.next;
    }
    expect(pages.flat()).toEqual(["c", "b", "a"]);
  });

  it("lists those that fit", async () => {
    const book = make();
    await book.keep(delivery("a", 1_000), undefined, hour);
    await book.keep(delivery("b", 1_001), undefined, hour);
    expect((await book.list({ limit: 10, fits: isFirst })).deliveries.map(({ id }) => id)).toEqual(["a"]);
  });
});

describe("in Redis", () => {
  it("only so many are kept, the oldest go, and what they came to is still known to have had its answer", async () => {
    const { book, prefix } = inRedis({ count: 2 });
    for (const [index, id] of ["a", "b", "c"].entries())
      await book.keep(delivery(id, 1_000 + index), id, hour);
    expect((await book.list({ limit: 10, fits: all })).deliveries.map(({ id }) => id)).toEqual(["c", "b"]);
    expect(await book.load("a")).toBeUndefined();
    expect(await book.payload("a")).toBeUndefined();
    expect(await book.isSpent("a")).toBe(true);
    expect((await redis.keys(`${prefix}:*`)).length).toBe(6);
  });

  it("each goes by itself when its time is over, from the list as well", async () => {
    const { book, prefix } = inRedis({ keptMs: 1_000 });
    await book.keep(delivery("a", 1_000), "{}", hour);
    expect(await redis.pttl(`${prefix}:delivery:a`)).toBeLessThanOrEqual(1_000);
    await book.keep(delivery("b", 2_001), "{}", hour);
    expect(await redis.zrange(`${prefix}:deliveries`, "0", "-1")).toEqual(["000000000002001:b"]);
  });

  it("a page ends after so many were looked at, and the next goes on there", async () => {
    const { book } = inRedis({ scan: 2 });
    for (const [index, id] of ["a", "b", "c"].entries())
      await book.keep(delivery(id, 1_000 + index), id, hour);
    const first = await book.list({ limit: 10, fits: isFirst });
    expect(first.deliveries).toEqual([]);
    expect(
      (await book.list({ limit: 10, fits: isFirst, before: first.next ?? "" })).deliveries.map(
        ({ id }) => id,
      ),
    ).toEqual(["a"]);
  });

  it("says `unavailable` where Redis doesn't answer", async () => {
    const gone = connectRedis("redis://127.0.0.1:1", "records", { warn: () => {} });
    const book = createDeliveries<Delivery>(gone, "{gone}");
    const refused = { code: "unavailable" };
    await expect(book.isSpent("a")).rejects.toMatchObject(refused);
    await expect(book.keep(delivery("a"), "{}", hour)).rejects.toMatchObject(refused);
    await expect(book.list({ limit: 1, fits: all })).rejects.toMatchObject(refused);
    gone.disconnect();
  });
});
