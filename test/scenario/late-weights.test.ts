/**
 * A change of weights that reaches AWS when its deployment has long let go of the service: whoever acts next knows
 * what may still come, tells it from somebody else's doing, and puts it right. And what is somebody else's is left.
 */
import { describe, expect, it } from "vitest";
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

interface Place {
  world: World;
  laid: Laid;
}

/** A deployment has shifted with one of its calls unanswered, and ended; the second group serves. */
async function afterOne(): Promise<Place> {
  const world = new World();
  const laid = world.lay();
  world.local.faults.add({ fault: { kind: "loseRequest" }, action: "ModifyListener", times: 1 });
  const first = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half });
  const d = await world.ends(first, "succeeded");
  expect(d.weightsUnsureUntil).toBeGreaterThan(0);
  return { world, laid };
}

function next({ world, laid }: Place, strategy = half): Promise<string> {
  return world.start(laid, { taskDefinition: "checkout:3" }, { strategy });
}

/** The call lands: the listener reads so from now on. */
function lands({ world, laid }: Place, weights: [number, number]): void {
  writeWeights(world, laid.listener, laid.groups, weights);
}

function listenerReads({ world, laid }: Place, weights: [number, number]): boolean {
  return String(world.weights(laid)[0]) === String(weights);
}

function slowToStart({ world }: Place, version: number, startMs: number): void {
  world.aws.settings.behaviours[`demo/checkout:${version}`] = { startMs };
}

/** One task of version 2 is gone, and none takes its place. */
function loseOne(world: World): void {
  world.aws.settings.behaviours["demo/checkout:2"] = { neverStarts: true };
  const [one] = world.aws.traffic.tasks().filter((task) => task.image === "demo/checkout:2");
  world.aws.traffic.taskExited(one?.arn ?? "", 1);
}

/** How often a deployment wrote weights. */
async function writes(world: World, id: string): Promise<number> {
  const events = await world.events(id);
  return events.filter((event) => event.type === "effect" && event.effect.kind === "setWeights").length;
}

function freeze({ world }: Place): void {
  const until = world.clock.now() + 3_600_000;
  world.closed = () => [{ id: "night", kind: "freeze", reason: "night", until }];
}

const isHeld = (world: World, id: string) => async () => (await world.deployment(id)).hold?.kind === "drift";

