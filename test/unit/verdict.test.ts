/** The verdict as a whole: what it says, when, and how often it may be wrong. All chance is from seeds. */
import { describe, expect, it } from "vitest";
import { quantile } from "../../bench/figures.ts";
import { binomial, poisson } from "../../bench/verdict/chance.ts";
import { minutesOf, type World } from "../../bench/verdict/traffic.ts";
import { seededRandom } from "../../sandbox/random.ts";
import {
  conclude,
  freshVerdict,
  takeMinutes,
  verdictDefaults,
  type VerdictOptions,
  type VerdictState,
  type WeighedMinute,
} from "../../src/deployment/verdict/verdict.ts";
import { binomialInterval } from "../sandbox/balancer/chance.ts";

const usual = { errors: 0.01, slow: 0.05 };
const canary: World = { green: 1_000, share: 0.1, blue: usual };

/** The first minutes of a world. */
function some(world: World, count: number, seed = 1): WeighedMinute[] {
  const minutes = minutesOf(world, seededRandom(seed));
  return Array.from({ length: count }, () => minutes.next().value as WeighedMinute);
}

/** The minute, counted from 1, after which green was called worse; Infinity if it never was. */
function alarmAt(
  world: World,
  count: number,
  seed: number,
  options: VerdictOptions = verdictDefaults,
): number {
  let state = freshVerdict;
  for (const [index, minute] of some(world, count, seed).entries()) {
    state = takeMinutes(state, [minute], options);
    if (conclude(state, options).verdict === "worse") return index + 1;
  }
  return Infinity;
}

const seeds = (count: number) => Array.from({ length: count }, (_, index) => 1_000 + index);

/** A minute of round numbers: ninety requests in a hundred on blue. */
function plain(at: number, green: Partial<WeighedMinute["green"]> = {}, more: Partial<WeighedMinute> = {}) {
  return {
    at: at * 60_000,
    share: 0.1,
    blue: { requests: 9_000, answered: 9_000, errors: 18, slow: 450 },
    green: { requests: 1_000, answered: 1_000, errors: 2, slow: 50, ...green },
    ...more,
  };
}

const plainly = (count: number, ...given: [Parameters<typeof plain>[1]?, Parameters<typeof plain>[2]?]) =>
  Array.from({ length: count }, (_, index) => plain(index, ...given));

const judge = (minutes: readonly WeighedMinute[], options: VerdictOptions = verdictDefaults) =>
  conclude(takeMinutes(freshVerdict, minutes, options), options);

describe("false alarms", () => {
  // As bad as green may be: 10 % worse than blue, and one request in ten thousand.
  const allowed: World = { ...canary, worse: { errors: 0.0111, slow: 0.07 } };

  it.each([
    ["no difference", canary],
    ["hardly any errors", { ...canary, blue: { errors: 0.0001, slow: 0.05 } }],
    ["many errors, half and half", { ...canary, share: 0.5, blue: { errors: 0.05, slow: 0.2 } }],
    ["little traffic", { ...canary, green: 5 }],
    ["as much worse as it may be", allowed],
  ] as [string, World][])("are rarer than promised: %s", (_, world) => {
    const options = { ...verdictDefaults, alpha: 0.05 };
    const alarms = seeds(300).filter((seed) => alarmAt(world, 60, seed, options) < Infinity).length;
    // What alpha allows, give or take what chance does once in a million times.
    expect(alarms).toBeLessThanOrEqual(binomialInterval(300, options.alpha).high);
  });

  it("come when green is worse than it may be, so the check above can fail", () => {
    const options = { ...verdictDefaults, alpha: 0.05 };
    const world = { ...allowed, worse: { errors: 0.014 } };
    const alarms = seeds(100).filter((seed) => alarmAt(world, 240, seed, options) < Infinity).length;
    expect(alarms).toBeGreaterThan(binomialInterval(100, options.alpha).high);
  });

  it("don't come from tasks of either colour that have a bad minute now and then", () => {
    const world = { ...canary, bursts: { chance: 1 / 120, failing: 0.5 } };
    expect(seeds(50).filter((seed) => alarmAt(world, 240, seed) < Infinity)).toEqual([]);
  });

  it.each([
    ["a second", 1],
    ["twenty seconds", 20],
  ])("don't come from answers counted a minute later than their requests: %s on average", (_, seconds) => {
    for (const seed of seeds(20)) {
      const random = seededRandom(seed);
      const before = { blue: poisson(random, 150 * seconds), green: 0 };
      const late = (colour: "blue" | "green", mean: number) => {
        const requests = poisson(random, mean);
        const underWay = poisson(random, (mean * seconds) / 60);
        const answered = Math.max(0, requests + before[colour] - underWay);
        before[colour] = underWay;
        return { requests, answered, errors: 0 };
      };
      const minutes = Array.from({ length: 120 }, (_, at) => ({
        at,
        blue: late("blue", 9_000),
        green: late("green", 1_000),
      }));
      expect(judge(minutes, { ...verdictDefaults, slowSeconds: 2 * seconds }).verdict).toBe("fine");
    }
  });
});

