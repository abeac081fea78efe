/** Behind a network load balancer: the same canary by listeners, whose traffic nobody counts by version. */
import { describe, expect, it } from "vitest";
import { writeWeights } from "../support/scenario.ts";
import { given, type Given, minute, onBlue, onGreen } from "./given.ts";

const overTcp = (strategy: string): Promise<Given> =>
  given(strategy, { lay: { network: true }, world: { metrics: true } });

const steps = "steps: [{ weight: 10 }, { pause: 5m }, { weight: 50 }, { pause: 5m }, { weight: 100 }]";

describe("a canary by TCP listeners", () => {
  it("shares connections by weight, step by step, and ends on green", async () => {
    const { world, laid, teal, deploy, standsAt } = await overTcp(steps);
    const id = await deploy();
    await standsAt(id, "pause-2");
    await world.run(5_000);
    for (const listener of [laid.listener, laid.rule]) {
      expect(listener).toContain(":listener/net/");
      expect(world.aws.traffic.effectiveShares(listener)).toEqual({
        [laid.groups[0]]: 0.9,
        [laid.groups[1]]: 0.1,
      });
    }
    expect((await teal.look(id)).routes).toMatchObject([
      { kind: "listener", askedPercent: 10, observedPercent: 10 },
      { kind: "listener", askedPercent: 10, observedPercent: 10 },
    ]);
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual(onGreen);
  });

  it("goes back on request, in every listener", async () => {
    const { world, laid, teal, deploy, standsAt } = await overTcp(steps);
    const id = await deploy();
    await standsAt(id, "pause-4");
    await teal.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual(onBlue);
    expect(world.sets()).toMatchObject([{ status: "PRIMARY", taskDefinition: expect.stringMatching(/:1$/) }]);
  });

  it("goes back by itself when green's targets fail their checks", async () => {
    const { world, laid, teal, deploy, standsAt } = await overTcp(steps);
    const id = await deploy();
    await standsAt(id, "pause-2");
    world.aws.settings.behaviours["demo/checkout:2"] = { failHealthChecks: true };
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause?.code).toBe("green-unhealthy");
    expect(world.weights(laid)).toEqual(onBlue);
  });

  it("is held where somebody else changes a listener, and goes on from there", async () => {
    const { world, laid, teal, deploy, standsAt } = await overTcp(steps);
    const id = await deploy();
    await standsAt(id, "pause-2");
    await world.run(minute);
    const before = world.clock.now();
    writeWeights(world, laid.rule, laid.groups, [80, 20]);
    await world.until("held", async () => (await world.deployment(id)).hold?.kind === "drift");
    expect(world.clock.now() - before).toBeLessThanOrEqual(15_000);
    expect((await teal.look(id)).hold?.reason).toMatch(
      /^somebody changed listener \S+: blue:green is 80:20, last asked was 90:10$/,
    );
    await world.run(5 * minute);
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [80, 20],
    ]);
    await teal.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual(onGreen);
  });
});

describe("green-vs-blue, where nobody counts", () => {
  const uncounted = "no load balancer counts the answers of each colour by itself";

  it("in the background can't tell, says so, and holds nothing up", async () => {
    const { world, teal, deploy, standsAt } = await overTcp(`${steps}\nanalysis: [green-vs-blue]`);
    const id = await deploy();
    await standsAt(id, "pause-4");
    expect((await teal.look(id)).analysis).toMatchObject([
      { name: "green-vs-blue", good: 0, bad: 0, last: { outcome: "unclear", what: uncounted } },
    ]);
    await world.ends(id, "succeeded");
  });

  it("as a step is left to a person", async () => {
    const { world, teal, deploy } = await overTcp(`
steps: [{ weight: 10 }, { analyze: { checks: [green-vs-blue], for: 5m, id: prove } }, { weight: 100 }]
`);
    const id = await deploy();
    await world.until("paused", async () => (await world.deployment(id)).hold?.kind === "paused");
    expect((await teal.look(id)).hold?.reason).toBe(
      `the analysis can't tell: green-vs-blue: ${uncounted}; resume to analyze again, skip prove, or roll back`,
    );
    await teal.ask(id, "skip", { gate: "prove" });
    await world.ends(id, "succeeded");
  });
});
