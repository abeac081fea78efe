import { describe, expect, test } from "vitest";
import { Chooser } from "../../../sandbox/balancer/choice.ts";
import type { Answer, Target } from "../../../sandbox/model/traffic.ts";
import { seededRandom } from "../../../sandbox/random.ts";
import { binomialInterval } from "./chance.ts";
import { forward, group } from "./scene.ts";

type Forward = Extract<Answer, { kind: "forward" }>;

function target(number: number, health: Target["health"] = "healthy"): Target {
  return { address: `10.0.0.${number}`, port: 8080, health };
}

function share(groups: Parameters<typeof forward>[0], stickySeconds?: number): Forward {
  const answer = forward(groups, stickySeconds);
  if (answer.kind !== "forward") throw new Error("not a forward");
  return answer;
}

function chooser(options: { seed?: number; now?: () => number; honoured?: boolean } = {}) {
  return new Chooser({
    random: seededRandom(options.seed ?? 1),
    now: options.now ?? (() => 0),
    cookieHonouredAtWeightZero: () => options.honoured ?? false,
  });
}

/** What the client sends back after an answer that set these cookies. */
const cookieHeader = (set: string[]) => set.map((line) => line.split(";")[0]).join("; ");

const addresses = (targets: Target[], times: number) => {
  const choose = chooser();
  const answer = share([group("a", 1, targets)]);
  return Array.from({ length: times }, () => choose.choose(answer, undefined)?.target?.address);
};

const pair = (a: number, b: number, seconds = 60) =>
  share([group("a", a, [target(1)]), group("b", b, [target(2)])], seconds);

const sticky = (first: Target["health"]) =>
  share([
    { ...group("a", 1, [target(1, first), target(2), target(3)]), stickyTarget: { durationSeconds: 60 } },
  ]);

describe("the share of a group", () => {
  const weights = [
    [1, 99],
    [10, 90],
    [1, 1],
    [5, 5, 90],
    [999, 1],
    [0, 1],
  ];
  test.each(weights.flatMap((list) => [1, 2, 3, 77, 4096].map((seed) => ({ list, seed }))))(
    "is its weight within chance: $list, seed $seed",
    ({ list, seed }) => {
      const trials = 20_000;
      const answer = share(list.map((weight, i) => group(`g${i}`, weight, [target(i)])));
      const choose = chooser({ seed });
      const counts = new Map<string, number>();
      for (let i = 0; i < trials; i++) {
        const arn = choose.choose(answer, undefined)?.group.arn ?? "none";
        counts.set(arn, (counts.get(arn) ?? 0) + 1);
      }
      const sum = list.reduce((a, b) => a + b, 0);
      for (const [i, weight] of list.entries()) {
        const { low, high } = binomialInterval(trials, weight / sum);
        expect(counts.get(`g${i}`) ?? 0).toBeGreaterThanOrEqual(low);
        expect(counts.get(`g${i}`) ?? 0).toBeLessThanOrEqual(high);
      }
    },
  );

  test("is random, not dealt out evenly: runs of one group occur", () => {
    const answer = share([group("a", 1, [target(1)]), group("b", 1, [target(2)])]);
    const choose = chooser({ seed: 5 });
    const drawn = Array.from({ length: 1000 }, () => choose.choose(answer, undefined)?.group.arn);
    expect(drawn.join("")).toMatch(/a{6}/);
  });

  test("repeats exactly from its seed and differs with another", () => {
    const answer = share([group("a", 1, [target(1)]), group("b", 1, [target(2)])]);
    const draw = (seed: number) => {
      const choose = chooser({ seed });
      return Array.from({ length: 64 }, () => choose.choose(answer, undefined)?.group.arn).join("");
    };
    expect(draw(9)).toBe(draw(9));
    expect(draw(9)).not.toBe(draw(10));
  });

  test("doesn't move to another group when a group is unhealthy or empty", () => {
    const answer = share([group("a", 1, []), group("b", 0, [target(2)])]);
    const choice = chooser().choose(answer, undefined);
    expect(choice?.group.arn).toBe("a");
    expect(choice?.target).toBeUndefined();
  });

  test("no weight anywhere: no group", () => {
    expect(chooser().choose(share([group("a", 0, [target(1)])]), undefined)).toBeUndefined();
  });
});

describe("the target of a group", () => {
  test("healthy ones take turns", () => {
    expect(addresses([target(1), target(2, "unhealthy"), target(3), target(4, "draining")], 4)).toEqual([
      "10.0.0.1",
      "10.0.0.3",
      "10.0.0.1",
      "10.0.0.3",
    ]);
  });

  test("fails open over those that aren't leaving when none is healthy", () => {
    expect(addresses([target(1, "unhealthy"), target(2, "draining"), target(3, "initial")], 3)).toEqual([
      "10.0.0.1",
      "10.0.0.3",
      "10.0.0.1",
    ]);
  });

  test("none when all are draining or unused", () => {
    expect(addresses([target(1, "draining"), target(2, "unused")], 1)).toEqual([undefined]);
  });
});

describe("stickiness", () => {
  test("a client stays in its group while the cookie lasts, whatever the weights", () => {
    let now = 0;
    const choose = chooser({ now: () => now });
    const first = choose.choose(pair(1, 0), undefined);
    const cookie = cookieHeader(first?.cookies ?? []);
    expect(cookie).toMatch(/^AWSALBTG=/);
    now = 59_999;
    expect(choose.choose(pair(1, 999), cookie)?.group.arn).toBe("a");
    now = 60_001;
    expect(choose.choose(pair(1, 999), cookie)?.group.arn).toBe("b");
  });

  test.each([
    { honoured: true, arn: "a" },
    { honoured: false, arn: "b" },
  ])("a cookie for a group at weight 0 leads to $arn when honoured is $honoured", ({ honoured, arn }) => {
    const choose = chooser({ honoured });
    const cookie = cookieHeader(choose.choose(pair(1, 0), undefined)?.cookies ?? []);
    expect(choose.choose(pair(0, 1), cookie)?.group.arn).toBe(arn);
  });

  test("without group stickiness no cookie is set and none is heeded", () => {
    const choose = chooser();
    const cookie = cookieHeader(choose.choose(pair(1, 0), undefined)?.cookies ?? []);
    const plain = share([group("a", 1, [target(1)]), group("b", 999_999, [target(2)])]);
    const choice = choose.choose(plain, cookie);
    expect(choice?.group.arn).toBe("b");
    expect(choice?.cookies).toEqual([]);
  });

  test("garbage in the cookie is no group", () => {
    expect(chooser().choose(pair(1, 0), "AWSALBTG=%%%; other=1; AWSALBTG")?.group.arn).toBe("a");
  });

  test("a sticky group keeps a client on one target until that isn't healthy", () => {
    const choose = chooser();
    const cookie = cookieHeader(choose.choose(sticky("healthy"), undefined)?.cookies ?? []);
    for (let i = 0; i < 5; i++) {
      expect(choose.choose(sticky("healthy"), cookie)?.target?.address).toBe("10.0.0.1");
    }
    expect(choose.choose(sticky("draining"), cookie)?.target?.address).not.toBe("10.0.0.1");
  });
});
