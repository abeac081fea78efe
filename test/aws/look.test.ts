/** What a look asks, what it makes of the answers, and what it says when there are none. */
import { expect, test } from "vitest";
import { SteppedClock } from "../../sandbox/clock.ts";
import type { Look } from "../../src/deployment/observation.ts";
import {
  balancerArn,
  groupA,
  groupB,
  groupC,
  listenerArn,
  ruleArn,
  sampleClock,
  serviceArn,
  setArn,
  Stub,
  stubCloud,
  target,
  type Received,
  type Reply,
} from "./stub.ts";

const nothing: Look = { service: false, routes: false, health: [], tasks: [], survey: false };
const eni = (address: string) => [
  { type: "ElasticNetworkInterface", details: [{ name: "privateIPv4Address", value: address }] },
];
const revisionArn = (revision: number, family = "checkout") => `arn:task-definition/${family}:${revision}`;
const forward = (...arns: string[]) => [
  {
    Type: "forward",
    ForwardConfig: { TargetGroups: arns.map((TargetGroupArn) => ({ TargetGroupArn, Weight: 2 })) },
  },
];
const soon = (clock: { now(): number }) => clock.now() + 15_000;

function service(name: string, taskSets: object[] = []): object {
  return { serviceName: name, serviceArn, status: "ACTIVE", desiredCount: 4, taskSets };
}

test("nothing asked, nothing sent", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ ok: {} }));
  expect(await stubCloud(stub, { clock }).look(target, nothing, soon(clock))).toEqual({
    routes: {},
    health: {},
  });
  expect(stub.received).toEqual([]);
});

test("a task set is read with all that a new one would inherit, and no filler", async () => {
  const clock = sampleClock();
  const loadBalancers = [{ targetGroupArn: groupA, containerName: "web", containerPort: 80 }];
  const set = {
    id: "ecs-svc/1",
    taskSetArn: setArn("1"),
    status: "PRIMARY",
    taskDefinition: "arn:definition:1",
    externalId: "",
    computedDesiredCount: 4,
    runningCount: 3,
    pendingCount: 1,
    createdAt: 1_700_000_000,
    launchType: "FARGATE",
    capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1, base: 0 }],
    platformVersion: "1.4.0",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: [] } },
    loadBalancers,
    serviceRegistries: [],
    scale: { value: 100, unit: "PERCENT" },
    stabilityStatus: "STABILIZING",
    tags: [
      { key: "aws:x", value: "y" },
      { key: "team", value: "" },
    ],
  };
  const stub = new Stub(() => ({
    ok: {
      services: [
        {
          ...service("checkout", [set]),
          deploymentController: { type: "EXTERNAL" },
          healthCheckGracePeriodSeconds: 30,
        },
      ],
    },
  }));
  const seen = await stubCloud(stub, { clock }).look(target, { ...nothing, service: true }, soon(clock));
  expect(seen.service).toEqual({
    ok: true,
    at: clock.now(),
    value: {
      arn: serviceArn,
      status: "ACTIVE",
      controller: "EXTERNAL",
      desiredCount: 4,
      healthCheckGraceSeconds: 30,
      taskSets: [
        {
          arn: setArn("1"),
          id: "ecs-svc/1",
          status: "PRIMARY",
          steady: false,
          scalePercent: 100,
          computedDesired: 4,
          running: 3,
          pending: 1,
          createdAt: 1_700_000_000_000,
          spec: {
            taskDefinition: "arn:definition:1",
            networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
            loadBalancers,
            capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1, base: 0 }],
            platformVersion: "1.4.0",
            tags: [{ key: "team", value: "" }],
          },
        },
      ],
    },
  });
});

