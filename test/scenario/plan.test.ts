/** A plan is what then happens: the same calls in the same order, with as many tasks, to the same end. */
import { describe, expect, it } from "vitest";
import type { Check } from "../../src/deployment/check.ts";
import type { Effect } from "../../src/deployment/effect.ts";
import { isTerminal, type Phase } from "../../src/deployment/phases.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import type { Plan } from "../../src/deployment/plan/plan.ts";
import type { Deployment, DeployRequest } from "../../src/deployment/record.ts";
import {
  type HookStep,
  presets,
  type Step,
  type Strategy,
  usualVerdict,
  type WaitStep,
} from "../../src/deployment/strategy.ts";
import type { Order } from "../../src/engine/engine.ts";
import { mutations, watchedWorld } from "../support/scenario.ts";
import { ada, canary, type Laid, need, type World, type WorldOptions } from "../support/world.ts";

const minute = 60_000;
const bob = { kind: "operator", name: "bob" } as const;

const weight = (percent: number): Step => ({ kind: "weight", percent });
const scale = (percent: number): Step => ({ kind: "scale", percent });
const pause = (seconds: number): Step => ({ kind: "pause", ms: 1_000 * seconds });
const analyze = (check: string, ms: number): Step => {
  return { kind: "analyze", id: "prove", checks: [check], ms, onInconclusive: "pause" };
};
const wait = (until: WaitStep["until"], more: Partial<WaitStep> = {}): Step => {
  return {
    kind: "wait",
    id: `wait-${until.kind}`,
    until,
    timeoutMs: 60 * minute,
    onTimeout: "rollback",
    ...more,
  };
};
const hook = (id: string, stage?: HookStep["stage"]): HookStep => ({
  kind: "hook",
  id,
  ...(stage && { stage }),
  hook: {
    url: `https://hooks.example/${id}`,
    headers: {},
    timeoutMs: minute,
    attemptsMax: 3,
    onFailure: "rollback",
  },
});

const careful = canary([weight(10), pause(30), weight(50), weight(100)]);

const latency: Check = {
  name: "latency",
  source: { kind: "prometheus", url: "https://p", query: "p99", headers: {} },
  success: { written: "value < 0.4", join: "and", terms: [{ operator: "<", limit: 0.4 }] },
  count: 3,
  intervalMs: 20_000,
  failureLimit: 0,
  inconclusiveLimit: 0,
  dryRun: false,
};

interface Case {
  strategy: Strategy;
  request?: DeployRequest;
  options?: WorldOptions;
  lay?: (world: World) => Laid;
  /** What else is so when it is planned. */
  given?: (world: World, laid: Laid) => Promise<void> | void;
  end?: Phase;
}

