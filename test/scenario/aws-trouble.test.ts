/** AWS's own trouble: throttles, server faults, answers that never come, reads that lag. It ends well all the same. */
import { describe, expect, it } from "vitest";
import type { Fault } from "../../sandbox/faults.ts";
import { watchedWorld } from "../support/scenario.ts";
import { type Laid, need, type World } from "../support/world.ts";

const actions = [
  "CreateTaskSet",
  "UpdateTaskSet",
  "UpdateServicePrimaryTaskSet",
  "DeleteTaskSet",
  "ModifyListener",
  "ModifyRule",
] as const;

const faults: Record<string, Fault> = {
  throttled: { kind: "throttle" },
  "met with a server fault": { kind: "serverError" },
  "performed without an answer": { kind: "loseAnswer" },
  "lost on the way": { kind: "loseRequest" },
  "performed twice": { kind: "repeat" },
  "answered too late": { kind: "delayAnswer", ms: 9_000 },
  "performed too late": { kind: "delayRequest", ms: 12_000 },
};

async function deployed(world: World, laid: Laid): Promise<void> {
  const id = await world.start(laid, { images: { app: "demo/checkout:2" } });
  const d = await world.ends(id, "succeeded");
  // Whatever comes late has come, and the last look has righted it.
  await world.run(150_000);
  expect(world.weights(laid)).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(world.sets().map((set) => [set.taskSetArn, set.status, set.runningCount])).toEqual([
    [d.green.arn, "PRIMARY", 4],
  ]);
  expect((await world.events(id)).map((event) => event.seq)).toEqual(
    Array.from({ length: d.events }, (_, n) => n),
  );
}

describe("every call", () => {
  for (const action of [...actions, "RegisterTaskDefinition"]) {
    for (const [name, fault] of Object.entries(faults)) {
      it(`${action} is ${name} once`, async () => {
        const world = watchedWorld();
        const laid = world.lay();
        world.local.faults.add({ fault, action, times: 1 });
        await deployed(world, laid);
        expect(world.local.faults.list()).toEqual([]);
      });
    }
  }

  for (const [name, fault] of Object.entries(faults)) {
    it(`is ${name} half of the time`, async () => {
      const world = watchedWorld({ seed: 7 });
      const laid = world.lay();
      for (const action of actions) world.local.faults.add({ fault, action, probability: 0.5 });
      await deployed(world, laid);
      expect(world.local.faults.list().some((rule) => rule.done > 0)).toBe(true);
    });
  }
});

describe("for two minutes", () => {
  for (const action of [...actions, "DescribeServices", "DescribeTargetHealth", "DescribeRules"]) {
    it(`${action} is throttled always`, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const ruling = world.local.faults.add({ fault: { kind: "throttle" }, action });
      const id = await world.start(laid, { taskDefinition: "checkout:2" });
      await world.run(120_000);
      expect((await world.deployment(id)).phase).not.toBe("succeeded");
      world.local.faults.remove(ruling);
      await world.ends(id, "succeeded");
    });
  }

  it("nothing can be read, with traffic half way", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("half way", () => world.weights(laid).every(([, green]) => green === 50));
    for (const action of ["DescribeServices", "DescribeRules", "DescribeListeners", "DescribeTargetHealth"]) {
      world.local.faults.add({ fault: { kind: "serverError" }, action });
    }
    await world.run(120_000);
    expect((await world.deployment(id)).note).toMatch(/^cannot see: .*ServerException|InternalFailure/);
    world.local.faults.clear();
    await world.ends(id, "succeeded");
  });
});

describe("a rollback", () => {
  for (const action of actions.filter((one) => one !== "CreateTaskSet")) {
    for (const [name, fault] of Object.entries(faults)) {
      it(`in which ${action} is ${name}`, async () => {
        const world = watchedWorld();
        const laid = world.lay();
        const [blue] = world.sets();
        const id = await world.start(laid, { taskDefinition: "checkout:2" });
        await world.until("half way", () => world.weights(laid).every(([, green]) => green === 50));
        world.local.faults.add({ fault, action, times: 1 });
        await world.ask(id, "rollback");
        await world.ends(id, "rolled_back");
        await world.run(150_000);
        expect(world.weights(laid)).toEqual([
          [1, 0],
          [1, 0],
        ]);
        expect(world.sets().map((set) => set.taskSetArn)).toEqual([need(blue).taskSetArn]);
      });
    }
  }

  it("of a green whose create was never answered, and that reads do not show yet", async () => {
    const world = watchedWorld({ settings: { ecsReadLagMs: 10_000 } });
    const laid = world.lay();
    const [blue] = world.sets();
    world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "CreateTaskSet", times: 1 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("unanswered", async () =>
      (await world.events(id)).some((event) => event.type === "unknown"),
    );
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    await world.run(150_000);
    expect(world.sets().map((set) => set.taskSetArn)).toEqual([need(blue).taskSetArn]);
  });
});

describe("reads that lag writes by 5 s, and changes that take seconds to reach the traffic", () => {
  it("end in a deployment all the same, and nothing is taken away too early", async () => {
    const world = watchedWorld({
      settings: { ecsReadLagMs: 5_000, elbReadLagMs: 5_000, propagationMs: 4_000 },
    });
    const laid = world.lay();
    await deployed(world, laid);
    expect(world.local.calls.byAction()["ecs:CreateTaskSet"]).toBe(1);
    // Our own earlier value, read late, is no drift.
    const { deployments } = await world.records.list({ limit: 1 });
    const events = await world.events(need(deployments[0]).id);
    expect(events.filter((event) => event.type === "hold")).toEqual([]);
  });

  it("end in a rollback all the same", async () => {
    const world = watchedWorld({
      settings: { ecsReadLagMs: 5_000, elbReadLagMs: 5_000, propagationMs: 4_000 },
    });
    const laid = world.lay();
    const [blue] = world.sets();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("half way", () => world.weights(laid).every(([, green]) => green === 50));
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    await world.run(60_000);
    expect(world.sets().map((set) => set.taskSetArn)).toEqual([need(blue).taskSetArn]);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});
