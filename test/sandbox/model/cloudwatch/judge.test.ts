import { expect, test } from "vitest";
import { judgement } from "../../../../sandbox/model/cloudwatch/judge.ts";
import { putMetricAlarm, type AlarmState } from "../../../../sandbox/model/cloudwatch/shapes.ts";

/*
 * The examples of AWS's page on missing data: 3 periods, of which 5 are looked
 * at; 0 is a point within the threshold, X one beyond it, - a missing one.
 */

type Treated = "missing" | "ignore" | "breaching" | "notBreaching";
const treatments: Treated[] = ["missing", "ignore", "breaching", "notBreaching"];

function judged(points: string, needed: number, treated: Treated, before: AlarmState = "OK") {
  const settings = putMetricAlarm.parse({
    AlarmName: "a",
    EvaluationPeriods: 3,
    DatapointsToAlarm: needed,
    Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: treated,
  });
  const seen = points.split(" ").map((point, at) => {
    return point === "-" ? undefined : { at: at * 60_000, value: point === "X" ? 2 : 0 };
  });
  return judgement({ settings, state: before }, seen);
}

const enough = "INSUFFICIENT_DATA";

test.each([
  // Three of three.
  { points: "0 - X - X", needed: 3, states: ["OK", "OK", "OK", "OK"] },
  { points: "0 - - - -", needed: 3, states: ["OK", "OK", "OK", "OK"] },
  { points: "- - - - -", needed: 3, states: [enough, "kept", "ALARM", "OK"] },
  { points: "0 X X - X", needed: 3, states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { points: "- - - - X", needed: 3, states: [enough, "kept", "ALARM", "OK"] },
  { points: "- - X - -", needed: 3, states: ["ALARM", "kept", "ALARM", "OK"] },
  { points: "X - - - -", needed: 3, states: ["ALARM", "kept", "ALARM", "OK"] },
  // Two of three.
  { points: "0 - X - X", needed: 2, states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { points: "0 0 X 0 X", needed: 2, states: ["ALARM", "ALARM", "ALARM", "ALARM"] },
  { points: "0 - X - -", needed: 2, states: ["OK", "OK", "ALARM", "OK"] },
  { points: "- - - - 0", needed: 2, states: ["OK", "OK", "ALARM", "OK"] },
  { points: "- - - - X", needed: 2, states: [enough, "kept", "ALARM", "OK"] },
])("$needed of 3 of $points", ({ points, needed, states }) => {
  for (const before of ["OK", "ALARM"] as const) {
    const found = treatments.map((treated) => judged(points, needed, treated, before).state);
    expect(found).toEqual(states.map((state) => (state === "kept" ? before : state)));
  }
});

test("says why", () => {
  expect(judged("0 0 X X X", 2, "missing").reason).toBe(
    "Threshold Crossed: 3 out of the last 3 datapoints [2 (1970-01-01T00:04:00.000Z), 2 (1970-01-01T00:03:00.000Z), 2 (1970-01-01T00:02:00.000Z)] was greater than the threshold (1); 2 needed for ALARM.",
  );
  expect(judged("- - - - -", 3, "missing").reason).toContain("no datapoints");
  expect(judged("- - - - -", 3, "breaching").reason).toContain("3 missing treated as breaching");
  expect(judged("0 0 0 0 X", 3, "missing").reason).toContain("was not greater than");
});
