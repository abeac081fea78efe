import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SteppedClock } from "../../sandbox/clock.ts";
import { Aws } from "../../sandbox/model/aws.ts";
import { defaultSettings } from "../../sandbox/model/settings.ts";
import { buildWorld } from "../../sandbox/world/build.ts";
import { parseWorld, readWorld, WorldError } from "../../sandbox/world/file.ts";
import { settingsOf } from "../../sandbox/world/schema.ts";

const checkout = new URL("../../examples/worlds/checkout.yaml", import.meta.url).pathname;

function build(text: string) {
  const world = parseWorld(text);
  const clock = new SteppedClock();
  const aws = new Aws({ clock, settings: settingsOf(world) });
  return { aws, clock, world, arns: buildWorld(aws, world) };
}

function problemsOf(text: string): readonly string[] {
  try {
    parseWorld(text, "shop.yaml");
  } catch (error) {
    if (error instanceof WorldError) return error.problems;
    throw error;
  }
  return [];
}

describe("the example", () => {
  test("is a service whose four tasks become healthy", async () => {
    const world = await readWorld(checkout);
    const clock = new SteppedClock();
    const aws = new Aws({ clock, settings: settingsOf(world) });
    const arns = buildWorld(aws, world);
    expect(Object.keys(arns.targetGroups)).toEqual(["checkout-a", "checkout-b"]);
    expect(Object.keys(arns.taskDefinitions)).toEqual([
      "checkout:1",
      "checkout:2",
      "checkout:3",
      "checkout:4",
    ]);
    clock.advance(8_000);
    const [service] = aws.ecs("eu-west-1", "DescribeServices", {
      cluster: "demo",
      services: ["checkout"],
    }).services;
    expect(service).toMatchObject({
      desiredCount: 4,
      runningCount: 4,
      deploymentController: { type: "EXTERNAL" },
      taskSets: [
        { status: "PRIMARY", stabilityStatus: "STEADY_STATE", taskSetArn: arns.taskSets["demo/checkout"] },
      ],
    });
    const health = aws.elb("eu-west-1", "DescribeTargetHealth", {
      TargetGroupArn: arns.targetGroups["checkout-a"] ?? "",
    });
    expect(health.TargetHealthDescriptions.map((target) => target.TargetHealth.State)).toEqual(
      Array.from({ length: 4 }, () => "healthy"),
    );
    expect(aws.traffic.effectiveShares(arns.listeners["checkout"] ?? "")).toEqual({
      [arns.targetGroups["checkout-a"] ?? ""]: 1,
      [arns.targetGroups["checkout-b"] ?? ""]: 0,
    });
  });

  test("has the ARNs that files beside it name", async () => {
    const world = await readWorld(checkout);
    const arns = buildWorld(new Aws({ clock: new SteppedClock() }), world);
    const elb = "arn:aws:elasticloadbalancing:eu-west-1:000000000000";
    expect(arns.listeners).toEqual({
      checkout: `${elb}:listener/app/demo/a08ff49b6f772632/9d3fb64afebede10`,
    });
    expect(arns.targetGroups).toEqual({
      "checkout-a": `${elb}:targetgroup/checkout-a/716c43069c43a8c3`,
      "checkout-b": `${elb}:targetgroup/checkout-b/b7cf3c25632b9240`,
    });
  });
});

test("the worlds that the documentation shows can be built", async () => {
  const page = await readFile(new URL("../../docs/worlds.md", import.meta.url), "utf8");
  const [shown = "", others = ""] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);
  expect(build(others).arns.elsewhere[0]?.clusters["prod"]).toContain(":us-east-1:222222222222:");
  const { aws, arns, clock } = build(shown);
  clock.advance(15_000);
  const taskSet = arns.taskSets["prod/shop"] ?? "";
  const set = { cluster: "prod", service: "shop", taskSets: [taskSet] };
  expect(aws.ecs("eu-west-1", "DescribeTaskSets", set).taskSets).toMatchObject([
    { status: "PRIMARY", stabilityStatus: "STEADY_STATE", runningCount: 4 },
  ]);
});