describe("a worse green", () => {
  it.each([
    ["twice the errors", { errors: 0.02 }, 6],
    ["five times the errors", { errors: 0.05 }, 3],
    ["twice as many slow answers", { slow: 0.1 }, 7],
    ["answers that never come", { unanswered: 1 }, 3],
    ["requests that never reach it", { empty: true }, 3],
  ] as [string, World["worse"], number][])("is found soon: %s", (_, worse, minutes) => {
    const found = seeds(100).map((seed) => alarmAt({ ...canary, worse }, 60, seed));
    expect(quantile(found, 0.5)).toBeLessThanOrEqual(minutes);
    expect(quantile(found, 0.9)).toBeLessThanOrEqual(2 * minutes);
  });

  it("is found soon after hours of health too", () => {
    const found = seeds(20).map((seed) =>
      alarmAt({ ...canary, from: 300, worse: { errors: 0.05 } }, 360, seed),
    );
    expect(Math.min(...found)).toBeGreaterThan(300);
    expect(Math.max(...found)).toBeLessThanOrEqual(307);
  });

  it("is found with ten requests a minute if it fails half of them", () => {
    const world = { ...canary, green: 10, worse: { errors: 0.5 } };
    expect(Math.max(...seeds(50).map((seed) => alarmAt(world, 60, seed)))).toBeLessThanOrEqual(8);
  });

  it("never is found by fewer than three minutes, however bad they are", () => {
    const bad = { answered: 0, errors: 0, slow: 0 };
    expect(judge(plainly(2, bad)).verdict).toBe("fine");
    expect(judge(plainly(3, bad)).verdict).toBe("worse");
    const afterwards = [...plainly(2, bad), ...plainly(50).slice(2)];
    expect(judge(afterwards).verdict).toBe("fine");
  });

  it("stays worse, with the numbers that decided", () => {
    const state = takeMinutes(freshVerdict, plainly(3, { errors: 500 }), verdictDefaults);
    expect(takeMinutes(state, plainly(500), verdictDefaults)).toEqual(state);
  });
});

describe("what isn't compared", () => {
  it("slow answers where one colour's weren't counted", () => {
    const { verdict, slow } = judge(plainly(10, { slow: undefined }));
    expect(verdict).toBe("fine");
    expect(slow.green + slow.blue).toBe(0);
  });

  it("how traffic is shared while weights change, or where clients stick to a colour", () => {
    const empty = { requests: 0, answered: 0, errors: 0, slow: 0 };
    expect(judge(plainly(60, empty, { share: undefined })).verdict).toBe("inconclusive");
    expect(judge(plainly(60, empty, { share: 0 })).verdict).toBe("inconclusive");
    expect(judge(plainly(60, empty)).verdict).toBe("worse");
  });

  it("green with a blue that has no traffic left", () => {
    const blue = { requests: 0, answered: 0, errors: 0, slow: 0 };
    expect(judge(plainly(60, { errors: 900, slow: 900 }, { blue, share: 1 })).verdict).toBe("inconclusive");
  });

  it("a share above half of the weight's", () => {
    const minutes = plainly(500, { requests: 600, answered: 600, errors: 1, slow: 30 });
    expect(judge(minutes).verdict).toBe("fine");
  });

  it("counts that are none", () => {
    const broken = { requests: NaN, answered: -3, errors: Infinity, slow: NaN };
    const { verdict, errors, slow } = judge([plain(0, broken), ...plainly(9).slice(1)]);
    const without = judge(plainly(9).slice(1));
    expect(verdict).toBe("fine");
    expect([errors.green, errors.greenBad]).toEqual([without.errors.green, without.errors.greenBad]);
    expect([slow.green, slow.greenBad]).toEqual([without.slow.green, without.slow.greenBad]);
  });
});

