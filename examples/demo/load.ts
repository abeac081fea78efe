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

export interface Answers {
  answers: number;
  /** Those among them that were errors of the version's own. */
  errors: number;
}

export interface Tally {
  requests: number;
  /** Those that no version answered. */
  lost: number;
  versions: Record<string, Answers>;
  /** Lost requests by reason. */
  losses: Record<string, number>;
}

/** Counts the requests that were sent and ended within a stretch of time; all of them where it is left out. */
export function tally(samples: readonly Sample[], from = -Infinity, to = Infinity): Tally {
  const sum: Tally = { requests: 0, lost: 0, versions: {}, losses: {} };
  for (const { sentAt, endedAt, version, error, lost } of samples) {
    if (sentAt < from || endedAt > to) continue;
    sum.requests++;
    if (version !== undefined) {
      const of = (sum.versions[version] ??= { answers: 0, errors: 0 });
      of.answers++;
      if (error) of.errors++;
    }
    if (lost !== undefined) {
      sum.lost++;
      sum.losses[lost] = (sum.losses[lost] ?? 0) + 1;
    }
  }
  return sum;
}