test("tags that the service's description leaves out are read from its task sets", async () => {
  const clock = sampleClock();
  const sets = ["1", "2"].map((id) => ({ id, taskSetArn: setArn(id), status: "ACTIVE" }));
  const tags = [{ key: "teal:deployment", value: "d1" }];
  const answer = (sets: object[]) => (call: Received) => ({
    ok: call.action.endsWith("Services") ? { services: [service("checkout", sets)] } : { taskSets: tagged },
  });
  const tagged = [{ taskSetArn: setArn("1"), tags }, { taskSetArn: setArn("2") }];
  const stub = new Stub(answer(sets));
  const cloud = stubCloud(stub, { clock });
  const { service: seen } = await cloud.look(target, { ...nothing, service: true }, soon(clock));
  expect(seen?.ok && seen.value.taskSets.map((set) => set.spec.tags)).toEqual([tags, undefined]);
  expect(stub.received[1]?.input).toMatchObject({ taskSets: [setArn("1"), setArn("2")], include: ["TAGS"] });
  // A set that lags behind would look untagged.
  stub.answer(answer([...sets, { id: "3", taskSetArn: setArn("3"), status: "ACTIVE" }]));
  const { service: lagging } = await cloud.look(target, { ...nothing, service: true }, soon(clock));
  expect(lagging).toMatchObject({ ok: false, fault: { class: "repeat", code: "TaskSetUnseen" } });
});

test("a service that does not exist is seen as missing; its cluster's absence is a fault", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ ok: { services: [], failures: [{ arn: "x", reason: "MISSING" }] } }));
  const cloud = stubCloud(stub, { clock });
  const look = { ...nothing, service: true };
  expect(await cloud.look(target, look, soon(clock))).toMatchObject({
    service: { ok: true, value: { status: "MISSING", taskSets: [] } },
  });
  stub.answer(() => ({ error: "ClusterNotFoundException" }));
  expect(await cloud.look(target, look, soon(clock))).toMatchObject({
    service: { ok: false, fault: { class: "absent", action: "ecs:DescribeServices" } },
  });
});

function namesOf(call: Received): string[] {
  const names = call.input["services"];
  return Array.isArray(names) ? names.map(String) : [];
}

function echo(call: Received): Reply {
  return { ok: { services: namesOf(call).map((name) => service(name)) } };
}

test("looks that come together share calls of ten services; other clusters and regions have their own", async () => {
  const clock = sampleClock();
  const stub = new Stub(echo);
  const cloud = stubCloud(stub, { clock });
  const targets = [
    ...Array.from({ length: 13 }, (_, index) => ({ ...target, service: `s${index}` })),
    { ...target, service: "s0" },
    { ...target, cluster: "other" },
    { ...target, region: "us-east-1" },
  ];
  const seen = await Promise.all(
    targets.map((one) => cloud.look(one, { ...nothing, service: true }, soon(clock))),
  );
  expect(seen.every((one) => one.service?.ok && one.service.value.status === "ACTIVE")).toBe(true);
  const sizes = stub.received.map((call) => namesOf(call).length);
  // s0 … s9 at once, then s10 … s12 with s0 again, which came after the first call had its ten.
  expect(sizes.toSorted((a, b) => a - b)).toEqual([1, 1, 4, 10]);
});

test("a call never answers a look that came after it began", async () => {
  const clock = sampleClock();
  let desiredCount = 1;
  const stub = new Stub(async () => {
    const before = desiredCount;
    await new Promise((resolve) => setImmediate(resolve));
    return { ok: { services: [{ ...service("checkout"), desiredCount: before }] } };
  });
  const cloud = stubCloud(stub, { clock });
  const look = { ...nothing, service: true };
  const first = cloud.look(target, look, soon(clock));
  await expect.poll(() => stub.received.length).toBe(1);
  desiredCount = 2;
  const second = await cloud.look(target, look, soon(clock));
  expect(second).toMatchObject({ service: { value: { desiredCount: 2 } } });
  expect(await first).toMatchObject({ service: { value: { desiredCount: 1 } } });
});

test("a name that AWS refuses does not blind the services that share its call", async () => {
  const clock = sampleClock();
  const stub = new Stub((call) =>
    JSON.stringify(call.input["services"]).includes("bad name")
      ? { error: "InvalidParameterException" }
      : echo(call),
  );
  const cloud = stubCloud(stub, { clock });
  const [bad, good] = await Promise.all(
    ["bad name", "checkout"].map((service) =>
      cloud.look({ ...target, service }, { ...nothing, service: true }, soon(clock)),
    ),
  );
  expect(bad?.service).toMatchObject({ ok: false, fault: { class: "refuse" } });
  expect(good?.service).toMatchObject({ ok: true });
});

