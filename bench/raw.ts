/** BullMQ alone, with nothing of Teal: what stands beside Teal's figures. */
import { DelayedError, type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { connectRedis, openRedis } from "../src/redis/connection.ts";
import { turnJobOptions } from "../src/redis/wakes.ts";
import { silent } from "../test/support/silent.ts";

export interface RawQueue {
  redis: Redis;
  add(id: string, delayMs?: number): Promise<Job>;
  /** Runs `work` for every job; it says how long the job sleeps then, undefined to end it. */
  work(concurrency: number, work: (job: Job) => Promise<number | undefined>): void;
  close(): Promise<void>;
}

export async function openRawQueue(url: string, prefix: string): Promise<RawQueue> {
  const redis = connectRedis(url, "records", silent);
  const jobs = connectRedis(url, "jobs", silent);
  await openRedis(redis);
  const queue = new Queue("raw", { connection: redis, prefix });
  let worker: Worker | undefined;

  return {
    redis,
    add: (id, delayMs = 0) => queue.add("raw", { id }, { ...turnJobOptions, jobId: id, delay: delayMs }),
    work: (concurrency, work) => {
      worker = new Worker(
        "raw",
        async (job, token) => {
          const sleepMs = await work(job);
          if (sleepMs === undefined) return;
          await job.moveToDelayed(Date.now() + sleepMs, token);
          throw new DelayedError();
        },
        { connection: jobs, prefix, concurrency, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
      );
      worker.on("error", (error) => process.stderr.write(`the raw worker failed: ${error.message}\n`));
    },
    close: async () => {
      await worker?.close();
      await queue.close();
      redis.disconnect();
      jobs.disconnect();
    },
  };
}
