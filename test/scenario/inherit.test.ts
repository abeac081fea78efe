/** What green takes over from blue, and what the request changes of it; as ECS has it afterwards. */
import { describe, expect, it } from "vitest";
import type { DeployRequest } from "../../src/deployment/record.ts";
import { watchedWorld } from "../support/scenario.ts";
import { canary, type Laid, need, region, type World } from "../support/world.ts";

const strategy = canary([{ kind: "weight", percent: 100 }]);

const registry = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-1";

/** Blue, with everything that CreateTaskSet takes. */
const everything = {
  externalId: "checkout-live",
  launchType: "FARGATE",
  platformVersion: "1.4.0",
  networkConfiguration: {
    awsvpcConfiguration: {
      subnets: ["subnet-1", "subnet-2"],
      securityGroups: ["sg-1", "sg-2"],
      assignPublicIp: "ENABLED",
    },
  },
  serviceRegistries: [{ registryArn: registry, containerName: "app", containerPort: 8080 }],
  tags: [
    { key: "team", value: "shop" },
    { key: "cost:centre", value: "42" },
    { key: "teal:deployment", value: "checkout-of-long-ago" },
    { key: "teal:rolling-back", value: "true" },
  ],
};

async function deployed(world: World, laid: Laid, request: DeployRequest) {
  const id = await world.start(laid, request, { strategy });
  await world.ends(id, "succeeded");
  const [green] = world.sets();
  return { id, green: need(green) };
}

describe("green", () => {
  it("has all that blue had, with the group swapped and tags of its own", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", { primary: everything });
    const [blue] = world.sets();
    const { id, green } = await deployed(world, laid, { taskDefinition: "checkout:2" });
    expect(green).toMatchObject({
      externalId: "checkout-live",
      launchType: "FARGATE",
      platformVersion: "1.4.0",
      networkConfiguration: everything.networkConfiguration,
      serviceRegistries: everything.serviceRegistries,
    });
    expect(green.loadBalancers).toEqual([
      { targetGroupArn: laid.groups[1], containerName: "app", containerPort: 8080 },
    ]);
    expect(green.tags).toEqual([
      { key: "team", value: "shop" },
      { key: "cost:centre", value: "42" },
      { key: "teal:deployment", value: id },
      { key: "teal:service", value: "checkout" },
      { key: "teal:blue", value: `${blue?.id} 100` },
      { key: "teal:before", value: "1:0 1:0" },
    ]);
  });

  it("has the capacity providers of blue instead of a launch type", async () => {
    const world = watchedWorld();
    const capacityProviderStrategy = [
      { capacityProvider: "FARGATE", base: 1, weight: 1 },
      { capacityProvider: "FARGATE_SPOT", weight: 3 },
    ];
    const laid = world.lay("checkout", { primary: { launchType: undefined, capacityProviderStrategy } });
    const { green } = await deployed(world, laid, { taskDefinition: "checkout:2" });
    expect(green.capacityProviderStrategy).toEqual(capacityProviderStrategy);
    expect(green.launchType).toBeUndefined();
  });

  const changes: Record<string, { change: NonNullable<DeployRequest["taskSet"]>; is: object }> = {
    networkConfiguration: {
      change: { networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-9"] } } },
      is: { networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-9"] } } },
    },
    externalId: { change: { externalId: "next" }, is: { externalId: "next" } },
    platformVersion: { change: { platformVersion: "1.3.0" }, is: { platformVersion: "1.3.0" } },
    serviceRegistries: { change: { serviceRegistries: [] }, is: { serviceRegistries: [] } },
    "launchType by capacityProviderStrategy": {
      change: { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] },
      is: {
        launchType: undefined,
        capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
      },
    },
    tags: {
      change: { tags: [{ key: "team", value: "payments" }] },
      is: { tags: expect.arrayContaining([{ key: "team", value: "payments" }]) },
    },
  };
  for (const [name, { change, is }] of Object.entries(changes)) {
    it(`has another ${name} when the request says so`, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", { primary: everything });
      const { green } = await deployed(world, laid, { taskDefinition: "checkout:2", taskSet: change });
      expect(green).toMatchObject(is);
      const kept = Object.keys(everything).filter((key) => !(key in is) && key !== "tags");
      for (const key of kept) {
        expect(green).toHaveProperty(key, everything[key as keyof typeof everything]);
      }
      if (!("tags" in is)) expect(green.tags).toContainEqual({ key: "team", value: "shop" });
      else expect(green.tags).not.toContainEqual({ key: "team", value: "shop" });
    });
  }

  it("has a launch type when the request gives one in place of capacity providers", async () => {
    const world = watchedWorld();
    const primary = {
      launchType: undefined,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
    };
    const laid = world.lay("checkout", { primary });
    const request = { taskDefinition: "checkout:2", taskSet: { launchType: "FARGATE" } };
    const { green } = await deployed(world, laid, request);
    expect(green).toMatchObject({ launchType: "FARGATE", capacityProviderStrategy: undefined });
  });

  it("passes tags on for ever, and no deployment's but its own", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    await deployed(world, laid, { taskDefinition: "checkout:2" });
    const { id, green } = await deployed(world, laid, { taskDefinition: "checkout:3" });
    expect(green.tags?.filter((tag) => tag.key === "team")).toHaveLength(1);
    expect(green.tags?.filter((tag) => tag.key === "teal:deployment")).toEqual([
      { key: "teal:deployment", value: id },
    ]);
  });
});