test("each route and each group has a reading of its own", async () => {
  const clock = sampleClock();
  const stub = new Stub((call) => {
    if (call.action.endsWith("DescribeRules")) return { error: "RuleNotFound" };
    if (call.action.endsWith("DescribeListeners")) {
      return {
        ok: {
          Listeners: [
            { ListenerArn: listenerArn, DefaultActions: [{ Type: "forward", TargetGroupArn: groupA }] },
          ],
        },
      };
    }
    if (call.input["TargetGroupArn"] === groupB) return { error: "Throttling" };
    const states = ["healthy", "unhealthy.draining", "odd"];
    return {
      ok: {
        TargetHealthDescriptions: states.map((State, index) => ({
          Target: { Id: `10.0.0.${index}`, Port: 80 },
          TargetHealth: { State, Reason: "Elb.Reason" },
        })),
      },
    };
  });
  const cloud = stubCloud(stub, { clock, maxAttempts: 1, retryStrategy: undefined });
  const seen = await cloud.look(target, { ...nothing, routes: true, health: [groupA, groupB] }, soon(clock));
  expect(seen.routes[listenerArn]).toMatchObject({
    ok: true,
    at: clock.now(),
    value: { ref: target.routes[0], weights: { [groupA]: 1 } },
  });
  expect(seen.routes[ruleArn]).toMatchObject({ ok: false, fault: { class: "absent" } });
  expect(seen.health[groupA]).toMatchObject({
    ok: true,
    value: [
      { address: "10.0.0.0:80", state: "healthy", reason: "Elb.Reason" },
      { address: "10.0.0.1:80", state: "draining" },
      { address: "10.0.0.2:80", state: "unavailable" },
    ],
  });
  expect(seen.health[groupB]).toMatchObject({ ok: false, fault: { class: "repeat" } });
});

test("a route whose pair is in two forward actions is a fault, not a guess", async () => {
  const clock = sampleClock();
  const actions = [groupA, groupB].map((arn) => ({ Type: "forward", TargetGroupArn: arn }));
  const stub = new Stub(() => ({
    ok: { Rules: [{ Actions: actions }], Listeners: [{ DefaultActions: actions }] },
  }));
  const seen = await stubCloud(stub, { clock }).look(target, { ...nothing, routes: true }, soon(clock));
  expect(seen.routes[ruleArn]).toMatchObject({ ok: false, fault: { code: "AmbiguousRoute" } });
});

test("tasks of the sets asked for, with the addresses under which they are targets", async () => {
  const clock = sampleClock();
  const sets = [
    { id: "green", port: 80, group: groupB },
    { id: "blue", port: 81, group: groupA },
  ].map(({ id, port, group }) => ({
    id,
    taskSetArn: setArn(id),
    status: "ACTIVE",
    tags: [],
    loadBalancers: [{ targetGroupArn: group, containerName: "web", containerPort: port }],
  }));
  const tasks = [
    { taskArn: "t1", startedBy: "green", lastStatus: "RUNNING", attachments: eni("10.0.0.1") },
    {
      taskArn: "t2",
      startedBy: "green",
      lastStatus: "RUNNING",
      containerInstanceArn: "ci",
      containers: [
        {
          name: "web",
          networkBindings: [
            { containerPort: 80, hostPort: 32_000 },
            { containerPort: 9, hostPort: 9 },
          ],
        },
        { name: "side", networkBindings: [{ containerPort: 80, hostPort: 32_001 }] },
      ],
    },
    {
      taskArn: "t3",
      startedBy: "green",
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "gone",
      containers: [{ name: "web", exitCode: 137, reason: "OOM", healthStatus: "UNHEALTHY" }],
    },
    { taskArn: "t4", startedBy: "blue", lastStatus: "RUNNING", attachments: eni("10.0.0.4") },
  ];
  const stub = new Stub((call) => {
    switch (call.action) {
      case "ecs:DescribeServices":
        return { ok: { services: [service("checkout", sets)] } };
      case "ecs:ListTasks":
        if (call.input["desiredStatus"] === "STOPPED") return { ok: { taskArns: ["t3"] } };
        return {
          ok: call.input["nextToken"] ? { taskArns: ["t4"] } : { taskArns: ["t1", "t2"], nextToken: "more" },
        };
      case "ecs:DescribeTasks":
        return { ok: { tasks } };
      default:
        return { ok: { containerInstances: [{ containerInstanceArn: "ci", ec2InstanceId: "i-1" }] } };
    }
  });
  const seen = await stubCloud(stub, { clock }).look(target, { ...nothing, tasks: ["green"] }, soon(clock));
  expect(seen.service).toBeUndefined();
  expect(seen.tasks?.ok && seen.tasks.value).toMatchObject([
    { arn: "t1", startedBy: "green", addresses: ["10.0.0.1:80"] },
    { arn: "t2", addresses: ["i-1:32000"] },
    {
      arn: "t3",
      addresses: [],
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "gone",
      containers: [{ name: "web", exitCode: 137, reason: "OOM", health: "UNHEALTHY" }],
    },
  ]);
  expect(seen.tasks?.ok && seen.tasks.value).toHaveLength(3);
  const described = stub.received.find((call) => call.action === "ecs:DescribeTasks");
  expect(described?.input["tasks"]).toEqual(["t1", "t2", "t4", "t3"]);
});

