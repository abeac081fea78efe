/** The steps of a strategy: scale apart from weight, pauses for a time, until a moment, until hours that recur. */
import { describe, expect, it } from "vitest";
import { given, hour, minute, onGreen } from "./given.ts";

describe("scale and weight", () => {
  it("are apart: half of the tasks before the first request, and no more for a tenth of the traffic", async () => {
    const { world, laid, teal, deploy, standsAt, shows } = await given(`
steps: [{ scale: 50 }, { pause: 2m }, { weight: 10 }, { pause: 2m }, { weight: 100 }]
`);
    const id = await deploy();
    await standsAt(id, "pause-2");
    expect((await teal.look(id)).green.counts).toEqual({ desired: 2, running: 2, healthy: 2 });
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);

    await shows(10);
    await standsAt(id, "pause-4");
    expect((await teal.look(id)).green.counts?.desired).toBe(2);

    await world.ends(id, "succeeded");
    expect(world.sets()).toMatchObject([{ runningCount: 4, taskDefinition: expect.stringMatching(/:2$/) }]);
  });

  it("go together where no scale is asked for: as many tasks as the weight needs", async () => {
    const { teal, deploy, standsAt } = await given(`
steps: [{ weight: 30 }, { pause: 2m }, { weight: 100 }]
`);
    const id = await deploy();
    await standsAt(id, "pause-2");
    // Three tenths of four tasks, rounded up.
    expect((await teal.look(id)).green.counts?.desired).toBe(2);
  });
});

describe("a pause", () => {
  it("for a time lasts that long, and no longer", async () => {
    const { world, teal, deploy, shows, standsAt } = await given(`
steps: [{ weight: 10 }, { pause: 5m }, { weight: 100 }]
`);
    const id = await deploy();
    await shows(10);
    const gate = await standsAt(id, "pause-2");
    const endsAt = world.clock.now() + 5 * minute;
    expect(gate).toMatchObject({ kind: "pause", passesAt: new Date(endsAt).toISOString() });

    await world.run(5 * minute - 1_000);
    expect((await teal.look(id)).steps.map(({ state }) => state)).toEqual(["done", "current", "to-come"]);

    await world.run(2_000);
    expect((await teal.look(id)).steps.map(({ state }) => state)).toEqual(["done", "done", "current"]);
  });

  it("until a moment ends then", async () => {
    // The world begins at noon.
    const { world, laid, deploy, standsAt } = await given(`
steps:
  - weight: 10
  - pause: { until: "2026-06-01T15:00:00+02:00", id: one-o-clock }
  - weight: 100
`);
    const id = await deploy();
    expect(await standsAt(id, "one-o-clock")).toMatchObject({ passesAt: "2026-06-01T13:00:00.000Z" });
    await world.run(Date.UTC(2026, 5, 1, 12, 59, 59) - world.clock.now());
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [90, 10],
    ]);
    await world.ends(id, "succeeded");
    expect(world.clock.now()).toBeGreaterThan(Date.UTC(2026, 5, 1, 13));
  });

  it("until hours that recur ends when they begin, by the clocks of their zone", async () => {
    // It is Monday, 14:00 in Berlin and 08:00 in New York.
    const { world, laid, deploy, standsAt } = await given(`
steps:
  - weight: 10
  - pause: { until: "Mon-Fri 09:00-16:00", timezone: America/New_York, id: their-morning }
  - weight: 100
`);
    const id = await deploy();
    expect(await standsAt(id, "their-morning")).toMatchObject({
      kind: "window",
      window: { hours: "Mon-Fri 09:00-16:00", timezone: "America/New_York" },
      passesAt: "2026-06-01T13:00:00.000Z",
    });
    await world.run(Date.UTC(2026, 5, 1, 12, 59, 59) - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual(onGreen);
  });

  it("until hours that are now is none", async () => {
    const { world, deploy } = await given(`
steps: [{ weight: 10 }, { pause: { until: "Mon-Fri 09:00-16:00", timezone: Europe/Berlin } }, { weight: 100 }]
`);
    const before = world.clock.now();
    await world.ends(await deploy(), "succeeded");
    expect(world.clock.now() - before).toBeLessThan(hour);
  });
});

describe("a canary of tonight", () => {
  const steps = "steps: [{ weight: 10 }, { pause: 2d }, { weight: 50 }, { pause: 2d }, { weight: 100 }]";
  const nine = "2026-06-02T09:00:00+02:00";

  it("is promoted tomorrow at nine, by one command, if it is healthy", async () => {
    const { world, laid, teal, deploy, standsAt } = await given(steps);
    // Eleven at night in Berlin.
    world.clock.advance(Date.UTC(2026, 5, 1, 21) - world.clock.now());
    const id = await deploy();
    await standsAt(id, "pause-2");
    await teal.ask(id, "promote", { at: nine, full: true, ifHealthy: true });
    await world.run(Date.parse(nine) - 1_000 - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
    expect(world.clock.now()).toBeLessThan(Date.parse(nine) + 5 * minute);
  });

  it("is left alone, and that told, if it is not", async () => {
    const { world, laid, teal, deploy, standsAt } = await given(steps);
    // Eleven at night in Berlin.
    world.clock.advance(Date.UTC(2026, 5, 1, 21) - world.clock.now());
    const id = await deploy();
    await standsAt(id, "pause-2");
    await teal.ask(id, "promote", { at: nine, full: true, ifHealthy: true });
    await teal.ask(id, "pause", { reason: "the graphs look odd" });
    await world.run(Date.parse(nine) + minute - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    const { events } = (await teal.get(`/v1/deployments/${id}/events?limit=500`)).body;
    expect(events.at(-1)).toMatchObject({
      type: "appointment",
      message: expect.stringContaining("ada paused it: the graphs look odd"),
    });
  });
});
