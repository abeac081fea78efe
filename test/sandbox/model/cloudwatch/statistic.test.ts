import { expect, test } from "vitest";
import { merged, repeated, type Samples } from "../../../../sandbox/model/cloudwatch/samples.ts";
import { statisticOf } from "../../../../sandbox/model/cloudwatch/statistic.ts";

/** 1 to 100, once each. */
const hundred = merged(Array.from({ length: 100 }, (_, at) => repeated(at + 1, 1)));

test.each([
  ["SampleCount", 100],
  ["Sum", 5_050],
  ["Average", 50.5],
  ["Minimum", 1],
  ["Maximum", 100],
  ["p50", 50],
  ["p99", 99],
  ["p99.9", 100],
  ["p0", 1],
  ["p100", 100],
  ["PR(:30)", 30],
  ["PR(30:)", 70],
  ["PR(30:40)", 10],
  ["PR(:0.5)", 0],
  ["TC(30:40)", 10],
  ["TC(:30)", 30],
  ["TC(90%:)", 10],
  ["tc90", 90],
  ["TM(10:20)", 15.5],
  ["tm10", 5.5],
  ["TM(:10%)", 5.5],
  ["TS(98:)", 199],
])("%s of 1 to 100 is %d", (name, expected) => {
  expect(statisticOf(name)?.(hundred)).toBeCloseTo(expected, 9);
});

test.each([
  "sum",
  "p",
  "p101",
  "p99.99999999999",
  "PR(:)",
  "PR(10%:)",
  "PR(5)",
  "TC(10:20%)",
  "wm90",
  "IQM",
  "toString",
])("%s is not known", (name) => {
  expect(statisticOf(name)).toBeUndefined();
});

test("a summary alone, and negative values, give the simple statistics only", () => {
  const summary: Samples = { count: 4, sum: 10, min: 1, max: 4, values: undefined };
  expect(statisticOf("Average")?.(summary)).toBe(2.5);
  expect(statisticOf("p50")?.(summary)).toBeUndefined();
  expect(statisticOf("p50")?.(merged([summary, repeated(1, 1)]))).toBeUndefined();
  expect(statisticOf("p50")?.(merged([repeated(-1, 1), repeated(1, 9)]))).toBeUndefined();
  expect(statisticOf("TM(200:)")?.(hundred)).toBeUndefined();
});
