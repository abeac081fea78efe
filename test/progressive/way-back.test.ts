/** The way back: how ready it is, and that it is taken by itself where green is no longer well. */
import { describe, expect, it } from "vitest";
import { given, type Given, hour, minute, onBlue } from "./given.ts";

const kept = `
steps: [{ weight: 10 }, { pause: 1m }, { weight: 100 }]
retain: 6h
`;

/** Every task of version 2 fails its health checks from now on, those that replace it too. */
function fallsIll({ world }: Given): void {
  world.aws.settings.behaviours["demo/checkout:2"] = { failHealthChecks: true };
}

describe("how ready it is", () => {
  it("while blue is kept: one weight flip, and so long it takes", async () => {
    const { world, laid, teal, deploy } = await given(kept, { tested: true });
    const id = await deploy();
    await world.reaches(id, "retaining");
    await world.run(3 * hour);
    const { wayBack } = await teal.look(id);
    expect(wayBack).toEqual({ kind: "flip", ms: 2_000, what: "one weight flip, about 2 s" });
    const before = world.clock.now();
    await teal.ask(id, "rollback");
    await world.until("back", () => world.weights(laid)[0]?.[0] === 1);
    expect(world.clock.now() - before).toBeLessThanOrEqual(2_000);
    await world.ends(id, "rolled_back");
  });

  it("with two routes: two of them", async () => {
    const { world, teal, deploy } = await given(kept);
    const id = await deploy();
    await world.reaches(id, "retaining");
    expect((await teal.look(id)).wayBack?.what).toBe("2 weight flips, about 3 s");
  });

  it("while blue is taken away: it must scale first, as long as green took to start", async () => {
    const { world, laid, teal, deploy } = await given(
      `
steps: [{ weight: 100 }]
drain: { tasks: 3, every: 10m }
`,
      { world: { settings: { taskStartMs: 40_000, healthCheckIntervalMs: 2_000 } } },
    );
    const id = await deploy();
    await world.until("three of four gone", async () => (await teal.look(id)).blue.counts?.running === 1);
    const { wayBack } = await teal.look(id);
    expect(wayBack).toMatchObject({
      kind: "scale",
      what: expect.stringMatching(/^blue must scale first: it has 1 of 4 tasks that it needs, about \d+ s$/),
    });
    const before = world.clock.now();
    await teal.ask(id, "rollback");
    await world.until("back", () => world.weights(laid).every(([blue]) => blue === 1));
    const tookMs = world.clock.now() - before;
    expect(Math.abs(tookMs - (wayBack?.ms ?? 0))).toBeLessThan(10_000);
    await world.ends(id, "rolled_back");
  });

  it("when blue is gone: what it ran is deployed again, without a canary", async () => {
    const { world, teal, deploy } = await given("steps: [{ weight: 10 }, { pause: 5m }, { weight: 100 }]");
    const id = await deploy();
    await world.ends(id, "succeeded");
    expect((await teal.look(id)).wayBack).toMatchObject({
      kind: "redeploy",
      what: expect.stringMatching(/^blue is gone: what it ran is deployed again, about \d+ s$/),
    });
    const { started = "" } = await teal.ask(id, "rollback");
    await world.ends(started, "succeeded");
    expect((await teal.look(started)).steps.map(({ what }) => what)).toEqual(["weight 100 %"]);
  });
});

describe("it goes back by itself", () => {
  it("when green falls ill while blue is kept", async () => {
    const checkout = await given(kept);
    const { world, laid, teal, deploy } = checkout;
    const id = await deploy();
    await world.reaches(id, "retaining");
    await world.run(hour);
    fallsIll(checkout);
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause).toMatchObject({
      code: "green-unhealthy",
      message: expect.stringMatching(/^green has 0 healthy tasks of 4$/),
    });
    expect(world.weights(laid)).toEqual(onBlue);
    expect(world.sets()).toMatchObject([{ status: "PRIMARY", taskDefinition: expect.stringMatching(/:1$/) }]);
  });

  it("when green never comes up in its time, with the reason", async () => {
    const { world, laid, teal, deploy } = await given(
      `
steps: [{ weight: 100 }]
deadlines: { provisioning: 5m }
`,
      { world: { settings: { behaviours: { "demo/checkout:2": { neverStarts: true } } } } },
    );
    const id = await deploy();
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause).toMatchObject({
      code: "deadline",
      message: expect.stringMatching(/^after 5 min still: /),
    });
    expect(world.weights(laid)).toEqual(onBlue);
    expect(world.sets()).toHaveLength(1);
  });

  it("not once the next deployment acts: then it is a person's to say", async () => {
    const checkout = await given(
      `${kept}
hooks: [{ stage: PRE_SCALE_UP, url: "https://hooks.example/ready", id: ready, timeout: 2h }]
`,
      { service: "onBusy: queue" },
    );
    const { world, laid, teal, deploy, standsAt } = checkout;
    const first = await deploy();
    await world.reaches(first, "retaining");
    world.outside.answer = () => ({ status: "IN_PROGRESS", callBackMs: hour });
    const second = await deploy({ taskDefinition: "checkout:3" });
    await standsAt(second, "ready");
    fallsIll(checkout);
    await world.run(20 * minute);
    expect((await teal.look(first)).outcome).toBe("success");
    expect(world.weights(laid)[0]).toEqual([0, 1]);

    await teal.ask(first, "rollback");
    await world.ends(second, "rolled_back");
    await world.ends(first, "rolled_back");
    expect(world.weights(laid)).toEqual(onBlue);
  });
});
