/** The ways that a deployment goes while workers are killed. Together they have every kind of effect in them. */
import type { Deployment } from "../../src/deployment/record.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";
import { strategy } from "./stage.ts";

export interface Course {
  name: string;
  /** `hookUrl` is where its hook is called. Its service has a test route. */
  strategy(hookUrl: string): Strategy;
  /** When a rollback is asked for; left out: never. */
  isTimeToGoBack?: (deployment: Deployment) => boolean;
}

/**
 * To its end: tested, half of green, half of the traffic, a hook that is asked, then all; blue goes in two pieces.
 */
export function canary(hookUrl: string): Strategy {
  const hook = {
    url: hookUrl,
    headers: {},
    timeoutMs: 60_000,
    attemptsMax: 10,
    onFailure: "rollback" as const,
  };
  return strategy(
    [
      { kind: "weight", percent: 50 },
      { kind: "hook", id: "smoke", hook },
      { kind: "weight", percent: 100 },
    ],
    { testing: [{ kind: "test" }], drain: { by: { percent: 50 }, everyMs: 200 } },
  );
}

const hourMs = 3_600_000;

/** The same with blue kept warm, so that a rollback may be asked for at the latest moment. */
export function warm(hookUrl: string): Strategy {
  return { ...canary(hookUrl), retainMs: hourMs };
}

/** Halts with traffic shared. */
function halting(hookUrl: string): Strategy {
  return {
    ...canary(hookUrl),
    steps: [
      { kind: "weight", percent: 50 },
      { kind: "pause", ms: hourMs },
      { kind: "weight", percent: 100 },
    ],
  };
}

export const forward: Course = { name: "canary", strategy: canary };

export const backFromTheEnd: Course = {
  name: "back from the end",
  strategy: warm,
  isTimeToGoBack: (d) => d.phase === "retaining",
};

export const backHalfWay: Course = {
  name: "back half way",
  strategy: halting,
  isTimeToGoBack: (d) => d.phase === "shifting" && d.step === 1,
};

export const courses: readonly Course[] = [forward, backFromTheEnd, backHalfWay];
