import { expect, test } from "vitest";
import { seededRandom } from "../../../sandbox/random.ts";
import { drawn } from "../../../sandbox/traffic/chance.ts";

test.each([
  { count: 10, probability: 0.3 },
  { count: 100, probability: 0.02 },
  { count: 100, probability: 0.97 },
  { count: 5_000, probability: 0.5 },
  { count: 1_000_000, probability: 0.001 },
])("$count trials of $probability have the binomial's mean and spread", ({ count, probability }) => {
  const random = seededRandom(7);
  const draws = Array.from({ length: 4_000 }, () => drawn(random, count, probability));
  const mean = draws.reduce((sum, one) => sum + one, 0) / draws.length;
  const variance = draws.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws.length;
  const expected = count * probability * (1 - probability);
  // Five standard errors of a mean of 4000.
  expect(Math.abs(mean - count * probability)).toBeLessThan(5 * Math.sqrt(expected / draws.length));
  expect(variance / expected).toBeGreaterThan(0.88);
  expect(variance / expected).toBeLessThan(1.12);
  expect(draws.every((one) => Number.isInteger(one) && one >= 0 && one <= count)).toBe(true);
});

const never = () => {
  throw new Error("drawn");
};

test("what can't be otherwise isn't drawn", () => {
  expect(drawn(never, 10, 0)).toBe(0);
  expect(drawn(never, 10, 1)).toBe(10);
  expect(drawn(never, 0, 0.5)).toBe(0);
});
