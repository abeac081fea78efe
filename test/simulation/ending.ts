/** Liveness: once the faults have ceased, and with somebody who does what is asked of a person, everything ends. */
import type { Deployment } from "../../src/deployment/record.ts";
import type { World } from "../support/world.ts";
import type { Journal } from "./journal.ts";
import type { Passage } from "./passage.ts";
import type { Person } from "./person.ts";
import type { RedisClock, RedisMemory } from "./redis.ts";
import type { Requests } from "./requests.ts";
import type { Strays } from "./strays.ts";
import type { Workers } from "./workers.ts";

/** Everything ends within this time and so many turns of each deployment. */
const calmMs = 7_200_000;
export const turnsMax = 1_000;

/** How often somebody looks after what waits for a person, and when that person has had enough. */
const careMs = 20_000;
const tiredMs = calmMs / 2;

/** What was made so lately may be missing from reads. */
const unseenMs = 30_000;

export interface EndingOptions {
  world: World;
  redisClock: RedisClock;
  redis: RedisMemory;
  workers: Workers;
  requests: Requests;
  passage: Passage;
  person: Person;
  strays: Strays;
  journal: Journal;
}

export class Ending {
  private readonly options: EndingOptions;

  constructor(options: EndingOptions) {
    this.options = options;
  }

  /** Until all is over, or a promise is broken. */
  async run(isBroken: () => boolean): Promise<void> {
    const { world, redis, passage } = this.options;
    const calmAt = world.clock.now();
    let careAt = calmAt;
    while (!isBroken()) {
      const open = (await redis.deployments()).filter((d) => !d.settled);
      const now = world.clock.now();
      if (open.length === 0 && (await this.isOver(now - calmAt))) return;
      if (now >= calmAt + calmMs || this.turnsEach() > turnsMax) return this.complain(open);
      if (now >= careAt) {
        careAt = now + careMs;
        await this.care(open, now > calmAt + tiredMs);
      }
      await passage.step(Math.min(calmAt + calmMs, careAt));
    }
  }

  /** Runs of turns that each deployment took since it is calm, on average. */
  turnsEach(): number {
    const { workers, requests } = this.options;
    return workers.turnsInPeace / Math.max(1, requests.deployments.length);
  }

  private async isOver(calmForMs: number): Promise<boolean> {
    const { world, redisClock, workers, strays } = this.options;
    const { lateCalls } = workers;
    if (!workers.idle || lateCalls.some(({ at }) => at >= world.clock.now())) return false;
    // What a frozen worker sent may be put right by the last look only.
    const before = lateCalls.length > 0 ? Infinity : redisClock.now() + 1;
    if ((await world.records.due(before, 1)).length > 0) return false;
    return !strays.possible || (calmForMs >= unseenMs && !(await strays.exist()));
  }

  private async care(open: Deployment[], tired: boolean): Promise<void> {
    const { redis, requests, person, strays } = this.options;
    requests.hearOf(await redis.deployments());
    for (const d of open) await person.care(d, tired);
    if (strays.possible) await strays.recover();
  }

  private complain(open: Deployment[]): void {
    for (const { id, phase, hold, note } of open)
      this.options.journal.violations.push(`6 ${id} has not ended: ${phase}, ${hold?.kind ?? ""} ${note}`);
  }
}
