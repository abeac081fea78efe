/** A step that waits for a person: who may let it pass, for how long it waits, and what follows then. */
import { describe, expect, it } from "vitest";
import { given, minute, onBlue, onGreen } from "./given.ts";

const release = (more = "") => `
steps: [{ weight: 10 }, { pause: { until: approval, id: release, timeout: 30m${more} } }, { weight: 100 }]
`;

describe("an approval", () => {
  it("lets traffic on, given by one of those who may", async () => {
    const { world, laid, teal, deploy, standsAt } = await given(release(", by: [bob, carol]"));
    const id = await deploy();
    expect(await standsAt(id, "release")).toMatchObject({
      approval: { by: ["bob", "carol"], notStarter: false },
      timeoutAt: new Date(world.clock.now() + 30 * minute).toISOString(),
    });
    await expect(teal.ask(id, "approve")).rejects.toThrow(
      "release must be approved by bob or carol, not by ada",
    );
    await world.run(29 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);

    await teal.as("carol").ask(id, "approve", { gate: "release" });
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual(onGreen);
  });

  it("is not given by who started it, where it says so", async () => {
    const { world, teal, deploy, standsAt } = await given(release(", notStarter: true"));
    const id = await deploy();
    await standsAt(id, "release");
    await expect(teal.ask(id, "approve")).rejects.toThrow("somebody else must approve release");
    await teal.as("bob").ask(id, "approve");
    await world.ends(id, "succeeded");
  });

  it.each(["", ", onTimeout: rollback"])(
    "that never comes turns the deployment back%s",
    async (onTimeout) => {
      const { world, laid, teal, deploy, standsAt } = await given(release(onTimeout));
      const id = await deploy();
      expect((await standsAt(id, "release")).onTimeout).toBe("rollback");
      await world.run(29 * minute);
      expect((await teal.look(id)).phase).toBe("shifting");
      await world.ends(id, "rolled_back");
      expect((await teal.look(id)).cause).toMatchObject({
        code: "gate-timed-out",
        message: "release was not passed within 30 min",
      });
      expect(world.weights(laid)).toEqual(onBlue);
    },
  );

  it("that never comes is done without, where it says so", async () => {
    const { world, teal, deploy, standsAt } = await given(release(", onTimeout: proceed"));
    const id = await deploy();
    await standsAt(id, "release");
    await world.run(29 * minute);
    expect((await teal.look(id)).phase).toBe("shifting");
    await world.ends(id, "succeeded");
  });
});
