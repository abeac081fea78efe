/** What a deployment leaves in doubt, as the next one takes it over. */
import { describe, expect, it } from "vitest";
import { type Doubt, doubtOf, inheritDoubt, mayBeLate, mayBeScaled } from "../../src/deployment/doubt.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { deployment } from "../contract/deployment.ts";

const now = 1_000_000;
const arn = "arn:listener";

/** Has gone from 100:0 by 50:50 to 0:100; 50:50 was asked twice. */
function routed(change: Partial<Deployment> = {}): Deployment {
  const route = {
    ref: { kind: "listener" as const, arn },
    before: { blue: 1, green: 0 },
    sum: 1,
    asked: { blue: 0, green: 1 },
    askedAt: 0,
    earlier: [
      { blue: 50, green: 50 },
      { blue: 50, green: 50 },
      { blue: 1, green: 0 },
    ],
    rest: "",
  };
  return deployment("d", { pair: { blue: "a", green: "b" }, routes: [route], ...change });
}

const asked = {
  [arn]: [
    { a: 0, b: 1 },
    { a: 50, b: 50 },
    { a: 1, b: 0 },
  ],
};
const left: Doubt = { weightsUntil: now + 5_000, asked };

describe("what is left", () => {
  it("is all that was asked of each route, once", () => {
    expect(doubtOf(routed({ weightsUnsureUntil: now + 5_000 }), now)).toEqual(left);
  });

  it("is that a set may be scaled, where only that is in doubt", () => {
    const scaled = routed({ scalesUnsureUntil: now + 5_000 });
    expect(doubtOf(scaled, now)).toEqual({ asked: {}, scalesUntil: now + 5_000 });
    expect(mayBeScaled(doubtOf(scaled, now), now)).toBe(true);
    expect(mayBeScaled(left, now)).toBe(false);
  });

  it("is nothing where every change of weights was answered, or two minutes have passed", () => {
    expect(doubtOf(routed({ unsureUntil: now + 5_000 }), now)).toBeUndefined();
    expect(doubtOf(routed({ weightsUnsureUntil: now }), now + 119_999)).toBeDefined();
    expect(doubtOf(routed({ weightsUnsureUntil: now }), now + 120_000)).toBeUndefined();
  });

  it("is what was taken over as well, also by one that never got as far as to write", () => {
    const earlier: Doubt = {
      weightsUntil: now - 60_000,
      asked: {
        [arn]: [
          { a: 1, b: 0 },
          { a: 80, b: 20 },
        ],
      },
    };
    expect(doubtOf(routed({ doubt: earlier, weightsUnsureUntil: now + 5_000 }), now)).toEqual({
      weightsUntil: now + 5_000,
      asked: { [arn]: [...asked[arn], { a: 80, b: 20 }] },
    });
    expect(doubtOf(deployment("d", { doubt: earlier }), now)).toEqual(earlier);
    expect(doubtOf(deployment("d", { doubt: earlier }), now + 60_000)).toBeUndefined();
  });
});

describe("what is taken over", () => {
  it("lets nothing be taken away before such a call should have landed", () => {
    const next = routed({ unsureUntil: now + 1_000 });
    inheritDoubt(next, left, now);
    inheritDoubt(next, left, now);
    expect(next).toEqual(routed({ unsureUntil: now + 5_000, doubt: left }));
    const longer = routed({ unsureUntil: now + 9_000 });
    inheritDoubt(longer, left, now);
    expect(longer.unsureUntil).toBe(now + 9_000);
  });

  it("is nothing to wait for where nothing was written down yet", () => {
    const next = deployment("d");
    inheritDoubt(next, left, now);
    expect(next).toEqual(deployment("d", { doubt: left }));
  });

  it("is nothing once it is over, or where the clock was set back since", () => {
    for (const at of [now + 125_000, now - 3_600_000]) {
      const next = routed();
      inheritDoubt(next, left, at);
      expect(next).toEqual(routed());
    }
  });
});

it("a route may read so by a late call where each of its weights was asked together with the others", () => {
  const reads = (weights: Record<string, number>, at = now, of = arn) =>
    mayBeLate({ ref: { kind: "listener", arn: of }, weights, rest: "" }, left, at);
  expect(reads({ a: 50, b: 50 })).toBe(true);
  expect(reads({ a: 50, b: 50, third: 7 })).toBe(true);
  expect(reads({ a: 50, b: 1 })).toBe(false);
  expect(reads({ b: 1 })).toBe(false);
  expect(reads({ a: 50, b: 50 }, now, "arn:other")).toBe(false);
  expect(reads({ a: 50, b: 50 }, now + 125_000)).toBe(false);
});
