/** An autoscaler changes desiredCount in mid-deployment: neither colour is ever short of tasks for its share. */
import { expect, it } from "vitest";
import { region, type World } from "../support/world.ts";
import { given, minute, onGreen } from "./given.ts";

const strategy = `
steps: [{ weight: 25 }, { pause: 2m }, { weight: 50 }, { pause: 2m }, { weight: 100 }]
`;

const scaleTo = (world: World, desiredCount: number) =>
  world.aws.ecs(region, "UpdateService", { cluster: "prod", service: "checkout", desiredCount });

it("raised: green has as many more before it gets more traffic", async () => {
  const { world, laid, teal, deploy, standsAt } = await given(strategy, {
    world: { settings: { taskStartMs: 30_000 } },
  });
  const id = await deploy();
  await standsAt(id, "pause-2");
  scaleTo(world, 12);
  await world.until("half of the traffic", () => world.weights(laid)[0]?.[1] === 50);
  const { green, blue } = await teal.look(id);
  // Half of twelve, and all of them stay blue's until the end.
  expect(green.counts?.healthy).toBeGreaterThanOrEqual(6);
  expect(blue.counts?.healthy).toBe(12);
  await world.ends(id, "succeeded");
  expect(world.sets()).toMatchObject([{ runningCount: 12 }]);
  expect(world.weights(laid)).toEqual(onGreen);
});

it("lowered, because two colours share the load: traffic waits, and a person may take it for enough", async () => {
  const { world, laid, teal, deploy, standsAt } = await given(strategy);
  const id = await deploy();
  await standsAt(id, "pause-4");
  scaleTo(world, 2);
  await world.until("held", async () => (await teal.look(id)).hold?.kind === "waiting");
  expect((await teal.look(id)).hold?.reason).toMatch(
    /^desiredCount fell to 2 while two colours share the load: green would have 2 tasks for 100 %, and may need 3; /,
  );
  await world.run(10 * minute);
  expect(world.weights(laid)[0]).toEqual([50, 50]);
  await teal.ask(id, "resume");
  await world.ends(id, "succeeded");
  expect(world.sets()).toMatchObject([{ runningCount: 2 }]);
});

it("lowered before a rollback: blue gets its traffic back with as many tasks as the service now wants", async () => {
  const { world, teal, deploy, standsAt } = await given(strategy);
  const id = await deploy();
  await standsAt(id, "pause-4");
  scaleTo(world, 3);
  await teal.ask(id, "rollback");
  await world.ends(id, "rolled_back");
  expect(world.sets()).toMatchObject([{ runningCount: 3, taskDefinition: expect.stringMatching(/:1$/) }]);
});
