import { describe, expect, test } from "vitest";
import { AwsError } from "../../../sandbox/model/error.ts";
import { region, sandbox, shop, taskSet, type Sandbox } from "../support.ts";

function sets({ aws }: Sandbox) {
  return (
    aws.ecs(region, "DescribeServices", { cluster: "demo", services: ["shop"] }).services[0]?.taskSets ?? []
  );
}

function tasks({ aws }: Sandbox, desiredStatus: "RUNNING" | "STOPPED" = "RUNNING") {
  const { taskArns } = aws.ecs(region, "ListTasks", { cluster: "demo", serviceName: "shop", desiredStatus });
  return taskArns.length === 0
    ? []
    : aws.ecs(region, "DescribeTasks", { cluster: "demo", tasks: taskArns }).tasks;
}

function refusal(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("the call was not refused");
}

/** A load balancer entry with this group. */
const group = (arn: string | undefined) => ({
  loadBalancers: [{ targetGroupArn: arn, containerName: "web", containerPort: 8080 }],
});

/** What a short run leaves behind. */
function world(seed: number): string {
  const box = sandbox({}, seed);
  const { blue, definition } = shop(box);
  box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
  box.clock.advance(10_000);
  return JSON.stringify(box.aws.snapshot());
}

const ids = (set: { taskSetArn: string }) => ({ cluster: "demo", service: "shop", taskSet: set.taskSetArn });

describe("a set's life", () => {
  test("PENDING, RUNNING, healthy, steady: each in its time", () => {
    const box = sandbox();
    const { blue, definition } = shop(box);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    expect(sets(box)).toMatchObject([{ runningCount: 0, pendingCount: 0, stabilityStatus: "STABILIZING" }]);
    box.clock.advance(100);
    expect(sets(box)).toMatchObject([{ runningCount: 0, pendingCount: 4 }]);
    box.clock.advance(2_000);
    expect(sets(box)).toMatchObject([{ runningCount: 4, pendingCount: 0, stabilityStatus: "STABILIZING" }]);
    const health = () =>
      box.aws
        .elb(region, "DescribeTargetHealth", { TargetGroupArn: blue })
        .TargetHealthDescriptions.map((one) => one.TargetHealth.State);
    expect(health()).toEqual(["initial", "initial", "initial", "initial"]);
    box.clock.advance(500);
    expect(health()).toEqual(["healthy", "healthy", "healthy", "healthy"]);
    expect(sets(box)).toMatchObject([{ stabilityStatus: "STABILIZING" }]);
    box.clock.advance(1_000);
    expect(sets(box)).toMatchObject([{ stabilityStatus: "STEADY_STATE" }]);
  });

  test.each([
    [4, 0, 0],
    [4, 1, 1],
    [4, 25, 1],
    [4, 25.1, 2],
    [10, 70, 7],
    [3, 33.4, 2],
    [0, 100, 0],
  ])("desired %s at %s percent is %s tasks", (desired, percent, expected) => {
    const box = sandbox();
    const { blue, definition } = shop(box, desired);
    const { taskSet: set } = box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue, percent));
    expect(set.computedDesiredCount).toBe(expected);
    box.clock.advance(10_000);
    expect(sets(box)).toMatchObject([{ runningCount: expected, stabilityStatus: "STEADY_STATE" }]);
  });

  test("a changed desiredCount rescales all sets of the service", () => {
    const box = sandbox();
    const { blue, green, definition } = shop(box);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, green, 50));
    box.clock.advance(10_000);
    box.aws.ecs(region, "UpdateService", { cluster: "demo", service: "shop", desiredCount: 6 });
    expect(sets(box).map((set) => [set.computedDesiredCount, set.stabilityStatus])).toEqual([
      [6, "STABILIZING"],
      [3, "STABILIZING"],
    ]);
    box.clock.advance(10_000);
    expect(sets(box).map((set) => set.runningCount)).toEqual([6, 3]);
  });

  test("surplus tasks leave their group, drain, and only then stop", () => {
    const box = sandbox();
    const { blue, definition } = shop(box);
    const kinds: string[] = [];
    box.aws.traffic.onTask((event) => kinds.push(event.kind));
    const { taskSet: set } = box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.clock.advance(10_000);
    kinds.length = 0;
    box.aws.ecs(region, "UpdateTaskSet", { ...ids(set), scale: { value: 50, unit: "PERCENT" } });
    box.clock.advance(100);
    const states = () =>
      box.aws
        .elb(region, "DescribeTargetHealth", { TargetGroupArn: blue })
        .TargetHealthDescriptions.map((one) => one.TargetHealth.State)
        .sort();
    expect(states()).toEqual(["draining", "draining", "healthy", "healthy"]);
    box.clock.advance(2_999);
    expect(kinds).toEqual([]);
    box.clock.advance(1);
    expect(kinds).toEqual(["stopping", "stopping"]);
    expect(states()).toEqual(["healthy", "healthy"]);
    box.clock.advance(500);
    expect(kinds).toEqual(["stopping", "stopping", "stopped", "stopped"]);
    expect(tasks(box, "STOPPED")).toMatchObject([
      { stopCode: "ServiceSchedulerInitiated", containers: [{ exitCode: 0 }] },
      { stopCode: "ServiceSchedulerInitiated" },
    ]);
  });

  test.each(["ends", "is taken away"])(
    "a protected task outlives a scale to 0 until its protection %s",
    (how) => {
      const box = sandbox();
      const { blue, definition } = shop(box, 2);
      const { taskSet: set } = box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
      box.clock.advance(10_000);
      const [kept] = tasks(box);
      const protect = (protectionEnabled: boolean) =>
        box.aws.ecs(region, "UpdateTaskProtection", {
          cluster: "demo",
          tasks: [kept?.taskArn ?? ""],
          protectionEnabled,
          expiresInMinutes: 10,
        });
      protect(true);
      box.aws.ecs(region, "DeleteTaskSet", { ...ids(set), force: true });
      box.clock.advance(60_000);
      expect(tasks(box).map((task) => task.taskArn)).toEqual([kept?.taskArn]);
      expect(sets(box)).toMatchObject([{ status: "DRAINING", runningCount: 1 }]);
      if (how === "ends") box.clock.advance(300_000);
      else protect(false);
      box.clock.advance(300_000);
      expect(sets(box)).toEqual([]);
    },
  );
});

