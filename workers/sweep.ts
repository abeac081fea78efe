/**
 * The sweep: wakes every deployment that is overdue, whatever became of its job. One iteration of it runs every
 * few seconds among all workers, as a BullMQ job scheduler; two that overlap are harmless.
 */
import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Clock, Records, Wakes } from "../src/engine/ports.ts";
import type { TroubleLog } from "../src/telemetry.ts";

export interface SweepParts {
  records: Pick<Records, "due">;
  wakes: Wakes;
  clock: Clock;
}

/** What has been due for less is left to its job, which is on its way. */
const graceMs = 2_000;

/** Deployments woken at the same time, and most of them in one sweep; the next one goes on. */
const batch = 100;
const sweepMax = 10_000;

/** Wakes what is overdue; returns how many. Safe to repeat. */
export async function sweep({ records, wakes, clock }: SweepParts): Promise<number> {
  const before = clock.now() - graceMs;
  for (let woken = 0; woken < sweepMax;) {
    const ids = await records.due(before, batch, woken);
    await Promise.all(ids.map((id) => wakes.wake(id)));
    woken += ids.length;
    if (ids.length < batch) return woken;
  }
  return sweepMax;
}

export interface SweepOptions extends SweepParts {
  /** A connection of use `jobs`; stays open when the sweep stops. */
  connection: Redis;
  prefix: string;
  log: TroubleLog;
  everyMs: number;
  lockMs: number;
  stalledMs: number;
}

/** How often the schedule is written again, in case Redis came back without it. */
const renewMs = 30_000;

export function startSweep(options: SweepOptions): { stop(): Promise<void> } {
  const { connection, prefix, log, everyMs } = options;
  const queue = new Queue("sweep", { connection, prefix });
  const worker = new Worker("sweep", async () => sweep(options), {
    connection,
    prefix,
    lockDuration: options.lockMs,
    stalledInterval: options.stalledMs,
    maxStalledCount: 1_000_000_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on("error", (error) => log.warn({ err: error }, "the worker of the sweep failed"));
  worker.on("failed", (_job, error) => log.warn({ err: error }, "a sweep failed; the next one follows"));
  queue.on("error", (error) => log.warn({ err: error }, "the queue of the sweep failed"));

  const schedule = (): void => {
    const template = { name: "sweep", opts: { removeOnComplete: true, removeOnFail: true } };
    queue
      .upsertJobScheduler("sweep", { every: everyMs }, template)
      .catch((error: unknown) => log.warn({ err: error }, "the sweep could not be scheduled"));
  };
  schedule();
  const timer = setInterval(schedule, renewMs);

  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all([worker.close(true), queue.close()]);
    },
  };
}
