/** The checkers of the promises see what they are for: each meets a fault that was planted for it. */
import { describe, expect, it } from "vitest";
import { type Decide, machine, rules } from "../../src/deployment/decide.ts";
import { forbid } from "../../src/deployment/forbid.ts";
import type { AwsEffect } from "../../src/deployment/effect.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import type { Rule } from "../../src/deployment/rules/rule.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import { watchPromises } from "../support/promises.ts";
import { canary, careful, region, World } from "../support/world.ts";

const unguarded: typeof forbid = () => undefined;

function without(phase: Phase, ...situations: string[]): Decide {
  const kept = rules[phase].filter((rule: Rule) => !situations.includes(rule.situation));
  expect(kept).toHaveLength(rules[phase].length - situations.length);
  return machine({ ...rules, [phase]: kept }, unguarded);
}

/** Calls that nobody decided on, or that are not quite what was decided. */
function twisted(twist: (effect: AwsEffect) => AwsEffect): (cloud: Cloud) => Cloud {
  return (cloud) => ({
    look: (target, look, deadline) => cloud.look(target, look, deadline),
    perform: (target, effect, guard) => cloud.perform(target, twist(effect), guard),
  });
}

describe("a deployment by the rules", () => {
  it("keeps every promise, and gives each something to keep", async () => {
    const world = new World();
    const laid = world.lay();
    const watch = watchPromises(world);
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.ends(id, "succeeded");
    expect(watch.violations).toEqual([]);
    expect(watch.exercised).toEqual({
      1: 6,
      2: expect.any(Number),
      3: 1,
      4: expect.any(Number),
      5: expect.any(Number),
      // Nothing was closed.
      8: 0,
      9: 6,
      // Redis lost nothing.
      10: 0,
    });
    expect(watch.exercised[2]).toBeGreaterThan(0);
    expect(watch.exercised[4]).toBeGreaterThan(0);
  });
});

