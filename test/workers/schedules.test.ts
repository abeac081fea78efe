/** Recurring schedules: what each occurrence asks for, once, and what becomes of those that can't be kept. */
import { type Job, Queue } from "bullmq";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConfiguredService } from "../../src/config/configured.ts";
import type { Schedule } from "../../src/config/schedules.ts";
import { presets } from "../../src/deployment/strategy.ts";
import type { CommandOrder, Order } from "../../src/engine/engine.ts";
import { TealError } from "../../src/errors.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { patienceMs, Schedulers } from "../../workers/schedulers.ts";
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
    records: {
      slot: async () => ({ ...(acting !== undefined && { acting }), queue: [] }),
      load: async (id) => deployment(id, { createdAt: at - 60_000 }),
    },
    clock: { now: () => at + 5 },
    schedules: () => [morning, weekly],
    services: () => ({ checkout }),
    ...rest,
  };
  return { ...made, parts: all };
}

const leftOut = (why: string) => ({ kept: false, what: `left out: ${why}` });

describe("an occurrence", () => {
  it("asks the deployment that acts to promote, under a key of its own", async () => {
    const on = parts({ acting: "d-1" });
    expect(await keepSchedule(morning, at, on.parts)).toEqual({ kept: true, what: "asked d-1 to promote" });
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
    expect(await keepSchedule(morning, at, parts().parts)).toEqual(leftOut("no deployment of checkout acts"));
  });

  it("tried again once another deployment acts asks nothing of that one", async () => {
    const load = async (id: string) => deployment(id, { createdAt: at + 1 });
    const { slot } = parts({ acting: "d-3" }).parts.records;
    const on = parts({ records: { slot, load } });
    expect(await keepSchedule(morning, at, on.parts)).toEqual(
      leftOut("d-3, which acts, was asked for only later"),
    );
    expect(on.asked).toEqual([]);
  });

  it("starts a deployment, by the service's own onBusy, under a key of its own", async () => {
    const on = parts();
    expect(await keepSchedule(weekly, at, on.parts)).toEqual({ kept: true, what: "started d-2" });
    expect(on.started).toMatchObject([
      {
        target,
        strategy,
        whenBusy: "reject",
        idempotencyKey: `schedule-weekly-${at}`,
        actor: { kind: "schedule" },
      },
    ]);
  });

  it("is left out when it comes too late, and where its service is gone", async () => {
    const late = parts({ acting: "d-1", clock: { now: () => at + lateMsMax + 1 } });
    expect(await keepSchedule(morning, at, late.parts)).toEqual(leftOut("it comes 10 min late"));
    const gone = parts({ services: () => ({}) });
    expect(await keepSchedule(weekly, at, gone.parts)).toEqual(leftOut("there is no service checkout"));
    expect([...late.asked, ...gone.started]).toEqual([]);
  });

  it("that is refused is told; one that can't be kept is tried again", async () => {
    const refused = parts({ refusal: new TealError("busy", "d-9 acts on checkout") });
    expect(await keepSchedule(weekly, at, refused.parts)).toEqual(leftOut("d-9 acts on checkout"));
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
    const told = (fields: object, what: string) => void kept.push(`${JSON.stringify(fields)} ${what}`);
    const tell = { info: told, warn: told };
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

  it("are taken away and changed at once where this worker's wish is new, else in patience", async () => {
    const jobs = connectRedis(store.url, "jobs", silent);
    const queue = new Queue("schedules", { connection: jobs, prefix: store.prefix });
    const there = async () =>
      Object.fromEntries((await queue.getJobSchedulers()).map(({ key, pattern }) => [key, pattern]));
    const early = { ...morning, cron: "0 7 * * *" };
    const [old, young] = [new Schedulers(queue), new Schedulers(queue)];
    try {
      await old.agree([morning], at);
      await young.agree([early, weekly], at);
      const asYoung = { morning: early.cron, weekly: weekly.cron };
      expect(await there()).toEqual(asYoung);
      // The old one has not heard of the change yet.
      await old.agree([morning], at + 1);
      await old.agree([morning], at + patienceMs);
      expect(await there()).toEqual(asYoung);
      await old.agree([early, weekly], at + patienceMs + 1);
      expect(await there()).toEqual(asYoung);
      // Taken out again: perhaps this worker is the one that has not heard.
      await young.agree([early], at + patienceMs + 1);
      expect(await there()).toEqual(asYoung);
      await young.agree([early], at + 2 * patienceMs + 1);
      expect(await there()).toEqual({ morning: early.cron });
      // Whatever was lost is back at once.
      await queue.removeJobScheduler("morning");
      await young.agree([early], at + 2 * patienceMs + 2);
      expect(await there()).toEqual({ morning: early.cron });
    } finally {
      await queue.close();
      jobs.disconnect();
    }
  });

  it("a job that one worker doesn't know is kept by another", async () => {
    const jobs = connectRedis(store.url, "jobs", silent);
    const often: Schedule = { ...morning, cron: "* * * * * *" };
    const clock = { now: () => Date.now() };
    const knowing = parts({ acting: "d-1", schedules: () => [often], clock });
    const unknowing = parts({ schedules: () => [], clock });
    const common = { connection: jobs, prefix: store.prefix, lockMs: 5_000, stalledMs: 1_000, log: silent };
    const queue = new Queue("schedules", { connection: jobs, prefix: store.prefix });
    await new Schedulers(queue).agree([often], Date.now());
    const first = startSchedules({ ...unknowing.parts, ...common, tell: silent });
    let second: { stop(): Promise<void> } | undefined;
    try {
      let back: Job | undefined;
      const putBack = async () => {
        back = (await queue.getJobs()).find(({ id, attemptsStarted }) => id && attemptsStarted > 0);
        return back;
      };
      await expect.poll(putBack, { timeout: 10_000 }).toBeDefined();
      const occurrence = Number(need(back).id?.split(":").at(-1));
      await first.stop();
      second = startSchedules({ ...knowing.parts, ...common, tell: silent });
      await expect
        .poll(() => knowing.asked.map(({ order }) => order.commandId), { timeout: 20_000 })
        .toContain(`schedule-morning-${occurrence}`);
    } finally {
      await first.stop();
      await second?.stop();
      await queue.close();
      jobs.disconnect();
    }
  });

  it("a job that no worker knows any more is given up in the end, and told", async () => {
    const jobs = connectRedis(store.url, "jobs", silent);
    const queue = new Queue("schedules", { connection: jobs, prefix: store.prefix });
    const said: string[] = [];
    const on = parts({ schedules: () => [], clock: { now: () => Date.now() + 120_000 } });
    const often: Schedule = { ...morning, cron: "* * * * * *" };
    await new Schedulers(queue).agree([often], at);
    const tell = { info: () => {}, warn: (_: object, what: string) => void said.push(what) };
    const running = startSchedules({
      ...on.parts,
      connection: jobs,
      prefix: store.prefix,
      lockMs: 5_000,
      stalledMs: 1_000,
      tell,
      log: silent,
    });
    try {
      await expect
        .poll(() => said[0], { timeout: 10_000 })
        .toBe("left out: the configuration has it no longer");
    } finally {
      await running.stop();
      await queue.close();
      jobs.disconnect();
    }
  });
});
