/**
 * Wake-ups as BullMQ jobs: one job per deployment, whose id is the deployment's. A job holds nothing but that id;
 * what it is to do is in the record.
 */
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Wakes } from "../engine/ports.ts";

export const turnsQueue = "turns";

export interface TurnJob {
  id: string;
}

/** History is ours: a finished job that stayed would make a later one of the same id be ignored. */
export const turnJobOptions = { removeOnComplete: true, removeOnFail: true } as const;

export interface WakesOptions {
  /** A connection that fails fast: a wake-up is never worth waiting for. */
  redis: Redis;
  prefix: string;
  log: { warn(fields: object, message: string): void };
}

/** `wake` never throws: a wake-up that was lost is made up for by the sweep. */
export type RedisWakes = Wakes & { close(): Promise<void> };

export function createWakes({ redis, prefix, log }: WakesOptions): RedisWakes {
  const queue = new Queue<TurnJob>(turnsQueue, { connection: redis, prefix });
  queue.on("error", (error) => log.warn({ err: error }, "the queue of turns failed"));

  return {
    wake: async (id) => {
      try {
        const job = await queue.add("turn", { id }, { ...turnJobOptions, jobId: id });
        await job.promote().catch(onlyDelayed);
      } catch (error) {
        log.warn({ err: error, deploymentId: id }, "a deployment could not be woken; the sweep will");
      }
    },
    close: () => queue.close(),
  };
}

/** A job that isn't delayed runs or waits already; one that is gone has just ended, and looked once more. */
function onlyDelayed(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== -3 && code !== -1) throw error;
}
