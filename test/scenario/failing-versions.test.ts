/** New versions that never work: turned back before the deadline, with the reason that a person needs. */
import { describe, expect, it } from "vitest";
import type { Behaviour } from "../../sandbox/model/behaviour.ts";
import { stopTask } from "../../sandbox/model/ecs/taskLife.ts";
import { tasksOf, watchedWorld } from "../support/scenario.ts";
import { canary, need, region, type World } from "../support/world.ts";

const before = (world: World) => world.sets().map((set) => [set.taskSetArn, set.status, set.runningCount]);

const pausing = canary([
  { kind: "weight", percent: 50 },
  { kind: "pause", ms: 120_000 },
  { kind: "weight", percent: 100 },
]);

describe("a version whose tasks", () => {
  const failing: Record<string, { behaviour: Behaviour; code: string; says: RegExp }> = {
    "exit at once": {
      behaviour: { exitAfterMs: 300, exitCode: 42 },
      code: "green-failing",
      says: /tasks of the new version failed: .*app exited with code 42/,
    },
    "exit before they are healthy": {
      behaviour: { exitAfterMs: 1_500, exitCode: 137, startsHealthyAfterMs: 60_000 },
      code: "green-failing",
      says: /Essential container in task exited; app exited with code 137/,
    },
    "cannot pull their image": {
      behaviour: { cannotPull: true },
      code: "green-failing",
      says: /CannotPullContainerError: .*demo\/checkout:3: not found/,
    },
    "fail their health checks": {
      behaviour: { failHealthChecks: true },
      code: "green-failing",
      says: /Task failed ELB health checks in \(target-group \S*checkout-b/,
    },
    "never start": {
      behaviour: { neverStarts: true },
      code: "deadline",
      says: /after 60 s still: green starts: 0 of 1 tasks run, 0 are healthy/,
    },
  };
  for (const [name, { behaviour, code, says }] of Object.entries(failing)) {
    it(`${name} is turned back`, async () => {
      const world = watchedWorld({ settings: { behaviours: { "demo/checkout:3": behaviour } } });
      const laid = world.lay("checkout", { grace: 2 });
      const strategy = canary([
        { kind: "weight", percent: 10 },
        { kind: "weight", percent: 100 },
      ]);
      strategy.deadlines = { ...strategy.deadlines, provisioningMs: 60_000 };
      const sets = before(world);
      const begun = world.clock.now();
      const id = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy });
      await world.reaches(id, "rolling_back");
      expect(world.clock.now() - begun).toBeLessThanOrEqual(65_000);
      if (code !== "deadline") expect(world.clock.now() - begun).toBeLessThan(60_000);
      const d = await world.ends(id, "rolled_back");
      expect(d.cause?.code).toBe(code);
      expect(d.cause?.message).toMatch(says);
      expect(world.weights(laid)).toEqual([
        [1, 0],
        [1, 0],
      ]);
      expect(before(world)).toEqual(sets);
      expect(world.local.calls.byAction()["elasticloadbalancing:ModifyRule"]).toBeUndefined();
    });
  }

  it("are taken back by Spot is not turned back for it", async () => {
    const world = watchedWorld({
      settings: { behaviours: { "demo/checkout:2": { startsHealthyAfterMs: 3_000 } } },
    });
    const laid = world.lay();
    const strategy = canary([{ kind: "weight", percent: 100 }]);
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    for (let round = 0; round < 3; round++) {
      await world.until("tasks of green run", async () => {
        const { arn } = (await world.deployment(id)).green;
        return tasksOf(world, arn).filter((task) => task.lastStatus === "RUNNING").length === 4;
      });
      const { arn } = (await world.deployment(id)).green;
      const here = world.aws.region(region);
      here.change(() => {
        for (const task of tasksOf(world, arn)) {
          const cause = {
            code: "SpotInterruption",
            reason: "Your Spot Task was interrupted.",
            failed: false,
          };
          stopTask(here, task, cause);
        }
      });
    }
    await world.ends(id, "succeeded");
  });
});

describe("tasks of green under traffic:", () => {
  it("one that dies is replaced, and nothing is turned back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: pausing });
    await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
    await world.run(5_000);
    const { arn } = (await world.deployment(id)).green;
    const [task] = tasksOf(world, arn);
    world.aws.traffic.taskExited(need(task).arn, 1);
    await world.run(500);
    expect(tasksOf(world, arn).filter((one) => one.lastStatus === "RUNNING")).toHaveLength(1);
    await world.ends(id, "succeeded");
    expect(
      (await world.events(id)).some((event) => event.type === "phase" && event.to === "rolling_back"),
    ).toBe(false);
  });

  it("all die: traffic goes back at once", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: pausing });
    await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
    await world.run(5_000);
    const { arn } = (await world.deployment(id)).green;
    world.aws.settings.behaviours["demo/checkout:2"] = { startMs: 60_000 };
    for (const task of tasksOf(world, arn)) world.aws.traffic.taskExited(task.arn, 139);
    const died = world.clock.now();
    await world.until("traffic is back", () => world.weights(laid).every(([, green]) => green === 0));
    expect(world.clock.now() - died).toBeLessThan(15_000);
    const d = await world.ends(id, "rolled_back");
    expect(d.cause).toEqual({
      code: "green-unhealthy",
      message: expect.stringMatching(/0 healthy tasks where its share needs 2.*exited with code 139/),
    });
  });

  it("too few for too long: turned back past the time allowed", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const strategy = { ...pausing, deadlines: { ...pausing.deadlines, unhealthyMs: 20_000 } };
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 50 %", () => world.weights(laid).every(([, green]) => green === 50));
    await world.run(5_000);
    world.aws.settings.behaviours["demo/checkout:2"] = { neverStarts: true };
    const { arn } = (await world.deployment(id)).green;
    world.aws.traffic.taskExited(need(tasksOf(world, arn)[0]).arn, 1);
    const d = await world.ends(id, "rolled_back");
    expect(d.cause?.code).toBe("green-unhealthy");
    expect(d.cause?.message).toMatch(/1 healthy task where its share needs 2/);
  });
});