test("a task definition is read as it could be registered again", async () => {
  const clock = sampleClock();
  const registration = {
    family: "checkout",
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "256",
    containerDefinitions: [{ name: "web", image: "shop:1", cpu: 0, environment: [{ name: "A", value: "" }] }],
    volumes: [],
  };
  const readOnly = {
    taskDefinitionArn: "arn:checkout:1",
    revision: 1,
    status: "INACTIVE",
    requiresAttributes: [{ name: "x" }],
    compatibilities: ["EC2"],
    registeredAt: 1,
    registeredBy: "me",
    deregisteredAt: 2,
    deleteRequestedAt: 3,
  };
  const stub = new Stub(() => ({
    ok: { taskDefinition: { ...registration, ...readOnly }, tags: [{ key: "team", value: "a" }] },
  }));
  const cloud = stubCloud(stub, { clock });
  const look = { ...nothing, taskDefinition: "checkout" };
  expect((await cloud.look(target, look, soon(clock))).taskDefinition).toEqual({
    ok: true,
    at: clock.now(),
    value: {
      arn: "arn:checkout:1",
      family: "checkout",
      status: "INACTIVE",
      registration,
      containers: [{ name: "web", image: "shop:1" }],
      tags: [{ key: "team", value: "a" }],
    },
  });
  stub.answer(() => ({ error: "ClientException", message: "Unable to describe task definition." }));
  expect((await cloud.look(target, look, soon(clock))).taskDefinition).toMatchObject({
    ok: false,
    fault: { class: "absent" },
  });
});

test("the revision that a deployment registered is found by its tag alone", async () => {
  const clock = sampleClock();
  const stub = new Stub((call) => {
    if (call.action === "ecs:ListTaskDefinitions") {
      return {
        ok: {
          taskDefinitionArns: [
            revisionArn(9, "checkout-other"),
            revisionArn(3),
            revisionArn(2),
            revisionArn(1),
          ],
        },
      };
    }
    const tags =
      call.input["taskDefinition"] === revisionArn(2) ? [{ key: "teal:deployment", value: "d1" }] : [];
    return { ok: { taskDefinition: {}, tags } };
  });
  const cloud = stubCloud(stub, { clock });
  const find = async (deployment: string) =>
    (await cloud.look(target, { ...nothing, registered: { family: "checkout", deployment } }, soon(clock)))
      .registered;
  expect(await find("d1")).toMatchObject({ ok: true, value: { arn: revisionArn(2) } });
  expect(stub.received[0]?.input).toEqual({
    familyPrefix: "checkout",
    status: "ACTIVE",
    sort: "DESC",
    maxResults: 20,
  });
  expect(stub.received).toHaveLength(3);
  expect(await find("d2")).toMatchObject({ ok: true, value: null });
});

