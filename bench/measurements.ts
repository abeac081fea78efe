/** All that is measured, by name, in the two sizes there are: to be read, and to see that it still runs. */
import { measureAlarm } from "./alarm.ts";
import { measureDeployments } from "./deployments.ts";
import type { Measurement } from "./figures.ts";
import { measureTakeover } from "./takeover.ts";
import { measureTurns } from "./turns.ts";
import { measureWake } from "./wake.ts";

export const names = ["turns", "wake", "takeover", "alarm", "deployments"] as const;
export type Name = (typeof names)[number];
export type Size = "full" | "tiny";

/** `url` is a Redis that holds nothing else. */
export const measurements: Record<Name, (url: string, size: Size) => Promise<Measurement>> = {
  turns: (url, size) =>
    measureTurns(
      url,
      size === "full"
        ? { deployments: 200, turnsEach: 25, rounds: 3, concurrency: 50 }
        : { deployments: 5, turnsEach: 3, rounds: 0, concurrency: 5 },
    ),
  wake: (url, size) =>
    measureWake(url, size === "full" ? { deployments: 50, asks: 500 } : { deployments: 3, asks: 6 }),
  takeover: (url, size) =>
    measureTakeover(
      url,
      size === "full"
        ? { kills: 8, everyMs: 700, lockMs: 5_000, stalledMs: 2_000 }
        : { kills: 1, everyMs: 0, lockMs: 1_000, stalledMs: 250 },
    ),
  alarm: (url, size) =>
    measureAlarm(url, size === "full" ? { services: 10, rounds: 5 } : { services: 1, rounds: 1 }),
  deployments: (_url, size) =>
    measureDeployments(size === "full" ? { many: 50, pauseMs: 120_000 } : { many: 2, pauseMs: 30_000 }),
};
