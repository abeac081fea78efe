import { minuteMs } from "../../traffic/recorder.ts";
import { enter, type CompositeAlarm, type MetricAlarm } from "./alarm.ts";
import type { CloudWatch } from "./cloudwatch.ts";
import { answersTo, prepared } from "./queries.ts";
import { holds, namesIn } from "./rule.ts";
import type { AlarmState } from "./shapes.ts";

/*
 * How alarms come to their states (User Guide, "Evaluating an alarm" and
 * "Configuring how CloudWatch alarms treat missing data").
 */

/**
 * CloudWatch looks at more periods than the alarm's, because the newest ones may not have come in. By how many is
 * published for one example only: two.
 */
const extraPeriods = 2;

const reasonLengthMax = 1_023;

/** Judges every alarm by what can be seen now. */
export function judgeAlarms(cloudwatch: CloudWatch): void {
  for (const alarm of cloudwatch.alarms.values()) if (alarm.kind === "metric") judge(cloudwatch, alarm);
  judgeComposites(cloudwatch);
}

/** Judges the composite alarms of whose alarms one has changed, until none does any more. */
export function judgeComposites(cloudwatch: CloudWatch): void {
  const composites = [...cloudwatch.alarms.values()].filter((alarm) => alarm.kind === "composite");
  for (let again = true, rounds = 0; again && rounds <= composites.length; rounds++) {
    again = composites.map((alarm) => judgeComposite(cloudwatch, alarm)).some((changed) => changed);
  }
}

function judgeComposite(cloudwatch: CloudWatch, alarm: CompositeAlarm): boolean {
  const stateOf = (name: string) => cloudwatch.alarms.get(name)?.state;
  const children = namesIn(alarm.rule);
  const judgedOn = JSON.stringify(children.map(stateOf));
  if (alarm.judgedOn === judgedOn) return false;
  alarm.judgedOn = judgedOn;
  const state = holds(alarm.rule, stateOf) ? "ALARM" : "OK";
  if (state === alarm.state) return false;
  const told = [...new Set(children)].map((name) => `${name} is ${stateOf(name) ?? "gone"}`).join(", ");
  const reason = `The rule ${alarm.settings.AlarmRule} came to ${state}: ${told}`.slice(0, reasonLengthMax);
  enter(alarm, state, reason, cloudwatch.region.now());
  return true;
}

function judge(cloudwatch: CloudWatch, alarm: MetricAlarm): void {
  const { queries, periodMs, settings } = alarm;
  const periods = settings.EvaluationPeriods + extraPeriods;
  const toMs = Math.floor(cloudwatch.region.now() / minuteMs) * minuteMs;
  const fromMs = toMs - periods * periodMs;
  const [answer] = answersTo(cloudwatch, prepared(queries), { fromMs, toMs });
  const seen = Array.from({ length: periods }, (_, at) => {
    const value = answer?.series.get(fromMs + at * periodMs);
    return value === undefined ? undefined : { at: fromMs + at * periodMs, value };
  });
  const { state, reason } = judgement(alarm, seen);
  // An unchanged state keeps the reason for which it was entered.
  if (state !== alarm.state) enter(alarm, state, reason, cloudwatch.region.now());
}

type Seen = { at: number; value: number } | undefined;

/** The state that points of the evaluation range, oldest first, lead to. */
export function judgement(
  { settings, state: before }: Pick<MetricAlarm, "settings" | "state">,
  seen: readonly Seen[],
): { state: AlarmState; reason: string } {
  const { EvaluationPeriods: periods, TreatMissingData: missing = "missing" } = settings;
  const needed = settings.DatapointsToAlarm ?? periods;
  const real = seen.filter((one) => one !== undefined).slice(-periods);
  const breaching = real.filter(({ value }) => breaches(settings, value));
  const told = (state: AlarmState, filled: number) => ({
    state,
    reason: reasonOf(settings, state, real, breaching.length, filled, needed),
  });
  const absent = periods - real.length;
  if (absent === 0) return told(breaching.length >= needed ? "ALARM" : "OK", 0);
  if (missing === "breaching") return told(breaching.length + absent >= needed ? "ALARM" : "OK", absent);
  if (missing === "notBreaching") return told(breaching.length >= needed ? "ALARM" : "OK", absent);
  if (breaching.length >= needed) return told("ALARM", 0);
  if (real.length > breaching.length) return told("OK", 0);
  if (missing === "ignore") return { state: before, reason: "" };
  // Only breaching points, and too few: old enough, they stand for what is missing after them.
  const oldest = seen.findIndex((one) => one !== undefined);
  const isOld = oldest >= 0 && seen.length - oldest >= needed;
  return isOld ? told("ALARM", 0) : told("INSUFFICIENT_DATA", 0);
}

function breaches(settings: MetricAlarm["settings"], value: number): boolean {
  const { Threshold: threshold } = settings;
  switch (settings.ComparisonOperator) {
    case "GreaterThanOrEqualToThreshold":
      return value >= threshold;
    case "GreaterThanThreshold":
      return value > threshold;
    case "LessThanThreshold":
      return value < threshold;
    case "LessThanOrEqualToThreshold":
      return value <= threshold;
  }
}

const comparisons = {
  GreaterThanOrEqualToThreshold: "greater than or equal to",
  GreaterThanThreshold: "greater than",
  LessThanThreshold: "less than",
  LessThanOrEqualToThreshold: "less than or equal to",
};

function reasonOf(
  settings: MetricAlarm["settings"],
  state: AlarmState,
  real: readonly { at: number; value: number }[],
  breaching: number,
  filled: number,
  needed: number,
): string {
  if (real.length === 0 && filled === 0) return "Insufficient Data: no datapoints were received.";
  const isAlarm = state === "ALARM";
  const treated =
    filled === 0 ? "" : `, ${filled} missing treated as ${settings.TreatMissingData ?? "missing"}`;
  const counted = isAlarm ? breaching : real.length - breaching;
  const points = real
    .toReversed()
    .map(({ at, value }) => `${value} (${new Date(at).toISOString()})`)
    .join(", ");
  const which = `${counted} out of the last ${real.length} datapoints [${points}]${treated}`;
  const comparison = comparisons[settings.ComparisonOperator];
  const reason = `Threshold Crossed: ${which} was ${isAlarm ? "" : "not "}${comparison} the threshold (${settings.Threshold}); ${needed} needed for ALARM.`;
  return reason.slice(0, reasonLengthMax);
}
