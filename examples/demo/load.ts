/** The clients: steady load, and what became of each request. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LoadOrder, Sample } from "./load-thread.ts";

export interface Load {
  /** Every request that has ended so far. */
  samples: readonly Sample[];
  /** Sends no more, and waits for what is under way, at most as long as a request may take. Safe to repeat. */
  stop(): Promise<void>;
}

export function startLoad(order: LoadOrder): Load {
  const samples: Sample[] = [];
  const thread = new Worker(new URL("./load-thread.js", import.meta.url), { workerData: order });
  thread.on("message", (batch: Sample[]) => samples.push(...batch));
  const ended = once(thread, "exit");
  let stopping = false;
  return {
    samples,
    stop: async () => {
      if (!stopping) thread.postMessage("stop", []);
      stopping = true;
      await ended;
    },
  };
}

export interface Tally {
  requests: number;
  failed: number;
  /** Answers by version. */
  versions: Record<string, number>;
  /** Failed requests by reason. */
  failures: Record<string, number>;
}

/** Counts the requests that were sent and ended within a stretch of time; all of them where it is left out. */
export function tally(samples: readonly Sample[], from = -Infinity, to = Infinity): Tally {
  const sum: Tally = { requests: 0, failed: 0, versions: {}, failures: {} };
  for (const { sentAt, endedAt, version, failure } of samples) {
    if (sentAt < from || endedAt > to) continue;
    sum.requests++;
    if (version !== undefined) sum.versions[version] = (sum.versions[version] ?? 0) + 1;
    if (failure !== undefined) {
      sum.failed++;
      sum.failures[failure] = (sum.failures[failure] ?? 0) + 1;
    }
  }
  return sum;
}
