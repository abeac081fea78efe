/**
 * A change of weights that reaches AWS when its deployment has long let go of the service: whoever acts next knows
 * what may still come, tells it from somebody else's doing, and puts it right.
 */
import { expect, it } from "vitest";
import type { Phase } from "../../src/deployment/phases.ts";
import { writeWeights } from "../support/scenario.ts";
import { canary, type Laid, World } from "../support/world.ts";

const half = canary(
  [
    { kind: "weight", percent: 50 },
    { kind: "weight", percent: 100 },
  ],
  { holdMs: 6_000 },
);
const fifth = canary(
  [
    { kind: "weight", percent: 20 },
    { kind: "pause", ms: 40_000 },
    { kind: "weight", percent: 100 },
  ],
  { holdMs: 6_000, retainMs: 10_000 },
);

/** Has shifted to green with one of its calls unanswered, and ended. */
async function firstDeployment(world: World, laid: Laid): Promise<void> {
  world.local.faults.add({ fault: { kind: "loseRequest" }, action: "ModifyListener", times: 1 });
  const first = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half });
  const d = await world.ends(first, "succeeded");
  expect(d.unsureUntil).toBeGreaterThan(0);
}

it.each<[Phase, [number, number], string]>([
  ["provisioning", [1, 0], "all traffic on the group that is empty"],
  ["shifting", [50, 50], "weights that this deployment never asks for"],
  ["retaining", [0, 1], "all traffic on the old version"],
  ["draining", [0, 1], "all traffic on tasks that are being stopped"],
  ["succeeded", [0, 1], "all traffic on the group that is empty again"],
])("in the next one's %s: %j, %s", async (phase, weights) => {
  const world = new World();
  const laid = world.lay();
  await firstDeployment(world, laid);

  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: fifth });
  await world.until(phase, async () => (await world.deployment(second)).phase === phase);
  const asked = world.weights(laid);
  writeWeights(world, laid.listener, laid.groups, weights);
  expect(world.weights(laid)).not.toEqual(asked);
  const lateAt = world.clock.now();
  await world.until("put right", async () => {
    const { routes } = await world.deployment(second);
    return String(world.weights(laid)[0]) === String([routes[0]?.asked.green, routes[0]?.asked.blue]);
  });
  // For half a minute after a write of ours, what reads differently may be a read that lags.
  expect(world.clock.now() - lateAt).toBeLessThanOrEqual(40_000);
  await world.ends(second, "succeeded");
  expect(world.weights(laid)).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect((await world.events(second)).filter(({ type }) => type === "hold")).toEqual([]);
});

it("what a person took for granted meanwhile is no late call", async () => {
  const world = new World();
  const laid = world.lay();
  await firstDeployment(world, laid);

  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: fifth });
  const shown = async () => (await world.deployment(second)).observed?.routes[0]?.green === 20;
  await world.until("at its first share", shown);
  await world.run(5_000);
  writeWeights(world, laid.listener, laid.groups, [35, 65]);
  await world.until("held", async () => (await world.deployment(second)).hold?.kind === "drift");
  await world.ask(second, "resume");
  await world.run(15_000);
  expect(world.weights(laid)[0]).toEqual([35, 65]);
  await world.ends(second, "succeeded");
});

it("long after, the same weights are somebody else's doing, and are held", async () => {
  const world = new World();
  const laid = world.lay();
  await firstDeployment(world, laid);
  await world.run(150_000);

  const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: half });
  await world.until("shifting", async () => (await world.deployment(second)).phase === "shifting");
  writeWeights(world, laid.listener, laid.groups, [30, 70]);
  await world.until("held", async () => (await world.deployment(second)).hold?.kind === "drift");
});
