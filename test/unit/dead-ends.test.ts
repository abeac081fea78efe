/** Rare states, each of which once had no way out, or one that hurt. */
import { describe, expect, it } from "vitest";
import { decide } from "../../src/deployment/decide.ts";
import type { Decision } from "../../src/deployment/decision.ts";
import { look } from "../../src/deployment/look.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import {
  anyFault,
  command,
  faulty,
  greenArn,
  groupA,
  groupB,
  heal,
  listener,
  now,
  read,
  rule,
  scene,
  type Scene,
  serviceOf,
  setOf,
  weigh,
  without,
} from "../support/fixtures.ts";

const minute = 60_000;

/** Decides, and again on what that made, while nothing else changes; each decision is `everyMs` after the last. */
function goOn({ d, seen }: Scene, times: number, everyMs = 0): Decision[] {
  const made: Decision[] = [];
  let at = now;
  let record = d;
  for (let n = 0; n < times; n++) {
    const decision = decide(record, seen, [], at);
    made.push(decision);
    record = decision.next;
    at += everyMs;
  }
  return made;
}

function flippedBack(made: Scene): Scene {
  weigh(made, 1, 0);
  made.d.carriedAt.green = now - 10 * minute;
  setOf(made, "green").spec.tags?.push({ key: "teal:rolling-back", value: "true" });
  return made;
}

/** As one is that no load balancer serves. */
function withoutRoutes(made: Scene): Scene {
  delete made.d.pair;
  made.d.routes = [];
  made.d.target = { ...made.d.target, targetGroups: [], routes: [] };
  made.d.carriedAt = { blue: 0, green: 0 };
  made.seen.routes = {};
  made.seen.health = {};
  return made;
}

function weighOne(made: Scene, arn: string, blue: number, green: number): void {
  const route = made.d.routes.find((route) => route.ref.arn === arn);
  if (!route) throw new Error(`no route ${arn} in this scene`);
  made.seen.routes[arn] = read({ ref: route.ref, weights: { [groupA]: blue, [groupB]: green }, rest: "r" });
  route.asked = { blue, green };
}

function refusing(made: Scene, key: string, fault: Partial<Fault>): Scene {
  made.d.trouble[key] = { ...anyFault(fault), count: 1, since: now, nextAt: now + 30_000 };
  return made;
}

describe("somebody edits a route so that it leads to one colour only", () => {
  it("a rollback leaves green while the route gives it traffic, and says what to do", () => {
    const made = flippedBack(scene("rolling_back"));
    const ref = { kind: "rule", arn: rule } as const;
    made.seen.routes[rule] = read({ ref, weights: { [groupB]: 1 }, rest: "other" });
    const decisions = goOn(made, 10, 60_000);
    expect(decisions.some((one) => one.perform)).toBe(false);
    const last = decisions.at(-1)?.next;
    expect(last?.hold?.kind).toBe("stuck");
    expect(last?.hold?.reason).toMatch(/rule .* green/);
  });

  it("blue is taken away where the route no longer names its group", () => {
    const made = scene("draining");
    const ref = { kind: "rule", arn: rule } as const;
    made.seen.routes[rule] = read({ ref, weights: { [groupB]: 1 }, rest: "other" });
    expect(decide(made.d, made.seen, [], now).next.pending?.effect.kind).toBe("scaleTaskSet");
  });

  it("blue is taken away where the route no longer exists", () => {
    const made = scene("draining");
    made.seen.routes[rule] = faulty({ class: "absent", code: "RuleNotFound" });
    expect(decide(made.d, made.seen, [], now).next.pending?.effect.kind).toBe("scaleTaskSet");
  });

  it("resuming says that the route must be put back", () => {
    const made = scene("shifting");
    made.seen.routes[rule] = faulty({ class: "absent", code: "RuleNotFound" });
    const held = decide(made.d, made.seen, [], now).next;
    expect(held.hold?.kind).toBe("drift");
    const [answer] = decide(held, made.seen, [command("resume")], now).answers;
    expect(answer?.obeyed).toBe(false);
    expect(answer?.message).toMatch(/put it back/);
  });
});

