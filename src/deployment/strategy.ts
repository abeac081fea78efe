/**
 * A strategy: a named list of steps with what surrounds them. The record of a deployment carries its strategy
 * as it was at the start, so that editing `teal.yaml` never changes a deployment under way.
 */
export type Step =
  /** Green is scaled to this share of desiredCount, never below the weight it carries. */
  | { kind: "scale"; percent: number }
  /** Green gets this share of the pair's traffic on every route. */
  | { kind: "weight"; percent: number }
  | { kind: "pause"; ms: number };

export interface Strategy {
  name: string;
  steps: Step[];
  /** How long all traffic stays on green, blue at full scale, before green becomes PRIMARY. */
  bakeMs: number;
  /** How long blue is kept warm after green became PRIMARY. */
  retainMs: number;
  /** The least time between the last weight change of a set and taking anything of it away. */
  holdMs: number;
  deadlines: Deadlines;
  /** So many failed tasks of green end the deployment before its deadline. */
  failedTasksMax: number;
}

/** Limits of waiting, in milliseconds of time not held. */
export interface Deadlines {
  preparingMs: number;
  /** For green to be created, steady and healthy; for each later change of its scale too. */
  provisioningMs: number;
  /** For a change of weights to read back on every route, and for a promotion to read back. */
  shiftingMs: number;
  /** For green to recover when it loses healthy tasks under traffic. */
  unhealthyMs: number;
  /** For a set's tasks to drain and go. */
  drainingMs: number;
  /** For a rollback; past it the deployment is stuck and asks for a person. */
  rollingBackMs: number;
}

const minute = 60_000;

export const defaultDeadlines: Deadlines = {
  preparingMs: 5 * minute,
  provisioningMs: 30 * minute,
  shiftingMs: 10 * minute,
  unhealthyMs: 2 * minute,
  drainingMs: 60 * minute,
  rollingBackMs: 30 * minute,
};

export const strategyDefaults = {
  bakeMs: 0,
  retainMs: 0,
  holdMs: 30_000,
  deadlines: defaultDeadlines,
  failedTasksMax: 3,
} as const;

/** Strategies that exist without being configured. */
export const presets: Record<string, Strategy> = {
  "all-at-once": { name: "all-at-once", steps: [{ kind: "weight", percent: 100 }], ...strategyDefaults },
};

/** The strategy of a redeployment that undoes an earlier one: no canary, the same care otherwise. */
export function withoutCanary(strategy: Strategy): Strategy {
  return { ...strategy, steps: [{ kind: "weight", percent: 100 }], bakeMs: 0 };
}

/** The weight that green carries when the steps before `index` have been done, in percent. */
export function weightBefore(strategy: Strategy, index: number): number {
  return lastPercent(strategy, index, "weight");
}

/**
 * The scale that green needs for step `index`, in percent of desiredCount: what the last `scale` step said,
 * and never below the weight that it carries or is about to carry.
 */
export function scaleFor(strategy: Strategy, index: number): number {
  return Math.max(lastPercent(strategy, index + 1, "scale"), lastPercent(strategy, index + 1, "weight"));
}

/** The scale that green is created for: what the steps up to the first weight need. */
export function firstScale(strategy: Strategy): number {
  const firstWeight = strategy.steps.findIndex((step) => step.kind === "weight");
  const explicit = strategy.steps.findIndex((step) => step.kind === "scale");
  const index = explicit >= 0 && (firstWeight < 0 || explicit < firstWeight) ? explicit : firstWeight;
  return index < 0 ? 100 : scaleFor(strategy, index);
}

function lastPercent(strategy: Strategy, end: number, kind: "scale" | "weight"): number {
  const step = strategy.steps.slice(0, end).findLast((step) => step.kind === kind);
  return step && step.kind !== "pause" ? step.percent : 0;
}
