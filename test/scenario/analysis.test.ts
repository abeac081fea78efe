/** Checks: in a step and in the background; what a bad one, an unclear one and a dry run lead to. */
import { describe, expect, it } from "vitest";
import type { Ask, Check, Measured } from "../../src/deployment/check.ts";
import type { AnalyzeStep, Strategy } from "../../src/deployment/strategy.ts";
import { hookFault } from "../support/outside.ts";
import { watchedWorld } from "../support/scenario.ts";
import { canary, type World } from "../support/world.ts";

const minute = 60_000;
const request = { taskDefinition: "checkout:2" };

const latency: Check = {
  name: "latency",
  source: { kind: "prometheus", url: "https://p", query: 'p99{service="{{service}}"}', headers: {} },
  success: { written: "value < 0.4", join: "and", terms: [{ operator: "<", limit: 0.4 }] },
  intervalMs: minute,
  failureLimit: 1,
  inconclusiveLimit: 2,
  dryRun: false,
};

const step: AnalyzeStep = {
  kind: "analyze",
  id: "prove",
  checks: ["latency"],
  ms: 10 * minute,
  onInconclusive: "pause",
};

function strategy(check: Partial<Check> = {}, more: Partial<Strategy> = {}, own: Partial<AnalyzeStep> = {}) {
  return canary(
    [
      { kind: "weight", percent: 10 },
      { ...step, ...own },
      { kind: "weight", percent: 100 },
    ],
    {
      checks: { latency: { ...latency, ...check } },
      ...more,
    },
  );
}

const values = (...list: number[]) => {
  const left = [...list];
  return (): Measured => ({ kind: "value", value: (left.length > 1 ? left.shift() : left[0]) ?? 0 });
};

async function begun(
  world: World,
  plan: Strategy,
  measured: (ask: Ask) => ReturnType<typeof world.outside.value>,
) {
  const laid = world.lay();
  world.outside.value = measured;
  const id = await world.start(laid, request, { strategy: plan });
  return { laid, id };
}

describe("an analyze step", () => {
  it("passes when its time is over and its checks are good, and says what they said", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy(), values(0.2));
    await world.ends(id, "succeeded");
    expect(world.outside.asks.length).toBeGreaterThanOrEqual(10);
    expect(world.outside.asks[0]).toMatchObject({ kind: "prometheus", query: 'p99{service="checkout"}' });
    const passed = (await world.events(id)).find((event) => event.type === "gate");
    expect(passed?.message).toContain("latency: 0.2: value < 0.4");
  });

  it("passes as soon as a check with a count was measured so often", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy({ count: 3 }), values(0.2));
    await world.ends(id, "succeeded");
    expect(world.outside.asks).toHaveLength(3);
  });

  it("rolls back when a check is bad more often than is borne", async () => {
    const world = watchedWorld();
    const { laid, id } = await begun(world, strategy(), values(0.2, 0.9, 0.3, 0.7));
    const { cause } = await world.ends(id, "rolled_back");
    expect(cause).toEqual({ code: "analysis-failed", message: "latency: 0.7, not value < 0.4 (2 times)" });
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    const said = (await world.events(id)).flatMap((event) => (event.type === "check" ? [event.outcome] : []));
    expect(said).toEqual(["good", "bad", "good", "bad"]);
  });

  it("bears what its limit bears", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy(), values(0.2, 0.9, 0.3));
    await world.ends(id, "succeeded");
  });

  it("pauses where it can't tell; resumed, it begins anew", async () => {
    const world = watchedWorld();
    const { laid, id } = await begun(world, strategy(), () => ({ kind: "nothing", why: "no data" }));
    await world.until("paused", async () => (await world.deployment(id)).hold?.kind === "paused");
    expect((await world.deployment(id)).hold?.reason).toBe(
      "the analysis can't tell: latency: no data; resume to analyze again, skip prove, or roll back",
    );
    await world.run(30 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    world.outside.value = values(0.1);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("goes on where it can't tell, if the strategy says so", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy({}, {}, { onInconclusive: "proceed" }), () =>
      hookFault("ECONNREFUSED", "repeat"),
    );
    await world.ends(id, "succeeded");
  });

  it("only tells where the check is a dry run", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy({ dryRun: true }), values(9));
    await world.ends(id, "succeeded");
    const told = (await world.events(id)).find((event) => event.type === "check");
    expect(told).toMatchObject({
      outcome: "bad",
      message: expect.stringContaining("dry run: nothing follows"),
    });
  });

  it("in the background rolls back while it is paused too", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, strategy({}, { analysis: ["latency"] }), values(0.1));
    await world.until("measured", () => world.outside.asks.length > 1);
    await world.ask(id, "pause");
    world.outside.value = values(5);
    await world.ends(id, "rolled_back");
  });
});

describe("an alarm", () => {
  const alarm: Partial<Check> = { source: { kind: "alarms", names: ["{{service}}-5xx"] }, failureLimit: 0 };
  const firing: Measured = {
    kind: "alarms",
    firing: [{ name: "checkout-5xx", reason: "crossed" }],
    missing: [],
  };
  const quiet: Measured = { kind: "alarms", firing: [], missing: [] };
  const background = canary(
    [
      { kind: "weight", percent: 10 },
      { kind: "pause", ms: 5 * minute },
      { kind: "weight", percent: 100 },
    ],
    {
      checks: { latency: { ...latency, ...alarm } },
      analysis: ["latency"],
      bakeMs: 5 * minute,
      retainMs: 60 * minute,
    },
  );

  it("that fires at any time after the first weight rolls back", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, background, () => quiet);
    await world.until("measured", () => world.outside.asks.length > 2);
    expect(world.outside.asks[0]).toMatchObject({ names: ["checkout-5xx"] });
    world.outside.value = () => firing;
    const { cause } = await world.ends(id, "rolled_back");
    expect(cause?.message).toBe("latency: the alarm checkout-5xx fires: crossed");
  });

  it("that fires while it bakes rolls back", async () => {
    const world = watchedWorld();
    const { id } = await begun(world, background, () => quiet);
    await world.reaches(id, "baking");
    world.outside.value = () => firing;
    await world.ends(id, "rolled_back");
  });

  it("that fires while blue is kept warm rolls back by itself", async () => {
    const world = watchedWorld();
    const { laid, id } = await begun(world, background, () => quiet);
    await world.reaches(id, "retaining");
    await world.run(5 * minute);
    world.outside.value = () => firing;
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(world.sets()).toMatchObject([
      { status: "PRIMARY", taskDefinition: expect.stringContaining("checkout:1") },
    ]);
  });

  it("that fired before any traffic is nobody's fault yet", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 60_000 } });
    const { id } = await begun(world, background, () => firing);
    await world.reaches(id, "provisioning");
    await world.run(30_000);
    expect(world.outside.asks).toEqual([]);
    expect((await world.deployment(id)).phase).toBe("provisioning");
  });
});

describe("green turning unhealthy while blue is warm", () => {
  it("rolls back by itself, unless the next deployment acts already", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const plan = canary([{ kind: "weight", percent: 100 }], { retainMs: 60 * minute });
    const id = await world.start(laid, request, { strategy: plan });
    await world.reaches(id, "retaining");
    await world.run(minute);
    for (const task of world.aws.region("eu-west-1").ecs.tasks.values()) {
      if (task.definitionArn.endsWith("checkout:2")) {
        world.aws.traffic.setTaskBehaviour(task.arn, { failHealthChecks: true });
      }
    }
    await world.ends(id, "rolled_back");
    expect((await world.deployment(id)).cause?.message).toMatch(/green has 0 healthy tasks of 4/);
  });
});
