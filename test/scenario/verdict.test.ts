/** green-vs-blue from what the load balancer counts, with nothing configured. */
import { describe, expect, it } from "vitest";
import { readConfigText } from "../../src/config/file.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";
import type { Behaviour } from "../../sandbox/model/behaviour.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import { watchedWorld } from "../support/scenario.ts";
import { type Laid, need, type World } from "../support/world.ts";

/** As a team that has configured no check writes it. */
const plain: Strategy = need(
  readConfigText(
    "services: {}\nstrategies: { plain: { steps: [{ weight: 10 }, { pause: 30m }, { weight: 100 }] } }",
    "t",
  ).config?.strategies["plain"],
);

interface More {
  perMinute?: number;
  strategy?: Strategy;
  settings?: Partial<Settings>;
}

async function deployed(behaviour: Behaviour, more: More = {}) {
  const { perMinute = 6_000, strategy = plain, settings } = more;
  const behaviours = { "demo/checkout:2": behaviour };
  const world = watchedWorld({ metrics: true, settings: { behaviours, ...settings } });
  const laid = world.lay("checkout", { desired: 10 });
  world.traffic(laid.listener, { perMinute });
  await world.run(300_000);
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
  return { world, laid, id };
}

const wasAt = async (world: World, id: string, what: string) =>
  need((await world.events(id)).find((event) => event.type === "phase" && event.to === what)).at;

async function turnedBack(
  world: World,
  id: string,
  laid: Laid,
): Promise<{ minutes: number; message: string }> {
  const { cause } = await world.ends(id, "rolled_back");
  expect(world.weights(laid)).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect(cause?.code).toBe("analysis-failed");
  const tookMs = (await wasAt(world, id, "rolling_back")) - (await wasAt(world, id, "shifting"));
  return { minutes: tookMs / 60_000, message: cause?.message ?? "" };
}

describe("a version that passes its health checks", () => {
  it("but answers 3 % errors is turned back by itself, and says why", async () => {
    const { world, laid, id } = await deployed({ failShare: 0.03 });
    const { minutes, message } = await turnedBack(world, id, laid);
    expect(minutes).toBeLessThan(8);
    expect(message).toMatch(/^green-vs-blue: green fails \d\.?\d* % of its requests/);
  });

  it("but answers 3 % errors is turned back when the third whole minute can be complete, not later", async () => {
    const { world, laid, id } = await deployed({ failShare: 0.03 }, { settings: { metricDelaySpreadMs: 0 } });
    const { message } = await turnedBack(world, id, laid);
    expect(message).toContain("in 3 minutes");
    const firstWhole = Math.ceil((await wasAt(world, id, "shifting")) / 60_000) * 60_000;
    const decided = await wasAt(world, id, "rolling_back");
    // Three minutes, the one that CloudWatch takes at the least, and a look.
    expect((decided - firstWhole) / 1_000).toBeLessThan(240 + 5);
  });

  it("but answers with a slow tail is turned back", async () => {
    const { world, laid, id } = await deployed({ tailShare: 0.2, tailMs: 3_000 });
    const { message } = await turnedBack(world, id, laid);
    expect(message).toMatch(/slow/);
  });

  it("but leaves requests hanging is turned back", async () => {
    const { world, laid, id } = await deployed({ hangShare: 0.5 });
    const { message } = await turnedBack(world, id, laid);
    expect(message).toMatch(/^green-vs-blue: green/);
  });

  it("and answers as well as the old one goes on to the end", async () => {
    const { world, id } = await deployed({});
    await world.until("succeeded", async () => (await world.deployment(id)).phase === "succeeded", 3_600_000);
    const said = (await world.events(id)).flatMap((event) => (event.type === "check" ? [event.outcome] : []));
    expect(said).toEqual(["unclear", "good"]);
    // Looked at once a minute: there is no hurry where nothing speaks against it.
    const minutes = ((await wasAt(world, id, "promoting")) - (await wasAt(world, id, "shifting"))) / 60_000;
    const looks = (await world.deployment(id)).gates["analysis"]?.checks?.["green-vs-blue"]?.good ?? 0;
    expect(looks).toBeGreaterThan(minutes / 2);
    expect(looks).toBeLessThan(minutes + 2);
  });

  it("and gets too little traffic to tell is let go on, with that said", async () => {
    const { world, id } = await deployed({}, { perMinute: 3 });
    await world.until("succeeded", async () => (await world.deployment(id)).phase === "succeeded", 3_600_000);
    const { gates } = await world.deployment(id);
    expect(gates["analysis"]?.checks?.["green-vs-blue"]?.last?.what).toMatch(/^too little traffic/);
  });
});
