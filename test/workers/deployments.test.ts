/** The consumer of wake-ups, with real jobs in a real Redis. */
import { once } from "node:events";
import { Queue } from "bullmq";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Redis } from "ioredis";
import type { Engine, Rest } from "../../src/engine/engine.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { createWakes, type RedisWakes, turnsQueue } from "../../src/redis/wakes.ts";
import type { TroubleLog } from "../../src/telemetry.ts";
import { consumeDeployments, type DeploymentWorker } from "../../workers/deployments.ts";
import { startSweep, sweep } from "../../workers/sweep.ts";
import { command, decision, deployment, note } from "../contract/deployment.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";
import { startBuilt } from "../support/processes.ts";
import { countingEngine } from "./counting.ts";

const hourMs = 3_600_000;
const clock = { now: () => Date.now() };
const quiet: TroubleLog = { warn: () => {}, error: () => {} };
const soon = { timeout: 10_000, interval: 10 };

let store: TestRecords;
let wakes: RedisWakes;
let connections: Redis[];
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  store = await openTestRecords();
  connections = [];
  stops = [];
  wakes = createWakes({ redis: store.redis, prefix: store.prefix, log: quiet });
});

afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await wakes.close();
  for (const connection of connections) connection.disconnect();
  await store.close();
});

function connectJobs(): Redis {
  const connection = connectRedis(store.url, "jobs", quiet);
  connections.push(connection);
  return connection;
}

function startWorker(engine: Pick<Engine, "run">, log = quiet, lockMs = 2_000): DeploymentWorker {
  const { records, prefix } = store;
  const worker = consumeDeployments({
    connection: connectJobs(),
    prefix,
    engine,
    records,
    wakes,
    clock,
    log,
    concurrency: 10,
    lockMs,
    stalledMs: 500,
  });
  stops.push(() => worker.stop(2_000));
  return worker;
}

async function create(...ids: string[]): Promise<void> {
  for (const id of ids) {
    const d = deployment(id, { service: id, createdAt: Date.now() });
    await store.records.create(d, [note(0)], { whenBusy: "reject" });
  }
}

async function steps(id: string): Promise<number | undefined> {
  return (await store.records.load(id))?.step;
}

async function lines(id: string): Promise<string[]> {
  const events = await store.records.events(id, 0, 1_000);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
  return events.map((event) => event.message);
}

async function dropJob(id: string): Promise<void> {
  const queue = new Queue(turnsQueue, { connection: connectJobs(), prefix: store.prefix });
  await queue.remove(id);
  await queue.close();
}

it("runs the turns of many deployments to their end, each once, by two workers", async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `d-${i}`);
  await create(...ids);
  const engine = countingEngine({ records: store.records, clock, turns: 5, pauseMs: 5 });
  startWorker(engine);
  startWorker(engine);
  await Promise.all(ids.flatMap((id) => [wakes.wake(id), wakes.wake(id)]));
  for (const id of ids) {
    await expect.poll(() => steps(id), soon).toBe(5);
    expect(await lines(id)).toEqual(["line 0", "step 1", "step 2", "step 3", "step 4", "step 5"]);
  }
});

it("leaves a deployment that another worker claimed to it, and comes back for it", async () => {
  await create("a");
  let runs = 0;
  startWorker({
    run: async (): Promise<Rest> => {
      runs += 1;
      return runs === 1 ? { kind: "lost" } : { kind: "absent" };
    },
  });
  await wakes.wake("a");
  await expect.poll(() => runs, soon).toBe(2);
});

it("takes over from a worker that was killed", async () => {
  await create("a");
  const options = JSON.stringify({
    url: store.url,
    prefix: store.prefix,
    turns: 40,
    pauseMs: 25,
    lockMs: 1_000,
    stalledMs: 300,
  });
  const first = startBuilt("test/workers/countdown.js", [options], { name: "first" });
  await first.waitForLine(/consuming/);
  await wakes.wake("a");
  await first.waitForLine(/step 5$/);
  const second = startBuilt("test/workers/countdown.js", [options], { name: "second" });
  await first.kill();
  await second.waitForLine(/step 40$/);
  expect(await lines("a")).toEqual(["line 0", ...Array.from({ length: 40 }, (_, i) => `step ${i + 1}`)]);
});

describe("a command", () => {
  it("wakes a sleeping deployment", async () => {
    await create("a");
    startWorker(countingEngine({ records: store.records, clock, turns: 9, pauseMs: hourMs }));
    await wakes.wake("a");
    await expect.poll(() => steps("a"), soon).toBe(1);
    await store.records.post("a", command("c1"), Date.now());
    await wakes.wake("a");
    await expect.poll(() => lines("a"), soon).toContain("obeyed c1");
  });

  it.each([
    ["sleep", 9],
    ["end", 1],
  ])(
    "that comes between the last turn and the %s of the job is obeyed without the sweep",
    async (_, turns) => {
      await create("a");
      const counting = countingEngine({ records: store.records, clock, turns, pauseMs: hourMs });
      startWorker({
        run: async (id, signal) => {
          const rest = await counting.run(id, signal);
          await store.records.post("a", command("c1"), Date.now());
          await wakes.wake("a");
          return rest;
        },
      });
      await wakes.wake("a");
      await expect.poll(() => lines("a"), soon).toContain("obeyed c1");
    },
  );
});

