/**
 * Work that is done again and again by one worker among all, as a BullMQ job scheduler. Two rounds that overlap must
 * be harmless: nothing keeps a slow one from the next.
 */
import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { TroubleLog } from "../src/telemetry.ts";
import { restAfterRefusals } from "./rest.ts";

export interface RoundOptions {
  /** A connection of use `jobs`; stays open when the rounds stop. */
  connection: Redis;
  prefix: string;
  log: TroubleLog;
  everyMs: number;
  lockMs: number;
  stalledMs: number;
}

/** How often the schedule is written again, in case Redis came back without it. */
export const renewMs = 10_000;

/** `name` is the queue's, and the one in the logs. A round that throws is told; the next one follows. */
export function startRounds(
  name: string,
  work: () => Promise<unknown>,
  { connection, prefix, log, everyMs, lockMs, stalledMs }: RoundOptions,
): { stop(): Promise<void> } {
  const queue = new Queue(name, { connection, prefix });
  const worker = new Worker(name, async () => void (await work()), {
    connection,
    prefix,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: 1_000_000_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on("error", (error) => log.warn({ err: error }, `the worker of the ${name} failed`));
  restAfterRefusals(worker);
  worker.on("failed", (_job, error) =>
    log.warn({ err: error }, `a round of the ${name} failed; the next one follows`),
  );
  queue.on("error", (error) => log.warn({ err: error }, `the queue of the ${name} failed`));

  const schedule = (): void => {
    const template = { name, opts: { removeOnComplete: true, removeOnFail: true } };
    queue
      .upsertJobScheduler(name, { every: everyMs }, template)
      .catch((error: unknown) => log.warn({ err: error }, `the ${name} could not be scheduled`));
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
