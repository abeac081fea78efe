import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError } from "../error.ts";
import { minuteMs } from "../../traffic/recorder.ts";
import type { CloudWatch } from "./cloudwatch.ts";
import { metricKey } from "./samples.ts";
import { answersTo, inPeriods, knownStatistic, periodMsOf, prepared, stretchOf } from "./queries.ts";
import { repeated, type Samples } from "./samples.ts";
import type * as shapes from "./shapes.ts";
import { simpleStatistics } from "./statistic.ts";

const invalidValue = (message: string) => new AwsError("InvalidParameterValue", message);
const invalidCombination = (message: string) => new AwsError("InvalidParameterCombination", message);
const badToken = () => new AwsError("InvalidNextToken", "The token is invalid.");

/** Answers all queries, page by page once there are more values than asked for. */
export function getMetricData(cloudwatch: CloudWatch, input: z.output<typeof shapes.getMetricData>) {
  const stretch = stretchOf(cloudwatch.region.now(), input.StartTime, input.EndTime);
  const answers = answersTo(cloudwatch, prepared(input.MetricDataQueries), stretch);
  const direction = input.ScanBy === "TimestampAscending" ? 1 : -1;
  const values = answers.flatMap(({ id, series }) =>
    [...series].sort(([a], [b]) => direction * (a - b)).map(([at, value]) => ({ id, at, value })),
  );
  const { items, next } = page(values, input.MaxDatapoints, input.NextToken, badToken);
  const first = input.NextToken === undefined || input.NextToken === "";
  const last = items.at(-1);
  const cut = next === undefined || last === undefined ? undefined : values[values.indexOf(last) + 1]?.id;
  return {
    MetricDataResults: answers
      .map(({ id, label, series }) => {
        const mine = items.filter((item) => item.id === id);
        return {
          isHere: mine.length > 0 || (first && series.size === 0),
          result: {
            Id: id,
            Label: label,
            Timestamps: mine.map(({ at }) => new Date(at)),
            Values: mine.map(({ value }) => value),
            StatusCode: id === cut ? "PartialData" : "Complete",
          },
        };
      })
      .flatMap(({ isHere, result }) => (isHere ? [result] : [])),
    NextToken: next,
    Messages: [],
  };
}

const datapointsMax = 1_440;

export function getMetricStatistics(
  cloudwatch: CloudWatch,
  input: z.output<typeof shapes.getMetricStatistics>,
) {
  const { Statistics: simple, ExtendedStatistics: extended } = input;
  if (simple.length + extended.length === 0)
    throw new AwsError(
      "MissingParameter",
      "At least one of Statistics and ExtendedStatistics must be given.",
    );
  const statistics = new Map([...simple, ...extended].map((name) => [name, knownStatistic(name)]));
  const valueOf = (name: string, samples: Samples) => statistics.get(name)?.(samples);
  const unknown = simple.find((name) => !simpleStatistics.includes(name));
  if (unknown !== undefined) throw invalidValue(`The value ${unknown} for parameter Statistics is invalid.`);
  const periodMs = periodMsOf(input.Period);
  const stretch = stretchOf(cloudwatch.region.now(), input.StartTime, input.EndTime);
  const asked = Math.ceil((stretch.toMs - stretch.fromMs) / periodMs);
  if (asked > datapointsMax)
    throw invalidCombination(
      `You have requested up to ${asked} datapoints, which exceeds the limit of ${datapointsMax}.`,
    );
  const points = cloudwatch
    .points(input, stretch.fromMs, stretch.toMs)
    .filter(({ unit }) => input.Unit === undefined || unit === input.Unit);
  return {
    Label: input.MetricName,
    Datapoints: inPeriods(points, stretch, periodMs).map(([at, samples]) => ({
      Timestamp: new Date(at),
      ...Object.fromEntries(simple.map((name) => [name, valueOf(name, samples)])),
      Unit: points[0]?.unit ?? "None",
      ExtendedStatistics:
        extended.length === 0
          ? undefined
          : new Map(
              extended.flatMap((name) => {
                const value = valueOf(name, samples);
                return value === undefined ? [] : [[name, value] as const];
              }),
            ),
    })),
  };
}

const metricsPerPage = 500;