describe("the sweep", () => {
  it("wakes a deployment whose job was lost", async () => {
    await create("a");
    startWorker(countingEngine({ records: store.records, clock, turns: 2, pauseMs: 3_000 }));
    await wakes.wake("a");
    await expect.poll(() => steps("a"), soon).toBe(1);
    await expect.poll(() => dropJob("a").then(() => true), soon).toBe(true);
    const options = { connection: connectJobs(), prefix: store.prefix, records: store.records, wakes, clock };
    // As if much time had passed since it was due.
    const later = { now: () => Date.now() + 10_000 };
    const running = startSweep({
      ...options,
      clock: later,
      log: quiet,
      everyMs: 200,
      lockMs: 2_000,
      stalledMs: 500,
    });
    stops.push(() => running.stop());
    await expect.poll(() => steps("a"), soon).toBe(2);
  });

  it("wakes all that is overdue, in batches, and nothing else", async () => {
    const ids = Array.from({ length: 250 }, (_, i) => `d-${String(i).padStart(3, "0")}`);
    const due = async (before: number, limit: number, skip = 0): Promise<string[]> =>
      before === 8_000 ? ids.slice(skip, skip + limit) : [];
    const woken: string[] = [];
    const wake = async (id: string): Promise<void> => void woken.push(id);
    expect(await sweep({ records: { due }, wakes: { wake }, clock: { now: () => 10_000 } })).toBe(250);
    expect(woken).toEqual(ids);
  });
});

it("repeats a turn that throws, later and later, and says which deployment it was", async () => {
  await create("a");
  const failures: { at: number; fields: object }[] = [];
  let done = false;
  const engine = {
    run: async (): Promise<Rest> => {
      if (failures.length < 3) throw new Error("not today");
      done = true;
      return { kind: "absent" };
    },
  };
  startWorker(engine, {
    ...quiet,
    error: (fields: object) => void failures.push({ at: Date.now(), fields }),
  });
  await wakes.wake("a");
  await expect.poll(() => done, soon).toBe(true);
  expect(failures.map(({ fields }) => fields)).toMatchObject(
    [1, 2, 3].map((n) => ({ deploymentId: "a", failures: n })),
  );
  const [first = 0, second = 0, third = 0] = failures.map(({ at }) => at);
  expect(second - first).toBeGreaterThanOrEqual(245);
  expect(third - second).toBeGreaterThanOrEqual(490);
});

describe("stopping", () => {
  it("hands the running turn over to another worker at once", async () => {
    await create("a");
    let first = 0;
    // A lock that outlives the test: only a hand-over can bring the job to the other worker.
    const waiting = startWorker(
      {
        run: (_id, signal) =>
          new Promise((resolve) => {
            first += 1;
            signal.addEventListener("abort", () => resolve({ kind: "sleep", wakeAt: Date.now() + hourMs }));
          }),
      },
      quiet,
      600_000,
    );
    await wakes.wake("a");
    await expect.poll(() => first, soon).toBe(1);
    startWorker(countingEngine({ records: store.records, clock, turns: 1, pauseMs: 0 }));
    await waiting.stop(5_000);
    await expect.poll(() => steps("a"), soon).toBe(1);
  });

  it("waits no longer than it may for a turn that doesn't end", async () => {
    await create("a");
    let running = false;
    const ended = new AbortController();
    const deaf = startWorker({
      run: async () => {
        running = true;
        await once(ended.signal, "abort");
        return { kind: "rest" };
      },
    });
    await wakes.wake("a");
    await expect.poll(() => running, soon).toBe(true);
    // Its turn ends only afterwards: a stop that waited for it would never come back.
    await deaf.stop(100);
    ended.abort();
  });

  it("takes no more jobs", async () => {
    await create("a");
    const stopped = startWorker(countingEngine({ records: store.records, clock, turns: 1, pauseMs: 0 }));
    await stopped.stop(1_000);
    await wakes.wake("a");
    expect(await steps("a")).toBe(0);
    expect(await store.records.dueAt("a")).toBeDefined();
  });
});

it("goes on with a turn after a decision that left nothing due, once a command comes", async () => {
  await create("a");
  const held = await store.records.claim("a");
  if (!held) throw new Error("absent");
  await store.records.commit(held, decision(held.deployment), Date.now());
  startWorker(countingEngine({ records: store.records, clock, turns: 3, pauseMs: 1 }));
  await store.records.post("a", command("c1"), Date.now());
  await wakes.wake("a");
  await expect.poll(() => steps("a"), soon).toBe(3);
});