const cases: Record<string, Case> = {
  ...Object.fromEntries(
    Object.values(presets).map((preset) => [preset.name, { strategy: inSeconds(preset) }]),
  ),
  "an odd number of tasks": { strategy: careful, lay: (world) => world.lay("checkout", { desired: 7 }) },
  "scale steps before and between": {
    strategy: canary([scale(25), weight(5), pause(10), scale(60), weight(33), weight(100)]),
    lay: (world) => world.lay("checkout", { desired: 9 }),
  },
  "images, of which a revision is registered": {
    strategy: careful,
    request: { images: { app: "demo/checkout:9" } },
  },
  "the same revision with other parameters": {
    strategy: careful,
    request: { taskSet: { platformVersion: "1.4.0" } },
  },
  "weights that are no share of 100": {
    strategy: canary([weight(12.5), weight(100)]),
    lay: (world) =>
      world.lay("checkout", {
        forward: ([a, b]) => [
          { TargetGroupArn: a, Weight: 7 },
          { TargetGroupArn: b, Weight: 0 },
        ],
      }),
  },
  "test routes, and hooks at every stage": {
    strategy: canary([hook("pre", "PRE_PRODUCTION_TRAFFIC_SHIFT"), weight(20), hook("smoke"), weight(100)], {
      before: [hook("pre-scale-up", "PRE_SCALE_UP")],
      testing: [hook("scaled", "POST_SCALE_UP"), { kind: "test" }, hook("tested", "TEST_TRAFFIC_SHIFT")],
    }),
    lay: (world) => world.lay("checkout", { test: [1, 0] }),
  },
  "a bake, a retention, and blue gone bit by bit": {
    strategy: canary([weight(100)], {
      bakeMs: 20_000,
      retainMs: 30_000,
      drain: { by: { percent: 30 }, everyMs: 10_000 },
    }),
    lay: (world) => world.lay("checkout", { desired: 5 }),
  },
  "a check that is measured three times": {
    strategy: canary([weight(10), analyze("latency", 10 * minute), weight(100)], { checks: { latency } }),
    given: (world) => {
      world.outside.value = () => ({ kind: "value", value: 0.1 });
    },
  },
  "a verdict in a step": {
    strategy: canary([weight(20), analyze(usualVerdict.name, 5 * minute), weight(100)], {
      checks: { [usualVerdict.name]: usualVerdict },
      analysis: [usualVerdict.name],
    }),
    options: { metrics: true },
    given: async (world, laid) => {
      world.traffic(laid.listener, { perMinute: 6_000 });
      await world.run(2 * minute);
    },
  },
  "an approval": {
    strategy: canary([weight(10), wait({ kind: "approval", by: ["bob"], notStarter: true }), weight(100)]),
  },
  "an approval that nobody may give, and that goes on": {
    strategy: canary([
      weight(10),
      wait({ kind: "approval", by: ["ada"], notStarter: true }, { timeoutMs: minute, onTimeout: "proceed" }),
      weight(100),
    ]),
  },
  "an approval that nobody may give": {
    strategy: canary([
      scale(50),
      weight(10),
      wait({ kind: "approval", by: ["ada"], notStarter: true }, { timeoutMs: minute }),
      weight(100),
    ]),
    end: "rolled_back",
  },
  "hours and a moment": {
    strategy: canary([
      weight(10),
      wait({ kind: "window", window: { hours: "12:05-13:00", timezone: "UTC" } }),
      weight(50),
      wait({ kind: "moment", at: Date.UTC(2026, 5, 1, 12, 8) }),
      weight(100),
    ]),
  },
  "a freeze at its start": {
    strategy: careful,
    given: (world) => {
      const from = world.clock.now();
      world.calendar.freezes = [{ id: "audit", from, to: from + 3 * minute, reason: "audit" }];
    },
  },
  "an earlier one that keeps its old version warm": {
    strategy: careful,
    request: { taskDefinition: "checkout:3" },
    given: async (world, laid) => {
      const strategy = canary([weight(100)], { retainMs: 24 * 60 * minute });
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.reaches(id, "retaining");
    },
  },
  "the first version of a service": {
    strategy: careful,
    lay: (world) => {
      const laid = world.lay("checkout", { primary: false });
      const taskSet = {
        taskDefinition: "checkout:1",
        launchType: "FARGATE",
        networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } },
        loadBalancers: [{ targetGroupArn: laid.groups[1], containerName: "app", containerPort: 8080 }],
      };
      return { ...laid, target: { ...laid.target, taskSet } };
    },
  },
  "a service that only service discovery knows": {
    strategy: canary([scale(25), pause(10), scale(100)]),
    lay: (world) => {
      const registryArn = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-1";
      const primary = { loadBalancers: [], serviceRegistries: [{ registryArn }] };
      const laid = world.lay("checkout", { primary });
      return { ...laid, target: { ...laid.target, targetGroups: [], routes: [] } };
    },
  },
};

describe("a plan is what then happens", () => {
  it.each(Object.entries(cases))(
    "%s",
    async (_, { strategy, request = { taskDefinition: "checkout:2" }, ...how }) => {
      const world = watchedWorld(how.options);
      const laid = how.lay?.(world) ?? world.lay();
      await how.given?.(world, laid);

      const plan = await planned(world, laid, request, strategy);
      const { calls, d, tookMs, untilPrimaryMs } = await played(world, laid, request, strategy);

      expect(callsOf(plan)).toEqual(calls);
      expect(d.phase).toBe(how.end ?? "succeeded");
      expect(plan).toMatchObject({ ok: d.phase === "succeeded", findings: [], end: { phase: d.phase } });
      expect(plan.least.ms).toBeLessThanOrEqual(tookMs);
      expect(plan.least.untilPrimaryMs ?? 0).toBeLessThanOrEqual(untilPrimaryMs);
      // Tasks of this world take a few seconds, those of a plan that knows nothing five minutes and a half.
      expect(plan.expected.ms).toBeGreaterThanOrEqual(tookMs - 20_000);
    },
  );
});

const order = (laid: Laid, more: Partial<Order> = {}): Order => ({
  target: laid.target,
  strategy: careful,
  request: { taskDefinition: "checkout:3", build: 7 },
  actor: ada,
  whenBusy: "reject",
  ...more,
});

