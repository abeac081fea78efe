/** What a plan tells beside its calls, which test/scenario/plan.test.ts holds to what then happens. */
import { describe, expect, it } from "vitest";
import { presets } from "../../src/deployment/strategy.ts";
import {
  blueArn,
  groupA,
  groupB,
  heal,
  listener,
  read,
  revision,
  rule,
  scene,
  serviceOf,
  setOf,
  target,
  taskSet,
  without,
} from "../support/fixtures.ts";
import { canary, desired, firstLook, minute, planOf, steps, told, weight } from "../support/plans.ts";

describe("the moments", () => {
  it("tell what happens when, with how many tasks of either colour, and what is waited for", () => {
    const plan = planOf({ first: desired(5), strategy: canary });
    expect(told(plan)).toEqual([
      "0s | the service is free: preparing | -/5 | 0 %",
      `0s | preparing is done: creating green from ${revision(2)} | -/5 | 0 %`,
      "0s | creates green: 1 task (10 %) of checkout:2 | 1/5 | 0 %",
      "0s | start, 90s | 1/5 | 0 %",
      "90s | green is steady: 1 healthy task | 1/5 | 0 %",
      "90s | green gets 10 %: 1:0 to 90:10 | 1/5 | 10 %",
      "90s | green gets 10 %: 1:0 to 90:10 | 1/5 | 10 %",
      "90s | pause, 600s | 1/5 | 10 %",
      "690s | scales green to 3 tasks (50 %) | 3/5 | 10 %",
      "690s | start, 90s | 3/5 | 10 %",
      "780s | green gets 50 %: 90:10 to 50:50 | 3/5 | 50 %",
      "780s | green gets 50 %: 90:10 to 50:50 | 3/5 | 50 %",
      "780s | scales green to 5 tasks (100 %) | 5/5 | 50 %",
      "780s | start, 90s | 5/5 | 50 %",
      "870s | green gets 100 %: 50:50 to 0:1 | 5/5 | 100 %",
      "870s | green gets 100 %: 50:50 to 0:1 | 5/5 | 100 %",
      "870s | every step is done: all traffic is on green | 5/5 | 100 %",
      "870s | bake, 300s | 5/5 | 100 %",
      "1170s | green has proved itself: promoting it | 5/5 | 100 %",
      "1170s | makes green the PRIMARY task set | 5/5 | 100 %",
      "1170s | green is PRIMARY | 5/5 | 100 %",
      "1170s | blue is no longer needed | 5/5 | 100 %",
      "1170s | scales blue to 0 tasks (0 %) | 5/0 | 100 %",
      "1170s | drain, 300s | 5/0 | 100 %",
      "1470s | deletes blue | 5/- | 100 %",
      "1470s | the new version serves; the old task set is gone | 5/- | 100 %",
    ]);
    expect(plan).toMatchObject({
      ok: true,
      service: "checkout",
      strategy: "some",
      blue: revision(1),
      green: revision(2),
      least: { ms: 15 * minute, untilPrimaryMs: 15 * minute },
      expected: { ms: 1_470_000, untilPrimaryMs: 1_170_000 },
      assumed: { startMs: 90_000, drainMs: 300_000, startKnown: false },
      calls: {
        "ecs:CreateTaskSet": 1,
        "ecs:UpdateTaskSet": 3,
        "ecs:UpdateServicePrimaryTaskSet": 1,
        "ecs:DeleteTaskSet": 1,
        "elasticloadbalancing:ModifyListener": 3,
        "elasticloadbalancing:ModifyRule": 3,
      },
      warnings: [],
    });
  });

  it("belong to a step where one is being done, and name the route that a call is about", () => {
    const { moments } = planOf({ strategy: canary });
    expect(moments.filter(({ effect }) => effect?.route).map(({ step, effect }) => [step, effect])).toEqual(
      [0, 2, 3].flatMap((index) =>
        [target.routes[0], target.routes[1]].map((route) => [
          { index, what: expect.stringMatching(/^weight/) },
          {
            action: `elasticloadbalancing:${route?.kind === "listener" ? "ModifyListener" : "ModifyRule"}`,
            route,
          },
        ]),
      ),
    );
    expect(moments.find(({ phase }) => phase === "draining")).not.toHaveProperty("step");
  });

  it.each(Object.values(presets))(
    "of $name never leave a share without the tasks that it needs",
    (preset) => {
      for (const count of [1, 3, 7, 11]) {
        const plan = planOf({ first: desired(count), strategy: preset });
        expect(plan).toMatchObject({ ok: true, findings: [], warnings: [], end: { phase: "succeeded" } });
        for (const { effect, green, weightPercent } of plan.moments) {
          if (effect?.route) expect(green?.tasks).toBe(Math.ceil((count * weightPercent) / 100));
        }
        const minutes = preset.steps.reduce((sum, step) => sum + (step.kind === "pause" ? step.ms : 0), 0);
        expect(plan.least.untilPrimaryMs).toBe(minutes);
      }
    },
  );

  it("are as many as anybody reads, whatever there is to do", () => {
    const drain = { by: { tasks: 1 }, everyMs: minute };
    const plan = planOf({ first: desired(520), strategy: steps([weight(100)], { drain }) });
    expect(plan).toMatchObject({
      ok: true,
      end: { phase: "draining" },
      expected: { untilPrimaryMs: 90_000 },
    });
    expect(plan.moments).toHaveLength(1_000);
    expect(plan.warnings).toEqual([
      "the old tasks go in so many steps that not all of them are planned",
      "only the first 1000 moments are listed",
    ]);
  });

  it("are the same for the same look, which is left as it was", () => {
    const given = { first: firstLook(), strategy: canary };
    const before = structuredClone(given);
    expect(planOf(given)).toEqual(planOf(given));
    expect(given).toEqual(before);
  });
});

