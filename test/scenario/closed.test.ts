/** Windows and freezes: they hold starts and gains of traffic, between steps; never a rollback. */
import { describe, expect, it } from "vitest";
import { answers, watchedWorld } from "../support/scenario.ts";
import { canary, type World } from "../support/world.ts";

const minute = 60_000;
const request = { taskDefinition: "checkout:2" };
const strategy = canary([
  { kind: "weight", percent: 10 },
  { kind: "pause", ms: minute },
  { kind: "weight", percent: 100 },
]);

function freeze(world: World, forMs = 60 * minute, services?: string[]): void {
  const from = world.clock.now();
  const one = { id: "year-end", from, to: from + forMs, reason: "year end", ...(services && { services }) };
  world.calendar = { windows: [], freezes: [one] };
}

const heldBy = (world: World, id: string, kind: string) =>
  world.until(`held by a ${kind}`, async () => (await world.deployment(id)).hold?.kind === kind);

describe("a freeze", () => {
  it("holds a start until it is over, with nothing touched", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    freeze(world);
    const id = await world.start(laid, request, { strategy });
    await heldBy(world, id, "freeze");
    const held = await world.deployment(id);
    expect(held).toMatchObject({
      phase: "queued",
      hold: { reason: expect.stringMatching(/^frozen until 2026.*: year end$/) },
    });
    await world.run(59 * minute);
    expect(world.sets()).toHaveLength(1);
    await world.ends(id, "succeeded");
  });

  it("holds traffic where it stands, between steps, and what is under way is ended on every route", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, request, { strategy });
    await world.until("the first route at 10 %", () => world.weights(laid).some(([, green]) => green === 10));
    freeze(world, 40 * minute);
    await heldBy(world, id, "freeze");
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [90, 10],
    ]);
    await world.run(30 * minute);
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [90, 10],
    ]);
    await world.ends(id, "succeeded");
  });

  it("does not hold a rollback", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, request, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    freeze(world);
    await heldBy(world, id, "freeze");
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
  });

  it("does not hold the redeployment that undoes what is long finished", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, request, { strategy });
    await world.ends(id, "succeeded");
    freeze(world);
    await world.ask(id, "rollback");
    await world.turn();
    const { deployments } = await world.records.list({ limit: 1 });
    await world.ends(deployments[0]?.id ?? "", "succeeded");
    expect(world.sets()[0]?.taskDefinition).toContain("checkout:1");
  });

  it("is overridden with a reason, for this deployment alone", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    freeze(world);
    const id = await world.start(laid, request, { strategy });
    await heldBy(world, id, "freeze");
    await world.ask(id, "override");
    await world.turn();
    await world.ask(id, "override", { reason: "the fix for the outage" });
    await world.ends(id, "succeeded");
    expect((await answers(world, id)).map(({ obeyed, message }) => `${obeyed} ${message}`)).toEqual([
      "false ada asked for override: an override needs a reason",
      "true ada asked for override: it goes on in spite of: year end",
    ]);
    const next = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy });
    await heldBy(world, next, "freeze");
  });

  it("of other services does not concern it", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    freeze(world, 60 * minute, ["billing"]);
    await world.ends(await world.start(laid, request, { strategy }), "succeeded");
  });
});

describe("a window", () => {
  it("that closes in mid-deployment holds it until it opens again", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    // Monday, 12:00 UTC is 14:00 in Berlin.
    const timezone = "Europe/Berlin";
    const windows = ["Mon-Fri 09:00-14:01", "Mon 14:40-16:00"].map((hours) => ({ hours, timezone }));
    world.calendar = { freezes: [], windows };
    const id = await world.start(laid, request, { strategy });
    await heldBy(world, id, "window");
    expect((await world.deployment(id)).hold?.reason).toBe(
      "outside of Mon-Fri 09:00-14:01 Europe/Berlin or Mon 14:40-16:00 Europe/Berlin; it opens at 2026-06-01 12:40:00 UTC",
    );
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [90, 10],
    ]);
    await world.run(37 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
  });
});
