/** The measurements still run and yield numbers; how large those are is nobody's business here. */
import { expect, it } from "vitest";
import { type Measurement, quantile, ratio, table } from "../../bench/figures.ts";
import { measurements, names } from "../../bench/measurements.ts";
import { startRedis } from "../support/redis.ts";

it.each(names)("%s yields figures", { timeout: 60_000 }, async (name) => {
  // Its keys can't be prefixed from outside, so it gets a database.
  const corner = await startRedis({ isolate: "database" });
  try {
    const { figures, ...rest } = await measurements[name](corner.url, "tiny");
    expect(rest.name).toBe(name);
    expect(figures.length).toBeGreaterThan(1);
    for (const figure of figures) {
      expect(figure.value, figure.what).toBeGreaterThan(0);
      expect(figure.value, figure.what).toBeLessThan(Infinity);
      if (figure.beside) expect(ratio(figure), figure.what).toBeGreaterThan(0);
    }
  } finally {
    await corner.close();
  }
});

it("shows each figure beside its baseline", () => {
  const measurement: Measurement = {
    name: "turns",
    how: "ten of them",
    figures: [
      { what: "turns", value: 2_500, unit: "/s", beside: { what: "re-queues", value: 10_000 } },
      { what: "requests", value: 5, unit: "per turn" },
    ],
  };
  expect(table(measurement).split("\n")).toEqual([
    "turns: ten of them",
    "  turns        2,500 /s   re-queues 10,000   × 0.25",
    "  requests   5 per turn",
  ]);
});

it("takes quantiles from what was measured", () => {
  const values = [5, 1, 4, 2, 3];
  expect(quantile(values, 0.5)).toBe(3);
  expect(quantile(values, 0.99)).toBe(5);
  expect(quantile(values, 0)).toBe(1);
  expect(quantile([], 0.5)).toBeNaN();
});