describe("is put right", () => {
  it.each<[Phase, [number, number], string]>([
    ["provisioning", [1, 0], "all traffic on the group that is empty"],
    ["shifting", [50, 50], "weights that this deployment never asks for"],
    ["retaining", [0, 1], "all traffic on the old version"],
    ["draining", [0, 1], "all traffic on tasks that are being stopped"],
    ["succeeded", [0, 1], "all traffic on the group that is empty again"],
  ])("in the next one's %s: %j, %s", async (phase, weights) => {
    const place = await afterOne();
    const { world, laid } = place;
    const second = await next(place, fifth);
    await world.until(phase, async () => (await world.deployment(second)).phase === phase);
    const asked = world.weights(laid);
    lands(place, weights);
    expect(world.weights(laid)).not.toEqual(asked);
    const lateAt = world.clock.now();
    await world.until("put right", async () => {
      const [route] = (await world.deployment(second)).routes;
      return route !== undefined && listenerReads(place, [route.asked.green, route.asked.blue]);
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

  it("while the next one is paused before its first weight", async () => {
    const place = await afterOne();
    const second = await next(place);
    await place.world.reaches(second, "provisioning");
    await place.world.ask(second, "pause");
    lands(place, [1, 0]);
    await place.world.run(10_000);
    expect(listenerReads(place, [0, 1])).toBe(true);
  });

  it("by the one that asked, while the next one waits for the end of a freeze", async () => {
    const place = await afterOne();
    freeze(place);
    const second = await next(place);
    await place.world.run(3_000);
    lands(place, [1, 0]);
    await place.world.until("put right", () => listenerReads(place, [0, 1]), 40_000);
    expect((await place.world.deployment(second)).phase).toBe("queued");
  });

  it("before the next one judges the routes", async () => {
    const place = await afterOne();
    lands(place, [50, 50]);
    const d = await place.world.ends(await next(place), "succeeded");
    expect(d.problems).toEqual([]);
  });

  it("after one that failed before it wrote anything", async () => {
    const place = await afterOne();
    const { world, laid } = place;
    const bad = await world.start(laid, { taskDefinition: "checkout:99" }, { strategy: half });
    await world.ends(bad, "failed");
    slowToStart(place, 3, 60_000);
    await world.reaches(await next(place), "provisioning");
    lands(place, [1, 0]);
    await world.run(10_000);
    expect(listenerReads(place, [0, 1])).toBe(true);
  });

  it("at a step that waits, where green got less than it was to have: that is no drift", async () => {
    const world = new World();
    const laid = world.lay();
    world.local.faults.add({ fault: { kind: "loseRequest" }, action: "ModifyListener", times: 1 });
    const strategy = canary([
      { kind: "weight", percent: 25 },
      { kind: "weight", percent: 50 },
      { kind: "pause", ms: 900_000 },
      { kind: "weight", percent: 100 },
    ]);
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at half", async () => (await world.deployment(id)).step === 2);
    await world.run(5_000);
    lands({ world, laid }, [75, 25]);
    await world.run(240_000);
    expect((await world.deployment(id)).hold).toBeUndefined();
    expect(listenerReads({ world, laid }, [50, 50])).toBe(true);
  });

  it("once, while reads lag", async () => {
    const place = await afterOne();
    const { world } = place;
    slowToStart(place, 3, 60_000);
    const second = await next(place);
    await world.reaches(second, "provisioning");
    await world.run(2_000);
    world.aws.settings.elbReadLagMs = 8_000;
    lands(place, [1, 0]);
    await world.run(25_000);
    expect(listenerReads(place, [0, 1])).toBe(true);
    expect(await writes(world, second)).toBe(1);
  });

  it("after the end a few times at most, while reads lag", async () => {
    const place = await afterOne();
    const { world } = place;
    const [first] = (await world.records.list({ limit: 1 })).deployments;
    const id = first?.id ?? "";
    const before = await writes(world, id);
    world.aws.settings.elbReadLagMs = 8_000;
    lands(place, [1, 0]);
    await world.run(60_000);
    expect(listenerReads(place, [0, 1])).toBe(true);
    expect((await writes(world, id)) - before).toBeLessThanOrEqual(3);
  });

  it("with all but one of blue's tasks, rather than left to a single one of green's", async () => {
    const world = new World();
    const laid = world.lay("checkout", { desired: 10 });
    world.local.faults.add({ fault: { kind: "loseRequest" }, action: "ModifyListener", times: 1 });
    await world.ends(
      await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half }),
      "succeeded",
    );
    const strategy = canary([
      { kind: "scale", percent: 10 },
      { kind: "pause", ms: 600_000 },
      { kind: "weight", percent: 100 },
    ]);
    const second = await next({ world, laid }, strategy);
    await world.until("its pause", async () => (await world.deployment(second)).step === 1);
    loseOne(world);
    await world.run(2_000);
    lands({ world, laid }, [1, 0]);
    await world.run(30_000);
    expect(listenerReads({ world, laid }, [0, 1])).toBe(true);
  });

  it("with all but one of green's tasks, rather than left to blue that has none", async () => {
    const world = new World({ settings: { taskStopMs: 60_000 } });
    const laid = world.lay();
    world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "ModifyListener", times: 1 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half });
    await world.until("blue is deleted", async () => (await world.deployment(id)).deleting.blue === true);
    loseOne(world);
    await world.run(3_000);
    lands({ world, laid }, [1, 0]);
    await world.run(40_000);
    expect(listenerReads({ world, laid }, [0, 1])).toBe(true);
  });

  it("with fewer healthy tasks than wanted, where there are none at all instead", async () => {
    const place = await afterOne();
    const { world } = place;
    slowToStart(place, 3, 100_000);
    await world.reaches(await next(place), "provisioning");
    loseOne(world);
    lands(place, [1, 0]);
    await world.run(10_000);
    expect(listenerReads(place, [0, 1])).toBe(true);
  });
});

