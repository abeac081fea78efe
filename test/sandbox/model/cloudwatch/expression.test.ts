import { expect, test } from "vitest";
import { evaluate, idsIn, parseExpression } from "../../../../sandbox/model/cloudwatch/expression.ts";

const series: Record<string, Map<number, number>> = {
  a: new Map([
    [0, 10],
    [60, 20],
  ]),
  b: new Map([
    [60, 5],
    [120, 2],
  ]),
};

function come(text: string): unknown {
  const found = evaluate(parseExpression(text), (id) => series[id] ?? 0, [0, 60, 120]);
  return typeof found === "number" ? found : Object.fromEntries(found);
}

test.each([
  ["1 + 2 * 3", 7],
  ["(1 + 2) * 3", 9],
  ["8 / 4 / 2", 1],
  ["2 - 3 - 4", -5],
  ["-2 * -3", 6],
  ["1.5e2", 150],
  ["FILL(4, 0)", 4],
  ["a * 2", { 0: 20, 60: 40 }],
  ["a + b", { 0: 10, 60: 25, 120: 2 }],
  // A division by what is missing is left out.
  ["a / b", { 60: 4, 120: 0 }],
  ["-a", { 0: -10, 60: -20 }],
  ["FILL(a, 0)", { 0: 10, 60: 20, 120: 0 }],
  ["FILL(a, -1) - 1", { 0: 9, 60: 19, 120: -2 }],
  ["100 * b / (a + b)", { 0: 0, 60: 20, 120: 100 }],
])("%s", (text, expected) => {
  expect(come(text)).toEqual(expected);
});

test.each([
  ["", "ends too soon"],
  ["1 +", "ends too soon"],
  ["(1", "')' is expected"],
  ["1 2", "'2' is not known"],
  ["a ^ 2", "'^' is not known"],
  ["SUM([a, b])", "'SUM' is not known"],
  ["IF(a, 1)", "'IF' is not known"],
  ["FILL(a, REPEAT)", "a number is expected, not 'REPEAT'"],
  ["METRICS()", "'METRICS' is not known"],
])("refuses %j", (text, why) => {
  expect(() => parseExpression(text)).toThrow(why);
});

test("names the ids it builds on", () => {
  expect(idsIn(parseExpression("FILL(a, 0) / (b - 2 * c)"))).toEqual(["a", "b", "c"]);
});
