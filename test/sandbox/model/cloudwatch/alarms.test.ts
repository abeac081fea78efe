import { expect, test } from "vitest";
import { AwsError } from "../../../../sandbox/model/error.ts";
import { region, sandbox, type Sandbox } from "../../support.ts";

const minuteMs = 60_000;

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
  return "none";
}

function alarm(box: Sandbox, AlarmName: string, more: object = {}) {
  return box.aws.cloudwatch(region, "PutMetricAlarm", {
    AlarmName,
    Namespace: "Shop",
    MetricName: "Failures",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 5,
    ComparisonOperator: "GreaterThanThreshold",
    ...more,
  });
}

function publish(box: Sandbox, Value: number, MetricName = "Failures") {
  box.aws.cloudwatch(region, "PutMetricData", { Namespace: "Shop", MetricData: [{ MetricName, Value }] });
}

function describeAll(box: Sandbox, more: object = {}) {
  const answer = box.aws.cloudwatch(region, "DescribeAlarms", {
    AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
    ...more,
  });
  return { ...answer, all: [...answer.MetricAlarms, ...answer.CompositeAlarms] };
}

const stateOf = (box: Sandbox, name: string) =>
  describeAll(box, { AlarmNames: [name] }).all.map((one) => [one.StateValue, one.StateReason])[0];

test("an alarm is judged once a minute, and tells since when it is in its state", () => {
  const box = sandbox();
  alarm(box, "errors");
  expect(stateOf(box, "errors")).toEqual(["INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"]);
  publish(box, 7);
  box.clock.advance(minuteMs - 1);
  expect(stateOf(box, "errors")?.[0]).toBe("INSUFFICIENT_DATA");
  box.clock.advance(1);
  const at = box.clock.now();
  const [fired] = describeAll(box).MetricAlarms;
  expect(fired).toMatchObject({
    AlarmArn: `arn:aws:cloudwatch:${region}:000000000000:alarm:errors`,
    StateValue: "ALARM",
    StateUpdatedTimestamp: new Date(at),
    Threshold: 5,
  });
  publish(box, 1);
  box.clock.advance(minuteMs);
  expect(stateOf(box, "errors")?.[0]).toBe("OK");
  // Its point leaves what is looked at after three minutes.
  box.clock.advance(3 * minuteMs);
  expect(stateOf(box, "errors")).toEqual([
    "INSUFFICIENT_DATA",
    "Insufficient Data: no datapoints were received.",
  ]);
});

test("a state that was set lasts until the alarm is judged, or for good where data is missing and ignored", () => {
  const box = sandbox();
  alarm(box, "errors");
  alarm(box, "rehearsed", { TreatMissingData: "ignore" });
  publish(box, 1);
  const set = (AlarmName: string) =>
    box.aws.cloudwatch(region, "SetAlarmState", {
      AlarmName,
      StateValue: "ALARM",
      StateReason: "a rehearsal",
    });
  set("errors");
  expect(stateOf(box, "errors")).toEqual(["ALARM", "a rehearsal"]);
  box.clock.advance(minuteMs);
  expect(stateOf(box, "errors")?.[0]).toBe("OK");
  box.clock.advance(5 * minuteMs);
  set("rehearsed");
  box.clock.advance(5 * minuteMs);
  expect(stateOf(box, "rehearsed")).toEqual(["ALARM", "a rehearsal"]);
  expect(code(() => set("other"))).toBe("ResourceNotFound");
});

const metric = (Id: string, MetricName: string) => ({
  Id,
  MetricStat: { Metric: { Namespace: "Shop", MetricName }, Period: 60, Stat: "Sum" },
  ReturnData: false,
});

test("an alarm on an expression", () => {
  const box = sandbox();
  box.aws.cloudwatch(region, "PutMetricAlarm", {
    AlarmName: "share",
    Metrics: [
      metric("failed", "Failures"),
      metric("all", "Orders"),
      { Id: "share", Expression: "failed / all" },
    ],
    EvaluationPeriods: 1,
    Threshold: 0.1,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
  });
  publish(box, 1);
  publish(box, 10, "Orders");
  box.clock.advance(minuteMs);
  expect(stateOf(box, "share")?.[0]).toBe("ALARM");
});

