/** The arithmetic of weights and counts, over everything it can meet. */
import { describe, expect, it } from "vitest";
import {
  greenShare,
  sameWeights,
  sumFor,
  tasksFor,
  weightMax,
  weightsAt,
} from "../../src/deployment/traffic.ts";

const percents = [0.5, 1, 5, 10, 12.5, 20, 25, 33, 50, 66, 75, 90, 99, 100];

describe("tasksFor", () => {
  it("is the least whole number that is not less than the share, as ECS counts", () => {
    for (let desired = 0; desired <= 300; desired++) {
      for (let percent = 0; percent <= 100; percent++) {
        const tasks = tasksFor(desired, percent);
        expect(tasks * 100).toBeGreaterThanOrEqual(desired * percent);
        expect((tasks - 1) * 100).toBeLessThan(Math.max(1, desired * percent));
      }
    }
  });

  it("loses nothing to binary fractions", () => {
    expect(tasksFor(100, 7)).toBe(7);
    expect(tasksFor(1000, 0.1)).toBe(1);
    expect(tasksFor(3, 33.4)).toBe(2);
  });
});

describe("sumFor", () => {
  it("expresses every percentage exactly, within the weights that AWS takes", () => {
    for (const first of percents) {
      for (const second of percents) {
        for (let before = 1; before <= weightMax; before += 7) {
          const sum = sumFor([first, second], { blue: before, green: 0 }, true);
          if (sum === undefined) continue;
          expect(sum).toBeLessThanOrEqual(weightMax);
          for (const percent of [first, second]) {
            const weights = weightsAt({ before: { blue: before, green: 0 }, sum }, percent);
            if (percent < 100) expect(greenShare(weights) * 100).toBeCloseTo(percent, 9);
          }
        }
      }
    }
  });

  it("keeps the present sum where that will do", () => {
    expect(sumFor([10, 50, 100], { blue: 60, green: 0 }, true)).toBe(60);
    expect(sumFor([100], { blue: 1, green: 0 }, true)).toBe(1);
  });

  it("raises the sum of a pair that is alone, and never one that others share", () => {
    expect(sumFor([10], { blue: 1, green: 0 }, true)).toBe(100);
    expect(sumFor([0.5], { blue: 1, green: 0 }, true)).toBe(200);
    expect(sumFor([33], { blue: 60, green: 0 }, true)).toBe(100);
    expect(sumFor([10], { blue: 1, green: 0 }, false)).toBeUndefined();
    expect(sumFor([50], { blue: 60, green: 0 }, false)).toBe(60);
  });

  it("says so where no weights will do", () => {
    expect(sumFor([0.01], { blue: 1, green: 0 }, true)).toBeUndefined();
    expect(sumFor([10], { blue: 0, green: 0 }, false)).toBeUndefined();
  });
});

describe("weightsAt", () => {
  it("goes from the weights before to the same sum on green, and adds up on the way", () => {
    for (const before of [1, 7, 60, 100, 999]) {
      const sum = sumFor(percents, { blue: before, green: 0 }, true);
      if (sum === undefined) throw new Error("these percentages have a sum");
      const route = { before: { blue: before, green: 0 }, sum };
      expect(weightsAt(route, 0)).toEqual({ blue: before, green: 0 });
      expect(weightsAt(route, 100)).toEqual({ blue: 0, green: before });
      let last = 0;
      for (const percent of percents.filter((one) => one < 100)) {
        const weights = weightsAt(route, percent);
        expect(weights.blue + weights.green).toBe(sum);
        expect(Number.isInteger(weights.green)).toBe(true);
        expect(greenShare(weights)).toBeGreaterThan(last);
        last = greenShare(weights);
      }
    }
  });

  it("gives green at least something at 100 %", () => {
    expect(weightsAt({ before: { blue: 0, green: 0 }, sum: 100 }, 100)).toEqual({ blue: 0, green: 1 });
  });
});

describe("shares", () => {
  it("of weights", () => {
    expect(greenShare({ blue: 0, green: 0 })).toBe(0);
    expect(greenShare({ blue: 90, green: 10 })).toBe(0.1);
    expect(sameWeights({ blue: 1, green: 0 }, { blue: 1, green: 0 })).toBe(true);
    expect(sameWeights({ blue: 1, green: 0 }, { blue: 100, green: 0 })).toBe(false);
  });
});
