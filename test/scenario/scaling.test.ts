/** desiredCount changed by an autoscaler in the middle of a deployment. */
import { describe, expect, it } from "vitest";
import { watchedWorld } from "../support/scenario.ts";
import { canary, need, region, type World } from "../support/world.ts";

const strategy = canary([
  { kind: "scale", percent: 25 },
  { kind: "weight", percent: 25 },
  { kind: "pause", ms: 30_000 },
  { kind: "weight", percent: 50 },
  { kind: "pause", ms: 30_000 },
  { kind: "weight", percent: 100 },
]);

const scaleTo = (world: World, desiredCount: number) =>
  world.aws.ecs(region, "UpdateService", { cluster: "prod", service: "checkout", desiredCount });

describe("desiredCount", () => {
  for (const [how, desired] of [
    ["raised", 9],
    ["lowered", 2],
    ["lowered to one", 1],
  ] as const) {
    for (const percent of [25, 50]) {
      it(`${how} with ${percent} % on green: every share has its tasks, and the end has all`, async () => {
        const world = watchedWorld();
        const laid = world.lay();
        const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
        await world.until(`at ${percent} %`, () =>
          world.weights(laid).every(([, green]) => green === percent),
        );
        scaleTo(world, desired);
        if (desired === 2 && percent === 50) {
          // Both colours are at half scale or more: an autoscaler may have been misled.
          await world.until("held", async () => (await world.deployment(id)).hold?.kind === "waiting");
          const { reason } = need((await world.deployment(id)).hold);
          expect(reason).toContain(`desiredCount fell to ${desired} while two colours share the load`);
          expect(world.weights(laid)).toEqual([
            [50, 50],
            [50, 50],
          ]);
          await world.ask(id, "resume");
        }
        await world.ends(id, "succeeded");
        expect(world.sets().map((set) => [set.taskDefinition?.split("/")[1], set.runningCount])).toEqual([
          ["checkout:2", desired],
        ]);
        const { deployments } = await world.records.list({ limit: 1 });
        expect(deployments[0]?.cause).toBeUndefined();
      });
    }
    it(`${how} before a rollback: blue has as many as the service now wants`, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
      scaleTo(world, desired);
      await world.ask(id, "rollback");
      await world.ends(id, "rolled_back");
      await world.run(20_000);
      expect(world.sets().map((set) => [set.taskDefinition?.split("/")[1], set.runningCount])).toEqual([
        ["checkout:1", desired],
      ]);
    });
  }

  it("lowered and raised again is waited for", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
    scaleTo(world, 2);
    await world.until("held", async () => (await world.deployment(id)).hold?.kind === "waiting");
    scaleTo(world, 4);
    await world.ends(id, "succeeded");
    expect((await world.events(id)).some(({ message }) => message === "no longer waiting for room")).toBe(
      true,
    );
  });

  it("lowered for good waits for a person in the end, who goes on or back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const brief = { ...strategy, deadlines: { ...strategy.deadlines, provisioningMs: 120_000 } };
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: brief });
    await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
    scaleTo(world, 2);
    await world.until("paused", async () => (await world.deployment(id)).hold?.kind === "paused");
    await world.run(600_000);
    const { hold } = await world.deployment(id);
    expect(hold?.reason).toMatch(/^desiredCount fell to 2 .*; nothing changed for 2 min$/);
    expect(world.weights(laid)[0]).toEqual([50, 50]);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("raised again and again does not end it", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    for (let desired = 4; desired <= 10; desired++) {
      scaleTo(world, desired);
      await world.run(8_000);
    }
    await world.ends(id, "succeeded");
    expect(world.sets()[0]?.runningCount).toBe(10);
  });
});
