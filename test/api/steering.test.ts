/** What people ask of a deployment through the API, told in a whole world. */
import { describe, expect, it } from "vitest";
import { apiOn, placed } from "../support/api-world.ts";
import { watchedWorld } from "../support/scenario.ts";

describe("promoting", () => {
  it("ends a pause", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const teal = await apiOn(
      world,
      `
services:
  checkout: ${placed(laid, "strategy: careful, onBusy: queue")}
strategies:
  careful: { steps: [{ weight: 10 }, { pause: 10m }, { weight: 100 }], analysis: [] }
`,
    );
    const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2" });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(10_000);
    const before = world.clock.now();
    expect(await teal.as("bob").ask(id, "promote")).toMatchObject({
      state: "obeyed",
      message: expect.stringMatching(/it goes on with step 3 of 3$/),
    });
    expect(world.clock.now()).toBe(before);
    await world.ends(id, "succeeded");
    expect(await teal.look(id)).toMatchObject({ outcome: "success" });
  });
});
