/** A rollback asked for in every phase, and between the effects of a phase: the way back ends where it began. */
import { describe, expect, it } from "vitest";
import type { Effect, EffectKind } from "../../src/deployment/effect.ts";
import { surroundings, watchedWorld } from "../support/scenario.ts";
import { canary, careful, type Laid, need, type World } from "../support/world.ts";

/** Everything that a rollback must restore: weights, sets with their scale and status, and the surroundings. */
function standing(world: World, laid: Laid) {
  return {
    weights: world.weights(laid),
    sets: world.sets().map((set) => ({
      arn: set.taskSetArn,
      status: set.status,
      scale: set.scale,
      running: set.runningCount,
      tags: set.tags,
    })),
    surroundings: surroundings(world, laid.groups),
  };
}

const strategy = { ...careful, bakeMs: 20_000, retainMs: 60_000 };

interface Moment {
  name: string;
  reached: (world: World, laid: Laid, id: string) => Promise<boolean> | boolean;
  end: "cancelled" | "rolled_back";
}

const phase =
  (...wanted: string[]) =>
  async (world: World, _laid: Laid, id: string) =>
    wanted.includes((await world.deployment(id)).phase);

/** Right after AWS acknowledged the nth effect of this kind. */
const after =
  (kind: EffectKind, nth = 1) =>
  async (world: World, _laid: Laid, id: string) =>
    (await world.events(id)).filter((event) => event.type === "done" && event.effect === kind).length >= nth;

const green = (weight: number) => (world: World, laid: Laid) =>
  world.weights(laid).every(([, found]) => found === weight);

const moments: Moment[] = [
  { name: "provisioning, before green is steady", reached: after("createTaskSet"), end: "rolled_back" },
  { name: "shifting at 10 %", reached: green(10), end: "rolled_back" },
  { name: "shifting at 50 %", reached: green(50), end: "rolled_back" },
  { name: "shifting at 100 %", reached: after("setWeights", 6), end: "rolled_back" },
  { name: "baking", reached: phase("baking"), end: "rolled_back" },
  { name: "promoting, after PRIMARY", reached: after("makePrimary"), end: "rolled_back" },
  { name: "retaining", reached: phase("retaining"), end: "rolled_back" },
  { name: "draining, before blue is touched", reached: phase("draining"), end: "rolled_back" },
  { name: "draining, after blue was scaled down", reached: after("scaleTaskSet", 3), end: "rolled_back" },
];

describe("a rollback asked for in", () => {
  for (const { name, reached, end } of moments) {
    it(name, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const before = standing(world, laid);
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.until("at that moment", () => reached(world, laid, id));
      await world.ask(id, "rollback", { reason: "looks bad" });
      const d = await world.ends(id, end);
      expect(d.cause).toEqual({ code: "operator", message: "ada asked for it: looks bad" });
      await world.run(150_000);
      expect(standing(world, laid)).toEqual(before);
    });
  }

  it("queued and preparing: cancelled, and nothing was touched", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.ask(first, "rollback");
    const second = await world.start(laid, { taskDefinition: "checkout:3" }, { whenBusy: "queue" });
    await world.ask(second, "rollback");
    await world.ends(first, "cancelled");
    await world.ends(second, "cancelled");
    expect(world.local.calls.byAction()["ecs:CreateTaskSet"]).toBeUndefined();
  });

  it("provisioning, before anything was created", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const before = standing(world, laid);
    world.local.faults.add({ fault: { kind: "throttle" }, action: "CreateTaskSet" });
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("refused once", async () =>
      (await world.events(id)).some((event) => event.type === "refused"),
    );
    await world.ask(id, "rollback");
    world.local.faults.clear();
    await world.ends(id, "rolled_back");
    expect(standing(world, laid)).toEqual(before);
    expect(world.local.calls.byOutcome()["ecs:CreateTaskSet ok"]).toBeUndefined();
  });

  it("promoting, before PRIMARY", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const before = standing(world, laid);
    world.local.faults.add({ fault: { kind: "throttle" }, action: "UpdateServicePrimaryTaskSet" });
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.reaches(id, "promoting");
    await world.run(3_000);
    await world.ask(id, "rollback");
    world.local.faults.clear();
    await world.ends(id, "rolled_back");
    expect(standing(world, laid)).toEqual(before);
  });

  it("rolling_back: it is told so", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.reaches(id, "shifting");
    await world.ask(id, "rollback");
    await world.turn();
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    const told = (await world.events(id)).filter((event) => event.type === "command");
    expect(told.map((event) => event.message)).toEqual([
      "ada asked for rollback: it rolls back",
      "ada asked for rollback: it is rolling back already",
    ]);
  });

  for (const [name, reached] of [
    ["draining, once deleting blue is committed", after("deleteTaskSet")],
    ["succeeded", phase("succeeded")],
  ] as const) {
    it(`${name}: the earlier revision is deployed again, without the canary`, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.until("at that moment", () => reached(world, laid, id));
      await world.ask(id, "rollback");
      await world.turn();
      const answer = (await world.events(id)).findLast((event) => event.type === "command");
      const again = need(answer?.type === "command" ? answer.deployment : undefined);
      const d = await world.ends(again, "succeeded");
      expect(d.undoes).toBe(id);
      expect(d.strategy.steps).toEqual([{ kind: "weight", percent: 100 }]);
      expect((await world.deployment(id)).phase).toBe("succeeded");
      expect(world.sets()).toHaveLength(1);
      expect(world.sets()[0]?.taskDefinition).toMatch(/checkout:1$/);
      expect(world.weights(laid)).toEqual([
        [1, 0],
        [1, 0],
      ]);
    });
  }
});

