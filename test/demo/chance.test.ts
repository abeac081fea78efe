import { describe, expect, it } from "vitest";
import { bounds } from "../../examples/demo/chance.ts";

describe("bounds", () => {
  it("leaves nothing to chance where nobody or everybody is asked", () => {
    expect(bounds(500, 0)).toEqual({ least: 0, most: 0 });
    expect(bounds(500, 1)).toEqual({ least: 500, most: 500 });
  });

  it("is as wide as the sum over all outcomes says", () => {
    // One request in two, ten of them: all on one side comes once in 1,024, so nothing is too strange.
    expect(bounds(10, 0.5)).toEqual({ least: 0, most: 10 });
    // Twenty-one: 1 in 2,097,152 for none of them, less than once in two million.
    expect(bounds(21, 0.5)).toEqual({ least: 1, most: 20 });
  });

  it("agrees with the normal distribution where that is good", () => {
    const deviation = Math.sqrt(100_000 * 0.1 * 0.9);
    const { least, most } = bounds(100_000, 0.1);
    // 4.892 deviations leave one in two million on a side.
    expect((10_000 - least) / deviation).toBeCloseTo(4.892, 0);
    expect((most - 10_000) / deviation).toBeCloseTo(4.892, 0);
    expect(bounds(100_000, 0.9)).toEqual({ least: 100_000 - most, most: 100_000 - least });
  });

  it("holds for counts whose rarest outcome is too rare for a number", () => {
    const { least, most } = bounds(1_000_000, 0.5);
    expect(least).toBeGreaterThan(497_000);
    expect(most).toBeLessThan(503_000);
  });
});
