import type { MetricName } from "./shapes.ts";

/** The values that a metric had in a stretch of time, as far as statistics need them. */
export interface Samples {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Each value with how often it came, ascending; undefined where only the above was published. */
  values: readonly (readonly [value: number, times: number])[] | undefined;
}

/** The same value, so many times. */
export function repeated(value: number, times: number): Samples {
  return { count: times, sum: value * times, min: value, max: value, values: [[value, times]] };
}

/** Several stretches as one; there must be at least one. */
export function merged(all: readonly Samples[]): Samples {
  const [first, ...others] = all;
  if (first !== undefined && others.length === 0) return first;
  const values = all.every((one) => one.values !== undefined)
    ? all.flatMap((one) => one.values ?? []).sort(([a], [b]) => a - b)
    : undefined;
  const total = (of: (one: Samples) => number) => all.reduce((sum, one) => sum + of(one), 0);
  return {
    count: total((one) => one.count),
    sum: total((one) => one.sum),
    min: Math.min(...all.map((one) => one.min)),
    max: Math.max(...all.map((one) => one.max)),
    values,
  };
}

/** A metric's samples in the minute that begins at `at`, ms since the epoch. */
export interface Point {
  at: number;
  unit: string;
  samples: Samples;
}

/** The same for the same metric, in whatever order its dimensions are. */
export function metricKey({ Namespace, MetricName, Dimensions }: MetricName): string {
  const dimensions = Dimensions.map(({ Name, Value }) => `${Name}=${Value}`).sort();
  return JSON.stringify([Namespace, MetricName, ...dimensions]);
}
