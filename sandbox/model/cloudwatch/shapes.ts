import { z } from "zod";
import { flag, list } from "../formInput.ts";

/*
 * Inputs of the CloudWatch actions, as JSON, CBOR or the query protocol send
 * them: numbers and times may be text, a time may be epoch seconds.
 */

const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/, "must be a number")
    .transform(Number),
]);
const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => number.pipe(z.int().min(min).max(max));
/** Ms since the epoch. */
const time = z
  .union([z.date(), z.number().transform((seconds) => seconds * 1000), z.string()])
  .transform((value) => new Date(value).getTime())
  .refine((ms) => Number.isFinite(ms), "must be a time");

function sized<T extends z.ZodType>(item: T, min: number, max: number) {
  const fits = (all: readonly unknown[]) => all.length >= min && all.length <= max;
  return list(item).refine(fits, `must have ${min} to ${max} entries`);
}

const namespace = z.string().min(1).max(255).regex(/^[^:]/, "must not begin with a colon");
const name = z.string().min(1).max(255);
const dimension = z.object({ Name: name, Value: z.string().min(1).max(1024) });
export type Dimension = z.output<typeof dimension>;
const dimensions = sized(dimension, 0, 30).default([]);

const metric = z.object({ Namespace: namespace, MetricName: name, Dimensions: dimensions });
/** What identifies a metric: all of it. */
export type MetricName = z.output<typeof metric>;

const query = z.object({
  Id: z.string().regex(/^[a-z]\w*$/, "must begin with a small letter and have letters, digits and _ only"),
  MetricStat: z
    .object({ Metric: metric, Period: whole(1), Stat: z.string(), Unit: z.string().optional() })
    .optional(),
  Expression: z.string().min(1).max(2048).optional(),
  Label: z.string().optional(),
  ReturnData: flag.default(true),
  Period: whole(1).optional(),
});
export type MetricQuery = z.output<typeof query>;

export const getMetricData = z.object({
  MetricDataQueries: sized(query, 1, 500),
  StartTime: time,
  EndTime: time,
  NextToken: z.string().optional(),
  ScanBy: z.enum(["TimestampDescending", "TimestampAscending"]).default("TimestampDescending"),
  MaxDatapoints: whole(1, 100_800).default(100_800),
});

export const getMetricStatistics = metric.extend({
  StartTime: time,
  EndTime: time,
  Period: whole(1),
  Statistics: list(z.string()).default([]),
  ExtendedStatistics: list(z.string()).default([]),
  Unit: z.string().optional(),
});

export const listMetrics = z.object({
  Namespace: namespace.optional(),
  MetricName: name.optional(),
  Dimensions: list(z.object({ Name: name, Value: z.string().optional() })).default([]),
  NextToken: z.string().optional(),
  RecentlyActive: z.literal("PT3H").optional(),
});

const datum = z.object({
  MetricName: name,
  Dimensions: dimensions,
  Timestamp: time.optional(),
  Value: number.optional(),
  Values: list(number).optional(),
  Counts: list(number).optional(),
  StatisticValues: z
    .object({ SampleCount: number, Sum: number, Minimum: number, Maximum: number })
    .optional(),
  Unit: z.string().default("None"),
});
export type MetricDatum = z.output<typeof datum>;
export const putMetricData = z.object({
  Namespace: namespace,
  MetricData: sized(datum, 1, 1000),
});

const alarmName = name;
const actionArns = sized(z.string(), 0, 5).default([]);
const anyAlarm = z.object({
  AlarmName: alarmName,
  AlarmDescription: z.string().max(1024).optional(),
  ActionsEnabled: flag.default(true),
  OKActions: actionArns,
  AlarmActions: actionArns,
  InsufficientDataActions: actionArns,
});

export const putMetricAlarm = anyAlarm.extend({
  Namespace: namespace.optional(),
  MetricName: name.optional(),
  Dimensions: dimensions,
  Statistic: z.enum(["SampleCount", "Average", "Sum", "Minimum", "Maximum"]).optional(),
  ExtendedStatistic: z.string().optional(),
  Period: whole(1).optional(),
  Unit: z.string().optional(),
  Metrics: list(query).optional(),
  EvaluationPeriods: whole(1),
  DatapointsToAlarm: whole(1).optional(),
  Threshold: number,
  ComparisonOperator: z.enum([
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
  ]),
  TreatMissingData: z.enum(["missing", "ignore", "breaching", "notBreaching"]).optional(),
});

export const putCompositeAlarm = anyAlarm.extend({ AlarmRule: z.string().min(1).max(10_240) });

const alarmState = z.enum(["OK", "ALARM", "INSUFFICIENT_DATA"]);
export type AlarmState = z.output<typeof alarmState>;

export const describeAlarms = z.object({
  AlarmNames: sized(alarmName, 0, 100).optional(),
  AlarmNamePrefix: name.optional(),
  /** Composite alarms are told only where they are asked for. */
  AlarmTypes: list(z.enum(["MetricAlarm", "CompositeAlarm"])).optional(),
  StateValue: alarmState.optional(),
  ActionPrefix: z.string().optional(),
  MaxRecords: whole(1, 100).default(50),
  NextToken: z.string().optional(),
});

export const deleteAlarms = z.object({ AlarmNames: sized(alarmName, 0, 100) });

export const setAlarmState = z.object({
  AlarmName: alarmName,
  StateValue: alarmState,
  StateReason: z.string().max(1023),
  StateReasonData: z.string().max(4000).optional(),
});
