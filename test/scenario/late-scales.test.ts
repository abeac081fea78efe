/** A change of a scale that reaches AWS long after everybody gave it up: what serves gets its tasks back, and no more. */
import { expect, it } from "vitest";
import type { Strategy } from "../../src/deployment/strategy.ts";
import { canary, type Laid, need, region, World } from "../support/world.ts";

const half = canary(
  [
    { kind: "weight", percent: 50 },
    { kind: "weight", percent: 100 },
  ],
  { holdMs: 6_000 },
);

function scaleTo(world: World, arn: string, value: number): void {
  world.aws.ecs(region, "UpdateTaskSet", {
    cluster: "prod",
    service: "checkout",
    taskSet: arn,
    scale: { unit: "PERCENT", value },
  });
}

function scaleOf(world: World, arn: string): number | undefined {
  return world.sets().find(({ taskSetArn }) => taskSetArn === arn)?.scale?.value;
}

function freeze(world: World): void {
  const until = world.clock.now() + 3_600_000;
  world.closed = () => [{ id: "night", kind: "freeze", reason: "night", until }];
}

/** A deployment one of whose scales went unanswered, though it was performed. */
async function begin(strategy: Strategy = half): Promise<{ world: World; laid: Laid; id: string }> {
  const world = new World();
  const laid = world.lay();
  world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "UpdateTaskSet", times: 1 });
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
  return { world, laid, id };
}

it("gives them back while blue is taken away, and while the next deployment begins", async () => {
  const { world, laid, id } = await begin();
  await world.reaches(id, "draining");
  const { green } = await world.deployment(id);
  scaleTo(world, need(green.arn), 5);
  await world.run(15_000);
  expect(scaleOf(world, need(green.arn))).toBe(100);
  await world.ends(id, "succeeded");
  world.aws.settings.behaviours["demo/checkout:3"] = { startMs: 60_000 };
  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: half });
  await world.reaches(second, "provisioning");
  scaleTo(world, need(green.arn), 5);
  await world.run(15_000);
  expect(scaleOf(world, need(green.arn))).toBe(100);
});

it("gives them back while blue is kept, also when paused", async () => {
  const { world, id } = await begin({ ...half, retainMs: 600_000 });
  await world.reaches(id, "retaining");
  await world.ask(id, "pause");
  await world.run(1_000);
  const { green } = await world.deployment(id);
  scaleTo(world, need(green.arn), 50);
  await world.run(20_000);
  expect(scaleOf(world, need(green.arn))).toBe(100);
});

it("gives blue back what it had before a rollback that has ended", async () => {
  const world = new World();
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half });
  await world.reaches(id, "draining");
  world.local.faults.add({ fault: { kind: "loseRequest" }, action: "UpdateTaskSet", times: 1 });
  await world.until("asked", async () => (await world.deployment(id)).scalesUnsureUntil !== undefined);
  await world.ask(id, "rollback");
  const { blue } = await world.ends(id, "rolled_back");
  scaleTo(world, need(blue).arn, 0);
  await world.run(90_000);
  expect(scaleOf(world, need(blue).arn)).toBe(100);
});

it("gives them back while the next deployment waits for the end of a freeze", async () => {
  const { world, laid, id } = await begin();
  const { green } = await world.ends(id, "succeeded");
  freeze(world);
  await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: half });
  await world.run(3_000);
  scaleTo(world, need(green.arn), 25);
  await world.run(60_000);
  expect(scaleOf(world, need(green.arn))).toBe(100);
});

it("is waited out before the next deployment writes down what blue had", async () => {
  const { world, laid, id } = await begin();
  const { green } = await world.ends(id, "succeeded");
  scaleTo(world, need(green.arn), 25);
  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: half });
  const { blue } = await world.ends(second, "succeeded");
  expect(blue).toMatchObject({ arn: green.arn, scalePercent: 100 });
});

it("is not waited out by what undoes the version that serves", async () => {
  const { world, id } = await begin();
  const { green } = await world.ends(id, "succeeded");
  world.local.faults.add({ fault: { kind: "throttle" }, action: "UpdateTaskSet" });
  scaleTo(world, need(green.arn), 25);
  await world.ask(id, "rollback");
  await world.run(1_000);
  await world.reaches((await world.deployment(id)).undoneBy ?? "", "provisioning", 5_000);
  expect(scaleOf(world, need(green.arn))).toBe(25);
});

it("gives green no more than it was to have by now, whatever later steps need", async () => {
  const { world, laid, id } = await begin();
  await world.ends(id, "succeeded");
  const tested = canary(
    [
      { kind: "weight", percent: 25 },
      { kind: "weight", percent: 100 },
    ],
    {
      testing: [
        { kind: "pause", id: "one", ms: 5_000 },
        { kind: "pause", id: "two", ms: 60_000 },
      ],
    },
  );
  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: tested });
  await world.until("in its second test", async () => {
    const { phase, step } = await world.deployment(second);
    return phase === "testing" && step === 1;
  });
  await world.run(10_000);
  expect(scaleOf(world, need((await world.deployment(second)).green.arn))).toBe(25);
});

it("overrules no freeze where the scale is the traffic", async () => {
  const world = new World();
  const { target, ...laid } = world.lay("checkout", { primary: { loadBalancers: [] } });
  const unrouted: Laid = { ...laid, target: { ...target, targetGroups: [], routes: [] } };
  world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "UpdateTaskSet", times: 1 });
  const strategy = canary([
    { kind: "scale", percent: 25 },
    { kind: "scale", percent: 50 },
    { kind: "pause", ms: 20_000 },
    { kind: "scale", percent: 100 },
  ]);
  const id = await world.start(unrouted, { taskDefinition: "checkout:2" }, { strategy });
  await world.until("its pause", async () => (await world.deployment(id)).step === 2);
  freeze(world);
  await world.run(60_000);
  expect(scaleOf(world, need((await world.deployment(id)).green.arn))).toBe(50);
});
