/**
 * Whatever became of a job, an active deployment moves again within a stated time: here real jobs of real
 * deployments are taken away, failed, held by a worker that is dead, and doubled.
 */
import { Queue, Worker } from "bullmq";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectRedis } from "../../src/redis/connection.ts";
import { type TurnJob, turnsQueue } from "../../src/redis/wakes.ts";
import type { RunningProcess } from "../support/processes.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { renewMs } from "../../workers/rounds.ts";
import { ada, openStage, type Stage, strategy, timing } from "./stage.ts";

/** What has been due for less is left to its job (workers/sweep.ts). */
const graceMs = 2_000;

/** The stated time, after the moment at which the next turn was due. */
const statedMs = graceMs + 2 * timing.sweepMs + timing.lockMs;

const pauseMs = 4_000;
const pausing = strategy([
  { kind: "weight", percent: 100 },
  { kind: "pause", ms: pauseMs },
]);

let redis: TestRedis;
let stage: Stage;
let queue: Queue<TurnJob>;
let worker: RunningProcess;
let id: string;
let closers: (() => Promise<void>)[];

/** A deployment that sleeps in a pause, its job delayed. */
beforeEach(async () => {
  closers = [];
  redis = await startRedis();
  stage = await openStage({ redisUrl: redis.url, prefix: redis.prefix });
  queue = new Queue(turnsQueue, { connection: stage.redis, prefix: stage.prefix });
  worker = stage.startWorker();
  id = await stage.deploy(pausing);
  await stage.until("asleep in its pause", async () => {
    const job = await queue.getJob(id);
    return (await stage.deployment(id)).step === 1 && (await job?.isDelayed()) === true;
  });
});

afterEach(async () => {
  for (const close of closers) await close();
  await queue.close();
  await stage.close();
  await redis.close();
});

/** How long after the pause was over the deployment left it; its history tells, so that a slow test can't. */
async function lateMs(): Promise<number> {
  await stage.until(`${id} moves on`, async () => (await stage.deployment(id)).step === 2);
  const steps = (await stage.events(id)).filter((event) => event.type === "step");
  const [began = 0, ended = 0] = steps.slice(-2).map((event) => event.at);
  return ended - began - pauseMs;
}

it("its job removed by hand", async () => {
  await queue.remove(id);
  expect(await lateMs()).toBeLessThan(statedMs);
});

it("its job failed for good", async () => {
  const job = await taken();
  await job.moveToFailed(new Error("by the test"), token, false);
  expect(await lateMs()).toBeLessThan(statedMs);
});

it("its job held by a worker that is dead", async () => {
  const job = await taken();
  expect(await job.isActive()).toBe(true);
  expect(await lateMs()).toBeLessThan(statedMs);
});

it("its job doubled many times", async () => {
  const copies = Array.from({ length: 20 }, (_, i) => ({
    name: "turn",
    data: { id },
    opts: { jobId: `copy-${i}`, removeOnComplete: true },
  }));
  await queue.addBulk(copies);
  expect(await lateMs()).toBeLessThan(statedMs);
});

it("every trace of the queue deleted, and a command posted that nothing wakes", async () => {
  await queue.obliterate({ force: true });
  await stage.records.post(id, { id: "c1", kind: "rollback", actor: ada, at: Date.now() }, Date.now());
  const postedAt = Date.now();
  const answer = await stage.until("answered", async () =>
    (await stage.events(id)).find((event) => event.type === "command"),
  );
  expect(answer.at - postedAt).toBeLessThan(statedMs);
});

it("the sweep's own schedule deleted with it", async () => {
  const sweep = new Queue("sweep", { connection: stage.redis, prefix: stage.prefix });
  closers.push(() => sweep.close());
  await sweep.obliterate({ force: true });
  await sweep.removeJobScheduler("sweep");
  expect(await sweep.getJobSchedulersCount()).toBe(0);
  const deletedAt = Date.now();
  await queue.remove(id);
  await stage.until("scheduled again", async () => (await sweep.getJobSchedulersCount()) === 1);
  expect(Date.now() - deletedAt).toBeLessThan(renewMs + timing.sweepMs);
  expect(await lateMs()).toBeLessThan(renewMs + statedMs);
});

const token = "a-worker-of-the-test";

/** Takes the job as a worker would that then dies: without ever renewing its lock. */
async function taken() {
  const connection = connectRedis(redis.url, "jobs", { warn: () => {} });
  const thief = new Worker<TurnJob>(turnsQueue, null, {
    connection,
    prefix: stage.prefix,
    lockDuration: timing.lockMs,
    skipStalledCheck: true,
    skipLockRenewal: true,
  });
  // Or it would be the first to take what is promoted.
  worker.freeze();
  try {
    const job = await queue.getJob(id);
    await job?.promote();
    return await stage.until("taken", async () => await thief.getNextJob(token, { block: false }));
  } finally {
    worker.thaw();
    closers.push(async () => {
      await thief.close();
      connection.disconnect();
    });
  }
}
