/** The tables of docs/verdict.md can still be made; the figures there are those of the full size. */
import { expect, it } from "vitest";
import { binomial, poisson } from "../../bench/verdict/chance.ts";
import { falseAlarms, found, inTime, markdown } from "../../bench/verdict/tables.ts";
import { seededRandom } from "../../sandbox/random.ts";
import { binomialInterval } from "../sandbox/balancer/chance.ts";

const tiny = { seed: 1, alpha: 0.01, alike: 20, worse: 5, days: 1 };

it("has a row for each kind of world, and the same one again from the same seed", () => {
  const alarms = falseAlarms(tiny);
  const finds = found(tiny);
  for (const { what, shares } of alarms) {
    expect(shares["verdict"], what).toBe(0);
    expect(Object.keys(shares), what).toHaveLength(5);
  }
  for (const { what, minutes } of finds) {
    expect(minutes["verdict"]?.median, what).toBeGreaterThanOrEqual(3);
    expect(minutes["verdict"]?.median, what).toBeLessThan(30);
  }
  const early = inTime(tiny);
  expect(early.at(-1)?.shares["verdict"]).toBeGreaterThan(0.5);
  const tables = markdown(alarms, finds, early).split("\n\n");
  expect(tables.map((table) => table.split("\n").length - 2)).toEqual([
    alarms.length,
    finds.length,
    early.length,
  ]);
  for (const table of tables) expect(new Set(table.split("\n").map((line) => line.length)).size).toBe(1);
  expect(markdown(falseAlarms(tiny), found(tiny), inTime(tiny)).split("\n\n")).toEqual(tables);
});

it("deals counts as often as it should", () => {
  const random = seededRandom(5);
  const deals = 20_000;
  const seen = new Map<number, number>();
  for (let deal = 0; deal < deals; deal++) {
    const count = binomial(random, 6, 0.3);
    seen.set(count, (seen.get(count) ?? 0) + 1);
  }
  const chances = [0.117649, 0.302526, 0.324135, 0.18522, 0.059535, 0.010206, 0.000729];
  for (const [count, chance] of chances.entries()) {
    const { low, high } = binomialInterval(deals, chance);
    expect(seen.get(count), `${count} of 6`).toBeGreaterThanOrEqual(low);
    expect(seen.get(count), `${count} of 6`).toBeLessThanOrEqual(high);
  }
});

it("deals counts of any size around their mean, with their spread", () => {
  const random = seededRandom(6);
  const cases = [
    { mean: 90, spread: Math.sqrt(89.1), deal: () => binomial(random, 9_000, 0.01) },
    { mean: 99_000, spread: Math.sqrt(990), deal: () => binomial(random, 100_000, 0.99) },
    { mean: 0.2, spread: Math.sqrt(0.2), deal: () => poisson(random, 0.2) },
    { mean: 10_000, spread: 100, deal: () => poisson(random, 10_000) },
  ];
  for (const { mean, spread, deal } of cases) {
    const counts = Array.from({ length: 4_000 }, deal);
    const average = counts.reduce((sum, one) => sum + one, 0) / counts.length;
    const variance = counts.reduce((sum, one) => sum + (one - average) ** 2, 0) / counts.length;
    expect(Math.abs(average - mean)).toBeLessThan((5 * spread) / Math.sqrt(counts.length));
    expect(Math.sqrt(variance) / spread).toBeGreaterThan(0.9);
    expect(Math.sqrt(variance) / spread).toBeLessThan(1.1);
  }
  expect([
    binomial(random, 0, 0.5),
    binomial(random, 9, 0),
    binomial(random, 9, 1),
    poisson(random, 0),
  ]).toEqual([0, 0, 9, 0]);
});
