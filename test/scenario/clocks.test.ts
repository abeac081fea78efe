/** Redis's clock is set while deployments run. Nothing is taken away the sooner, and a way back waits for nothing. */
import { expect, it } from "vitest";
import { isTerminal, type Phase } from "../../src/deployment/phases.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import { SteppedClock } from "../../sandbox/clock.ts";
import { mutations, watchedWorld, writeWeights } from "../support/scenario.ts";
import { canary, type World } from "../support/world.ts";

const hour = 3_600_000;
const atOnce = canary([{ kind: "weight", percent: 100 }], { holdMs: 60_000 });
const slowly = canary([
  { kind: "weight", percent: 10 },
  { kind: "pause", ms: 600_000 },
  { kind: "weight", percent: 100 },
]);

/** A world in which `set` sets the clock that Teal goes by. */
function worldWithClock(settings: Partial<Settings> = {}) {
  const clock = new SteppedClock(Date.UTC(2026, 5, 1, 12));
  let aheadMs = 0;
  const world = watchedWorld({ clock, settings, shared: { now: () => clock.now() + aheadMs } });
  return { world, set: (ms: number) => void (aheadMs += ms) };
}

it("set ahead by an hour while the hold time runs: the old task set stays for all of it", async () => {
  const { world, set } = worldWithClock();
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: atOnce });
  await world.reaches(id, "draining");
  await world.run(5_000);
  set(hour);
  const begun = world.clock.now();
  await world.until("taken away", () => mutations(world).includes("DeleteTaskSet ok"));
  expect(world.clock.now() - begun).toBeGreaterThanOrEqual(60_000);
  await world.ends(id, "succeeded");
});

it("set ahead by an hour at a pause: the pause is not over", async () => {
  const { world, set } = worldWithClock();
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: slowly });
  await world.until("green at 10", () => world.weights(laid).every(([, green]) => green === 10));
  set(hour);
  await world.run(300_000);
  expect(world.weights(laid)[0]).toEqual([90, 10]);
  await world.ends(id, "succeeded");
});

it("set back by an hour after AWS throttled the way back: it is tried again at once", async () => {
  const { world, set } = worldWithClock();
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: slowly });
  await world.until("green at 10", () => world.weights(laid).every(([, green]) => green === 10));
  const rule = world.local.faults.add({ fault: { kind: "throttle" }, action: "ModifyListener" });
  await world.ask(id, "rollback");
  await world.run(10_000);
  world.local.faults.remove(rule);
  set(-hour);
  // Its job sleeps by the clock of its host, and wakes it as if nothing had been.
  await world.engine.run(id, new AbortController().signal);
  await world.until("back", () => world.weights(laid).every(([, green]) => green === 0), 60_000);
  await world.ends(id, "rolled_back");
});

it("set ahead while AWS doesn't show what was made a moment ago: it isn't taken for gone", async () => {
  const { world, set } = worldWithClock({ ecsReadLagMs: 8_000 });
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: atOnce });
  await world.until("made", () => mutations(world).includes("CreateTaskSet ok"));
  await world.run(1_000);
  set(hour);
  await world.until("promoted", () => mutations(world).includes("UpdateServicePrimaryTaskSet ok"));
  await world.reaches(id, "draining");
  set(hour);
  await world.ends(id, "succeeded");
});

/** A deployment whose blue waits out its hold time. */
async function beginDraining(holdMs = atOnce.holdMs) {
  const world = watchedWorld();
  const laid = world.lay();
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: { ...atOnce, holdMs } });
  await world.reaches(id, "draining");
  return { world, laid, id };
}

/** How it ends with turns that are each as late as that; it has far more of them than it needs. */
async function endOf(world: World, id: string, lateMs: (turn: number) => number): Promise<Phase> {
  for (let turn = 0; !isTerminal((await world.deployment(id)).phase) && turn < 200; turn++) {
    const due = (await world.records.dueAt(id)) ?? world.clock.now();
    world.clock.advance(Math.max(0, due - world.clock.now()) + lateMs(turn));
    await world.turn();
  }
  return (await world.deployment(id)).phase;
}

it("weights moved and put back while nobody watched: the hold time begins anew", async () => {
  const { world, laid, id } = await beginDraining();
  await world.run(55_000);
  writeWeights(world, laid.rule, laid.groups, [1, 1]);
  world.clock.advance(20_000);
  // A turn may have done this, whose record was lost with Redis.
  writeWeights(world, laid.rule, laid.groups, [0, 100]);
  const last = world.clock.now();
  world.clock.advance(1_000);
  await world.until("taken away", () => mutations(world).at(-1) === "UpdateTaskSet ok");
  expect(world.clock.now() - last).toBeGreaterThanOrEqual(60_000);
  await world.ends(id, "succeeded");
});

it.each([0, 2_000, 4_000, 5_000])(
  "weights moved for a little more than a tenth of the hold time, %i ms on: seen, and held from their end",
  async (onMs) => {
    const { world, laid } = await beginDraining();
    await world.run(40_000 + onMs);
    writeWeights(world, laid.rule, laid.groups, [1, 1]);
    await world.run(7_000);
    writeWeights(world, laid.rule, laid.groups, [0, 100]);
    const last = world.clock.now();
    await world.until("taken away", () => mutations(world).at(-1) === "UpdateTaskSet ok");
    expect(world.clock.now() - last).toBeGreaterThanOrEqual(60_000);
  },
);

it("weights moved between two looks while blue is kept, which then has to go at once: it stays for the hold time", async () => {
  const world = watchedWorld();
  const laid = world.lay();
  const strategy = { ...atOnce, retainMs: hour };
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
  await world.reaches(id, "retaining");
  await world.run(1_200_000);
  writeWeights(world, laid.rule, laid.groups, [1, 1]);
  world.clock.advance(25_000);
  writeWeights(world, laid.rule, laid.groups, [0, 100]);
  const last = world.clock.now();
  await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: atOnce });
  await world.until("taken away", () => mutations(world).includes("UpdateTaskSet ok"));
  expect(world.clock.now() - last).toBeGreaterThanOrEqual(60_000);
});

it("one turn in ten is late: the hold time takes longer, not for ever", async () => {
  const holdMs = 300_000;
  const { world, id } = await beginDraining(holdMs);
  const begun = world.clock.now();
  expect(await endOf(world, id, (turn) => (turn % 10 === 5 ? 6_000 : 200))).toBe("succeeded");
  expect(world.clock.now() - begun).toBeLessThan(2 * holdMs);
});

it("what AWS refused is tried at once when a person says so, whatever the hold time", async () => {
  const { world, id } = await beginDraining(hour);
  const denied = { kind: "error", code: "AccessDeniedException", message: "no", status: 400 } as const;
  const rule = world.local.faults.add({ fault: denied, action: "UpdateTaskSet" });
  await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck", 2 * hour);
  await world.run(600_000);
  world.local.faults.remove(rule);
  await world.ask(id, "retry");
  await world.until("taken away", () => mutations(world).at(-1) === "UpdateTaskSet ok", 2_000);
});

it.each(["succeeded", "rolled_back"] as const)("every turn is late: it ends, %s", async (end) => {
  const { world, id } = await beginDraining();
  if (end === "rolled_back") await world.ask(id, "rollback");
  expect(await endOf(world, id, () => 10_000)).toBe(end);
});
