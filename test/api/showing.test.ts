/** What the API shows of a deployment while it goes through its gates, told in a whole world. */
import { describe, expect, it } from "vitest";
import { apiOn, placed, type Teal } from "../support/api-world.ts";
import { currentGate } from "../../src/deployment/rules/gates.ts";
import { watchedWorld } from "../support/scenario.ts";
import type { Laid, World } from "../support/world.ts";

const minute = 60_000;

const yaml = (laid: Laid) => `
services: { checkout: ${placed(laid, "strategy: careful, onBusy: queue", true)} }
checks:
  errors:
    { prometheus: 'https://prometheus.example', query: errors, success: value < 0.4, interval: 1m, failureLimit: 1 }
  latency: { prometheus: 'https://prometheus.example', query: latency, success: value < 1, dryRun: true }
strategies:
  careful:
    analysis: [latency]
    hold: 5s
    retain: 5m
    hooks:
      - { stage: PRE_SCALE_UP, url: 'https://hooks.example/ready', id: ready }
      - { stage: POST_TEST_TRAFFIC_SHIFT, url: 'https://hooks.example/smoke?key=hidden', id: smoke }
    steps:
      - weight: 10
      - analyze: { checks: [errors], for: 4m, id: prove }
      - pause: { until: approval, by: [bob, carol], notStarter: true, timeout: 2h, id: release }
      - pause: { until: Mon-Fri 12:30-15:00, timezone: UTC, id: hours }
      - weight: 100
`;

interface Stage {
  world: World;
  teal: Teal;
  id: string;
}

async function started(): Promise<Stage> {
  const world = watchedWorld();
  const laid = world.lay();
  world.outside.value = () => ({ kind: "value", value: 0.2 });
  const teal = await apiOn(world, yaml(laid));
  const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2", build: 7 });
  return { world, teal, id };
}

async function standsAt(gate: string, { world, teal, id }: Stage) {
  await world.until(`at ${gate}`, async () => currentGate(await world.deployment(id)) === gate);
  const view = await teal.look(id);
  return { view, gate: view.gates.find((one) => one.id === gate) };
}

const inMs = (world: World, ms: number) => new Date(world.clock.now() + ms).toISOString();

