/** Hooks, at their stages and as steps; and traffic on test routes before production sees green. */
import { describe, expect, it } from "vitest";
import type { Hook, HookAnswer, Stage } from "../../src/deployment/hook.ts";
import type { HookStep, Step, Strategy } from "../../src/deployment/strategy.ts";
import { hookFault } from "../support/outside.ts";
import { answers, watchedWorld } from "../support/scenario.ts";
import { canary, type World } from "../support/world.ts";

const minute = 60_000;

const hook = (id: string, more: Partial<Hook> & { stage?: Stage } = {}): HookStep => {
  const { stage, ...rest } = more;
  return {
    kind: "hook",
    id,
    ...(stage && { stage }),
    hook: {
      url: `https://hooks.example/${id}`,
      headers: {},
      timeoutMs: 15 * minute,
      attemptsMax: 5,
      onFailure: "rollback",
      ...rest,
    },
  };
};

const ten: Step = { kind: "weight", percent: 10 };
const all: Step = { kind: "weight", percent: 100 };
const request = { taskDefinition: "checkout:2" };

const withSmoke = (more: Partial<Hook> = {}) => canary([ten, hook("smoke", more), all]);

async function called(world: World, id: string): Promise<void> {
  await world.until("called", () => world.outside.calls.length > 0);
  expect((await world.deployment(id)).phase).not.toBe("rolling_back");
}

describe("the stages", () => {
  const staged: Partial<Strategy> = {
    before: [hook("pre-scale-up", { stage: "PRE_SCALE_UP" })],
    testing: [
      hook("post-scale-up", { stage: "POST_SCALE_UP" }),
      { kind: "test" },
      hook("test-traffic", { stage: "TEST_TRAFFIC_SHIFT" }),
      hook("post-test-traffic", { stage: "POST_TEST_TRAFFIC_SHIFT" }),
    ],
  };
  const steps = [
    hook("pre-production", { stage: "PRE_PRODUCTION_TRAFFIC_SHIFT" }),
    ten,
    hook("production-10", { stage: "PRODUCTION_TRAFFIC_SHIFT" }),
    all,
    hook("production-100", { stage: "PRODUCTION_TRAFFIC_SHIFT" }),
    hook("post-production", { stage: "POST_PRODUCTION_TRAFFIC_SHIFT" }),
  ];

  it("are called in their order, each with the world as it is then", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", { test: [1, 0] });
    const then: string[] = [];
    world.outside.answer = ({ body }) => {
      const test = world.routeWeights(laid, laid.testRule).join(":");
      const green = world.sets().length - 1;
      const scale = world.sets().find((set) => set.status === "ACTIVE")?.runningCount ?? 0;
      then.push(
        `${String(body["stage"])} ${green ? `${scale} tasks` : "no green"} test ${test} production ${String(body["weightPercent"])}`,
      );
      return { status: "SUCCEEDED" };
    };
    const id = await world.start(laid, request, { strategy: canary(steps, staged) });
    await world.ends(id, "succeeded");
    expect(then).toEqual([
      "PRE_SCALE_UP no green test 1:0 production 0",
      "POST_SCALE_UP 1 tasks test 1:0 production 0",
      "TEST_TRAFFIC_SHIFT 1 tasks test 0:1 production 0",
      "POST_TEST_TRAFFIC_SHIFT 1 tasks test 0:1 production 0",
      "PRE_PRODUCTION_TRAFFIC_SHIFT 1 tasks test 0:1 production 0",
      "PRODUCTION_TRAFFIC_SHIFT 1 tasks test 0:1 production 10",
      "PRODUCTION_TRAFFIC_SHIFT 4 tasks test 0:1 production 100",
      "POST_PRODUCTION_TRAFFIC_SHIFT 4 tasks test 0:1 production 100",
    ]);
    expect(new Set(world.outside.calls.map((call) => call.idempotencyKey)).size).toBe(8);
  });

  for (const stage of ["PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"] as const) {
    it(`a refusal at ${stage} rolls back to how it was`, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", { test: [1, 0] });
      world.outside.answer = ({ body }) =>
        body["stage"] === stage ? { status: "FAILED", message: "no" } : { status: "SUCCEEDED" };
      const id = await world.start(laid, request, { strategy: canary(steps, staged) });
      const { cause } = await world.ends(id, "rolled_back");
      expect(cause).toMatchObject({ code: "hook-failed", message: expect.stringMatching(/FAILED: no$/) });
      expect(world.routeWeights(laid, laid.testRule)).toEqual([1, 0]);
      expect(world.weights(laid)).toEqual([
        [1, 0],
        [1, 0],
      ]);
    });
  }
});