describe("taking minutes", () => {
  const minutes = some({ ...canary, from: 20, worse: { errors: 0.012, slow: 0.06 } }, 40);
  const atOnce = takeMinutes(freshVerdict, minutes, verdictDefaults);

  it("doesn't mind their order, repeats, or how many come at once", () => {
    expect(takeMinutes(freshVerdict, minutes.toReversed(), verdictDefaults)).toEqual(atOnce);
    expect(takeMinutes(freshVerdict, [...minutes, ...minutes], verdictDefaults)).toEqual(atOnce);
    expect(takeMinutes(atOnce, minutes, verdictDefaults)).toEqual(atOnce);
    const random = seededRandom(3);
    for (let round = 0; round < 20; round++) {
      let state = freshVerdict;
      for (let from = 0; from < minutes.length;) {
        const to = from + 1 + Math.floor(5 * random());
        // Each time with some that were given before.
        state = takeMinutes(state, minutes.slice(Math.max(0, from - 3), to), verdictDefaults);
        from = to;
      }
      expect(state).toEqual(atOnce);
    }
  });

  it("goes on from JSON as from memory, and changes nothing it was given", () => {
    let state: VerdictState = freshVerdict;
    const before = JSON.stringify(freshVerdict);
    for (const minute of minutes) {
      const kept = JSON.stringify(state);
      const next = takeMinutes(state, [minute], verdictDefaults);
      expect(JSON.stringify(state)).toBe(kept);
      state = JSON.parse(JSON.stringify(next)) as VerdictState;
    }
    expect(state).toEqual(atOnce);
    expect(JSON.stringify(freshVerdict)).toBe(before);
  });

  it("goes on from evidence on other alternatives, which it forgets", () => {
    const older = structuredClone(atOnce);
    older.errors.evidence.logParts = [50, 50, 50];
    const state = takeMinutes(older, [plain(1_000)], verdictDefaults);
    expect(state.worse).toBeUndefined();
    expect(state.errors.evidence.logParts).toHaveLength(atOnce.errors.evidence.logParts.length);
    expect(state.errors.evidence.minutes).toBe(41);
  });

  it("stays small, finite and watchful over a week of 100,000 requests a minute", () => {
    const random = seededRandom(7);
    const deal = (at: number, failing: number): WeighedMinute => {
      const [blue, green] = [90_000, 10_000].map((requests, index) => ({
        requests,
        answered: requests,
        errors: binomial(random, requests, index === 1 ? failing : 0.01),
        slow: binomial(random, requests, 0.05),
      })) as [WeighedMinute["blue"], WeighedMinute["green"]];
      return { at, blue, green, share: 0.1 };
    };
    const healthy = Array.from({ length: 10_000 }, (_, at) => deal(at, 0.01));
    const state = takeMinutes(freshVerdict, healthy, verdictDefaults);
    expect(conclude(state, verdictDefaults).verdict).toBe("fine");
    expect(JSON.stringify(state)).not.toContain("null");
    expect(JSON.stringify(state).length).toBeLessThan(2_000);
    const broken = Array.from({ length: 10 }, (_, at) => deal(10_000 + at, 0.02));
    expect(conclude(takeMinutes(state, broken, verdictDefaults), verdictDefaults).verdict).toBe("worse");
  });
});

