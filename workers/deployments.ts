/**
 * The consumer of wake-ups: one job is the turns of one deployment. The job holds nothing but the deployment's
 * id, and nothing depends on it: a lost lock, a second worker or a vanished job is harmless, because the engine
 * claims the record before each turn, and what is due is in the record's index, where the sweep finds it.
 *
 * Before it sleeps or ends a job, a worker looks once more whether the deployment became due meanwhile: a command
 * that arrives while the job still runs can't wake it.
 */
import { DelayedError, type Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Engine } from "../src/engine/engine.ts";
import type { Clock, Records, Wakes } from "../src/engine/ports.ts";
import { type TurnJob, turnsQueue } from "../src/redis/wakes.ts";
import type { TroubleLog } from "../src/telemetry.ts";
import { restAfterRefusals } from "./rest.ts";

export interface DeploymentWorkerOptions {
  /** A connection of use `jobs`; stays open when the worker stops. */
  connection: Redis;
  prefix: string;
  engine: Pick<Engine, "run">;
  records: Pick<Records, "dueAt">;
  wakes: Wakes;
  clock: Clock;
  /** Limited in rate. */
  log: TroubleLog;
  concurrency: number;
  /** A job whose lock wasn't renewed for so long is given to another worker. */
  lockMs: number;
  /** How often such jobs are looked for. */
  stalledMs: number;
}

export interface DeploymentWorker {
  /** When a turn last began or ended here, ms since the epoch. */
  lastTurnAt: () => number;
  /**
   * Takes no more jobs, ends the waits of the running ones and hands them over. Resolves when all are handed
   * over or after `limitMs`; what is left then is taken over by others when its locks expire.
   */
  stop(limitMs: number): Promise<void>;
}

/** What a job ends with; all others sleep. */
type Ended = "rest" | "absent";

/** How long a deployment that another worker claimed is left to it. */
const lostMs = 2_000;

/** Pace of repeating turns that throw: infrastructure that is down, or a defect. */
const backoffMs = { first: 250, most: 10_000 } as const;

function backoff(failures: number): number {
  return Math.min(backoffMs.first * 2 ** failures, backoffMs.most);
}

/** BullMQ never resets this count over the life of a job, and ours live for days. */
const stalledCountMax = 1_000_000_000;

export function consumeDeployments(options: DeploymentWorkerOptions): DeploymentWorker {
  const { engine, records, wakes, clock, log } = options;
  const failures = new Map<string, number>();
  let lastTurnAt = clock.now();
  let stopping = false;

  /**
   * Sleeps until `wakeAt`, or not at all where it looks once more and finds that it became due; throws what tells
   * BullMQ so. A job whose lock is lost is left to its new owner, one that can't be moved to the stalled check.
   */
  const sleep = async (
    job: Job<TurnJob>,
    token: string | undefined,
    wakeAt: number,
    lookOnce: "look" | "trust",
  ): Promise<never> => {
    const { id } = job.data;
    try {
      // BullMQ goes by the hosts' clocks; where they are wrong, a job wakes early, or the sweep wakes it.
      await job.moveToDelayed(Date.now() + wakeAt - clock.now(), token);
      const due = lookOnce === "look" ? await records.dueAt(id) : undefined;
      if (due !== undefined && due < wakeAt) await wakes.wake(id);
    } catch (error) {
      log.warn({ err: error, deploymentId: id }, "a job could not be put to sleep; it will be taken over");
    }
    throw new DelayedError();
  };

  const turns = async (job: Job<TurnJob>, token?: string, signal?: AbortSignal): Promise<Ended> => {
    const { id } = job.data;
    // A worker that closes may still be given a job that it was just waiting for.
    if (stopping) return sleep(job, token, clock.now(), "trust");
    lastTurnAt = clock.now();
    const rest = await engine.run(id, signal ?? new AbortController().signal).catch((error: unknown) => {
      const count = failures.get(id) ?? 0;
      failures.set(id, count + 1);
      if (!signal?.aborted) log.error({ err: error, deploymentId: id, failures: count + 1 }, "a turn failed");
      return { kind: "failed", count } as const;
    });
    lastTurnAt = clock.now();
    if (rest.kind !== "failed") failures.delete(id);
    if (signal?.aborted) return sleep(job, token, clock.now(), "trust");
    switch (rest.kind) {
      case "sleep":
        return sleep(job, token, rest.wakeAt, "look");
      case "lost":
        return sleep(job, token, clock.now() + lostMs, "trust");
      case "failed":
        return sleep(job, token, clock.now() + backoff(rest.count), "trust");
      case "rest":
      case "absent":
        return rest.kind;
    }
  };

  const worker = new Worker<TurnJob, Ended>(turnsQueue, turns, {
    connection: options.connection,
    prefix: options.prefix,
    concurrency: options.concurrency,
    lockDuration: options.lockMs,
    stalledInterval: options.stalledMs,
    maxStalledCount: stalledCountMax,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on("error", (error) => log.warn({ err: error }, "the worker of turns failed"));
  restAfterRefusals(worker);
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) worker.cancelJob(id, "its lock is lost");
  });
  worker.on("completed", (job, ended) => {
    const { id } = job.data;
    if (ended === "absent") return;
    void records
      .dueAt(id)
      .then((due) => (due === undefined ? undefined : wakes.wake(id)))
      .catch((error: unknown) =>
        log.warn(
          { err: error, deploymentId: id },
          "a deployment could not be looked at again; the sweep will",
        ),
      );
  });

  return {
    lastTurnAt: () => lastTurnAt,
    stop: async (limitMs) => {
      stopping = true;
      const closing = worker.close();
      worker.cancelAllJobs("the worker stops");
      await within(limitMs, closing);
    },
  };
}

/** Waits for `work`, but no longer than `limitMs`. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
