import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { CloudWatch } from "./cloudwatch.ts";
import { enter, type Alarm, type AnyAlarm, type CompositeAlarm, type MetricAlarm } from "./alarm.ts";
import { judgeComposites } from "./judge.ts";
import { knownStatistic, periodMsOf, prepared } from "./queries.ts";
import { namesIn, parseRule } from "./rule.ts";
import type * as shapes from "./shapes.ts";
import type { MetricQuery } from "./shapes.ts";

const alarmsMax = 5_000;
const queriesPerAlarm = 10;
const dayMs = 86_400_000;

/** Creates an alarm, or changes its settings and leaves it in its state. */
export function putMetricAlarm(cloudwatch: CloudWatch, input: z.output<typeof shapes.putMetricAlarm>) {
  const { queries, periodMs } = watchedBy(input);
  if ((input.DatapointsToAlarm ?? 0) > input.EvaluationPeriods)
    throw validationError(
      `DatapointsToAlarm ${input.DatapointsToAlarm} must not be above EvaluationPeriods ${input.EvaluationPeriods}.`,
    );
  if (periodMs * input.EvaluationPeriods > dayMs)
    throw validationError("EvaluationPeriods times Period must not be above a day.");
  const base = beginningOf(cloudwatch, input.AlarmName, "metric");
  cloudwatch.alarms.set(input.AlarmName, { ...base, kind: "metric", settings: input, queries, periodMs });
  return {};
}

export function putCompositeAlarm(cloudwatch: CloudWatch, input: z.output<typeof shapes.putCompositeAlarm>) {
  const rule = parseRule(input.AlarmRule);
  const missing = namesIn(rule).filter((name) => name === input.AlarmName || !cloudwatch.alarms.has(name));
  if (missing.length > 0)
    throw validationError(
      `Could not save the composite alarm as alarms [${missing.join(", ")}] in the alarm rule do not exist.`,
    );
  const base = beginningOf(cloudwatch, input.AlarmName, "composite");
  cloudwatch.alarms.set(input.AlarmName, {
    ...base,
    kind: "composite",
    settings: input,
    rule,
    judgedOn: undefined,
  });
  judgeComposites(cloudwatch);
  return {};
}