describe("a rollback of a service without a load balancer", () => {
  it("keeps green until blue runs again", () => {
    const made = withoutRoutes(scene("rolling_back"));
    Object.assign(setOf(made, "blue"), { running: 0, steady: false });
    expect(goOn(made, 5).some((one) => one.perform)).toBe(false);
    setOf(made, "blue").running = 4;
    expect(decide(made.d, made.seen, [], now).next.pending?.effect.kind).toBe("scaleTaskSet");
  });

  it("keeps green where blue is gone", () => {
    const made = withoutRoutes(scene("rolling_back"));
    without(made, "blue");
    const decisions = goOn(made, 5);
    expect(decisions.some((one) => one.perform)).toBe(false);
    expect(decisions.at(-1)?.next.hold?.kind).toBe("stuck");
  });
});

describe("a rollback", () => {
  it("does not give traffic back to a blue that was scaled down and can't be seen", () => {
    const made = scene("draining");
    const scaled = decide(made.d, made.seen, [], now);
    expect(scaled.next.pending?.effect).toMatchObject({ kind: "scaleTaskSet", scalePercent: 0 });
    const outcome = { kind: "done", at: now, value: {} } as const;
    const blind = {
      ...made.seen,
      service: faulty<never>(),
      health: {},
      slot: { acting: made.d.id, queue: [] },
    };
    const asked = decide(scaled.next, { ...blind, outcome }, [command("rollback")], now).next;
    const back = decide(asked, blind, [], now).next;
    expect(back.phase).toBe("rolling_back");
    expect(decide(back, blind, [], now + 60_000).perform).toBe(false);
  });

  it("ends although the service is scaled to nothing", () => {
    const made = scene("rolling_back");
    serviceOf(made).desiredCount = 0;
    heal(made, "blue", 0);
    heal(made, "green", 0);
    expect(decide(made.d, made.seen, [], now).next.pending?.effect.kind).toBe("setWeights");
  });

  it("ends although tasks of green take days to stop", () => {
    const made = flippedBack(scene("rolling_back"));
    setOf(made, "green").status = "DRAINING";
    const last = goOn(made, 70, minute).find((one) => one.next.phase === "rolled_back");
    expect(last?.next.note).toMatch(/4 of its tasks are still stopping/);
  });

  it("is not kept from ending by a tag that AWS refuses", () => {
    const made = scene("rolling_back");
    weigh(made, 1, 0);
    made.d.carriedAt.green = now - 10 * minute;
    refusing(made, `tagTaskSet ${greenArn}`, { class: "stuck", code: "AccessDeniedException" });
    expect(decide(made.d, made.seen, [], now).next.pending?.effect.kind).toBe("scaleTaskSet");
  });

  it("asks no more for a set whose service is gone", () => {
    const made = flippedBack(scene("rolling_back"));
    without(made, "green");
    delete made.d.green.arn;
    made.d.green.doubt = true;
    made.d.trouble["createTaskSet"] = {
      ...anyFault({ class: "absent", code: "ServiceNotFoundException" }),
      count: 1,
      since: now,
      nextAt: now,
    };
    expect(decide(made.d, made.seen, [], now).next.green.doubt).toBeUndefined();
  });
});

describe("a call that AWS refuses for good", () => {
  it.each(["rolling_back", "draining"] as const)("while %s leaves it stuck, to be released", (phase) => {
    const made = scene(phase);
    // The way back is tried on the other route first, so only the refused one is left.
    if (phase === "rolling_back") weighOne(made, rule, 1, 0);
    const key = phase === "draining" ? `scaleTaskSet ${made.d.blue?.arn}` : `setWeights ${listener}`;
    refusing(made, key, { class: "refuse" });
    const { next } = decide(made.d, made.seen, [], now);
    expect(next.hold?.kind).toBe("stuck");
    expect(decide(next, made.seen, [command("release")], now).next.phase).toBe("abandoned");
  });
});

