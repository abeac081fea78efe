/** Steps that wait for someone or something: what passes them, who may, and what becomes of those nobody passes. */
import { describe, expect, it } from "vitest";
import type { Step, WaitStep } from "../../src/deployment/strategy.ts";
import { answers, watchedWorld } from "../support/scenario.ts";
import { canary, type Laid, type World } from "../support/world.ts";

const bob = { kind: "operator", name: "bob" } as const;
const minute = 60_000;

const approval = (more: Partial<WaitStep> = {}): Step => ({
  kind: "wait",
  id: "release",
  until: { kind: "approval", notStarter: false },
  timeoutMs: 60 * minute,
  onTimeout: "rollback",
  ...more,
});

const gated = (gate: Step) =>
  canary([{ kind: "weight", percent: 10 }, gate, { kind: "weight", percent: 100 }]);

const at = (world: World, laid: Laid, percent: number) =>
  world.until(`at ${percent} %`, () => world.weights(laid).every(([, green]) => green === percent));

async function waiting(world: World, gate: Step, request = { taskDefinition: "checkout:2" }) {
  const laid = world.lay();
  const id = await world.start(laid, request, { strategy: gated(gate) });
  await at(world, laid, 10);
  await world.run(10_000);
  return { laid, id };
}

describe("a step that waits for approval", () => {
  it("stays until somebody approves, then goes on", async () => {
    const world = watchedWorld();
    const { laid, id } = await waiting(world, approval());
    await world.run(30 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    expect((await world.deployment(id)).note).toMatch(/waits for approval of release; it waits until 2026/);
    await world.ask(id, "approve", { gate: "release", actor: bob });
    await world.ends(id, "succeeded");
    const gate = (await world.events(id)).find((event) => event.type === "gate");
    expect(gate).toMatchObject({
      gate: "release",
      how: "approved",
      message: expect.stringContaining("bob approved"),
    });
  });

  it("is not approved by whoever means another gate", async () => {
    const world = watchedWorld();
    const { id } = await waiting(world, approval());
    await world.ask(id, "approve", { gate: "other" });
    await world.turn();
    expect(await answers(world, id)).toMatchObject([
      { obeyed: false, message: "ada asked for approve: it waits at release, not at other" },
    ]);
  });

  it("is not approved, skipped or promoted by whoever may not", async () => {
    const world = watchedWorld();
    const until: WaitStep["until"] = { kind: "approval", by: ["bob", "carol"], notStarter: false };
    const { laid, id } = await waiting(world, approval({ until }));
    await world.ask(id, "approve");
    await world.ask(id, "skip");
    await world.ask(id, "promote");
    await world.ask(id, "promote", { full: true });
    await world.run(10_000);
    const refused = (await answers(world, id)).map(({ obeyed, message }) => `${obeyed} ${message}`);
    expect(refused).toHaveLength(4);
    for (const answer of refused)
      expect(answer).toMatch(/^false .*must be approved by bob or carol, not by ada$/);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ask(id, "approve", { actor: bob });
    await world.ends(id, "succeeded");
  });

  it("is not approved by who asked for the deployment, where it says so", async () => {
    const world = watchedWorld();
    const { id } = await waiting(world, approval({ until: { kind: "approval", notStarter: true } }));
    await world.ask(id, "approve");
    await world.turn();
    expect((await answers(world, id))[0]?.message).toContain("somebody else must approve release");
    await world.ask(id, "approve", { actor: bob });
    await world.ends(id, "succeeded");
  });

  it("rolls back when nobody approves in time", async () => {
    const world = watchedWorld();
    const { laid, id } = await waiting(world, approval({ timeoutMs: 10 * minute }));
    const { cause } = await world.ends(id, "rolled_back");
    expect(cause).toEqual({ code: "gate-timed-out", message: "release was not passed within 10 min" });
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it("goes on when nobody approves in time, where it says so", async () => {
    const world = watchedWorld();
    const { id } = await waiting(world, approval({ timeoutMs: 10 * minute, onTimeout: "proceed" }));
    await world.ends(id, "succeeded");
    expect((await world.events(id)).find((event) => event.type === "gate")).toMatchObject({
      how: "timed out",
    });
  });

  it("an approval that comes with the time-out beats it", async () => {
    const world = watchedWorld();
    const { id } = await waiting(world, approval({ timeoutMs: 10 * minute }));
    const { stepSince } = await world.deployment(id);
    world.clock.advance(stepSince + 10 * minute + 1 - world.clock.now());
    await world.ask(id, "approve");
    await world.ends(id, "succeeded");
  });

  it("does not count the time that it is paused", async () => {
    const world = watchedWorld();
    const { laid, id } = await waiting(world, approval({ timeoutMs: 10 * minute }));
    await world.ask(id, "pause");
    await world.run(60 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ask(id, "resume");
    await world.run(5 * minute);
    await world.ask(id, "approve");
    await world.ends(id, "succeeded");
  });
});

describe("a step that waits for a moment", () => {
  it("goes on then, and not before", async () => {
    const world = watchedWorld();
    const moment = world.clock.now() + 20 * minute;
    const { laid, id } = await waiting(world, approval({ until: { kind: "moment", at: moment } }));
    await world.run(moment - world.clock.now() - 1_000);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
  });

  it("is skipped by an operator", async () => {
    const world = watchedWorld();
    const moment = world.clock.now() + 24 * 60 * minute;
    const { id } = await waiting(world, approval({ until: { kind: "moment", at: moment } }));
    await world.ask(id, "skip", { gate: "release" });
    await world.ends(id, "succeeded");
    expect((await world.events(id)).find((event) => event.type === "gate")).toMatchObject({ how: "skipped" });
  });
});

describe("a step that waits for a window", () => {
  const hours = {
    kind: "window",
    window: { hours: "Mon-Fri 09:00-16:00", timezone: "Europe/Berlin" },
  } as const;
  const days = 24 * 60 * minute;

  it("goes on at once within it", async () => {
    const world = watchedWorld();
    // Monday, 14:00 in Berlin.
    const { id } = await waiting(world, approval({ until: hours, timeoutMs: 7 * days }));
    await world.ends(id, "succeeded");
  });

  it("goes on at nine in the morning by the clocks of its zone, which changed on the day before", async () => {
    const world = watchedWorld();
    // Monday, 26 October 2026, 06:00 UTC; the clocks went back the morning before.
    world.clock.advance(Date.UTC(2026, 9, 26, 6) - world.clock.now());
    const { laid, id } = await waiting(world, approval({ until: hours, timeoutMs: 7 * days }));
    await world.run(Date.UTC(2026, 9, 26, 7, 59) - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.run(2 * minute);
    await world.ends(id, "succeeded");
    expect(world.clock.now()).toBeGreaterThan(Date.UTC(2026, 9, 26, 8));
  });
});

describe("a promotion that was asked for later", () => {
  it("comes at its moment", async () => {
    const world = watchedWorld();
    const { laid, id } = await waiting(world, approval({ timeoutMs: 24 * 60 * minute }));
    const promoteAt = world.clock.now() + 60 * minute;
    await world.ask(id, "promote", { promoteAt, ifHealthy: true, full: true });
    await world.run(59 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
    expect((await world.events(id)).find((event) => event.type === "appointment")).toMatchObject({
      kept: true,
    });
  });

  it("is left out, and told, where green is not well by then", async () => {
    const world = watchedWorld();
    const { laid, id } = await waiting(world, approval({ timeoutMs: 24 * 60 * minute }));
    const promoteAt = world.clock.now() + 60 * minute;
    await world.ask(id, "promote", { promoteAt, ifHealthy: true, full: true });
    await world.turn();
    await world.ask(id, "pause", { reason: "it looks odd" });
    await world.run(61 * minute);
    const told = (await world.events(id)).find((event) => event.type === "appointment");
    expect(told).toMatchObject({ kept: false, message: expect.stringContaining("it looks odd") });
    expect(world.weights(laid)[0]).toEqual([90, 10]);
  });
});
