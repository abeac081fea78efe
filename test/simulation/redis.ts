/** What Redis can do to everybody: its clock is set, and it comes back older or empty. */
import { isTerminal } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Clock } from "../../src/engine/ports.ts";
import type { MemoryRecords, MemoryState } from "../support/memory-records.ts";
import type { Journal } from "./journal.ts";

export class RedisClock implements Clock {
  /** How much it is ahead of AWS's. */
  aheadMs = 0;
  private readonly world: Clock;

  constructor(world: Clock) {
    this.world = world;
  }

  now(): number {
    return this.world.now() + this.aheadMs;
  }
}

/** Snapshots are at least so far apart. */
const snapshotMs = 3_000;

export class RedisMemory {
  /** Whether it ever came back older or empty. */
  lost = false;
  private readonly records: MemoryRecords;
  private readonly clock: Clock;
  private readonly journal: Journal;
  private readonly snapshots: { at: number; state: MemoryState }[] = [];
  /** Read anew only when something was committed. */
  private known: Deployment[] | undefined;

  constructor(records: MemoryRecords, clock: Clock, journal: Journal) {
    this.records = records;
    this.clock = clock;
    this.journal = journal;
    void records.subscribe(() => {
      this.known = undefined;
    });
  }

  /** Newest first. */
  async deployments(): Promise<Deployment[]> {
    this.known ??= (await this.records.list({ limit: 100 })).deployments;
    return this.known;
  }

  /** How it is now is what it may come back to. */
  snapshot(): void {
    const at = this.clock.now();
    if (at - (this.snapshots.at(-1)?.at ?? 0) < snapshotMs) return;
    this.snapshots.push({ at, state: this.records.snapshot() });
  }

  /** It comes back as it was so long ago, or empty. */
  async lose(ms = Infinity): Promise<void> {
    const underWay = (await this.deployments()).some((d) => !isTerminal(d.phase) && d.phase !== "queued");
    if (underWay) this.journal.tally["10 Redis lost in mid-deployment"] += 1;
    const left = this.snapshots.findLast(({ at }) => at <= this.clock.now() - ms);
    if (left) this.records.restore(left.state);
    else this.records.clear();
    this.lost = true;
    this.known = undefined;
  }
}