describe("what CreateTaskSet refuses", () => {
  test("its own list of refusals, in AWS's codes", () => {
    const box = sandbox();
    const { blue, definition, register } = shop(box);
    const loose = box.aws.elb(region, "CreateTargetGroup", { Name: "loose", TargetType: "ip" })
      .TargetGroups[0];
    const good = taskSet(definition, blue);
    const create = (change: object) =>
      refusal(() => box.aws.perform("ecs", "CreateTaskSet", region, { ...good, ...change }));
    expect(create({ cluster: "none" }).code).toBe("ClusterNotFoundException");
    expect(create({ service: "none" }).code).toBe("ServiceNotFoundException");
    expect(create({ taskDefinition: "shop:99" }).code).toBe("ClientException");
    expect(create({ clientToken: "x".repeat(37) }).code).toBe("InvalidParameterException");
    expect(create({ scale: { value: 101, unit: "PERCENT" } }).message).toContain("101");
    expect(create({ platformVersion: "9.9.9" }).code).toBe("PlatformUnknownException");
    expect(
      create({ capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }] }).message,
    ).toContain("both a launch type and capacity provider strategy");
    expect(create({ networkConfiguration: undefined }).message).toContain("awsvpc");
    expect(create(group("arn:aws:elasticloadbalancing:eu-west-1:0:targetgroup/x/1")).message).toContain(
      "does not exist",
    );
    expect(create(group(loose?.TargetGroupArn)).message).toContain(
      "does not have an associated load balancer",
    );
    expect(create({ tags: Array.from({ length: 51 }, (_, i) => ({ key: `k${i}` })) }).message).toContain(
      "51",
    );
    expect(create({ tags: [{ key: "aws:mine", value: "" }] }).message).toContain("aws:");
    const old = register("shop:old");
    box.aws.ecs(region, "DeregisterTaskDefinition", { taskDefinition: old });
    expect(create({ taskDefinition: old }).message).toContain("inactive");
    box.aws.ecs(region, "CreateService", { cluster: "demo", serviceName: "rolling", desiredCount: 1 });
    expect(create({ service: "rolling" }).message).toContain("EXTERNAL");
    expect(sets(box)).toEqual([]);
  });

  test("the sixth set, a DRAINING one counted", () => {
    const box = sandbox();
    const { blue, definition } = shop(box, 1);
    const made = Array.from({ length: 5 }, () =>
      box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue)),
    );
    box.clock.advance(10_000);
    const [first] = made;
    if (first !== undefined) box.aws.ecs(region, "DeleteTaskSet", { ...ids(first.taskSet), force: true });
    const sixth = () => box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    expect(refusal(sixth)).toMatchObject({
      code: "InvalidParameterException",
      message: expect.stringContaining("5 deployments"),
    });
    box.clock.advance(10_000);
    expect(sixth().taskSet.status).toBe("ACTIVE");
  });

  test("a client token gives the same set again, or a refusal with other parameters", () => {
    const box = sandbox({ clientTokenMs: 60_000 });
    const { blue, definition } = shop(box);
    const input = { ...taskSet(definition, blue), clientToken: "one" };
    const first = box.aws.ecs(region, "CreateTaskSet", input).taskSet;
    expect(box.aws.ecs(region, "CreateTaskSet", input).taskSet.id).toBe(first.id);
    expect(
      refusal(() => box.aws.ecs(region, "CreateTaskSet", { ...input, scale: { value: 1, unit: "PERCENT" } }))
        .code,
    ).toBe("InvalidParameterException");
    expect(sets(box)).toHaveLength(1);
    box.clock.advance(60_001);
    expect(box.aws.ecs(region, "CreateTaskSet", input).taskSet.id).not.toBe(first.id);
  });

  test("UpdateService under EXTERNAL refuses what belongs to task sets", () => {
    const box = sandbox();
    shop(box);
    const change = (input: object) =>
      refusal(() =>
        box.aws.perform("ecs", "UpdateService", region, { cluster: "demo", service: "shop", ...input }),
      );
    expect(change({ forceNewDeployment: true }).code).toBe("InvalidParameterException");
    expect(change({ taskDefinition: "shop:1" }).message).toContain("taskDefinition");
  });

  test("DescribeTaskSets without ids, unless the setting allows it", () => {
    const box = sandbox();
    const { blue, definition } = shop(box);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    const ask = () => box.aws.ecs(region, "DescribeTaskSets", { cluster: "demo", service: "shop" });
    expect(refusal(ask).code).toBe("InvalidParameterException");
    box.aws.settings.describeTaskSetsWithoutIds = true;
    expect(ask().taskSets).toHaveLength(1);
  });
});

