/**
 * All that is measured, by name, in the sizes there are: to be read, to see that it still runs, and some minutes long
 * where rare values count.
 */
import { measureAlarm } from "./alarm.ts";
import { measureDeployments } from "./deployments.ts";
import type { Measurement } from "./figures.ts";
import { type LockSettings, measureTakeover, type TakeoverSizes } from "./takeover.ts";
import { measureTurns } from "./turns.ts";
import { measureWake } from "./wake.ts";

export const names = ["turns", "wake", "takeover", "alarm", "deployments"] as const;
export type Name = (typeof names)[number];
export type Size = "full" | "tiny" | "long";

/** As environment.ts has it. */
const usual: LockSettings = { lockMs: 10_000, stalledMs: 2_000 };

const takeovers: Record<Size, TakeoverSizes> = {
  full: { kills: 8, atOnce: 8, everyMs: 700, settings: [usual] },
  tiny: { kills: 1, atOnce: 1, everyMs: 0, settings: [{ lockMs: 1_000, stalledMs: 250 }] },
  long: {
    kills: 104,
    atOnce: 26,
    everyMs: 700,
    settings: [usual, { lockMs: 5_000, stalledMs: 2_000 }, { lockMs: 30_000, stalledMs: 10_000 }],
  },
};

/** `url` is a Redis that holds nothing else. */
export const measurements: Record<Name, (url: string, size: Size) => Promise<Measurement>> = {
  turns: (url, size) =>
    measureTurns(
      url,
      size !== "tiny"
        ? { deployments: 200, turnsEach: 25, rounds: 3, concurrency: 50 }
        : { deployments: 5, turnsEach: 3, rounds: 0, concurrency: 5 },
    ),
  wake: (url, size) =>
    measureWake(url, size !== "tiny" ? { deployments: 50, asks: 500 } : { deployments: 3, asks: 6 }),
  takeover: (url, size) => measureTakeover(url, takeovers[size]),
  alarm: (url, size) =>
    measureAlarm(url, size !== "tiny" ? { services: 10, rounds: 5 } : { services: 1, rounds: 1 }),
  deployments: (_url, size) =>
    measureDeployments(size !== "tiny" ? { many: 50, pauseMs: 120_000 } : { many: 2, pauseMs: 30_000 }),
};