describe("a plan goes by the records too", () => {
  it("and tells of a busy service and of a build that is stale", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2", build: 8 });
    await world.until("shifting", async () => world.weights(laid)[0]?.[1] === 10);
    const refused = await world.engine.plan(order(laid));
    expect(refused.ok).toBe(false);
    expect(refused.findings).toEqual([
      {
        code: "stale-build",
        message: "build 7 of checkout is older than build 8, which was accepted before",
      },
      { code: "busy", message: `${id} acts on checkout` },
    ]);
    const forced = await world.engine.plan(order(laid, { whenBusy: "queue", force: true }));
    expect(forced).toMatchObject({ ok: true, blue: expect.stringMatching(/checkout:1$/) });
    expect(forced.warnings).toEqual([expect.stringContaining(`${id} acts on the service and goes first`)]);
    await expect(world.engine.start(order(laid))).rejects.toMatchObject({ code: "stale-build" });
  });

  it("and reckons with how long tasks took to start before", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 33_000 } });
    const laid = world.lay();
    expect((await world.engine.plan(order(laid))).assumed.startKnown).toBe(false);
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    const { green } = await world.ends(id, "succeeded");
    const { assumed } = await world.engine.plan(order(laid));
    expect(assumed).toMatchObject({ startKnown: true, startMs: green.startMs });
    expect(assumed.startMs).toBeGreaterThan(33_000);
  });

  it("and is none where AWS can't be read", async () => {
    const fault: Fault = {
      class: "stuck",
      code: "AccessDenied",
      message: "not you",
      action: "ecs:DescribeServices",
    };
    const world = watchedWorld({
      wrap: (cloud) => ({
        ...cloud,
        look: async (...asked) => ({
          ...(await cloud.look(...asked)),
          service: { ok: false, at: world.clock.now(), fault },
        }),
      }),
    });
    await expect(world.engine.plan(order(world.lay()))).rejects.toMatchObject({
      code: "unavailable",
      message: "ecs:DescribeServices: AccessDenied: not you",
    });
  });
});

/** Plans, and sees that nothing but reading was done. */
async function planned(world: World, laid: Laid, request: DeployRequest, strategy: Strategy): Promise<Plan> {
  const before = [mutations(world).length, await world.records.list({ limit: 100 })];
  const order = { target: laid.target, strategy, request, actor: ada, whenBusy: "reject" } as const;
  const plan = await world.engine.plan(order);
  expect([mutations(world).length, await world.records.list({ limit: 100 })]).toEqual(before);
  return plan;
}

function callsOf({ moments }: Plan): string[] {
  return moments.flatMap(({ what, effect }) =>
    effect ? [effect.route ? `${what} on ${effect.route.arn}` : what] : [],
  );
}

/** Carries it out, and tells each of its calls as a plan does. */
async function played(world: World, laid: Laid, request: DeployRequest, strategy: Strategy) {
  const calls: string[] = [];
  let last: Effect | undefined;
  const note = (d: Deployment) => {
    if (last) calls.push(toldOf(last, d, world));
    last = undefined;
  };
  const id = await world.start(laid, request, { strategy });
  const stop = world.onCommit(({ id: whose, decision }) => {
    if (whose !== id) return;
    note(decision.next);
    last = decision.perform ? decision.next.pending?.effect : undefined;
  });
  const approved = new Set<number>();
  let d = await world.deployment(id);
  for (let round = 0; !isTerminal(d.phase) && round < 500; round += 1) {
    await world.run(5_000);
    d = await world.deployment(id);
    if (!d.note.includes("waits for approval") || approved.has(d.step)) continue;
    approved.add(d.step);
    await world.ask(id, "approve", { actor: bob });
  }
  stop();
  const primary = (await world.events(id)).find(
    (event) => event.type === "phase" && event.to === "retaining",
  );
  const untilPrimaryMs = (primary?.at ?? Infinity) - d.createdAt;
  return { calls, d, tookMs: need(d.finishedAt) - d.createdAt, untilPrimaryMs };
}

function toldOf(effect: Effect, d: Deployment, world: World): string {
  const arn = "arn" in effect ? effect.arn : d.green.arn;
  const colour = arn === d.blue?.arn ? "blue" : "green";
  const tasks = world.sets().find((set) => set.taskSetArn === arn)?.computedDesiredCount;
  const size = (percent: number) => `${tasks} ${tasks === 1 ? "task" : "tasks"} (${percent} %)`;
  switch (effect.kind) {
    case "registerTaskDefinition":
      return "registers a revision of checkout";
    case "createTaskSet": {
      const revision = effect.request.taskDefinition.split("/")[1];
      return `creates green: ${size(effect.request.scalePercent)}${d.request.images ? "" : ` of ${revision}`}`;
    }
    case "scaleTaskSet":
      return `scales ${colour} to ${size(effect.scalePercent)}`;
    case "setWeights": {
      const { from, to, route } = effect;
      const share = (100 * to.green) / (to.blue + to.green);
      const test = d.target.testRoutes?.some((ref) => ref.arn === route.arn) ? " of test traffic" : "";
      return `green gets ${share} %${test}: ${from.blue}:${from.green} to ${to.blue}:${to.green} on ${route.arn}`;
    }
    case "makePrimary":
      return `makes ${colour} the PRIMARY task set`;
    case "tagTaskSet":
      return `tags ${colour} with ${effect.tags.map(({ key }) => key).join(", ")}`;
    case "deleteTaskSet":
      return `deletes ${colour}`;
    case "callHook":
      return `calls the hook ${effect.gate}`;
  }
}

/** The same with a second for every minute. */
function inSeconds(preset: Strategy): Strategy {
  const steps = preset.steps.map((step) => (step.kind === "pause" ? { ...step, ms: step.ms / 60 } : step));
  return { ...preset, steps, holdMs: 5_000 };
}