describe("a deployment's gates", () => {
  it("are shown in their order, with those of the phases before production first", async () => {
    const { teal, id } = await started();
    const { steps, gates, analysis, build, wayBack, overrides } = await teal.look(id);
    expect(
      steps.map(({ phase, index, what, gate }) => `${phase} ${index} ${what} ${gate ?? ""}`.trim()),
    ).toEqual([
      "provisioning 0 hook PRE_SCALE_UP ready",
      "testing 0 test traffic",
      "testing 1 hook POST_TEST_TRAFFIC_SHIFT smoke",
      "shifting 0 weight 10 %",
      "shifting 1 analyze errors prove",
      "shifting 2 wait for approval release",
      "shifting 3 wait for Mon-Fri 12:30-15:00 UTC hours",
      "shifting 4 weight 100 %",
    ]);
    expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(["to-come"]));
    expect(gates.map(({ id: gate, kind }) => `${gate} ${kind}`)).toEqual([
      "ready hook",
      "smoke hook",
      "prove analyze",
      "release approval",
      "hours window",
    ]);
    expect(analysis).toEqual([
      { name: "latency", good: 0, bad: 0, unclear: 0, failureLimit: 0, dryRun: true },
    ]);
    expect({ build, kind: wayBack?.kind, overrides }).toEqual({ build: 7, kind: "untouched", overrides: [] });
  });

  it("tell a hook's attempt and its last answer, and nothing of its address but the host", async () => {
    const stage = await started();
    const { world } = stage;
    world.outside.answer = ({ body }) =>
      body["gate"] === "smoke"
        ? { status: "IN_PROGRESS", callBackMs: 5 * minute, message: "3 of 9 tests ran" }
        : { status: "SUCCEEDED" };
    await world.until("smoke was called", () => world.outside.calls.length === 2);
    await world.run(1_000);
    const { view, gate } = await standsAt("smoke", stage);
    expect(gate).toMatchObject({
      phase: "testing",
      index: 1,
      stage: "POST_TEST_TRAFFIC_SHIFT",
      hook: {
        host: "hooks.example",
        attempt: 1,
        failures: 0,
        answer: { status: "IN_PROGRESS", message: "3 of 9 tests ran" },
      },
      onTimeout: "rollback",
    });
    expect(gate?.hook?.nextAt).toBe(inMs(world, Date.parse(gate?.hook?.nextAt ?? "") - world.clock.now()));
    expect(JSON.stringify(view)).not.toContain("hidden");
    expect(view.steps.map(({ state }) => state).slice(0, 4)).toEqual(["done", "done", "current", "to-come"]);
    expect(view.routes).toMatchObject([
      { kind: "listener", test: false, observedPercent: 0 },
      { kind: "rule", test: true, observedPercent: 100 },
    ]);
    expect(view.wayBack).toEqual({
      kind: "untouched",
      ms: 0,
      what: "no traffic was moved: green is taken away",
    });
  });

  it("tell what checks have measured, of a step and in the background", async () => {
    const stage = await started();
    const { world, teal, id } = stage;
    await standsAt("prove", stage);
    await world.run(90_000);
    world.outside.value = () => ({ kind: "value", value: 2 });
    await world.run(minute);
    const { view, gate } = await standsAt("prove", stage);
    expect(gate?.checks).toMatchObject([
      {
        name: "errors",
        good: 2,
        bad: 1,
        unclear: 0,
        failureLimit: 1,
        dryRun: false,
        last: { outcome: "bad", what: "2, not value < 0.4" },
      },
    ]);
    const nextMs = Date.parse(gate?.checks?.[0]?.nextAt ?? "") - world.clock.now();
    expect(nextMs).toBeGreaterThan(0);
    expect(nextMs).toBeLessThanOrEqual(minute);
    expect(view.analysis).toMatchObject([{ name: "latency", dryRun: true, last: { outcome: "bad" } }]);
    expect(view.remainingMs).toBe(Date.parse(gate?.passesAt ?? "") - world.clock.now());
    expect(view.remainingMs).toBeGreaterThan(minute);
    expect(view.wayBack).toEqual({ kind: "flip", ms: 2_000, what: "one weight flip, about 2 s" });
    // Once bad too often, it goes back; what was done stays shown as done.
    await world.ends(id, "rolled_back");
    const ended = await teal.look(id);
    expect(ended.steps.map(({ state }) => (state === "done" ? "x" : "-")).join("")).toBe("xxxx----");
    expect(ended.wayBack).toBeUndefined();
  });

  it("tell who may approve and until when, and who did", async () => {
    const stage = await started();
    const { world, teal, id } = stage;
    const { gate, view } = await standsAt("release", stage);
    expect(gate).toEqual({
      id: "release",
      kind: "approval",
      what: "wait for approval",
      phase: "shifting",
      index: 2,
      state: "current",
      since: inMs(world, 0),
      timeoutAt: inMs(world, 120 * minute),
      onTimeout: "rollback",
      approval: { by: ["bob", "carol"], notStarter: true },
    });
    expect(view.remainingMs).toBeUndefined();
    // Its clock stands still while it is held.
    await teal.ask(id, "pause");
    await world.run(minute);
    expect((await standsAt("release", stage)).gate?.timeoutAt).toBe(inMs(world, 120 * minute));
    await teal.ask(id, "resume");
    await teal.as("bob").ask(id, "approve", { gate: "release" });
    const { gates } = await teal.look(id);
    expect(gates.find((one) => one.id === "release")?.passed).toEqual({
      by: { kind: "operator", name: "bob" },
      at: inMs(world, 0),
      how: "approved",
    });
  });

  it("tell when a window opens, and what is appointed", async () => {
    const stage = await started();
    const { world, teal, id } = stage;
    await standsAt("release", stage);
    const at = inMs(world, 10 * minute);
    expect((await teal.look(id)).appointment).toBeUndefined();
    await teal.as("bob").ask(id, "promote", { at, ifHealthy: true });
    expect((await teal.look(id)).appointment).toEqual({
      at,
      full: false,
      ifHealthy: true,
      by: { kind: "operator", name: "bob" },
    });
    const { gate, view } = await standsAt("hours", stage);
    expect(view.appointment).toBeUndefined();
    expect(gate).toMatchObject({
      kind: "window",
      window: { hours: "Mon-Fri 12:30-15:00", timezone: "UTC" },
      passesAt: "2026-06-01T12:30:00.000Z",
    });
    await world.run(Date.UTC(2026, 5, 1, 12, 30) - world.clock.now());
    const retaining = await world.reaches(id, "retaining");
    expect(retaining.green.startMs).toBeGreaterThan(2_000);
    const kept = await teal.look(id);
    expect(new Set(kept.steps.map(({ state }) => state))).toEqual(new Set(["done"]));
    expect(kept.wayBack?.kind).toBe("flip");
    await world.run(6 * minute);
    await world.ends(id, "succeeded");
    const ended = await teal.look(id);
    const startSeconds = Math.ceil((5_000 + 2_000 + (retaining.green.startMs ?? 0)) / 1000);
    expect(ended.wayBack).toMatchObject({
      kind: "redeploy",
      what: `blue is gone: what it ran is deployed again, about ${startSeconds} s`,
    });
    expect(ended.commands).toEqual(["rollback"]);
  });
});
