/** A deployment keeps what it began with: an edited strategy is for the next one. */
import { expect, it } from "vitest";
import { given, minute } from "./given.ts";

it("a strategy edited under a running deployment changes nothing of it", async () => {
  const { world, laid, teal, deploy, standsAt, rewrite } = await given(
    "steps: [{ weight: 10 }, { pause: 10m }, { weight: 50 }, { pause: 10m }, { weight: 100 }]",
    { service: "onBusy: queue" },
  );
  const id = await deploy();
  await standsAt(id, "pause-2");
  const asItWas = (await teal.look(id)).steps.map(({ what }) => what);

  rewrite("steps: [{ weight: 75 }, { pause: 1h }, { weight: 100 }]\nbake: 2h");
  const next = await deploy({ taskDefinition: "checkout:3" });
  expect((await teal.look(id)).steps.map(({ what }) => what)).toEqual(asItWas);
  await world.run(9 * minute);
  expect(world.weights(laid)[0]).toEqual([90, 10]);
  await standsAt(id, "pause-4");
  expect(world.weights(laid)[0]).toEqual([50, 50]);
  await world.ends(id, "succeeded");

  expect((await teal.look(next)).steps.map(({ what }) => what)).toEqual([
    "weight 75 %",
    "pause 1h",
    "weight 100 %",
  ]);
  await standsAt(next, "pause-2");
  // The pair has changed places.
  expect(world.weights(laid)[0]).toEqual([75, 25]);
});

it("a service that was taken out of the file is still carried to its end", async () => {
  const { world, teal, deploy, standsAt } = await given(
    "steps: [{ weight: 10 }, { pause: { until: approval, id: release } }, { weight: 100 }]",
  );
  const id = await deploy();
  await standsAt(id, "release");
  teal.reload("services: {}");
  expect((await teal.get("/v1/services/checkout")).status).toBe(404);
  await teal.ask(id, "approve");
  await world.ends(id, "succeeded");
});