describe("what would be refused", () => {
  it("is told all at once, with nothing planned after it", () => {
    const first = firstLook((made) => {
      heal(made, "green", 2);
      serviceOf(made).controller = "ECS";
      setOf(made, "blue").spec.tags = Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, value: "v" }));
    });
    const plan = planOf({ first });
    expect(plan.ok).toBe(false);
    expect(plan.findings.map(({ code }) => code)).toEqual([
      "not-external",
      "too-many-tags",
      "green-has-targets",
    ]);
    expect(plan.end).toMatchObject({ phase: "failed", cause: { code: "not-external" } });
    expect(plan.calls).toEqual({});
    expect(plan.warnings).toEqual([]);
    expect(plan).not.toHaveProperty("headroom");
    expect(plan.expected).not.toHaveProperty("untilPrimaryMs");
  });

  it("is a strategy whose weights a route can't express", () => {
    const first = firstLook((made) => {
      made.seen.routes[rule] = read({
        ref: { kind: "rule", arn: rule },
        weights: { [groupA]: 4, [groupB]: 0, third: 1 },
        rest: "r",
      });
    });
    expect(planOf({ first, strategy: canary }).findings.map(({ code }) => code)).toEqual([
      "weight-inexpressible",
    ]);
    const { ok, headroom } = planOf({ first, strategy: steps([weight(25), weight(100)]) });
    expect(ok).toBe(true);
    expect(headroom?.routes.map(({ weightSum, finestPercent }) => [weightSum, finestPercent])).toEqual([
      [100, 1],
      [4, 25],
    ]);
  });

  it("is what the records refuse, and the rest is planned all the same", () => {
    const busy = { code: "busy", message: "checkout-1 acts on checkout" } as const;
    const acting = { ...scene("shifting").d, id: "checkout-1" };
    const plan = planOf({ refusals: [busy], acting, slot: { acting: acting.id, queue: [] } });
    expect(plan).toMatchObject({ ok: false, findings: [busy], end: { phase: "succeeded" }, warnings: [] });
  });
});