describe("the sentence", () => {
  const none = { requests: 0, answered: 0, errors: 0, slow: 0 };

  it.each([
    ["nothing", [], "no traffic has been counted yet"],
    [
      "a little",
      [plain(0, { requests: 12, answered: 12, errors: 1, slow: 1 }, { share: 0.001 })],
      "too little traffic: green has had 12 of the 500 requests that a verdict needs",
    ],
    [
      "little of both",
      [plain(0, { requests: 12, answered: 12, errors: 0, slow: 0 }, { blue: { ...none, requests: 30 } })],
      "too little traffic: green has had 12 and blue has had 30 of the 500 requests that a verdict needs",
    ],
    [
      "as good",
      plainly(4),
      "no sign that green is worse: 0.2 % of its requests failed (8 of 4,000), blue's 0.2 % (72 of 36,000); 5 % of its answers were slow, blue's 5 %",
    ],
    [
      "as good, without slow answers",
      plainly(4, { slow: undefined }),
      "no sign that green is worse: 0.2 % of its requests failed (8 of 4,000), blue's 0.2 % (72 of 36,000)",
    ],
    [
      "errors",
      [...plainly(60), ...plainly(70, { errors: 31 }).slice(60)],
      "green fails 3.1 % of its requests (124 of 4,000 in 4 minutes), blue 0.2 % (72 of 36,000): chance alone does that in fewer than 1 of 150 deployments",
    ],
    [
      "errors in a single minute",
      plainly(1, { errors: 31 }),
      "green fails 3.1 % of its requests (31 of 1,000 in 1 minute), blue 0.2 % (18 of 9,000): too early to tell, chance alone does that in fewer than 1 of 2 deployments",
    ],
    [
      "errors that are hardly any evidence",
      plainly(1, { errors: 9 }),
      "green fails 0.9 % of its requests (9 of 1,000 in 1 minute), blue 0.2 % (18 of 9,000): too early to tell",
    ],
    [
      "errors of a green that has had little traffic",
      [plain(0, { requests: 100, answered: 100, errors: 9, slow: 5 }, { share: 0.01 })],
      "green fails 9 % of its requests (9 of 100 in 1 minute), blue 0.2 % (18 of 9,000): too early to tell, chance alone does that in fewer than 1 of 2 deployments",
    ],
    [
      "no answers",
      plainly(9, { answered: 0, errors: 0, slow: 0 }),
      "green fails 98 % of its requests (2,944 of 3,000 in 3 minutes, 2,944 of them unanswered), blue 0.2 % (54 of 27,000): chance alone does that in fewer than 1 of 720 deployments",
    ],
    [
      "slow answers",
      plainly(9, { slow: 150 }),
      "15 % of green's answers are slow (450 of 3,000 in 3 minutes), blue's 5 % (1,350 of 27,000): chance alone does that in fewer than 1 of 430 deployments",
    ],
    [
      "an empty green",
      plainly(9, none),
      "green gets 0 % of the requests (0 of 27,000 in 3 minutes) where its weight promises 10 %: chance alone does that in fewer than 1 of 720 deployments",
    ],
  ] as [string, WeighedMinute[], string][])("tells %s", (_, minutes, sentence) => {
    expect(judge(minutes).sentence).toBe(sentence);
  });

  it.each([
    [1e-9, "1 of 1,000,000 deployments"],
    [0.5, "1 of 2 deployments"],
  ])("tells odds of an alpha of %f in numbers that people know", (alpha, odds) => {
    const { sentence } = judge(plainly(60, { errors: 600 }), { ...verdictDefaults, alpha });
    expect(sentence).toContain(odds);
  });

  it("tells apart what differs, and neither all nor nothing where that isn't so", () => {
    const blue = { requests: 100_000, answered: 100_000, errors: 1_041, slow: 0 };
    const close = plain(0, { requests: 100_000, answered: 100_000, errors: 1_039, slow: 0 }, { blue });
    expect(judge([close]).sentence).toBe(
      "no sign that green is worse: 1.039 % of its requests failed (1,039 of 100,000), " +
        "blue's 1.041 % (1,041 of 100,000); 0 % of its answers were slow, blue's 0 %",
    );
    const slow = plain(0, { requests: 100_000, answered: 100_000, errors: 1_039, slow: 99_999 }, { blue });
    expect(judge([slow]).sentence).toContain("99.9 % of green's answers are slow");
  });

  it("gives the chance of each signal as a number, 1 where nothing speaks against green", () => {
    expect(judge(plainly(60)).chance).toEqual({ errors: 1, slow: 1, traffic: 1 });
    const { errors, slow, traffic } = judge(plainly(60, { errors: 50 })).chance;
    expect(errors).toBeLessThanOrEqual(verdictDefaults.alpha);
    expect([slow, traffic]).toEqual([1, 1]);
  });
});
