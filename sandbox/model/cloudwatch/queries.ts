import { validationError } from "../error.ts";
import { minuteMs } from "../../traffic/recorder.ts";
import type { CloudWatch } from "./cloudwatch.ts";
import { evaluate, idsIn, parseExpression, type Expression, type Series } from "./expression.ts";
import { merged, type Point, type Samples } from "./samples.ts";
import type { MetricName, MetricQuery } from "./shapes.ts";
import { statisticOf, type Statistic } from "./statistic.ts";

/** A stretch of time cut into periods from its beginning, as CloudWatch cuts it. */
export interface Stretch {
  fromMs: number;
  toMs: number;
}

export interface Answered {
  id: string;
  label: string;
  series: Series;
}

type Prepared = { query: MetricQuery } & (
  | { kind: "metric"; statistic: Statistic; metric: MetricName; unit: string | undefined; periodMs: number }
  | { kind: "expression"; expression: Expression }
);

/** Checks queries as a whole; throws a ValidationError that names the first one that can't be answered. */
export function prepared(queries: readonly MetricQuery[]): Prepared[] {
  const all = queries.map(prepare);
  const byId = new Map(all.map((one) => [one.query.Id, one]));
  if (byId.size < all.length) throw validationError("The values of parameter Id must be unique.");
  for (const one of all) periodOf(one, byId, []);
  return all;
}

/** The answers to queries that were prepared, one for each that returns data, in their order. */
export function answersTo(
  cloudwatch: CloudWatch,
  all: readonly Prepared[],
  { fromMs, toMs }: Stretch,
): Answered[] {
  const byId = new Map(all.map((one) => [one.query.Id, one]));
  const known = new Map<string, Series | number>();
  const valueOf = (id: string): Series | number => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const one = byId.get(id);
    const value = one === undefined ? 0 : compute(one);
    known.set(id, value);
    return value;
  };
  const compute = (one: Prepared): Series | number => {
    if (one.kind === "metric") {
      const { metric, unit, periodMs, statistic } = one;
      const points = cloudwatch
        .points(metric, fromMs, toMs)
        .filter((point) => unit === undefined || point.unit === unit);
      return new Map(
        inPeriods(points, { fromMs, toMs }, periodMs).flatMap(([at, samples]) => {
          const value = statistic(samples);
          return value === undefined ? [] : [[at, value]];
        }),
      );
    }
    const periodMs = periodOf(one, byId, []);
    const periods = periodMs === undefined ? 0 : Math.ceil((toMs - fromMs) / periodMs);
    const times = Array.from({ length: periods }, (_, at) => fromMs + at * (periodMs ?? 0));
    return evaluate(one.expression, valueOf, times);
  };
  return all
    .filter(({ query }) => query.ReturnData)
    .map(({ query }) => {
      const series = valueOf(query.Id);
      if (typeof series === "number")
        throw validationError(`The expression ${query.Id} gives a number and must give a time series.`);
      const label = query.Label ?? query.MetricStat?.Metric.MetricName ?? query.Id;
      return { id: query.Id, label, series };
    });
}

/** The samples of each period that has any, by the time of its beginning. */
export function inPeriods(
  points: readonly Point[],
  { fromMs }: Stretch,
  periodMs: number,
): [at: number, samples: Samples][] {
  const byPeriod = new Map<number, Samples[]>();
  for (const { at, samples } of points) {
    const begin = fromMs + Math.floor((at - fromMs) / periodMs) * periodMs;
    byPeriod.set(begin, [...(byPeriod.get(begin) ?? []), samples]);
  }
  return Array.from(byPeriod, ([at, all]) => [at, merged(all)]);
}

const dayMs = 86_400_000;

/** The beginning rounded down as AWS does: to a minute, of the past to five minutes or an hour. */
export function stretchOf(now: number, startMs: number, endMs: number): Stretch {
  if (endMs <= startMs)
    throw validationError("The parameter StartTime must be less than the parameter EndTime.");
  const ageMs = now - startMs;
  const grainMs = ageMs < 15 * dayMs ? minuteMs : ageMs < 63 * dayMs ? 5 * minuteMs : 60 * minuteMs;
  return { fromMs: Math.floor(startMs / grainMs) * grainMs, toMs: endMs };
}

/** A period in ms; the sandbox keeps nothing finer than a minute. */
export function periodMsOf(seconds: number): number {
  if (seconds % 60 !== 0 || seconds > 86_400)
    throw validationError(`Period ${seconds} must be a multiple of 60 and at most 86400.`);
  return seconds * 1000;
}

export function knownStatistic(name: string): Statistic {
  const statistic = statisticOf(name);
  if (statistic === undefined) throw validationError(`The statistic '${name}' is not known.`);
  return statistic;
}

function prepare(query: MetricQuery): Prepared {
  const { MetricStat: stat, Expression: expression } = query;
  if ((stat === undefined) === (expression === undefined))
    throw validationError(`The query ${query.Id} must have either a MetricStat or an Expression.`);
  if (stat === undefined) return { query, kind: "expression", expression: parseExpression(expression ?? "") };
  return {
    query,
    kind: "metric",
    statistic: knownStatistic(stat.Stat),
    metric: stat.Metric,
    unit: stat.Unit,
    periodMs: periodMsOf(stat.Period),
  };
}

/** The one period of a query and all that it builds on; undefined where it builds on numbers only. */
function periodOf(
  one: Prepared,
  byId: ReadonlyMap<string, Prepared>,
  path: readonly string[],
): number | undefined {
  if (one.kind === "metric") return one.periodMs;
  const { Id: id } = one.query;
  if (path.includes(id)) throw validationError(`The expression ${id} builds on itself.`);
  const periods = new Set<number>();
  for (const name of idsIn(one.expression)) {
    const other = byId.get(name);
    if (other === undefined)
      throw validationError(`The expression ${id} names '${name}', which no query is.`);
    const period = periodOf(other, byId, [...path, id]);
    if (period !== undefined) periods.add(period);
  }
  if (periods.size > 1)
    throw validationError(
      `The expression ${id} mixes periods; the sandbox takes one period in an expression.`,
    );
  const [period] = periods;
  return period;
}
