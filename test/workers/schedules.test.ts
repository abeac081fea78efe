/** Recurring schedules: what each occurrence asks for, once, and what becomes of those that can't be kept. */
import { Queue } from "bullmq";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConfiguredService } from "../../src/config/configured.ts";
import type { Schedule } from "../../src/config/schedules.ts";
import { presets } from "../../src/deployment/strategy.ts";
import type { CommandOrder, Order } from "../../src/engine/engine.ts";
import { TealError } from "../../src/errors.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { keepSchedule, lateMsMax, type ScheduleParts, startSchedules } from "../../workers/schedules.ts";
import { deployment } from "../contract/deployment.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";
import { need } from "../support/world.ts";

const at = Date.UTC(2026, 5, 1, 7);
const strategy = need(presets["all-at-once"]);
const morning: Schedule = {
  name: "morning",
  cron: "0 9 * * Mon-Fri",
  timezone: "Europe/Berlin",
  service: "checkout",
  asks: { kind: "promote", full: true, ifHealthy: true },
};
const weekly: Schedule = {
  ...morning,
  name: "weekly",
  asks: { kind: "deploy", strategy, request: { taskDefinition: "checkout", reason: "schedule weekly" } },
};
const { target } = deployment("d-1", { service: "checkout" });
const checkout: ConfiguredService = {
  target,
  strategy,
  strategies: {},
  whenBusy: "reject",
  calendar: { windows: [], freezes: [] },
};

interface Asked {
  started: Order[];
  asked: { id: string; order: CommandOrder }[];
}

function parts(more: Partial<ScheduleParts> & { acting?: string; refusal?: TealError } = {}) {
  const made: Asked = { started: [], asked: [] };
  const { acting, refusal, ...rest } = more;
  const all: ScheduleParts = {
    engine: {
      start: async (order) => {
        if (refusal) throw refusal;
        made.started.push(order);
        return { deployment: deployment("d-2"), existing: false };
      },
      ask: async (id, order) => {
        if (refusal) throw refusal;
        made.asked.push({ id, order });
        return { id: "c", kind: order.kind, actor: order.actor, at };
      },
    },
    records: { slot: async () => ({ ...(acting !== undefined && { acting }), queue: [] }) },
    clock: { now: () => at + 5 },
    schedules: () => [morning, weekly],
    services: () => ({ checkout }),
    ...rest,
  };
  return { ...made, parts: all };
}

describe("an occurrence", () => {
  it("asks the deployment that acts to promote, under a key of its own", async () => {
    const on = parts({ acting: "d-1" });
    expect(await keepSchedule(morning, at, on.parts)).toBe("asked d-1 to promote");
    expect(on.asked).toEqual([
      {
        id: "d-1",
        order: {
          kind: "promote",
          actor: { kind: "schedule", name: "morning" },
          full: true,
          ifHealthy: true,
          reason: "schedule morning",
          commandId: `schedule-morning-${at}`,
        },
      },
    ]);
  });

  it("is left out where nothing acts", async () => {
    expect(await keepSchedule(morning, at, parts().parts)).toBe("left out: no deployment of checkout acts");
  });

  it("starts a deployment, queued, under a key of its own", async () => {
    const on = parts();
    expect(await keepSchedule(weekly, at, on.parts)).toBe("started d-2");
    expect(on.started).toMatchObject([
      {
        target,
        strategy,
        whenBusy: "queue",
        idempotencyKey: `schedule-weekly-${at}`,
        actor: { kind: "schedule" },
      },
    ]);
  });

  it("is left out when it comes too late, and where its service is gone", async () => {
    const late = parts({ acting: "d-1", clock: { now: () => at + lateMsMax + 1 } });
    expect(await keepSchedule(morning, at, late.parts)).toBe("left out: it comes 10 min late");
    const gone = parts({ services: () => ({}) });
    expect(await keepSchedule(weekly, at, gone.parts)).toBe("left out: there is no service checkout");
    expect([...late.asked, ...gone.started]).toEqual([]);
  });

  it("that is refused is told; one that can't be kept is tried again", async () => {
    const refused = parts({ refusal: new TealError("busy", "d-9 acts on checkout") });
    expect(await keepSchedule(weekly, at, refused.parts)).toBe("left out: d-9 acts on checkout");
    const away = parts({ refusal: new TealError("unavailable", "Redis is away") });
    await expect(keepSchedule(weekly, at, away.parts)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("the schedulers in Redis", () => {
  let store: TestRecords;
  beforeEach(async () => {
    store = await openTestRecords();
  });
  afterEach(() => store.close());

  const silent = { warn: () => {}, error: () => {}, info: () => {} };

  it("are those of the configuration, in their zones, and fire once each time", async () => {
    const jobs = connectRedis(store.url, "jobs", silent);
    const kept: string[] = [];
    // Six fields: every second.
    const often: Schedule = { ...morning, cron: "* * * * * *" };
    const on = parts({ acting: "d-1", schedules: () => [often, weekly], clock: { now: () => Date.now() } });
    const tell = {
      info: (fields: object, what: string) => void kept.push(`${JSON.stringify(fields)} ${what}`),
    };
    const running = [1, 2].map(() =>
      startSchedules({
        ...on.parts,
        connection: jobs,
        prefix: store.prefix,
        lockMs: 5_000,
        stalledMs: 1_000,
        tell,
        log: silent,
      }),
    );
    try {
      await expect.poll(() => on.asked.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
      const keys = on.asked.map(({ order }) => order.commandId);
      expect(new Set(keys).size).toBe(keys.length);
      for (const key of keys) expect(Number(key?.split("-").at(-1)) % 1_000).toBe(0);
      expect(kept[0]).toContain("asked d-1 to promote");
      const queue = new Queue("schedules", { connection: jobs, prefix: store.prefix });
      const schedulers = await queue.getJobSchedulers();
      await queue.close();
      expect(schedulers).toContainEqual(
        expect.objectContaining({ key: "weekly", pattern: "0 9 * * Mon-Fri", tz: "Europe/Berlin" }),
      );
    } finally {
      await Promise.all(running.map((one) => one.stop()));
      jobs.disconnect();
    }
  });

  it("that were taken out of the configuration fire no more", async () => {
    const jobs = connectRedis(store.url, "jobs", silent);
    const queue = new Queue("schedules", { connection: jobs, prefix: store.prefix });
    await queue.upsertJobScheduler("old", { pattern: "0 9 * * *" }, { name: "old" });
    const on = parts({ schedules: () => [weekly] });
    const running = startSchedules({
      ...on.parts,
      connection: jobs,
      prefix: store.prefix,
      lockMs: 5_000,
      stalledMs: 1_000,
      tell: silent,
      log: silent,
    });
    try {
      await expect
        .poll(async () => (await queue.getJobSchedulers()).map(({ key }) => key), { timeout: 10_000 })
        .toEqual(["weekly"]);
    } finally {
      await running.stop();
      await queue.close();
      jobs.disconnect();
    }
  });
});
