import type { Samples } from "./samples.ts";

/*
 * CloudWatch's statistics by the names it gives them (User Guide, "CloudWatch
 * statistics definitions"). All but the first five need the single values;
 * where only a summary was published, or a value is negative, they give none.
 */

export type Statistic = (samples: Samples) => number | undefined;

const simple: Record<string, Statistic> = {
  SampleCount: ({ count }) => count,
  Sum: ({ sum }) => sum,
  Average: ({ sum, count }) => sum / count,
  Minimum: ({ min }) => min,
  Maximum: ({ max }) => max,
};

export const simpleStatistics = Object.keys(simple);

const number = String.raw`\d+(?:\.\d{1,10})?`;
/** `p99.9`, `tm90`, `tc90`, `ts90`. */
const upTo = new RegExp(`^(p|tm|tc|ts)(${number})$`);
/** `PR(:0.5)`, `TC(0.1:0.5)`, `TM(10%:90%)`; one of the bounds may be missing. */
const between = new RegExp(`^(PR|TM|TC|TS)\\((?:(${number})(%?))?:(?:(${number})(%?))?\\)$`);

/** The statistic of that name; undefined where there is none or the sandbox doesn't know it. */
export function statisticOf(name: string): Statistic | undefined {
  if (Object.hasOwn(simple, name)) return simple[name];
  const short = upTo.exec(name);
  if (short !== null) {
    const [, kind = "", text = ""] = short;
    const percent = Number(text);
    if (percent > 100) return undefined;
    return kind === "p"
      ? ofValues((values, count) => percentile(values, count, percent))
      : trimmed(kind.toUpperCase(), { from: undefined, to: { at: percent, percent: true } });
  }
  const range = between.exec(name);
  if (range === null) return undefined;
  const [, kind = "", from, fromSign, to, toSign] = range;
  if (from === undefined && to === undefined) return undefined;
  const bounds = [fromSign, toSign].filter((sign, at) => [from, to][at] !== undefined && sign === "%");
  const given = [from, to].filter((bound) => bound !== undefined).length;
  // Both are percentages or neither is, and a rank is of values.
  if (bounds.length > 0 && (bounds.length < given || kind === "PR")) return undefined;
  const percent = bounds.length > 0;
  const bound = (text: string | undefined) =>
    text === undefined ? undefined : { at: Number(text), percent };
  return trimmed(kind, { from: bound(from), to: bound(to) });
}

interface Bound {
  at: number;
  /** `at` is a percentage of the values, else a value. */
  percent: boolean;
}

type Values = readonly (readonly [value: number, times: number])[];

function trimmed(kind: string, bounds: { from: Bound | undefined; to: Bound | undefined }): Statistic {
  return ofValues((values, count) => {
    const kept = keptWithin(values, count, bounds);
    const times = kept.reduce((sum, [, many]) => sum + many, 0);
    const sum = kept.reduce((total, [value, many]) => total + value * many, 0);
    switch (kind) {
      case "PR":
        return (100 * times) / count;
      case "TC":
        return times;
      case "TS":
        return sum;
      default:
        return times === 0 ? undefined : sum / times;
    }
  });
}

/** The values between two bounds: the lower one is left out, the upper one stays. */
function keptWithin(
  values: Values,
  count: number,
  { from, to }: { from: Bound | undefined; to: Bound | undefined },
): Values {
  const rankOf = (bound: Bound | undefined, otherwise: number) =>
    bound?.percent === true ? (count * bound.at) / 100 : otherwise;
  const [lowest, highest] = [rankOf(from, 0), rankOf(to, count)];
  let rank = 0;
  return values.flatMap(([value, times]): [number, number][] => {
    const begin = rank;
    rank += times;
    if (from?.percent === false && value <= from.at) return [];
    if (to?.percent === false && value > to.at) return [];
    const kept = Math.min(rank, highest) - Math.max(begin, lowest);
    return kept > 0 ? [[value, kept]] : [];
  });
}

function percentile(values: Values, count: number, percent: number): number | undefined {
  const rank = Math.max(1, Math.ceil((count * percent) / 100));
  let seen = 0;
  for (const [value, times] of values) {
    seen += times;
    if (seen >= rank) return value;
  }
  return values.at(-1)?.[0];
}

function ofValues(statistic: (values: Values, count: number) => number | undefined): Statistic {
  return ({ values, count, min }) => (values === undefined || min < 0 ? undefined : statistic(values, count));
}