describe("is somebody else's doing", () => {
  it("where a person took it for granted", async () => {
    const place = await afterOne();
    const { world, laid } = place;
    const second = await next(place, fifth);
    const shown = async () => (await world.deployment(second)).observed?.routes[0]?.green === 20;
    await world.until("at its first share", shown);
    await world.run(5_000);
    lands(place, [35, 65]);
    await world.until("held", isHeld(world, second));
    await world.ask(second, "resume");
    await world.run(15_000);
    expect(world.weights(laid)[0]).toEqual([35, 65]);
    await world.ends(second, "succeeded");
  });

  it.each<Phase>(["provisioning", "shifting"])("after two minutes, and is told (%s)", async (phase) => {
    const place = await afterOne();
    const { world } = place;
    if (phase === "provisioning") slowToStart(place, 3, 400_000);
    const waiting = canary([
      { kind: "pause", ms: 600_000 },
      { kind: "weight", percent: 100 },
    ]);
    const second = await next(place, waiting);
    await world.reaches(second, phase);
    await world.run(200_000);
    lands(place, [1, 0]);
    await world.run(60_000);
    expect(await isHeld(world, second)()).toBe(true);
  });

  it.each(["loseRequest", "loseAnswer"] as const)(
    "an hour later, by hand, while blue is kept (%s)",
    async (kind) => {
      const world = new World();
      const laid = world.lay();
      const strategy = canary([{ kind: "weight", percent: 100 }], { retainMs: 86_400_000, holdMs: 6_000 });
      world.local.faults.add({ fault: { kind }, action: "ModifyListener", times: 1 });
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.reaches(id, "retaining");
      await world.run(3_600_000);
      lands({ world, laid }, [1, 0]);
      await world.run(300_000);
      expect(world.weights(laid)[0]).toEqual([1, 0]);
    },
  );

  it("where no change of weights was in doubt: an operator pauses and takes traffic off green", async () => {
    const world = new World();
    const laid = world.lay();
    world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet", times: 1 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: fifth });
    await world.until("at its first share", () => world.weights(laid).every(([, green]) => green === 20));
    await world.run(2_000);
    await world.ask(id, "pause");
    freeze({ world, laid });
    for (const route of [laid.listener, laid.rule]) writeWeights(world, route, laid.groups, [1, 0]);
    await world.run(60_000);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

it("what undoes a dead version does not wait for it", async () => {
  const world = new World({ settings: { taskStopMs: 200_000 } });
  const laid = world.lay();
  const strategy = canary([{ kind: "weight", percent: 100 }], { holdMs: 6_000 });
  world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "ModifyListener", times: 1 });
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
  await world.until("blue is deleted", async () => (await world.deployment(id)).deleting.blue === true);
  world.aws.settings.behaviours["demo/checkout:2"] = { neverStarts: true };
  for (const { arn, image } of world.aws.traffic.tasks())
    if (image === "demo/checkout:2") world.aws.traffic.taskExited(arn, 1);
  await world.run(3_000);
  await world.ask(id, "rollback");
  await world.run(5_000);
  const undo = (await world.deployment(id)).undoneBy ?? "";
  await world.reaches(undo, "provisioning");
  lands({ world, laid }, [1, 0]);
  // Whoever is called takes what was written by hand for granted.
  await world.until("held", isHeld(world, undo));
  await world.ask(undo, "resume");
  const { cause } = await world.ends(undo, "succeeded", 1_800_000);
  expect(cause).toBeUndefined();
});