describe("a planted fault is seen:", () => {
  it("1 traffic before health", async () => {
    const provisioning = machine(
      {
        ...rules,
        provisioning: rules.provisioning.map((rule) =>
          rule.situation === "green-ready" ? { ...rule, when: (v) => v.green !== undefined } : rule,
        ),
        shifting: rules.shifting.filter(
          (rule) => !["green-not-ready", "green-unhealthy"].includes(rule.situation),
        ),
      },
      unguarded,
    );
    const world = new World({ decide: provisioning });
    const watch = watchPromises(world);
    await world.start(world.lay(), { taskDefinition: "checkout:2" });
    await world.run(20_000);
    expect(watch.violations.join("\n")).toMatch(/^1 .*gives green 10 % with 0 healthy tasks/m);
  });

  it("2 blue taken away before the hold time", async () => {
    const world = new World({ decide: without("draining", "hold-time") });
    const watch = watchPromises(world);
    const id = await world.start(world.lay(), { taskDefinition: "checkout:2" });
    await world.ends(id, "succeeded");
    expect(watch.violations.join("\n")).toMatch(/^2 .*the hold time is 5000/m);
    expect(watch.violations.join("\n")).toMatch(/^2 .*while traffic still reaches its group/m);
  });

  it("2 green taken away while routes still lead to it", async () => {
    const world = new World({
      decide: without("rolling_back", "route-away", "hold-time", "blue-starting", "green-carries"),
    });
    const laid = world.lay();
    const watch = watchPromises(world);
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("half way", () => world.weights(laid).every(([, green]) => green === 50));
    await world.ask(id, "rollback");
    await world.run(20_000);
    expect(watch.violations.join("\n")).toMatch(/^2 .*while routes give its group weight 100/m);
  });

  it("3 two sets of one deployment", async () => {
    let n = 0;
    const wrap = twisted((effect) =>
      effect.kind === "createTaskSet"
        ? { ...effect, request: { ...effect.request, clientToken: `fresh${n++}` } }
        : effect,
    );
    const world = new World({ wrap });
    const watch = watchPromises(world);
    world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet", times: 1 });
    world.aws.settings.ecsReadLagMs = 4_000;
    await world.start(world.lay(), { taskDefinition: "checkout:2" });
    await world.run(30_000);
    expect(watch.violations.join("\n")).toMatch(/^3 .*made 2 task sets/m);
  });

  it("4 a second deployment that does not wait", async () => {
    const queued = machine(
      {
        ...rules,
        queued: rules.queued.map((rule) => ({ ...rule, when: () => rule.situation === "slot-is-ours" })),
        preparing: rules.preparing.filter((rule) => rule.situation !== "wrong"),
      },
      unguarded,
    );
    const world = new World({ decide: queued });
    const laid = world.lay();
    const watch = watchPromises(world);
    await world.start(laid, { taskDefinition: "checkout:2" });
    await world.start(laid, { taskDefinition: "checkout:3" }, { whenBusy: "queue" });
    await world.run(20_000);
    expect(watch.violations.join("\n")).toMatch(/^4 /m);
  });

  it("5 a call that nobody wrote down", async () => {
    const wrap = twisted((effect) =>
      effect.kind === "scaleTaskSet" ? { ...effect, scalePercent: effect.scalePercent + 1 } : effect,
    );
    const world = new World({ wrap });
    const watch = watchPromises(world);
    await world.start(world.lay(), { taskDefinition: "checkout:2" });
    await world.run(30_000);
    expect(watch.violations.join("\n")).toMatch(/^5 UpdateTaskSet was sent without being written down/m);
  });

  it("5 a call without a deadline", async () => {
    const world = new World({
      wrap: (cloud) => ({
        look: (target, look, deadline) => cloud.look(target, look, deadline),
        perform: async (target, effect) => {
          world.clock.advance(30_000);
          return cloud.perform(target, effect, { deadline: Infinity, allowed: async () => true });
        },
      }),
    });
    const watch = watchPromises(world);
    await world.start(world.lay(), { taskDefinition: "checkout:2" });
    await world.run(5_000);
    expect(watch.violations.join("\n")).toMatch(/^5 CreateTaskSet was sent 15000 ms past its deadline/m);
  });

  it("9 something of the route beside the pair's weights", async () => {
    const world = new World({
      wrap: (cloud) => ({
        look: (target, look, deadline) => cloud.look(target, look, deadline),
        perform: async (target, effect, guard) => {
          // Within the call, so that it counts as the adapter's doing.
          if (effect.kind === "setWeights" && effect.route.kind === "rule") armed = true;
          return cloud.perform(target, effect, guard);
        },
      }),
    });
    let armed = false;
    const laid = world.lay();
    const watch = watchPromises(world);
    world.local.calls.watch((call) => {
      if (armed && call.action === "ModifyRule") {
        world.aws.elb(region, "SetRulePriorities", {
          RulePriorities: [{ RuleArn: laid.rule, Priority: 77 }],
        });
      }
      return () => {};
    });
    await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: careful });
    await world.run(30_000);
    expect(watch.violations.join("\n")).toMatch(/^9 .*changed more than the pair's weights/m);
  });

  it("9 what others had set", async () => {
    const strategy = canary([
      { kind: "weight", percent: 10 },
      { kind: "pause", ms: 60_000 },
      { kind: "weight", percent: 100 },
    ]);
    const decide = without("shifting", "drifted");
    const world = new World({ decide });
    const laid = world.lay();
    const watch = watchPromises(world);
    await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    const [a, b] = laid.groups;
    world.aws.elb(region, "ModifyRule", {
      RuleArn: laid.rule,
      Actions: [
        {
          Type: "forward",
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: a, Weight: 100 },
              { TargetGroupArn: b, Weight: 0 },
            ],
          },
        },
      ],
    });
    watch.check();
    await world.run(90_000);
    expect(watch.violations.join("\n")).toMatch(/^9 .*overwrites/m);
  });
});