describe("a service that is not free", () => {
  it("is planned as it was before the one that acts on it, which goes first", () => {
    const { d: acting, seen } = scene("baking");
    acting.id = "checkout-1";
    const { service, routes, health } = seen;
    const first = { ...firstLook(), service, routes, health };
    const plan = planOf({ first, acting, slot: { acting: acting.id, queue: ["checkout-2", "checkout-3"] } });
    const free = planOf();
    expect(plan.moments).toEqual(free.moments);
    expect(plan.warnings).toEqual([
      "checkout-1 acts on the service and goes first; this is planned on what was before it",
      "it waits behind checkout-2, checkout-3 first",
    ]);
    expect(planOf({ slot: { queue: ["checkout-2"] }, supersedes: true }).warnings).toEqual([
      "it supersedes checkout-2",
    ]);
  });

  it("is waited for where an earlier one keeps its old tasks warm, or they are still draining", () => {
    const first = firstLook((made) => {
      const old = { ...taskSet("green"), spec: { ...taskSet("green").spec, tags: [] } };
      serviceOf(made).taskSets.push(old);
      heal(made, "green", 4);
    });
    const warm = planOf({ first, slot: { retaining: "checkout-1", queue: [] } });
    expect(told(warm)[2]).toBe("0s | room, 300s | -/4 | 0 %");
    // It looks a second later whether it was heard.
    expect(warm.least.untilPrimaryMs).toBe(1_000 + (planOf().least.untilPrimaryMs ?? 0));
    expect(warm.headroom?.taskSets).toMatchObject({
      present: [{ of: "blue" }, { of: "another" }],
      atPeak: 2,
    });

    const draining = planOf({
      first: firstLook((made) => {
        made.seen.health[groupB] = read([{ address: "10.0.2.1:8080", state: "draining" }]);
      }),
    });
    expect(told(draining)[2]).toBe("0s | room, 300s | -/4 | 0 %");
    expect(draining.end.phase).toBe("succeeded");
  });

  it("has room for one more once a draining set is gone", () => {
    const first = firstLook((made) => {
      for (const n of [3, 4, 5, 6]) {
        const set = { ...taskSet("green"), arn: `${blueArn}${n}`, id: `ecs-svc/${n}`, spec: {} };
        serviceOf(made).taskSets.push(n === 6 ? { ...set, status: "DRAINING", computedDesired: 0 } : set);
      }
    });
    const plan = planOf({ first });
    expect(told(plan)[2]).toBe("0s | room, 300s | -/4 | 0 %");
    expect(plan.headroom?.taskSets).toMatchObject({ atPeak: 5, limit: 5 });
    expect(plan.headroom?.taskSets.present.map(({ of }) => of)).toEqual([
      "blue",
      "another",
      "another",
      "another",
      "drains",
    ]);
  });
});

describe("traffic that can't be shared out", () => {
  it("reaches green by service discovery as soon as its tasks run", () => {
    const first = firstLook((made) => {
      setOf(made, "blue").spec = {
        taskDefinition: revision(1),
        serviceRegistries: [{ registryArn: "srv-1" }],
      };
      made.seen.routes = {};
      made.seen.health = {};
      delete made.seen.survey;
    });
    const scales = steps([
      { kind: "scale", percent: 50 },
      { kind: "scale", percent: 100 },
    ]);
    const plan = planOf({ first, strategy: scales, target: { targetGroups: [], routes: [] } });
    expect(plan.ok).toBe(true);
    expect(plan.warnings).toEqual([
      "no load balancer shares the traffic: green gets its part from service discovery as soon as its tasks run",
    ]);
    expect(plan.moments.map(({ weightPercent }) => weightPercent)).toContain(0);
  });

  it("goes all to green where nothing serves yet", () => {
    const first = firstLook((made) => without(made, "blue"));
    const { taskDefinition: _, ...spec } = taskSet("blue").spec;
    const plan = planOf({
      first,
      strategy: canary,
      target: { taskSet: { ...spec, taskDefinition: "checkout:1" } },
    });
    expect(plan.warnings).toEqual([
      "there is no PRIMARY task set: green gets all traffic at once, and there is no way back",
    ]);
    expect(plan.calls).toMatchObject({ "elasticloadbalancing:ModifyListener": 1 });
    expect(plan).not.toHaveProperty("blue");
  });

  it("stays with the group that clients had", () => {
    const first = firstLook((made) => {
      const route = made.seen.routes[listener];
      if (route?.ok) route.value.sticky = true;
    });
    expect(planOf({ first }).warnings).toEqual([
      "clients stay with the group that they had on listener main/1/1: weights are no shares",
    ]);
  });
});

describe("headroom", () => {
  it("counts both colours at once, and the tags that green carries", () => {
    const { headroom } = planOf({ first: desired(5) });
    expect(headroom).toEqual({
      taskSets: { present: [{ id: "ecs-svc/1", status: "PRIMARY", of: "blue" }], atPeak: 2, limit: 5 },
      tags: { used: 4, limit: 50 },
      routes: target.routes.map((route) => ({ route, weightSum: 100, finestPercent: 1 })),
      tasks: { present: 5, atPeak: 10, more: 5 },
    });
  });
});
