/**
 * The time that all share: Redis's. What one process writes down another one reads, so a moment must mean the same to
 * both, whatever the clocks of their hosts say. Between two hearings it goes by a clock that nobody sets.
 */
import type { Redis } from "ioredis";
import type { Clock } from "../engine/ports.ts";
import { asking } from "./errors.ts";

export interface SharedClock extends Clock {
  /** Call before asking Redis for the time, and the answer with what it said, ms since the epoch. */
  ask(): (at: number) => void;
}

/** `steady` goes evenly, in ms from wherever; the host's own clock is believed only until Redis has told the time. */
export function createSharedClock(steady = () => performance.now(), guess = Date.now()): SharedClock {
  let aheadMs = guess - steady();
  return {
    now: () => Math.floor(steady() + aheadMs),
    ask: () => {
      const askedAt = steady();
      return (at) => {
        // Redis read its clock some time on the way, so what lies between the two is as good; a slow answer tells little.
        const [least, most] = [at - steady(), at + 1 - askedAt];
        aheadMs = Math.min(Math.max(aheadMs, least), most);
      };
    },
  };
}

/** How often a process that claims nothing asks. */
const askEveryMs = 10_000;

/** Asks at once, and then now and then until `stop`. Throws `unavailable` where Redis doesn't answer at first. */
export async function followTime(clock: SharedClock, redis: Redis): Promise<{ stop(): void }> {
  const ask = async (): Promise<void> => {
    const hear = clock.ask();
    hear(timeOf(await asking("tell the time", () => redis.time())));
  };
  await ask();
  // Whoever needs Redis finds out by itself that it doesn't answer.
  const timer = setInterval(() => void ask().catch(() => {}), askEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}

/** Seconds and microseconds, as TIME gives them. */
export function timeOf([seconds = 0, microseconds = 0]: (number | string)[]): number {
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
