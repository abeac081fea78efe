/** Blue is taken away at its pace, and neither protected tasks nor requests under way are cut off. */
import { describe, expect, it } from "vitest";
import { need, region, type World } from "../support/world.ts";
import { given, type Given, minute } from "./given.ts";

const blueOf = (world: World) =>
  world.sets().find(({ taskDefinition }) => taskDefinition?.endsWith("checkout:1"));

/** How many tasks blue is meant to have, each time that it changes. */
async function descent({ world }: Given, id: string): Promise<{ tasks: number; at: number }[]> {
  const seen: { tasks: number; at: number }[] = [];
  await world.until("succeeded", async () => {
    const tasks = blueOf(world)?.computedDesiredCount ?? 0;
    if (seen.at(-1)?.tasks !== tasks) seen.push({ tasks, at: world.clock.now() });
    return (await world.deployment(id)).phase === "succeeded";
  });
  return seen;
}

describe("a pace", () => {
  it.each([
    ["{ tasks: 3, every: 1m }", [10, 7, 4, 1, 0]],
    ["{ percent: 50, every: 1m }", [10, 5, 0]],
  ])("of %s takes so many at a time", async (drain, tasks) => {
    const checkout = await given(`steps: [{ weight: 100 }]\ndrain: ${drain}`, { lay: { desired: 10 } });
    const seen = await descent(checkout, await checkout.deploy());
    expect(seen.map((one) => one.tasks)).toEqual(tasks);
    const [, first, ...later] = seen;
    for (const [n, { at }] of later.entries())
      expect(at - (later[n - 1] ?? need(first)).at).toBeGreaterThanOrEqual(minute - 1_000);
  });

  it("left out takes all at once, after the hold time", async () => {
    const checkout = await given("steps: [{ weight: 100 }]\nhold: 90s", { lay: { desired: 10 } });
    const id = await checkout.deploy();
    await checkout.shows(1);
    const since = checkout.world.clock.now();
    const seen = await descent(checkout, id);
    expect(seen.map((one) => one.tasks)).toEqual([10, 0]);
    expect((seen[1]?.at ?? 0) - since).toBeGreaterThanOrEqual(90_000);
  });
});

it("requests under way have the deregistration delay before their task is stopped", async () => {
  const { world, teal, deploy } = await given("steps: [{ weight: 100 }]", {
    world: { settings: { deregistrationDelayMs: 120_000 } },
  });
  const id = await deploy();
  await world.until("blue scaled down", () => blueOf(world)?.computedDesiredCount === 0);
  const ofBlue = () => world.aws.traffic.tasks().filter(({ image }) => image === "demo/checkout:1");
  await world.run(110_000);
  expect(ofBlue()).toHaveLength(4);
  expect((await teal.look(id)).phase).toBe("draining");
  await world.ends(id, "succeeded");
  expect(ofBlue()).toEqual([]);
});

/** One of blue's tasks is protected when version 2 is asked for. */
async function protecting(minutes: number) {
  const checkout = await given("steps: [{ weight: 100 }]\ndeadlines: { draining: 10m }");
  const { world } = checkout;
  const task = need([...world.aws.region(region).ecs.tasks.values()][0]).arn;
  const protect = (protectionEnabled: boolean, expiresInMinutes?: number) =>
    world.aws.ecs(region, "UpdateTaskProtection", {
      cluster: "prod",
      tasks: [task],
      protectionEnabled,
      ...(expiresInMinutes && { expiresInMinutes }),
    });
  protect(true, minutes);
  return { ...checkout, id: await checkout.deploy(), release: () => protect(false) };
}

describe("a task under scale-in protection", () => {
  it("works on until its protection ends, and blue with it", async () => {
    const { world, teal, id } = await protecting(8);
    await world.run(7 * minute);
    expect(blueOf(world)).toMatchObject({ runningCount: 1, computedDesiredCount: 0 });
    expect((await teal.look(id)).note).toBe("1 task of blue still to drain");
    await world.ends(id, "succeeded");
    expect(blueOf(world)).toBeUndefined();
  });

  it("that works on for long is left to itself; whoever needs its target group waits for it, and says so", async () => {
    const { world, teal, deploy, id, release } = await protecting(24 * 60);
    await world.ends(id, "succeeded");
    expect((await teal.look(id)).note).toBe(
      "the new version serves; the old task set goes with its last 1 task",
    );
    const next = await deploy({ taskDefinition: "checkout:3" });
    await world.run(5 * minute);
    expect((await teal.look(next)).hold).toMatchObject({
      kind: "waiting",
      reason: "the idle group still has 1 earlier target",
    });
    release();
    await world.ends(next, "succeeded");
  });
});