test("the survey finds whatever serves the pair, on every page", async () => {
  const clock = sampleClock();
  const otherRule = `${ruleArn}0`;
  const stub = new Stub((call) => {
    const { input } = call;
    if (call.action.endsWith("DescribeTargetGroups")) {
      if (input["TargetGroupArns.member.1"] !== groupA) return { error: "TargetGroupNotFound" };
      return {
        ok: { TargetGroups: [{ TargetType: "ip", Protocol: "HTTP", LoadBalancerArns: [balancerArn] }] },
      };
    }
    if (call.action.endsWith("DescribeListeners")) {
      const asked = input["ListenerArns.member.1"];
      if (asked !== undefined && asked !== listenerArn) return { error: "ListenerNotFound" };
      const listener = {
        ListenerArn: listenerArn,
        LoadBalancerArn: balancerArn,
        DefaultActions: forward(groupC),
      };
      return { ok: { Listeners: [listener] } };
    }
    const byArn = input["RuleArns.member.1"];
    if (byArn !== undefined) return { ok: { Rules: [{ RuleArn: byArn, Actions: [] }] } };
    return input["Marker"] === "more"
      ? { ok: { Rules: [{ RuleArn: otherRule, Actions: forward(groupA, groupC) }] } }
      : {
          ok: {
            Rules: [
              { RuleArn: ruleArn, Actions: forward(groupA, groupB) },
              { RuleArn: "default", IsDefault: true, Actions: forward(groupA) },
            ],
            NextMarker: "more",
          },
        };
  });
  const gone = { kind: "listener", arn: `${listenerArn}0` } as const;
  const asked = { ...target, routes: [...target.routes, gone] };
  const { survey } = await stubCloud(stub, { clock }).look(asked, { ...nothing, survey: true }, soon(clock));
  expect(survey?.ok && survey.value).toEqual({
    groups: [{ arn: groupA, targetType: "ip", protocol: "HTTP", loadBalancers: [balancerArn] }],
    serving: [
      { ref: { kind: "rule", arn: ruleArn }, weights: { [groupA]: 2, [groupB]: 2 } },
      { ref: { kind: "rule", arn: otherRule }, weights: { [groupA]: 2, [groupC]: 2 } },
    ],
    loadBalancers: { [listenerArn]: balancerArn, [ruleArn]: balancerArn },
  });
});

test("every reading ends at the deadline, answered or not", async () => {
  const clock = { now: () => Date.now() };
  const stub = new Stub(() => ({ hang: true }));
  const cloud = stubCloud(stub, { clock });
  const asked: Look = {
    service: true,
    routes: true,
    health: [groupA],
    tasks: ["green"],
    taskDefinition: "checkout",
    registered: { family: "checkout", deployment: "d1" },
    survey: true,
  };
  const startedAt = clock.now();
  const seen = await cloud.look(target, asked, startedAt + 100);
  expect(clock.now() - startedAt).toBeLessThan(2_000);
  const { service, tasks, taskDefinition, registered, survey } = seen;
  const all = [
    ...Object.values(seen.routes),
    ...Object.values(seen.health),
    service,
    tasks,
    taskDefinition,
    registered,
    survey,
  ];
  expect(all).toHaveLength(8);
  for (const one of all) {
    expect(one).toMatchObject({ ok: false, fault: { class: "repeat", code: "Timeout" } });
    expect(one?.at).toBeGreaterThanOrEqual(startedAt);
  }
  const late = await cloud.look(target, asked, clock.now());
  expect(late.service).toMatchObject({ ok: false, fault: { code: "Timeout" } });
});

test("in stepped time the deadline is the clock's", async () => {
  const clock = new SteppedClock();
  const stub = new Stub(() => ({ hang: true }));
  const cloud = stubCloud(stub, { clock, after: (ms, fn) => clock.after(ms, fn) });
  const look = cloud.look(target, { ...nothing, health: [groupA] }, clock.now() + 86_400_000);
  await expect.poll(() => stub.received.length).toBe(1);
  clock.advance(86_400_000);
  expect((await look).health[groupA]).toMatchObject({ ok: false, fault: { code: "Timeout" } });
});

test("no secret reaches the log", async () => {
  const clock = sampleClock();
  const lines: unknown[] = [];
  const log = { debug: (...line: unknown[]) => void lines.push(line) };
  const secret = "s3cret-value";
  const stub = new Stub(() => ({
    ok: { taskDefinition: { taskDefinitionArn: "arn", containerDefinitions: [{ name: secret }] } },
  }));
  const credentials = { accessKeyId: "AKIA", secretAccessKey: secret };
  const cloud = stubCloud(stub, { clock, log, credentials });
  await cloud.look(target, { ...nothing, taskDefinition: "checkout" }, soon(clock));
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain(secret);
});