describe("tasks that go wrong", () => {
  test("an exit: the target fails for a moment, then drains; another task takes its place", () => {
    const box = sandbox();
    const { blue, definition } = shop(box, 1);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.clock.advance(10_000);
    const [victim] = tasks(box);
    box.aws.traffic.taskExited(victim?.taskArn ?? "", 137);
    const state = () =>
      box.aws.elb(region, "DescribeTargetHealth", { TargetGroupArn: blue }).TargetHealthDescriptions[0]
        ?.TargetHealth.State;
    expect(state()).toBe("healthy");
    box.clock.advance(200);
    expect(state()).toBe("draining");
    expect(tasks(box, "STOPPED")).toMatchObject([
      {
        stopCode: "EssentialContainerExited",
        stoppedReason: "Essential container in task exited",
        containers: [{ exitCode: 137 }],
      },
    ]);
    box.clock.advance(10_000);
    expect(sets(box)).toMatchObject([{ runningCount: 1, stabilityStatus: "STEADY_STATE" }]);
  });

  test("an image that can't be pulled says so, and starts slow down", () => {
    const box = sandbox({ behaviours: { "shop:1": { cannotPull: true } } });
    const { blue, definition } = shop(box, 1);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.clock.advance(60_000);
    const stopped = tasks(box, "STOPPED");
    expect(stopped[0]).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: expect.stringContaining("CannotPullContainerError"),
    });
    expect(stopped.length).toBeGreaterThan(3);
    expect(stopped.length).toBeLessThan(12);
  });

  test("failed health checks past the grace period replace the task; within it they don't", () => {
    const box = sandbox({ behaviours: { "shop:1": { failHealthChecks: true } } });
    const { blue, definition } = shop(box, 1);
    box.aws.ecs(region, "UpdateService", {
      cluster: "demo",
      service: "shop",
      healthCheckGracePeriodSeconds: 10,
    });
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.clock.advance(11_000);
    expect(tasks(box, "STOPPED")).toEqual([]);
    box.clock.advance(20_000);
    expect(tasks(box, "STOPPED")[0]).toMatchObject({
      stopCode: "ServiceSchedulerInitiated",
      stoppedReason: `Task failed ELB health checks in (target-group ${blue})`,
    });
    expect(sets(box)).toMatchObject([{ stabilityStatus: "STABILIZING" }]);
  });

  test("a behaviour changed while the task runs is obeyed", () => {
    const box = sandbox();
    const { blue, definition } = shop(box, 1);
    box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
    box.clock.advance(10_000);
    box.aws.settings.behaviours["shop:1"] = { failHealthChecks: true };
    box.clock.advance(1_500);
    expect(sets(box)).toMatchObject([{ stabilityStatus: "STABILIZING" }]);
    box.aws.settings.behaviours["shop:1"] = {};
    box.clock.advance(20_000);
    expect(sets(box)).toMatchObject([{ stabilityStatus: "STEADY_STATE" }]);
  });
});

test("reads lag behind writes by the time that is set, and catch up", () => {
  const box = sandbox({ ecsReadLagMs: 1_000 });
  const { blue, definition } = shop(box);
  box.clock.advance(5_000);
  const { taskSet: set } = box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
  expect(sets(box)).toEqual([]);
  box.clock.advance(999);
  expect(sets(box)).toEqual([]);
  box.clock.advance(1);
  expect(sets(box)).toMatchObject([{ id: set.id, pendingCount: 0 }]);
  box.clock.advance(200);
  expect(sets(box)).toMatchObject([{ pendingCount: 4 }]);
  box.aws.settings.ecsReadLagMs = 0;
  box.aws.ecs(region, "UpdateService", { cluster: "demo", service: "shop", desiredCount: 8 });
  expect(sets(box)).toMatchObject([{ computedDesiredCount: 8 }]);
});

test("the same seed makes the same world, another one another", () => {
  expect(world(7)).toBe(world(7));
  expect(world(7)).not.toBe(world(8));
});