describe("commands", () => {
  it("release one that is stuck in preparing: nothing had been touched", () => {
    const made = scene("preparing");
    made.seen.service = faulty({ class: "stuck", code: "AccessDeniedException" });
    const held = decide(made.d, made.seen, [], now).next;
    expect(held.hold?.kind).toBe("stuck");
    expect(decide(held, made.seen, [command("release")], now).next.phase).toBe("cancelled");
  });

  it("two rollbacks after the end deploy the earlier revision once", () => {
    const made = scene("succeeded");
    const two = [command("rollback", { id: "c1" }), command("rollback", { id: "c2" })];
    const { answers, spawn, next } = decide(made.d, made.seen, two, now);
    expect(answers.map((answer) => answer.deployment)).toEqual([spawn?.id, spawn?.id]);
    const seen = { ...made.seen, slot: { acting: spawn?.id ?? "", queue: [] } };
    const later = decide(next, seen, [command("rollback", { id: "c3" })], now);
    expect(later.tell).toEqual([]);
    expect(later.spawn).toBeUndefined();
    expect(later.answers[0]).toMatchObject({ obeyed: true, deployment: spawn?.id });
  });

  it("a step that was begun while it was paused lasts as long as it says", () => {
    const made = scene("shifting");
    made.d.step = 2;
    made.d.hold = { kind: "paused", since: now - 60 * minute, reason: "ada paused it" };
    const promoted = decide(made.d, made.seen, [command("promote")], now).next;
    expect(promoted.step).toBe(3);
    expect(decide(promoted, made.seen, [command("resume")], now + 1_000).next.stepSince).toBe(now + 1_000);
  });
});

describe("what can't be seen for a moment", () => {
  it("ends no hold", () => {
    const made = scene("shifting");
    weigh(made, 70, 30, { asked: false });
    const held = decide(made.d, made.seen, [], now).next;
    const blind = { ...made.seen, service: faulty<never>() };
    const still = decide(held, blind, [], now + 2_000);
    expect(still.next.hold).toEqual(held.hold);
    expect(still.events).toEqual([]);
  });
});

describe("time in which nobody looked", () => {
  it.each(["preparing", "provisioning", "shifting", "promoting"] as const)(
    "is not held against a deployment that is %s",
    (phase) => {
      const made = scene(phase);
      made.d.turnAt = now;
      const later = now + 180 * minute;
      const { next } = decide(made.d, made.seen, [], later);
      expect(["failed", "rolling_back"]).not.toContain(next.phase);
    },
  );
});

describe("when a colour counts as carrying", () => {
  const drained = now - 120_000;
  it.each([
    ["not since it was seen to have no weight", { at: now - 19_000, blue: false }, drained],
    ["until now where the look before saw weight", { at: now - 4_000, blue: true }, now],
    ["until now where the routes were not read for long", { at: now - 21_000, blue: false }, now],
  ])("%s", (_, before, carriedAt) => {
    const { d, seen } = scene("draining");
    d.routesRead = { green: true, ...before };
    expect(decide(d, seen, [], now).next.carriedAt.blue).toBe(carriedAt);
  });

  it("one that never had weight has had none while nobody looked", () => {
    const { d, seen } = scene("provisioning");
    d.routesRead = { at: now - minute, blue: true, green: false };
    expect(decide(d, seen, [], now).next.carriedAt.green).toBe(0);
  });

  it("a look that fails to read a route tells nothing, and the next one makes up for it", () => {
    const { d, seen } = scene("draining");
    const before = { at: now - 4_000, blue: true, green: true };
    d.routesRead = before;
    const unread = { ...seen, routes: { ...seen.routes, [rule]: faulty<never>() } };
    const blind = decide(d, unread, [], now).next;
    expect(blind.carriedAt.blue).toBe(drained);
    expect(blind.routesRead).toEqual(before);
    expect(decide(blind, seen, [], now + 1_000).next.carriedAt.blue).toBe(now + 1_000);
  });
});

describe("waiting for room", () => {
  it("does not search the revisions of the family again and again", () => {
    const made = scene("provisioning");
    made.d.request = { images: { app: "demo/checkout:2" } };
    delete made.d.green.taskDefinition;
    expect(look(made.d, now).registered).toBeDefined();
    made.d.hold = { kind: "waiting", since: now, reason: "no room" };
    expect(look(made.d, now).registered).toBeUndefined();
    // Without that look nothing is registered.
    expect(decide(made.d, made.seen, [], now).perform).toBe(false);
  });
});
