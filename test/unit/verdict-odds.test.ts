/**
 * The bets behind the verdict are fair or worse as long as green is within its bound: not by simulation, but summed
 * over all that can happen.
 */
import { describe, expect, it } from "vitest";
import { logEvidence, logStart, noEvidence, weigh } from "../../src/deployment/verdict/evidence.ts";
import { againstRates, againstShare } from "../../src/deployment/verdict/ratios.ts";

/** The chances of 0, 1, … n successes of requests that each have a chance of their own. */
function chancesOf(requests: readonly number[]): number[] {
  return requests.reduce(
    (before, chance) =>
      [...before, 0].map((none, count) => none * (1 - chance) + (before[count - 1] ?? 0) * chance),
    [1],
  );
}

const same = (count: number, chance: number) => Array.from({ length: count }, () => chance);
const mean = (requests: readonly number[]) => requests.reduce((sum, one) => sum + one, 0) / requests.length;

/** For each alternative, what a bet of 1 is worth on average. */
function worth(blue: readonly number[], green: readonly number[], bound: { factor: number; floor: number }) {
  const [ofBlue, ofGreen] = [chancesOf(blue), chancesOf(green)];
  const total: number[] = [];
  for (const [blueBad, p] of ofBlue.entries()) {
    for (const [greenBad, q] of ofGreen.entries()) {
      const ratios = againstRates({ blue: blue.length, blueBad, green: green.length, greenBad }, bound);
      for (const [index, ratio] of ratios.entries()) {
        total[index] = (total[index] ?? 0) + p * q * Math.exp(ratio);
      }
    }
  }
  return total;
}

/** The same for requests that each choose green with this chance. */
function worthOfShare(requests: number, promised: number, chance: number): number[] {
  const total: number[] = [];
  for (const [green, p] of chancesOf(same(requests, chance)).entries()) {
    const counts = { blue: requests - green, green, promised };
    for (const [index, ratio] of againstShare(counts).entries()) {
      total[index] = (total[index] ?? 0) + p * Math.exp(ratio);
    }
  }
  return total;
}

const fair = 1 + 1e-9;

describe("bets on errors and slow answers", () => {
  const bounds = [
    { factor: 1, floor: 0 },
    { factor: 1.1, floor: 0.0001 },
    { factor: 1.5, floor: 0.005 },
    { factor: 3, floor: 0 },
  ];
  const sizes = [
    [1, 1],
    [30, 3],
    [3, 30],
    [20, 20],
  ] as const;

  it("are at most fair at the bound, whatever the counts and the rate", () => {
    for (const bound of bounds) {
      for (const [blue, green] of sizes) {
        for (const chance of [0, 0.001, 0.01, 0.1, 0.3]) {
          const most = Math.min(1, bound.factor * chance + bound.floor);
          for (const value of worth(same(blue, chance), same(green, most), bound)) {
            expect(value).toBeLessThanOrEqual(fair);
          }
        }
      }
    }
  });

  it("are at most fair where requests differ from each other", () => {
    const blue = [0.5, 0.01, 0.01, 0.2, 0, 0.9];
    const green = [0.9, 0.3, 0, 0.01];
    const factor = mean(green) / mean(blue);
    for (const value of worth(blue, green, { factor, floor: 0 })) expect(value).toBeLessThanOrEqual(fair);
  });

  it("are at most fair where errors come in bursts, as long as chance alone sends requests to a colour", () => {
    // Of 24 requests some fail whatever the colour; every choice of 4 of them for green is as likely.
    for (let failing = 0; failing <= 24; failing++) {
      const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
      const total: number[] = [];
      for (let greenBad = Math.max(0, failing - 20); greenBad <= Math.min(4, failing); greenBad++) {
        const p = (choose(failing, greenBad) * choose(24 - failing, 4 - greenBad)) / choose(24, 4);
        const counts = { blue: 20, blueBad: failing - greenBad, green: 4, greenBad };
        for (const [index, ratio] of againstRates(counts, { factor: 1, floor: 0 }).entries()) {
          total[index] = (total[index] ?? 0) + p * Math.exp(ratio);
        }
      }
      expect(Math.max(...total)).toBeLessThanOrEqual(fair);
    }
  });

  it("are nearly fair for rare errors, so nothing is given away", () => {
    const { factor } = { factor: 1.1 };
    const values = worth(same(60, 0.001), same(20, 0.0011), { factor, floor: 0 });
    expect(Math.min(...values)).toBeGreaterThan(0.95);
  });

  it("pay when green is beyond the bound", () => {
    const values = worth(same(30, 0.05), same(30, 0.4), { factor: 1.1, floor: 0.0001 });
    expect(Math.max(...values)).toBeGreaterThan(100);
  });
});

describe("bets on an empty green", () => {
  it("are at most fair from half of the promised share on", () => {
    for (const share of [0.01, 0.1, 0.5, 0.99, 1]) {
      for (const chance of [share / 2, 0.7 * share, share]) {
        for (const value of worthOfShare(40, 40 * share, chance)) expect(value).toBeLessThanOrEqual(fair);
      }
    }
  });

  it("pay when green gets less", () => {
    expect(Math.max(...worthOfShare(40, 20, 0.05))).toBeGreaterThan(100);
  });
});

describe("evidence", () => {
  it("stakes no more than it has, over all the minutes there are", () => {
    let staked = 0;
    for (let minute = 1; minute <= 100_000; minute++) staked += Math.exp(logStart(minute));
    expect(staked).toBeLessThan(1);
    expect(staked).toBeGreaterThan(0.9);
  });

  it("is the sum over all beginnings of the product of the ratios since", () => {
    const ratios = [0.4, -0.3, 1.1, 0.7, -0.2];
    let evidence = noEvidence;
    for (const ratio of ratios) evidence = weigh(evidence, [ratio, 2 * ratio], Infinity);
    const since = (from: number, times: number) =>
      Math.exp(logStart(from + 1) + times * ratios.slice(from).reduce((sum, one) => sum + one, 0));
    const expected = ratios.reduce((sum, _, from) => sum + (since(from, 1) + since(from, 2)) / 2, 0);
    expect(Math.exp(logEvidence(evidence))).toBeLessThanOrEqual(expected);
    expect(Math.exp(logEvidence(evidence))).toBeCloseTo(expected, 2);
  });

  it("counts no minute for more than its cap, and any against green for all it is worth", () => {
    const capped = weigh(noEvidence, [50], 3);
    expect(logEvidence(capped)).toBeCloseTo(logStart(1) + 3, 3);
    expect(logEvidence(weigh(capped, [-50], 3))).toBeLessThan(-40);
  });

  it("survives ratios beyond all numbers", () => {
    let evidence = noEvidence;
    for (const ratio of [-1e6, 1e6, -1e6, 1e6]) evidence = weigh(evidence, [ratio, -ratio], 3);
    expect(evidence.logParts.every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(logEvidence(evidence))).toBe(true);
  });
});