describe("a hook", () => {
  it("that is under way is asked again when it said, with the same key", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const asked: number[] = [];
    world.outside.answer = (): HookAnswer => {
      asked.push(world.clock.now());
      return asked.length < 4 ? { status: "IN_PROGRESS", callBackMs: 60_000 } : { status: "SUCCEEDED" };
    };
    const id = await world.start(laid, request, { strategy: withSmoke() });
    await world.ends(id, "succeeded");
    const gaps = asked.slice(1).map((at, n) => at - (asked[n] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(60_000);
    expect(new Set(world.outside.calls.map((call) => call.idempotencyKey))).toEqual(
      new Set([`${id}/smoke/1`]),
    );
    expect(world.outside.calls).toHaveLength(4);
  });

  it("that is not reached is tried again, and then counts as a refusal", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => hookFault("ECONNREFUSED", "repeat");
    const id = await world.start(laid, request, { strategy: withSmoke() });
    const { cause } = await world.ends(id, "rolled_back");
    expect(world.outside.calls).toHaveLength(5);
    expect(cause?.message).toBe("smoke: it could not be asked: ECONNREFUSED: no answer");
  });

  it("whose answer is lost is asked again with the same key", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => (world.outside.calls.length < 3 ? "lost" : { status: "SUCCEEDED" });
    const id = await world.start(laid, request, { strategy: withSmoke() });
    await world.ends(id, "succeeded");
    expect(world.outside.calls.map((call) => call.idempotencyKey)).toEqual(Array(3).fill(`${id}/smoke/1`));
  });

  it("that never ends is ended by its time-out", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => ({ status: "IN_PROGRESS", message: "still testing" });
    const id = await world.start(laid, request, { strategy: withSmoke({ timeoutMs: 5 * minute }) });
    const { cause } = await world.ends(id, "rolled_back");
    expect(cause?.message).toBe("smoke was not passed within 5 min: IN_PROGRESS: still testing");
  });

  it("that fails may be passed over, where the strategy says so", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => ({ status: "FAILED" });
    const id = await world.start(laid, request, { strategy: withSmoke({ onFailure: "proceed" }) });
    await world.ends(id, "succeeded");
    expect((await world.events(id)).find((event) => event.type === "gate")).toMatchObject({ how: "failed" });
  });

  it("that fails may pause: resumed, it is called anew with another key", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () =>
      world.outside.calls.length > 1 ? { status: "SUCCEEDED" } : { status: "FAILED" };
    const id = await world.start(laid, request, { strategy: withSmoke({ onFailure: "pause" }) });
    await world.until("paused", async () => (await world.deployment(id)).hold?.kind === "paused");
    await world.run(30 * minute);
    expect(world.outside.calls).toHaveLength(1);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(world.outside.calls.map((call) => call.idempotencyKey)).toEqual([
      `${id}/smoke/1`,
      `${id}/smoke/2`,
    ]);
  });

  it("says by the API what it came to; an answer to another attempt is refused", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => ({ status: "IN_PROGRESS", callBackMs: 10 * minute });
    const id = await world.start(laid, request, { strategy: withSmoke() });
    await called(world, id);
    await world.run(5_000);
    const answer = { status: "SUCCEEDED" } as const;
    await world.ask(id, "answer", { gate: "smoke", attempt: 2, answer });
    await world.ask(id, "answer", { gate: "other", attempt: 1, answer });
    await world.run(minute);
    expect((await world.deployment(id)).phase).toBe("shifting");
    await world.ask(id, "answer", { gate: "smoke", attempt: 1, answer });
    await world.ends(id, "succeeded");
    expect(world.outside.calls).toHaveLength(1);
    expect((await answers(world, id)).map(({ obeyed }) => obeyed)).toEqual([false, false, true]);
  });

  it("under way does not hold up a rollback", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.outside.answer = () => ({ status: "IN_PROGRESS", callBackMs: 10 * minute });
    const id = await world.start(laid, request, { strategy: withSmoke() });
    await called(world, id);
    await world.ask(id, "rollback");
    await world.turn();
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    await world.ends(id, "rolled_back");
  });
});

const tested = (steps: Step[] = []) => canary([ten, all], { testing: [{ kind: "test" }, ...steps] });

describe("test routes", () => {
  for (const [where, before, during, after] of [
    ["production", [1, 0], [0, 1], [0, 1]],
    ["the idle version", [0, 1], [0, 1], [1, 0]],
    ["nothing", [0, 0], [0, 1], [0, 0]],
  ] as const) {
    it(`that lead to ${where} do so again after a success, and as they were after a rollback`, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", { test: [...before] });
      const strategy = tested([{ kind: "pause", id: "look", ms: minute }]);
      const first = await world.start(laid, request, { strategy });
      await world.reaches(first, "testing");
      await world.run(30_000);
      expect(world.routeWeights(laid, laid.testRule)).toEqual(during);
      expect(world.weights(laid)).toEqual([
        [1, 0],
        [1, 0],
      ]);
      await world.ends(first, "succeeded");
      expect(world.routeWeights(laid, laid.testRule)).toEqual(after);

      const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy });
      await world.reaches(second, "shifting");
      await world.ask(second, "rollback");
      await world.ends(second, "rolled_back");
      expect(world.routeWeights(laid, laid.testRule)).toEqual(after);
    });
  }

  it("that do not forward to the pair are refused before anything is touched", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", { test: [1, 0] });
    const other = world.lay("other", { test: [1, 0] });
    const target = { ...laid.target, testRoutes: other.target.testRoutes ?? [] };
    const id = await world.start({ ...laid, target }, request, { strategy: tested() });
    const { problems } = await world.ends(id, "failed");
    expect(problems.map(({ code }) => code)).toContain("route-without-pair");
  });
});