describe("a rollback asked for while an effect is in flight", () => {
  // What the undisturbed deployment does up to the point of no return, in its order.
  const effects = [
    "createTaskSet",
    "setWeights listener 10",
    "setWeights rule 10",
    "scaleTaskSet 50",
    "setWeights listener 50",
    "setWeights rule 50",
    "scaleTaskSet 100",
    "setWeights listener 1",
    "setWeights rule 1",
    "makePrimary",
    "scaleTaskSet 0",
  ];
  for (const [n, effect] of effects.entries()) {
    it(`${n + 1}: ${effect}`, async () => {
      const met: string[] = [];
      let asked: Promise<void> | undefined;
      const world = watchedWorld({
        wrap: (cloud) => ({
          look: (target, look, deadline) => cloud.look(target, look, deadline),
          perform: async (target, effect, guard) => {
            met.push(words(effect));
            if (met.length === n + 1) asked = world.ask(id, "rollback");
            await asked;
            return await cloud.perform(target, effect, guard);
          },
        }),
      });
      const laid = world.lay();
      const before = standing(world, laid);
      const id = await world.start(laid, { taskDefinition: "checkout:2" });
      await world.ends(id, "rolled_back");
      expect(met.slice(0, n + 1)).toEqual(effects.slice(0, n + 1));
      await world.run(150_000);
      expect(standing(world, laid)).toEqual(before);
    });
  }
});

function words(effect: Effect): string {
  if (effect.kind === "scaleTaskSet") return `scaleTaskSet ${effect.scalePercent}`;
  if (effect.kind === "setWeights") return `setWeights ${effect.route.kind} ${effect.to.green}`;
  return effect.kind;
}

describe("the way back", () => {
  it("restores weights and scale that were not the usual ones", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", {
      forward: ([a, b]) => [
        { TargetGroupArn: a, Weight: 37 },
        { TargetGroupArn: b, Weight: 0 },
      ],
      primary: { scale: { unit: "PERCENT", value: 75 } },
    });
    const before = standing(world, laid);
    const slow = canary([{ kind: "weight", percent: 100 }], { retainMs: 0, holdMs: 5_000 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: slow });
    await world.until("blue at 0", () => world.sets().some((set) => set.scale?.value === 0));
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    await world.run(30_000);
    expect(standing(world, laid)).toEqual(before);
  });

  it("waits for healthy tasks of blue before traffic returns to it", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 10_000 } });
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("blue without tasks", () =>
      world.sets().some((set) => set.scale?.value === 0 && set.runningCount === 0),
    );
    await world.ask(id, "rollback");
    await world.run(5_000);
    expect(world.weights(laid)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});