test("a composite alarm follows the alarms of its rule, and their composites", () => {
  const box = sandbox();
  alarm(box, "errors");
  alarm(box, "slow", { MetricName: "Slow" });
  const compose = (AlarmName: string, AlarmRule: string) =>
    box.aws.cloudwatch(region, "PutCompositeAlarm", { AlarmName, AlarmRule });
  compose("either", 'ALARM("errors") OR (ALARM(slow) AND NOT OK(errors))');
  compose("outer", `ALARM(arn:aws:cloudwatch:${region}:000000000000:alarm:either) AND TRUE`);
  expect(stateOf(box, "either")?.[0]).toBe("OK");
  publish(box, 7);
  box.clock.advance(minuteMs);
  expect(stateOf(box, "either")?.[0]).toBe("ALARM");
  expect(stateOf(box, "outer")?.[0]).toBe("ALARM");
  // Set by hand, it stays until one of its own changes.
  box.aws.cloudwatch(region, "SetAlarmState", { AlarmName: "outer", StateValue: "OK", StateReason: "x" });
  box.clock.advance(minuteMs);
  expect(stateOf(box, "outer")).toEqual(["OK", "x"]);

  expect(code(() => compose("a", "ALARM(none)"))).toBe("ValidationError");
  expect(code(() => compose("a", "ALARM(a)"))).toBe("ValidationError");
  expect(code(() => compose("a", "ALARM(errors"))).toBe("ValidationError");
  expect(code(() => compose("a", "AT_LEAST(1, ALARM, errors)"))).toBe("ValidationError");
  expect(code(() => compose("errors", "TRUE"))).toBe("ValidationError");
  const remove = (...AlarmNames: string[]) =>
    code(() => box.aws.cloudwatch(region, "DeleteAlarms", { AlarmNames }));
  expect(remove("errors")).toBe("ValidationError");
  expect(remove("outer", "gone")).toBe("ResourceNotFound");
  expect(remove("outer", "either", "errors", "slow")).toBe("none");
  expect(describeAll(box).all).toEqual([]);
});

test("alarms are found by name, beginning, state and kind, page by page", () => {
  const box = sandbox();
  for (let at = 0; at < 120; at++) alarm(box, `alarm-${String(at).padStart(3, "0")}`);
  box.aws.cloudwatch(region, "PutCompositeAlarm", { AlarmName: "composite", AlarmRule: "FALSE" });
  box.aws.cloudwatch(region, "SetAlarmState", {
    AlarmName: "alarm-007",
    StateValue: "ALARM",
    StateReason: "x",
  });
  const names = (more: object) => describeAll(box, more).all.map((one) => one.AlarmName);
  expect(names({})).toHaveLength(50);
  expect(names({ AlarmNamePrefix: "alarm-01" })).toHaveLength(10);
  expect(names({ StateValue: "ALARM" })).toEqual(["alarm-007"]);
  expect(names({ AlarmNames: ["alarm-003", "gone"] })).toEqual(["alarm-003"]);
  expect(names({ AlarmNames: ["composite"] })).toEqual(["composite"]);
  // Without saying so, only metric alarms are told.
  expect(names({ AlarmNames: ["composite"], AlarmTypes: undefined })).toEqual([]);
  const first = describeAll(box, { MaxRecords: 100 });
  expect(first.all).toHaveLength(100);
  expect(names({ MaxRecords: 100, NextToken: first.NextToken })).toHaveLength(21);
  const many = Array.from({ length: 101 }, (_, at) => `a${at}`);
  expect(code(() => describeAll(box, { AlarmNames: many }))).toBe("ValidationError");
  expect(code(() => describeAll(box, { NextToken: "bm9uc2Vuc2U" }))).toBe("InvalidNextToken");
});

test("changing an alarm leaves it in its state; one that contradicts itself is refused", () => {
  const box = sandbox();
  alarm(box, "errors");
  publish(box, 7);
  box.clock.advance(minuteMs);
  alarm(box, "errors", { Threshold: 50 });
  expect(stateOf(box, "errors")?.[0]).toBe("ALARM");
  box.clock.advance(minuteMs);
  expect(stateOf(box, "errors")?.[0]).toBe("OK");
  const wrong = (more: object) => code(() => alarm(box, "wrong", more));
  expect(wrong({ DatapointsToAlarm: 2 })).toBe("ValidationError");
  expect(wrong({ EvaluationPeriods: 1_441 })).toBe("ValidationError");
  expect(wrong({ Statistic: undefined })).toBe("ValidationError");
  expect(wrong({ ExtendedStatistic: "p99" })).toBe("ValidationError");
  expect(wrong({ Statistic: undefined, ExtendedStatistic: "p999" })).toBe("ValidationError");
  expect(wrong({ ComparisonOperator: "GreaterThanUpperThreshold" })).toBe("ValidationError");
  expect(wrong({ Period: 10 })).toBe("ValidationError");
  expect(wrong({ Metrics: [{ Id: "a", Expression: "1" }] })).toBe("ValidationError");
});

test("without an alarm nothing waits for the clock", () => {
  const box = sandbox();
  publish(box, 1);
  describeAll(box);
  expect(box.clock.nextAt()).toBeUndefined();
  alarm(box, "errors");
  expect(box.clock.nextAt()).toBe(box.clock.now() + minuteMs);
});
