/** The hosts that workers run on: what each takes for the time. */
import type { Records } from "../../src/engine/ports.ts";
import { createSharedClock, type SharedClock } from "../../src/redis/clock.ts";
import type { Clock } from "../../sandbox/clock.ts";
import type { Random } from "../../sandbox/random.ts";
import type { Plan } from "./chaos.ts";

interface Host {
  /** Of its steady clock: 1 is neither fast nor slow. */
  pace: number;
  /** Redis's answer is so long under way. */
  tripMs: number;
  /** How wrong its clock is. */
  wrongMs: number;
}

export function hostFrom({ wrongMs, perMille }: Plan["hosts"], random: Random): Host {
  return {
    pace: 1 + (perMille * (2 * random() - 1)) / 1_000,
    tripMs: 200 * random(),
    wrongMs: wrongMs * (2 * random() - 1),
  };
}

/** The clock of a worker that goes by its host's and asks nobody. */
export function ownClock({ wrongMs }: Host, world: Clock): SharedClock {
  return { now: () => world.now() + Math.floor(wrongMs), ask: () => () => {} };
}

/** The clock of a worker that has just begun: Redis was asked once. */
export function sharedClock(
  { pace, tripMs, wrongMs }: Host,
  world: Clock,
  redisNow: () => number,
  random: Random,
): SharedClock {
  const startedAt = world.now();
  let early = tripMs;
  const steady = () => pace * (world.now() - startedAt - early);
  const clock = createSharedClock(steady, startedAt + wrongMs);
  const hear = clock.ask();
  early = 0;
  hear(redisNow() - Math.floor(tripMs * random()));
  return clock;
}

/** Every claim tells Redis's time, as it does in Redis. */
export function tellingTime(records: Records, clock: SharedClock, redisNow: () => number): Records {
  return {
    ...records,
    claim: async (id) => {
      const hear = clock.ask();
      const claimed = await records.claim(id);
      hear(redisNow());
      return claimed;
    },
  };
}
