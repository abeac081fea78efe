/**
 * The sweep: wakes every deployment that is overdue, whatever became of its job. One iteration of it runs every
 * few seconds among all workers, as a BullMQ job scheduler; two that overlap are harmless.
 */
import type { Clock, Records, Wakes } from "../src/engine/ports.ts";
import { type RoundOptions, startRounds } from "./rounds.ts";

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

export function startSweep(options: SweepParts & RoundOptions): { stop(): Promise<void> } {
  return startRounds("sweep", () => sweep(options), options);
}