test("the example of routes is built as a whole", async () => {
  const world = await readWorld(checkout.replace("checkout.yaml", "shop.yaml"));
  const clock = new SteppedClock();
  const aws = new Aws({ clock, settings: settingsOf(world) });
  const arns = buildWorld(aws, world);
  clock.advance(15_000);
  const { services } = aws.ecs("eu-west-1", "DescribeServices", {
    cluster: "shop",
    services: ["web", "cart", "search", "search-old", "account", "newcomer"],
  });
  expect(services.map((service) => service.taskSets.map((set) => set.stabilityStatus))).toEqual([
    ["STEADY_STATE"],
    ["STEADY_STATE"],
    ["STEADY_STATE"],
    ["STEADY_STATE"],
    ["STEADY_STATE"],
    [],
  ]);
  const shares = aws.traffic.effectiveShares(arns.listeners["search"] ?? "");
  expect(Object.values(shares)).toEqual([0.9, 0, 0.1]);
  const [account] = aws.elb("eu-west-1", "DescribeListeners", {
    ListenerArns: [arns.listeners["account"] ?? ""],
  }).Listeners;
  expect(account?.DefaultActions[0]?.AuthenticateOidcConfig).not.toHaveProperty("ClientSecret");
});

describe("what a world can say", () => {
  test("rules, stickiness, fixed answers, raw actions with names for ARNs, attributes, tags, environment", () => {
    const { aws, arns, clock } = build(`
region: us-west-2
loadBalancers:
  - name: shop
    targetGroups:
      - { name: a, attributes: { deregistration_delay.timeout_seconds: 7 } }
      - { name: b, tags: { team: shop } }
    listeners:
      - port: 80
        forward: { a: 3, b: 1 }
        stickySeconds: 600
        rules:
          - name: test
            priority: 5
            when: { header: { x-test: ["1"] }, path: ["/shop/*"] }
            forward: { b: 1 }
          - { priority: 6, when: { method: [DELETE] }, fixed: { status: 403, body: never } }
          - priority: 7
            when: { host: [login.example] }
            actions:
              - Type: redirect
                RedirectConfig: { Protocol: HTTPS, Port: "443", StatusCode: HTTP_301 }
          - priority: 8
            when: { host: [raw.example] }
            actions: [{ Type: forward, ForwardConfig: { TargetGroups: [{ TargetGroupArn: a, Weight: 2 }] } }]
taskDefinitions:
  - { family: shop, container: web, image: "shop:9", port: 9000, environment: { LEVEL: 3 }, request: { cpu: "1024" } }
clusters: [prod]
services:
  - name: shop
    cluster: prod
    desiredCount: 2
    tags: { owner: me }
    taskSet: { taskDefinition: shop, targetGroup: a, scalePercent: 50, request: { externalId: "42" } }
  - { name: empty, cluster: prod, desiredCount: 1 }
`);
    const region = "us-west-2";
    clock.advance(defaultSettings.propagationMs);
    const [a = "", b = ""] = [arns.targetGroups["a"], arns.targetGroups["b"]];
    const listenerArn = arns.listeners["shop:80"] ?? "";
    const [listener] = aws.elb(region, "DescribeListeners", { ListenerArns: [listenerArn] }).Listeners;
    expect(listener?.DefaultActions).toMatchObject([
      {
        ForwardConfig: {
          TargetGroups: [
            { TargetGroupArn: a, Weight: 3 },
            { TargetGroupArn: b, Weight: 1 },
          ],
          TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 600 },
        },
      },
    ]);
    expect(Object.keys(arns.rules)).toEqual(["test", "shop:80:6", "shop:80:7", "shop:80:8"]);
    const meet = (method: string, path: string, host: string, headers: Record<string, string> = {}) =>
      aws.traffic.answerFor(listenerArn, { method, path, host, headers });
    expect(meet("GET", "/shop/1", "x", { "x-test": "1" })).toMatchObject({ ruleArn: arns.rules["test"] });
    expect(meet("GET", "/shop/1", "x")).toMatchObject({ ruleArn: listenerArn });
    expect(meet("DELETE", "/", "x")).toMatchObject({ kind: "fixed", status: 403, body: "never" });
    expect(meet("GET", "/", "login.example")).toMatchObject({
      kind: "redirect",
      status: 301,
      protocol: "HTTPS",
    });
    expect(meet("GET", "/", "raw.example")).toMatchObject({ groups: [{ arn: a, weight: 2 }] });
    expect(aws.elb(region, "DescribeTargetGroupAttributes", { TargetGroupArn: a }).Attributes).toContainEqual(
      { Key: "deregistration_delay.timeout_seconds", Value: "7" },
    );
    const { taskDefinition } = aws.ecs(region, "DescribeTaskDefinition", { taskDefinition: "shop" });
    expect(taskDefinition).toMatchObject({
      cpu: "1024",
      containerDefinitions: [
        {
          name: "web",
          image: "shop:9",
          environment: [{ name: "LEVEL", value: "3" }],
          portMappings: [{ containerPort: 9000 }],
        },
      ],
    });
    const { services } = aws.ecs(region, "DescribeServices", {
      cluster: "prod",
      services: ["shop", "empty"],
      include: ["TAGS"],
    });
    expect(services[0]).toMatchObject({
      tags: [{ key: "owner", value: "me" }],
      taskSets: [
        {
          externalId: "42",
          computedDesiredCount: 1,
          loadBalancers: [{ containerName: "web", containerPort: 9000 }],
        },
      ],
    });
    expect(services[1]?.taskSets).toEqual([]);
  });

  test("settings and behaviours, the rest as on AWS", () => {
    const world = parseWorld("settings: { taskStartMs: 5 }\nbehaviours: { 'shop:3': { failShare: 0.5 } }");
    expect(settingsOf(world)).toEqual({
      ...defaultSettings,
      taskStartMs: 5,
      behaviours: { "shop:3": { failShare: 0.5 } },
    });
  });

  test("nothing at all is an empty account", () => {
    expect(parseWorld("{}").services).toEqual([]);
  });
});

