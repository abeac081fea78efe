/** What a deployment leaves in doubt, as the next one takes it over. */
import { describe, expect, it } from "vitest";
import { type Doubt, doubtOf, inheritDoubt } from "../../src/deployment/doubt.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { deployment } from "../contract/deployment.ts";

const now = 1_000_000;

function routed(blue: string, green: string, change: Partial<Deployment> = {}): Deployment {
  const ref = { kind: "listener" as const, arn: "arn:listener" };
  const route = {
    ref,
    before: { blue: 1, green: 0 },
    sum: 1,
    asked: { blue: 1, green: 0 },
    askedAt: 0,
    earlier: [],
    rest: "",
  };
  return deployment("d", { pair: { blue, green }, routes: [route], ...change });
}

/** It has gone from 100:0 by 50:50 to 0:100, and 50:50 was asked twice. */
function doubtful(): Deployment {
  const d = routed("a", "b", { unsureUntil: now + 5_000 });
  for (const route of d.routes) {
    route.asked = { blue: 0, green: 1 };
    route.earlier = [
      { blue: 50, green: 50 },
      { blue: 50, green: 50 },
      { blue: 1, green: 0 },
    ];
  }
  return d;
}

const left = () => doubtOf(doubtful(), now) as Doubt;

describe("what is left", () => {
  it("is all that was asked of each route, once", () => {
    expect(left()).toEqual({
      until: now + 5_000,
      pair: { blue: "a", green: "b" },
      asked: {
        "arn:listener": [
          { blue: 0, green: 1 },
          { blue: 50, green: 50 },
          { blue: 1, green: 0 },
        ],
      },
    });
  });

  it("is nothing where every call was answered, or two minutes have passed", () => {
    expect(doubtOf(routed("a", "b"), now)).toBeUndefined();
    expect(doubtOf(doubtful(), now + 125_000)).toBeUndefined();
    expect(doubtOf(doubtful(), now + 124_999)).toBeDefined();
  });
});

describe("what is taken over", () => {
  it.each([
    [
      "by the one after it, whose blue is its green",
      "b",
      "a",
      [
        [1, 0],
        [50, 50],
        [0, 1],
      ],
    ],
    [
      "by one after it was rolled back",
      "a",
      "b",
      [
        [0, 1],
        [50, 50],
        [1, 0],
      ],
    ],
    ["without the weights, where the groups are others", "a", "c", []],
  ])("%s", (_, blue, green, earlier) => {
    const next = routed(blue, green);
    inheritDoubt(next, left(), now + 20_000);
    inheritDoubt(next, left(), now + 21_000);
    expect(next.unsureUntil).toBe(now + 5_000);
    expect(next.routes[0]?.earlier.map(({ blue, green }) => [blue, green])).toEqual(earlier);
  });

  it("shortens no doubt of its own, and keeps its own weights first", () => {
    const next = routed("b", "a", { unsureUntil: now + 30_000 });
    for (const route of next.routes) route.earlier = [{ blue: 80, green: 20 }];
    inheritDoubt(next, left(), now + 20_000);
    expect(next.unsureUntil).toBe(now + 30_000);
    expect(next.routes[0]?.earlier[0]).toEqual({ blue: 80, green: 20 });
  });

  it("is nothing once it is over, or where the clock was set back since", () => {
    for (const at of [now + 125_000, now - 3_600_000]) {
      const next = routed("b", "a");
      inheritDoubt(next, left(), at);
      expect(next).toEqual(routed("b", "a"));
    }
  });
});