export function listMetrics(cloudwatch: CloudWatch, input: z.output<typeof shapes.listMetrics>) {
  const chosen = cloudwatch
    .metrics()
    .filter(
      (metric) =>
        (input.Namespace === undefined || metric.Namespace === input.Namespace) &&
        (input.MetricName === undefined || metric.MetricName === input.MetricName) &&
        input.Dimensions.every(({ Name, Value }) =>
          metric.Dimensions.some((one) => one.Name === Name && (Value === undefined || one.Value === Value)),
        ),
    );
  const { items, next } = page(chosen, metricsPerPage, input.NextToken, badToken);
  return { Metrics: items, NextToken: next };
}

/** Minutes that a published metric keeps: two weeks, as far back as any may be published. */
const pointsMax = 20_160;
const customMetricsMax = 10_000;
const hourMs = 60 * minuteMs;
const twoWeeksMs = 14 * 24 * hourMs;
const valuesMax = 150;

/** Publishes values; they can be read at once. */
export function putMetricData(cloudwatch: CloudWatch, input: z.output<typeof shapes.putMetricData>) {
  const { Namespace } = input;
  if (Namespace.startsWith("AWS/"))
    throw invalidValue(`The value ${Namespace} for parameter Namespace is invalid: it is AWS's own.`);
  const now = cloudwatch.region.now();
  const published = input.MetricData.map((datum) => {
    const at = datum.Timestamp ?? now;
    if (at < now - twoWeeksMs || at > now + 2 * hourMs)
      throw invalidValue(
        `The parameter MetricData.Timestamp must be between two weeks ago and two hours ahead: ${new Date(at).toISOString()}`,
      );
    const name = { Namespace, MetricName: datum.MetricName, Dimensions: datum.Dimensions };
    return {
      name,
      point: { at: Math.floor(at / minuteMs) * minuteMs, unit: datum.Unit, samples: samplesOf(datum) },
    };
  });
  const created = new Set(published.map(({ name }) => metricKey(name)));
  for (const key of cloudwatch.custom.keys()) created.delete(key);
  if (cloudwatch.custom.size + created.size > customMetricsMax)
    throw new AwsError("LimitExceeded", `The sandbox keeps at most ${customMetricsMax} published metrics.`);
  for (const { name, point } of published) {
    const key = metricKey(name);
    const metric = cloudwatch.custom.get(key) ?? { name, points: [] };
    metric.points.push(point);
    metric.points.sort((a, b) => a.at - b.at);
    metric.points.splice(0, metric.points.length - pointsMax);
    cloudwatch.custom.set(key, metric);
  }
  return {};
}

function samplesOf(datum: shapes.MetricDatum): Samples {
  const { Value: value, Values: values, Counts: counts, StatisticValues: summary, MetricName: name } = datum;
  const given = [value, values, summary].filter((one) => one !== undefined).length;
  if (given !== 1)
    throw invalidCombination(`${name} must have exactly one of Value, Values and StatisticValues.`);
  if (summary !== undefined) {
    const { SampleCount, Sum, Minimum, Maximum } = summary;
    if (SampleCount <= 0 || Minimum > Maximum)
      throw invalidValue(`The StatisticValues of ${name} contradict themselves.`);
    return Minimum === Maximum && Sum === Minimum * SampleCount
      ? repeated(Minimum, SampleCount)
      : { count: SampleCount, sum: Sum, min: Minimum, max: Maximum, values: undefined };
  }
  if (value !== undefined) return repeated(value, 1);
  const all = values ?? [];
  if (all.length === 0 || all.length > valuesMax)
    throw invalidValue(`Values of ${name} must have 1 to ${valuesMax} entries and has ${all.length}.`);
  if (counts !== undefined && counts.length !== all.length)
    throw invalidValue(`Counts of ${name} has ${counts.length} entries and Values ${all.length}.`);
  const pairs = all.map((one, at) => [one, counts?.[at] ?? 1] as const).toSorted(([a], [b]) => a - b);
  return {
    count: pairs.reduce((sum, [, times]) => sum + times, 0),
    sum: pairs.reduce((sum, [one, times]) => sum + one * times, 0),
    min: pairs[0]?.[0] ?? 0,
    max: pairs.at(-1)?.[0] ?? 0,
    values: pairs,
  };
}
