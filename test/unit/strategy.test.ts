/** What steps need of green, step by step. */
import { describe, expect, it } from "vitest";
import {
  firstScale,
  presets,
  scaleFor,
  type Step,
  type Strategy,
  strategyDefaults,
  weightBefore,
  withoutCanary,
} from "../../src/deployment/strategy.ts";

const scale = (percent: number): Step => ({ kind: "scale", percent });
const weight = (percent: number): Step => ({ kind: "weight", percent });
const pause: Step = { kind: "pause", ms: 1_000 };
const strategy = (...steps: Step[]): Strategy => ({ name: "s", ...strategyDefaults, steps });

describe("the scale of green", () => {
  const cases: [string, Strategy, number, number[]][] = [
    ["follows the weight", strategy(weight(10), pause, weight(50), weight(100)), 10, [10, 10, 50, 100]],
    ["is never below the weight", strategy(scale(25), weight(50), weight(100)), 25, [25, 50, 100]],
    ["stays as it was said", strategy(scale(100), weight(5), pause, weight(50)), 100, [100, 100, 100, 100]],
    ["may shrink when it is said", strategy(scale(100), weight(5), scale(20)), 100, [100, 100, 20]],
    ["begins where the first weight needs it", strategy(pause, weight(20), weight(100)), 20, [0, 20, 100]],
    ["is full without scales and weights", strategy(pause), 100, [0]],
    ["without any step", strategy(), 100, []],
  ];
  for (const [name, given, first, each] of cases) {
    it(name, () => {
      expect(firstScale(given)).toBe(first);
      expect(given.steps.map((_, index) => scaleFor(given, index))).toEqual(each);
    });
  }

  it("is enough for the weight that green carries, whatever the steps", () => {
    const kinds = [scale(5), scale(40), scale(100), weight(1), weight(30), weight(100), pause];
    for (const a of kinds) {
      for (const b of kinds) {
        for (const c of kinds) {
          const given = strategy(a, b, c);
          for (let index = 0; index < 3; index++) {
            expect(scaleFor(given, index)).toBeGreaterThanOrEqual(weightBefore(given, index + 1));
          }
        }
      }
    }
  });
});

describe("the weight before a step", () => {
  it("is the last one that was done", () => {
    const given = strategy(scale(25), weight(10), pause, weight(100));
    expect([0, 1, 2, 3, 4].map((index) => weightBefore(given, index))).toEqual([0, 0, 10, 10, 100]);
  });
});

describe("a redeployment", () => {
  it("skips the canary and the bake, and keeps the care", () => {
    const given = { ...strategy(weight(5), pause, weight(100)), bakeMs: 60_000, holdMs: 12_000 };
    expect(withoutCanary(given)).toEqual({ ...given, steps: [weight(100)], bakeMs: 0 });
  });
});

/** A preset of CodeDeploy's, its weights and pauses. */
function shares(name: string): string[] | undefined {
  return presets[`CodeDeployDefault.ECS${name}`]?.steps.map((step) =>
    step.kind === "weight" ? `${step.percent} %` : step.kind === "pause" ? `${step.ms / 60_000}m` : step.kind,
  );
}

describe("presets", () => {
  it("end with all traffic on green and are named as they are called", () => {
    for (const [name, preset] of Object.entries(presets)) {
      expect(preset.name).toBe(name);
      expect(preset.steps.findLast((step) => step.kind === "weight")).toEqual(weight(100));
    }
  });

  it("go by the numbers in CodeDeploy's names, and compare green with blue meanwhile", () => {
    expect(shares("AllAtOnce")).toEqual(["100 %"]);
    expect(shares("Canary10Percent15Minutes")).toEqual(["10 %", "15m", "100 %"]);
    expect(shares("Linear10PercentEvery3Minutes")).toEqual(
      ["10", "20", "30", "40", "50", "60", "70", "80", "90"]
        .flatMap((share) => [`${share} %`, "3m"])
        .concat("100 %"),
    );
    expect(presets["all-at-once"]?.analysis).toEqual(["green-vs-blue"]);
  });
});