/** The current revision has what registering must not lose. */
function richly(world: World): void {
  world.aws.ecs(region, "RegisterTaskDefinition", {
    family: "checkout",
    networkMode: "awsvpc",
    cpu: "512",
    memory: "1024",
    taskRoleArn: "arn:aws:iam::000000000000:role/app",
    executionRoleArn: "arn:aws:iam::000000000000:role/pull",
    runtimePlatform: { cpuArchitecture: "ARM64" },
    volumes: [{ name: "scratch" }],
    containerDefinitions: [
      {
        name: "app",
        image: "demo/checkout:1",
        portMappings: [{ containerPort: 8080 }],
        environment: [{ name: "MODE", value: "live" }],
        secrets: [{ name: "KEY", valueFrom: "arn:aws:secretsmanager:eu-west-1:0:secret:key" }],
        healthCheck: { command: ["CMD", "true"] },
      },
      { name: "proxy", image: "demo/proxy:1", essential: false },
    ],
    tags: [{ key: "team", value: "shop" }],
  });
}

describe("images in place of a revision", () => {
  it("register one revision of the current one with nothing else changed", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", { primary: false });
    richly(world);
    world.aws.ecs(region, "CreateTaskSet", {
      cluster: "prod",
      service: "checkout",
      taskDefinition: "checkout:5",
      launchType: "FARGATE",
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
      loadBalancers: [{ targetGroupArn: laid.groups[0], containerName: "app", containerPort: 8080 }],
    });
    const made = need(world.sets()[0]?.taskSetArn);
    world.aws.ecs(region, "UpdateServicePrimaryTaskSet", {
      cluster: "prod",
      service: "checkout",
      primaryTaskSet: made,
    });
    world.clock.advance(20_000);
    const { id, green } = await deployed(world, laid, { images: { app: "demo/checkout:7" } });
    expect(green.taskDefinition).toMatch(/checkout:6$/);
    const describe = (taskDefinition: string) =>
      world.aws.ecs(region, "DescribeTaskDefinition", { taskDefinition, include: ["TAGS"] });
    const before = describe("checkout:5").taskDefinition;
    const after = describe("checkout:6").taskDefinition;
    const readOnly = ["taskDefinitionArn", "revision", "registeredAt"];
    const plain = (definition: object) =>
      Object.fromEntries(
        Object.entries(JSON.parse(JSON.stringify(definition)) as object).filter(
          ([key]) => !readOnly.includes(key),
        ),
      );
    const expected = plain(before);
    expected["containerDefinitions"] = [
      { ...before.containerDefinitions[0], image: "demo/checkout:7" },
      before.containerDefinitions[1],
    ];
    expect(plain(after)).toEqual(expected);
    expect(describe("checkout:6").tags).toEqual([
      { key: "team", value: "shop" },
      { key: "teal:deployment", value: id },
    ]);
    expect(world.local.calls.byAction()["ecs:RegisterTaskDefinition"]).toBe(1);
  });

  it("register once, though the answer is lost", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.local.faults.add({ fault: { kind: "loseAnswer" }, action: "RegisterTaskDefinition", times: 1 });
    const { green } = await deployed(world, laid, { images: { app: "demo/checkout:7" } });
    expect(green.taskDefinition).toMatch(/checkout:5$/);
    const { taskDefinitionArns } = world.aws.ecs(region, "ListTaskDefinitions", { familyPrefix: "checkout" });
    expect(taskDefinitionArns).toHaveLength(5);
  });

  it("change the revision that the request names, where it names one", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const request = { taskDefinition: "checkout:3", images: { app: "demo/checkout:7" } };
    const { green } = await deployed(world, laid, request);
    expect(green.taskDefinition).toMatch(/checkout:5$/);
  });
});
