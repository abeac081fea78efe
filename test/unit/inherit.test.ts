/** The request of a new task set: tokens, the swap of groups, tags, images. */
import { describe, expect, it } from "vitest";
import { clientToken, createRequest, withImages } from "../../src/deployment/inherit.ts";
import { newDeployment } from "../../src/deployment/accept.ts";
import type { Deployment, DeployRequest } from "../../src/deployment/record.ts";
import { strategyDefaults } from "../../src/deployment/strategy.ts";
import type { TaskSetSpec } from "../../src/deployment/target.ts";

function deployment(spec: TaskSetSpec, request: DeployRequest = {}): Deployment {
  const made = newDeployment({
    id: "checkout-abc-123",
    target: {
      name: "checkout",
      region: "eu-west-1",
      cluster: "prod",
      service: "checkout",
      targetGroups: ["group-a", "group-b"],
      routes: [],
    },
    strategy: { name: "s", ...strategyDefaults, steps: [{ kind: "weight", percent: 20 }] },
    request,
    actor: { kind: "operator", name: "ada" },
    now: 0,
  });
  return {
    ...made,
    pair: { blue: "group-a", green: "group-b" },
    blue: { arn: "arn-blue", id: "ecs-svc/1", taskDefinition: "checkout:1", scalePercent: 100, spec },
  };
}

describe("the client token", () => {
  it("is what ECS takes, always the same for a deployment, and another for another", () => {
    const tokens = new Set<string>();
    for (let n = 0; n < 1_000; n++) {
      const token = clientToken(`checkout-${n}`, 1);
      expect(token).toMatch(/^[\x21-\x7e]{1,32}$/);
      expect(token).toBe(clientToken(`checkout-${n}`, 1));
      tokens.add(token);
    }
    expect(tokens.size).toBe(1_000);
    expect(clientToken("checkout-1", 2)).not.toBe(clientToken("checkout-1", 1));
  });
});

describe("the request", () => {
  it("swaps the pair's group, and leaves any other alone", () => {
    const request = createRequest(
      deployment({
        loadBalancers: [
          { targetGroupArn: "group-a", containerName: "app", containerPort: 80 },
          { targetGroupArn: "group-x", containerName: "admin", containerPort: 81 },
        ],
      }),
      "checkout:2",
    );
    expect(request.loadBalancers).toEqual([
      { targetGroupArn: "group-b", containerName: "app", containerPort: 80 },
      { targetGroupArn: "group-x", containerName: "admin", containerPort: 81 },
    ]);
    expect(request).toMatchObject({
      cluster: "prod",
      service: "checkout",
      taskDefinition: "checkout:2",
      scalePercent: 20,
    });
  });

  it("never has both a launch type and capacity providers", () => {
    const spot = [{ capacityProvider: "FARGATE_SPOT", weight: 1 }];
    const specs: TaskSetSpec[] = [{ launchType: "FARGATE" }, { capacityProviderStrategy: spot }, {}];
    const changes: DeployRequest["taskSet"][] = [
      undefined,
      { launchType: "EC2" },
      { capacityProviderStrategy: spot },
    ];
    for (const spec of specs) {
      for (const taskSet of changes) {
        const made = createRequest(deployment(spec, taskSet ? { taskSet } : {}), "checkout:2");
        expect([made.launchType, made.capacityProviderStrategy].filter(Boolean).length).toBeLessThan(2);
        if (taskSet?.launchType) expect(made.launchType).toBe("EC2");
        if (taskSet?.capacityProviderStrategy) expect(made.capacityProviderStrategy).toEqual(spot);
      }
    }
  });

  it("has no tag of AWS's, none of another deployment's, and each key once", () => {
    const { tags = [] } = createRequest(
      deployment({
        tags: [
          { key: "team", value: "shop" },
          { key: "aws:cloudformation:stack-name", value: "shop" },
          { key: "teal:deployment", value: "an earlier one" },
          { key: "teal:rolling-back", value: "true" },
        ],
      }),
      "checkout:2",
    );
    const keys = tags.map((tag) => tag.key);
    expect(keys.filter((key) => key.startsWith("aws:"))).toEqual([]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(tags).toContainEqual({ key: "team", value: "shop" });
    expect(tags).toContainEqual({ key: "teal:deployment", value: "checkout-abc-123" });
    expect(keys).not.toContain("teal:rolling-back");
  });
});

describe("images", () => {
  const registration = {
    family: "checkout",
    cpu: "256",
    containerDefinitions: [
      { name: "app", image: "app:1", secrets: [{ name: "KEY", valueFrom: "arn" }] },
      { name: "proxy", image: "proxy:1" },
    ],
  };

  it("replace those of the named containers and nothing else", () => {
    expect(withImages(registration, { app: "app:2" })).toEqual({
      ...registration,
      containerDefinitions: [
        { ...registration.containerDefinitions[0], image: "app:2" },
        registration.containerDefinitions[1],
      ],
    });
  });

  it("leave the registration that was read as it is", () => {
    const before = structuredClone(registration);
    withImages(registration, { app: "app:2", proxy: "proxy:2" });
    expect(registration).toEqual(before);
  });
});