export function describeAlarms(cloudwatch: CloudWatch, input: z.output<typeof shapes.describeAlarms>) {
  const { AlarmNames: names, AlarmNamePrefix: prefix, ActionPrefix: action } = input;
  if (names !== undefined && prefix !== undefined)
    throw validationError("AlarmNames and AlarmNamePrefix can't be given together.");
  const types = input.AlarmTypes ?? ["MetricAlarm"];
  const chosen = [...cloudwatch.alarms.values()]
    .filter(
      ({ name, kind, state, settings }) =>
        (names?.includes(name) ?? true) &&
        name.startsWith(prefix ?? "") &&
        (action === undefined || settings.AlarmActions.some((arn) => arn.startsWith(action))) &&
        (input.StateValue === undefined || state === input.StateValue) &&
        types.includes(kind === "metric" ? "MetricAlarm" : "CompositeAlarm"),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const size = names === undefined ? input.MaxRecords : 100;
  const { items, next } = page(chosen, size, input.NextToken, () => {
    return new AwsError("InvalidNextToken", "The token is invalid.");
  });
  return {
    MetricAlarms: items.flatMap((alarm) => (alarm.kind === "metric" ? [metricView(alarm)] : [])),
    CompositeAlarms: items.flatMap((alarm) => (alarm.kind === "composite" ? [compositeView(alarm)] : [])),
    NextToken: next,
  };
}

/** All or none. */
export function deleteAlarms(cloudwatch: CloudWatch, input: z.output<typeof shapes.deleteAlarms>) {
  for (const name of input.AlarmNames) find(cloudwatch, name);
  for (const name of input.AlarmNames) {
    const user = [...cloudwatch.alarms.values()].find(
      (alarm) =>
        alarm.kind === "composite" &&
        !input.AlarmNames.includes(alarm.name) &&
        namesIn(alarm.rule).includes(name),
    );
    if (user !== undefined)
      throw validationError(`The alarm ${name} is in the rule of the composite alarm ${user.name}.`);
  }
  for (const name of input.AlarmNames) cloudwatch.alarms.delete(name);
  return {};
}

/** Lasts until the alarm is judged next: a metric alarm within the minute, a composite one once a child changes. */
export function setAlarmState(cloudwatch: CloudWatch, input: z.output<typeof shapes.setAlarmState>) {
  const alarm = find(cloudwatch, input.AlarmName);
  enter(alarm, input.StateValue, input.StateReason, cloudwatch.region.now());
  alarm.reasonData = input.StateReasonData;
  judgeComposites(cloudwatch);
  return {};
}

function find(cloudwatch: CloudWatch, name: string): Alarm {
  const alarm = cloudwatch.alarms.get(name);
  if (alarm === undefined) throw new AwsError("ResourceNotFound", `Alarm '${name}' does not exist`, 404);
  return alarm;
}

function watchedBy(input: z.output<typeof shapes.putMetricAlarm>): {
  queries: MetricQuery[];
  periodMs: number;
} {
  const { Metrics: queries, MetricName, Namespace, Period, Statistic, ExtendedStatistic } = input;
  if (queries !== undefined && queries.length > 0) {
    if ([MetricName, Namespace, Period, Statistic, ExtendedStatistic].some((one) => one !== undefined))
      throw validationError("Metrics can't be given together with a metric of its own.");
    if (queries.length > queriesPerAlarm)
      throw validationError(`An alarm takes at most ${queriesPerAlarm} metrics and expressions.`);
    if (queries.filter((query) => query.ReturnData).length !== 1)
      throw validationError("Exactly one of the metrics of an alarm must have ReturnData true.");
    prepared(queries);
    const periods = new Set(queries.flatMap((query) => query.MetricStat?.Period ?? []));
    const [period] = periods;
    if (period === undefined || periods.size > 1)
      throw validationError("All metrics of an alarm must have the same period.");
    return { queries, periodMs: periodMsOf(period) };
  }
  const stat = Statistic ?? ExtendedStatistic;
  if (MetricName === undefined || Namespace === undefined || Period === undefined || stat === undefined)
    throw validationError("An alarm needs Namespace, MetricName, Period and a statistic, or Metrics.");
  if (Statistic !== undefined && ExtendedStatistic !== undefined)
    throw validationError("Statistic and ExtendedStatistic can't be given together.");
  knownStatistic(stat);
  const Metric = { Namespace, MetricName, Dimensions: input.Dimensions };
  return {
    queries: [{ Id: "m1", MetricStat: { Metric, Period, Stat: stat, Unit: input.Unit }, ReturnData: true }],
    periodMs: periodMsOf(Period),
  };
}

function beginningOf(cloudwatch: CloudWatch, name: string, kind: Alarm["kind"]): AnyAlarm {
  const { alarms, region } = cloudwatch;
  const now = region.now();
  const before = alarms.get(name);
  if (before !== undefined) {
    if (before.kind !== kind) throw validationError(`${name} is the name of an alarm of the other kind.`);
    return { ...before, configuredAt: now };
  }
  if (alarms.size >= alarmsMax)
    throw new AwsError("LimitExceeded", `A region takes at most ${alarmsMax} alarms.`);
  return {
    name,
    arn: `arn:aws:cloudwatch:${region.name}:${region.account}:alarm:${name}`,
    state: "INSUFFICIENT_DATA",
    reason: "Unchecked: Initial alarm creation",
    reasonData: undefined,
    configuredAt: now,
    stateAt: now,
  };
}

function metricView(alarm: MetricAlarm) {
  return { ...alarm.settings, ...stateView(alarm) };
}

function compositeView(alarm: CompositeAlarm) {
  return { ...alarm.settings, ...stateView(alarm) };
}

function stateView({ arn, state, reason, reasonData, configuredAt, stateAt }: Alarm) {
  return {
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: new Date(configuredAt),
    StateValue: state,
    StateReason: reason,
    StateReasonData: reasonData,
    StateUpdatedTimestamp: new Date(stateAt),
    StateTransitionedTimestamp: new Date(stateAt),
  };
}
