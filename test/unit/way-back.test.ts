import { describe, expect, it } from "vitest";
import { phases } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { wayBack } from "../../src/deployment/wayBack.ts";
import { now, scene } from "../support/fixtures.ts";

type Counts = [desired: number, healthy: number];

/** @param change of a deployment whose green took 90 s to start */
function way(phase: (typeof phases)[number], change: (d: Deployment) => void = () => {}) {
  const { d } = scene(phase);
  d.green.startMs = 90_000;
  for (const route of d.routes) route.asked = { blue: 90, green: 10 };
  change(d);
  return wayBack(d);
}

const seen = (blue: Counts | undefined, green: Counts = [4, 4]) => {
  const counts = ([desired, healthy]: Counts) => ({ desired, running: desired, healthy });
  return (d: Deployment) => {
    d.observed = { at: now, routes: [], green: counts(green), ...(blue && { blue: counts(blue) }) };
  };
};

function drained(d: Deployment): void {
  seen([0, 0])(d);
  d.blueShrunk = true;
}

function unrouted(d: Deployment): void {
  d.routes = [];
  delete d.pair;
  seen([4, 4])(d);
}

describe("the way back", () => {
  it.each([
    ["queued", "nothing was touched: a rollback cancels it"],
    ["preparing", "nothing was touched: a rollback cancels it"],
    ["provisioning", "no traffic was moved: green is taken away"],
    ["testing", "no traffic was moved: green is taken away"],
  ] as const)("has nothing to undo in %s", (phase, what) => {
    expect(way(phase)).toEqual({ kind: "untouched", ms: 0, what });
  });

  it("has nothing to undo before the first weight", () => {
    const untouched = way("shifting", (d) => d.routes.forEach((route) => (route.asked = route.before)));
    expect(untouched?.kind).toBe("untouched");
  });

  it.each(["shifting", "baking", "promoting", "retaining"] as const)(
    "is a flip of weights in %s",
    (phase) => {
      expect(way(phase, seen([4, 4]))).toEqual({
        kind: "flip",
        ms: 2_500,
        what: "2 weight flips, about 3 s",
      });
    },
  );

  it("is one flip for one route; test routes don't count", () => {
    const one = way("shifting", (d) => {
      const [first, second] = d.routes;
      d.routes = first && second ? [first, { ...second, test: true }] : [];
    });
    expect(one).toEqual({ kind: "flip", ms: 2_000, what: "one weight flip, about 2 s" });
  });

  it("waits for most of blue's tasks, as many as it is meant to have now", () => {
    expect(way("retaining", seen([5, 4]))?.kind).toBe("flip");
    expect(way("retaining", seen([5, 3]))).toEqual({
      kind: "scale",
      ms: 92_500,
      what: "blue must scale first: it has 3 of 4 tasks that it needs, about 93 s",
    });
    // The rollback prefers a weak blue to a weaker green.
    expect(way("retaining", seen([5, 3], [5, 3]))?.kind).toBe("flip");
    expect(way("retaining", seen([5, 0], [5, 0]))?.kind).toBe("scale");
  });

  it("scales a blue that was taken away, to what it had at the start", () => {
    expect(way("draining", drained)).toMatchObject({ kind: "scale", ms: 92_500 });
    const unknown = way("draining", (d) => {
      drained(d);
      delete d.green.startMs;
    });
    expect(unknown).toEqual({
      kind: "scale",
      what: "blue must scale first: it has 0 of 4 tasks that it needs",
    });
    // Bit by bit: while enough of it is left, nothing needs to start.
    const paced = way("draining", (d) => {
      seen([4, 4])(d);
      d.blueShrunk = true;
    });
    expect(paced?.kind).toBe("flip");
    expect(way("draining", (d) => ((d.blueShrunk = true), delete d.observed))?.kind).toBe("scale");
  });

  it("deploys again what is gone", () => {
    const gone = {
      kind: "redeploy",
      ms: 97_500,
      what: "blue is gone: what it ran is deployed again, about 98 s",
    };
    expect(way("succeeded")).toEqual(gone);
    expect(way("draining", (d) => (d.deleting.blue = true))).toEqual(gone);
  });

  it("leads nowhere from the first version", () => {
    for (const phase of ["shifting", "retaining", "succeeded"] as const) {
      expect(way(phase, (d) => delete d.blue)).toEqual({
        kind: "none",
        what: "nothing to go back to: it is the first version",
      });
    }
  });

  it("takes green away where there is no weight to flip", () => {
    expect(way("shifting", unrouted)).toEqual({
      kind: "flip",
      ms: 1_500,
      what: "blue serves beside it: green is taken away, about 2 s",
    });
  });

  it("is not told of what goes back already, and of everything else", () => {
    const without = phases.filter((phase) => way(phase) === undefined);
    expect(without).toEqual([
      "rolling_back",
      "rolled_back",
      "failed",
      "cancelled",
      "superseded",
      "abandoned",
    ]);
  });
});
