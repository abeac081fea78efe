import {
  CreateTaskSetCommand,
  DeleteTaskSetCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  UpdateServicePrimaryTaskSetCommand,
  UpdateTaskSetCommand,
  type Service,
} from "@aws-sdk/client-ecs";
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetHealthCommand,
  ModifyListenerCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { describe, expect, test } from "vitest";
import { SteppedClock } from "../../../sandbox/clock.ts";
import { startAws } from "../../../sandbox/start.ts";
import { forward, quick, region, sandbox, shop, taskSet, type Sandbox } from "../support.ts";

async function service(box: Sandbox): Promise<Service> {
  const { services } = await box.ecs.send(
    new DescribeServicesCommand({ cluster: "demo", services: ["shop"], include: ["TAGS"] }),
  );
  const [found] = services ?? [];
  if (found === undefined) throw new Error("no service");
  return found;
}

describe("the SDK over the in-process handler", () => {
  test("carries out a blue/green by hand", async () => {
    const box = sandbox();
    const { blue, green, listener, definition, register } = shop(box);
    const first = await box.ecs.send(
      new CreateTaskSetCommand({ ...taskSet(definition, blue), tags: [{ key: "who", value: "me" }] }),
    );
    expect(first.taskSet?.computedDesiredCount).toBe(4);
    expect(first.taskSet?.createdAt).toEqual(new Date(box.clock.now()));
    box.clock.advance(10_000);
    await box.ecs.send(
      new UpdateServicePrimaryTaskSetCommand({
        cluster: "demo",
        service: "shop",
        primaryTaskSet: first.taskSet?.taskSetArn,
      }),
    );
    let seen = await service(box);
    expect(seen.taskDefinition).toBe(definition);
    expect(seen.taskSets).toMatchObject([
      {
        status: "PRIMARY",
        runningCount: 4,
        stabilityStatus: "STEADY_STATE",
        tags: [{ key: "who", value: "me" }],
      },
    ]);

    const second = await box.ecs.send(new CreateTaskSetCommand(taskSet(register("shop:2"), green, 50)));
    box.clock.advance(10_000);
    const health = await box.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: green }));
    expect(health.TargetHealthDescriptions?.map((one) => one.TargetHealth?.State)).toEqual([
      "healthy",
      "healthy",
    ]);
    const { taskArns } = await box.ecs.send(
      new ListTasksCommand({ cluster: "demo", startedBy: second.taskSet?.id }),
    );
    const { tasks } = await box.ecs.send(new DescribeTasksCommand({ cluster: "demo", tasks: taskArns }));
    const addresses = tasks?.map(
      (task) => task.attachments?.[0]?.details?.find((one) => one.name === "privateIPv4Address")?.value,
    );
    expect(addresses?.toSorted()).toEqual(
      health.TargetHealthDescriptions?.map((one) => one.Target?.Id).toSorted(),
    );

    await box.elb.send(
      new ModifyListenerCommand({
        ListenerArn: listener,
        DefaultActions: [forward([blue, 0], [green, 100])],
      }),
    );
    const back = await box.elb.send(new DescribeListenersCommand({ ListenerArns: [listener] }));
    expect(back.Listeners?.[0]?.DefaultActions?.[0]?.ForwardConfig?.TargetGroups).toEqual([
      { TargetGroupArn: blue, Weight: 0 },
      { TargetGroupArn: green, Weight: 100 },
    ]);
    expect(box.aws.traffic.effectiveShares(listener)).toEqual({ [blue]: 1, [green]: 0 });
    box.clock.advance(1_000);
    expect(box.aws.traffic.effectiveShares(listener)).toEqual({ [blue]: 0, [green]: 1 });
    const rules = await box.elb.send(new DescribeRulesCommand({ ListenerArn: listener }));
    expect(rules.Rules).toMatchObject([{ IsDefault: true, Priority: "default", Conditions: [] }]);

    const of = (set: typeof first) => ({
      cluster: "demo",
      service: "shop",
      taskSet: set.taskSet?.taskSetArn,
    });
    await box.ecs.send(new UpdateTaskSetCommand({ ...of(second), scale: { value: 100, unit: "PERCENT" } }));
    box.clock.advance(10_000);
    await box.ecs.send(
      new UpdateServicePrimaryTaskSetCommand({ ...of(second), primaryTaskSet: second.taskSet?.id }),
    );
    await expect(box.ecs.send(new DeleteTaskSetCommand(of(first)))).rejects.toMatchObject({
      name: "InvalidParameterException",
      $fault: "client",
    });
    await box.ecs.send(new UpdateTaskSetCommand({ ...of(first), scale: { value: 0, unit: "PERCENT" } }));
    await box.ecs.send(new DeleteTaskSetCommand(of(first)));
    seen = await service(box);
    expect(seen.taskSets?.map((set) => set.status)).toEqual(["DRAINING", "PRIMARY"]);
    box.clock.advance(10_000);
    seen = await service(box);
    expect(seen.taskSets?.map((set) => set.status)).toEqual(["PRIMARY"]);
    await expect(box.ecs.send(new DeleteTaskSetCommand(of(first)))).rejects.toMatchObject({
      name: "TaskSetNotFoundException",
    });
    expect(box.calls.byAction()["ecs:CreateTaskSet"]).toBe(2);
    expect(box.calls.byOutcome()["ecs:DeleteTaskSet InvalidParameterException"]).toBe(1);
  });

  test("gives errors of the query protocol their code and message", async () => {
    const box = sandbox();
    const arn = `arn:aws:elasticloadbalancing:${region}:000000000000:listener/app/none/1/2`;
    await expect(box.elb.send(new DescribeListenersCommand({ ListenerArns: [arn] }))).rejects.toMatchObject({
      name: "ListenerNotFoundException",
      message: expect.stringContaining(arn),
    });
    const target = `arn:aws:elasticloadbalancing:${region}:000000000000:targetgroup/a&<b>/1`;
    await expect(
      box.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: target })),
    ).rejects.toMatchObject({ message: expect.stringContaining(target) });
  });

  test("empty lists and texts survive the query protocol", async () => {
    const box = sandbox();
    const { green, listener } = shop(box);
    const health = await box.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: green }));
    expect(health.TargetHealthDescriptions).toEqual([]);
    await expect(
      box.elb.send(new ModifyListenerCommand({ ListenerArn: listener, DefaultActions: [] })),
    ).rejects.toMatchObject({ message: expect.stringContaining("at least one action") });
  });

  test("a described definition is registered again only without its read-only members", async () => {
    const box = sandbox();
    const { definition } = shop(box);
    const { taskDefinition } = await box.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: definition, include: ["TAGS"] }),
    );
    expect(taskDefinition).toMatchObject({
      revision: 1,
      status: "ACTIVE",
      compatibilities: ["EC2", "FARGATE"],
    });
    await expect(
      box.ecs.send(
        new RegisterTaskDefinitionCommand({
          ...taskDefinition,
          family: "shop",
          containerDefinitions: taskDefinition?.containerDefinitions,
        }),
      ),
    ).resolves.toMatchObject({ taskDefinition: { revision: 2 } });
    // The SDK leaves out what it does not know; a raw call meets the refusal.
    const reply = await box.handle({
      method: "POST",
      path: "/",
      headers: { "x-amz-target": "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition" },
      body: JSON.stringify({ ...taskDefinition, registeredAt: 0 }),
    });
    expect(reply).toMatchObject({ status: 400, body: expect.stringContaining("ClientException") });
  });

  test("an action it does not model says so by name", async () => {
    const box = sandbox();
    const reply = await box.handle({
      method: "POST",
      path: "/",
      headers: { "x-amz-target": "AmazonEC2ContainerServiceV20141113.ExecuteCommand" },
      body: "{}",
    });
    expect(reply).toMatchObject({ status: 501, body: expect.stringContaining("ecs:ExecuteCommand") });
  });
});

test("the SDK over a socket, regions kept apart", async () => {
  const local = startAws({ clock: new SteppedClock(), settings: quick });
  const server = await local.listen();
  const client = (where: string) =>
    new ECSClient({
      region: where,
      endpoint: server.url,
      credentials: { accessKeyId: "dummy", secretAccessKey: "dummy" },
      maxAttempts: 1,
    });
  const [here, there] = [client(region), client("us-west-2")];
  try {
    local.aws.ecs(region, "CreateCluster", { clusterName: "demo" });
    const ask = new ListTasksCommand({ cluster: "demo" });
    await expect(here.send(ask)).resolves.toMatchObject({ taskArns: [] });
    await expect(there.send(ask)).rejects.toMatchObject({ name: "ClusterNotFoundException" });
    local.faults.add({ fault: { kind: "loseRequest" }, times: 1 });
    await expect(here.send(ask)).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(here.send(ask)).resolves.toMatchObject({ taskArns: [] });
  } finally {
    here.destroy();
    there.destroy();
    await local.close();
  }
});
