/** The time that all share: told by Redis, and kept between two tellings by a clock that nobody sets. */
import { describe, expect, it, vi } from "vitest";
import { createSharedClock, timeOf } from "../../src/redis/clock.ts";
import { createRecords } from "../../src/redis/records.ts";
import { deployment, note } from "../contract/deployment.ts";
import { openTestRecords } from "./records.ts";

describe("the shared clock", () => {
  it("believes its host only until Redis has told the time", () => {
    let steady = 500;
    const clock = createSharedClock(() => steady, 10_000);
    expect(clock.now()).toBe(10_000);
    const hear = clock.ask();
    steady += 20;
    hear(3_600_000);
    expect(clock.now()).toBeGreaterThanOrEqual(3_600_000);
    expect(clock.now()).toBeLessThanOrEqual(3_600_021);
    steady += 1_000;
    expect(clock.now()).toBeGreaterThanOrEqual(3_601_000);
  });

  it("learns little from a slow answer", () => {
    let steady = 0;
    const clock = createSharedClock(() => steady, 1_000_000);
    clock.ask()(2_000_000);
    const hear = clock.ask();
    steady += 90_000;
    hear(2_000_010);
    expect(clock.now()).toBe(2_090_000);
  });

  it("follows Redis when that is set, either way", () => {
    const clock = createSharedClock(() => 0, 0);
    for (const at of [5_000_000, 1_000_000, 9_000_000]) {
      clock.ask()(at);
      expect(Math.abs(clock.now() - at)).toBeLessThanOrEqual(1);
    }
  });

  it("does not care what is done to the clock of its host", () => {
    const clock = createSharedClock();
    const before = clock.now();
    vi.useFakeTimers({ toFake: ["Date"], now: 0 });
    try {
      expect(clock.now() - before).toBeLessThan(60_000);
      expect(clock.now()).toBeGreaterThanOrEqual(before);
    } finally {
      vi.useRealTimers();
    }
  });

  it("hears the time with every claim", async () => {
    const store = await openTestRecords();
    const { redis, prefix } = store;
    const clock = createSharedClock(() => performance.now(), 0);
    const records = createRecords({ redis, subscriber: () => redis, prefix, clock });
    try {
      await records.create(deployment("one"), [note(0)], { whenBusy: "queue" });
      expect(clock.now()).toBeLessThan(3_600_000);
      await records.claim("one");
      const told = timeOf(await redis.time());
      expect(Math.abs(told - clock.now())).toBeLessThan(5_000);
    } finally {
      await records.close();
      await store.close();
    }
  });
});
