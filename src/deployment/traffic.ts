/** The arithmetic of weights and task counts. */
import type { Weights } from "./effect.ts";
import type { RouteRecord } from "./record.ts";

/** Largest weight of a target group in a forward action (AWS docs, TargetGroupTuple). */
export const weightMax = 999;

/**
 * Tasks that a share of desiredCount comes to: ECS rounds up (AWS docs, TaskSet.computedDesiredCount). The
 * epsilon keeps binary fractions (100 × 0.07 = 7.000000000000001) from costing a task.
 */
export function tasksFor(desiredCount: number, percent: number): number {
  return Math.max(0, Math.ceil((desiredCount * percent) / 100 - 1e-9));
}

/**
 * A sum of the pair's weights that expresses every one of `percents` exactly: the present sum where it can,
 * else the smallest one from 100 up. Where another group shares the action, the sum must stay as it is, or the
 * pair's share against that group would change. Undefined where no sum will do.
 */
export function sumFor(percents: number[], before: Weights, alone: boolean): number | undefined {
  const present = before.blue + before.green;
  const expresses = (sum: number) => percents.every((percent) => isWhole((sum * percent) / 100));
  if (present > 0 && present <= weightMax && expresses(present)) return present;
  if (!alone) return undefined;
  for (let sum = 100; sum <= weightMax; sum++) if (expresses(sum)) return sum;
  return undefined;
}

/** The pair's weights on a route when green carries `percent`. At 100 the sum is what it was before. */
export function weightsAt(route: Pick<RouteRecord, "before" | "sum">, percent: number): Weights {
  if (percent <= 0) return route.before;
  if (percent >= 100) return { blue: 0, green: Math.max(1, route.before.blue + route.before.green) };
  const green = Math.round((route.sum * percent) / 100);
  return { blue: route.sum - green, green };
}

export function sameWeights(a: Weights, b: Weights): boolean {
  return a.blue === b.blue && a.green === b.green;
}

/** Green's share of the pair, 0 to 1; 0 where neither has weight. */
export function greenShare(weights: Weights): number {
  const sum = weights.blue + weights.green;
  return sum === 0 ? 0 : weights.green / sum;
}

/** As people read it: blue's weight, then green's. */
export function showWeights(weights: Weights): string {
  return `${weights.blue}:${weights.green}`;
}

function isWhole(x: number): boolean {
  return Math.abs(x - Math.round(x)) < 1e-9;
}