describe("a world file that can't be used", () => {
  test("every problem is told, with its line and path", () => {
    expect(
      problemsOf(`settings:
  taskStartMs: soon
  tempo: 3
loadBalancers:
  - name: shop
    targetGroups:
      - name: a
        healthCheck: { path: health }
    listeners:
      - port: 80
        forward: { a: 1000 }
services:
  - name: shop
    desiredCount: 1
`),
    ).toEqual([
      expect.stringMatching(/^line 2: settings\.taskStartMs: .*number/),
      "line 3: settings.tempo: there is no such key",
      expect.stringMatching(/^line 8: loadBalancers\.0\.targetGroups\.0\.healthCheck\.path: /),
      expect.stringMatching(/^line 11: loadBalancers\.0\.listeners\.0\.forward\.a: .*999/),
      expect.stringMatching(/^line 13: services\.0\.cluster: /),
    ]);
  });

  test("names that nothing bears, names borne twice, routes that lead nowhere", () => {
    expect(
      problemsOf(`loadBalancers:
  - name: shop
    targetGroups:
      - name: a
      - name: a
    listeners:
      - port: 80
        forward: { c: 1 }
        fixed: { status: 200 }
        rules:
          - { priority: 1, when: {}, fixed: { status: 200 } }
      - port: 81
clusters: [prod]
services:
  - name: shop
    cluster: test
    desiredCount: 1
    taskSet:
      taskDefinition: shop:2
      targetGroup: d
`),
    ).toEqual([
      "line 5: loadBalancers.0.targetGroups.1.name: there is another target group named a",
      "line 7: loadBalancers.0.listeners.0: says 2 of forward, fixed and actions; it needs exactly one",
      "line 8: loadBalancers.0.listeners.0.forward.c: no target group is named c",
      "line 11: loadBalancers.0.listeners.0.rules.0.when: says no condition",
      "line 12: loadBalancers.0.listeners.1: says 0 of forward, fixed and actions; it needs exactly one",
      "line 16: services.0.cluster: no cluster is named test",
      "line 19: services.0.taskSet.taskDefinition: no task definition has the family shop",
      "line 20: services.0.taskSet.targetGroup: no target group is named d",
    ]);
  });

  test("malformed YAML, and a file that isn't a map", () => {
    expect(problemsOf("services: [\n  {")[0]).toMatch(/^line [23]: /);
    expect(problemsOf("services: []\nservices: []")[0]).toMatch(/^line 2: .*unique/);
    expect(problemsOf("just text")[0]).toMatch(/^line 1: /);
  });

  test("what AWS would refuse is refused in AWS's words, and says for what", () => {
    expect(() =>
      build(`
loadBalancers:
  - name: shop
    targetGroups: [{ name: a, healthCheck: { intervalSeconds: 1 } }]
`),
    ).toThrow(/^target group a can't be built: CreateTargetGroup: ValidationError: /);
    expect(() =>
      build(`
loadBalancers: [{ name: shop, targetGroups: [{ name: a }] }]
taskDefinitions: [{ family: shop, image: "shop:1" }]
clusters: [prod]
services:
  - { name: shop, cluster: prod, desiredCount: 1, taskSet: { taskDefinition: "shop", targetGroup: a } }
`),
    ).toThrow(/^service prod\/shop can't be built: CreateTaskSet: InvalidParameterException: /);
  });
});

describe("elsewhere", () => {
  const text = `
clusters: [prod]
taskDefinitions: [{ family: shop, image: "shop:1" }]
services: [{ name: shop, cluster: prod, desiredCount: 1 }]
elsewhere:
  - account: "222222222222"
    roles: [{ name: teal, externalId: teal-42 }]
    clusters: [prod]
    taskDefinitions: [{ family: shop, image: "shop:1" }]
    services: [{ name: shop, cluster: prod, desiredCount: 2, taskSet: { taskDefinition: shop } }]
  - { region: us-east-1, clusters: [prod] }
`;

  test("there are other accounts and other regions, with the same names", () => {
    const { arns, aws } = build(text);
    const [account, region] = arns.elsewhere;
    expect(arns.clusters["prod"]).toBe("arn:aws:ecs:eu-west-1:000000000000:cluster/prod");
    expect(account?.clusters["prod"]).toBe("arn:aws:ecs:eu-west-1:222222222222:cluster/prod");
    expect(account?.roles["teal"]).toBe("arn:aws:iam::222222222222:role/teal");
    expect(aws.sts.role("arn:aws:iam::222222222222:role/teal")).toMatchObject({ externalId: "teal-42" });
    expect(region?.clusters["prod"]).toBe("arn:aws:ecs:us-east-1:000000000000:cluster/prod");
    expect(aws.region("eu-west-1", "222222222222").ecs.services.size).toBe(1);
    expect(aws.region("us-east-1").ecs.clusters.size).toBe(1);
  });

  test("mistakes are told where they are; names of another place mean nothing", () => {
    expect(
      problemsOf(`
clusters: [prod]
elsewhere:
  - account: 222222222222
  - account: "333333333333"
    services: [{ name: shop, cluster: prod, desiredCount: 1 }]
`),
    ).toEqual(["line 4: elsewhere.0.account: must be a text of twelve digits: put it in quotes"]);
    expect(
      problemsOf(`
clusters: [prod]
elsewhere:
  - account: "333333333333"
    services: [{ name: shop, cluster: prod, desiredCount: 1 }]
  - account: "333333333333"
  - region: eu-west-1
`),
    ).toEqual([
      "line 5: elsewhere.0.services.0.cluster: no cluster is named prod",
      "line 6: elsewhere.1: eu-west-1 of account 333333333333 is described before: put both together",
      "line 7: elsewhere.2: eu-west-1 of account 000000000000 is described before: put both together",
    ]);
  });
});
