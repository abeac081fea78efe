/** What preparing finds wrong: told clearly and all at once, AWS untouched, the service free for the next. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import type { DeployRequest } from "../../src/deployment/record.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";
import { mutations, watchedWorld, writeWeights } from "../support/scenario.ts";
import { canary, careful, type Laid, need, region, type World } from "../support/world.ts";

interface Wrong {
  code: ErrorCode;
  /** What the message must name. */
  says: RegExp;
  lay?: Parameters<World["lay"]>[1];
  /** Spoils a world in which all was well. */
  spoil?: (world: World, laid: Laid) => void;
  request?: DeployRequest;
  strategy?: Strategy;
}

const group = (world: World, name: string, protocol = "HTTP") =>
  need(
    world.aws.elb(region, "CreateTargetGroup", {
      Name: name,
      Protocol: protocol,
      Port: 8080,
      VpcId: "vpc-1",
      TargetType: "ip",
    }).TargetGroups[0]?.TargetGroupArn,
  );

const forwardTo = (...groups: string[]) => [
  {
    Type: "forward" as const,
    ForwardConfig: {
      TargetGroups: groups.map((arn, n) => ({ TargetGroupArn: arn, Weight: n === 0 ? 1 : 0 })),
    },
  },
];

/** A second load balancer with a listener that forwards to these groups. */
function otherBalancer(world: World, ...groups: string[]): string {
  const made = world.aws.elb(region, "CreateLoadBalancer", { Name: "other-lb", Subnets: ["subnet-1"] });
  const listener = world.aws.elb(region, "CreateListener", {
    LoadBalancerArn: need(made.LoadBalancers[0]?.LoadBalancerArn),
    Protocol: "HTTP",
    Port: 80,
    DefaultActions: forwardTo(...groups),
  });
  return need(listener.Listeners[0]?.ListenerArn);
}

const tested = canary([{ kind: "weight", percent: 100 }], { testing: [{ kind: "test" }] });

/** The test rule forwards to a third group too. */
function leadElsewhere(world: World, { testRule, groups }: Laid, weight: number): void {
  const TargetGroups = [
    ...groups.map((TargetGroupArn) => ({ TargetGroupArn, Weight: 0 })),
    { TargetGroupArn: group(world, "third"), Weight: weight },
  ];
  world.aws.elb(region, "ModifyRule", {
    RuleArn: need(testRule),
    Actions: [{ Type: "forward", ForwardConfig: { TargetGroups } }],
  });
}

const wrongs: Record<string, Wrong> = {
  "an ECS service that does not exist": {
    code: "service-missing",
    says: /the ECS service prod\/elsewhere is missing in eu-west-1/,
    spoil: (_world, laid) => (laid.target.service = "elsewhere"),
  },
  "a cluster that does not exist": {
    code: "service-missing",
    says: /nowhere\/checkout does not exist/,
    spoil: (_world, laid) => (laid.target.cluster = "nowhere"),
  },
  "another deployment controller": {
    code: "not-external",
    says: /prod\/checkout uses the deployment controller ECS, not EXTERNAL/,
    lay: { controller: "ECS" },
  },
  "desiredCount 0": {
    code: "desired-count-zero",
    says: /desiredCount of prod\/checkout is 0/,
    spoil: (world) =>
      world.aws.ecs(region, "UpdateService", { cluster: "prod", service: "checkout", desiredCount: 0 }),
  },
  "no PRIMARY set and none configured": {
    code: "no-primary",
    says: /no PRIMARY task set, and teal.yaml describes no taskSet/,
    lay: { primary: false },
  },
  "a revision that does not exist": {
    code: "unknown-revision",
    says: /checkout:99 does not exist/,
    request: { taskDefinition: "checkout:99" },
  },
  "a revision that is no longer active": {
    code: "unknown-revision",
    says: /checkout:2 is INACTIVE/,
    spoil: (world) => world.aws.ecs(region, "DeregisterTaskDefinition", { taskDefinition: "checkout:2" }),
  },
  "an image for a container that is not there": {
    code: "unknown-container",
    says: /has no container sidecar; it has app/,
    request: { images: { sidecar: "demo/sidecar:1" } },
  },
  "a target group that does not exist": {
    code: "group-missing",
    says: /targetgroup\/gone\/0123456789abcdef does not exist/,
    spoil: (_world, laid) =>
      (laid.target.targetGroups = [
        laid.groups[0],
        laid.groups[1].replace(/targetgroup\/.*/, "targetgroup/gone/0123456789abcdef"),
      ]),
  },
  "a target group attached to nothing": {
    code: "group-unattached",
    says: /targetgroup\/loose\/\w+ is in no listener or rule/,
    spoil: (world, laid) => (laid.target.targetGroups = [laid.groups[0], group(world, "loose")]),
  },
  "a target group of another load balancer": {
    code: "group-elsewhere",
    says: /belong to 2 load balancers: .*checkout-lb.*other-lb/,
    spoil: (world, laid) => {
      const foreign = group(world, "foreign");
      otherBalancer(world, foreign);
      laid.target.targetGroups = [laid.groups[0], foreign];
    },
  },
  "a route of another load balancer": {
    code: "group-elsewhere",
    says: /belong to 2 load balancers/,
    spoil: (world, laid) =>
      laid.target.routes.push({ kind: "listener", arn: otherBalancer(world, group(world, "foreign")) }),
  },
  "a PRIMARY set in neither group of the pair": {
    code: "blue-elsewhere",
    says: /uses the target group targetgroup\/checkout-a\/\w+, which is not of the pair/,
    spoil: (world, laid) => {
      const next = group(world, "next");
      laid.target.targetGroups = [laid.groups[1], next];
      for (const RuleArn of [laid.rule]) {
        world.aws.elb(region, "ModifyRule", { RuleArn, Actions: forwardTo(...laid.groups, next) });
      }
    },
  },
  "a rule that does not exist": {
    code: "route-missing",
    says: /the route listener-rule\/app\/checkout-lb\/\S+ does not exist/,
    spoil: (world, laid) => world.aws.elb(region, "DeleteRule", { RuleArn: laid.rule }),
  },
  "a route without the idle group": {
    code: "route-without-pair",
    says: /listener-rule\S+ does not forward to targetgroup\/checkout-b/,
    spoil: (world, laid) =>
      world.aws.elb(region, "ModifyRule", { RuleArn: laid.rule, Actions: forwardTo(laid.groups[0]) }),
  },
  "a rule that serves the pair without being configured": {
    code: "unconfigured-route",
    says: /the rule listener-rule\S+ forwards to the pair but is no configured route/,
    spoil: (_world, laid) => laid.target.routes.pop(),
  },
  "an idle group with weight": {
    code: "green-has-weight",
    says: /the idle group has weight on listener-rule\S+: blue:green is 90:10/,
    spoil: (world, laid) => writeWeights(world, laid.rule, laid.groups, [90, 10]),
  },
  "an idle group with targets": {
    code: "green-has-targets",
    says: /the idle group targetgroup\/checkout-b\/\w+ has 1 target: 10\.9\.9\.9:8080/,
    spoil: (world, laid) =>
      world.aws.elb(region, "RegisterTargets", {
        TargetGroupArn: laid.groups[1],
        Targets: [{ Id: "10.9.9.9", Port: 8080 }],
      }),
  },
  "a percentage that the weights cannot express": {
    code: "weight-inexpressible",
    says: /10 %, 50 %, 100 % cannot be expressed by the pair's weights 3:0 on .*other groups share/,
    lay: {
      actions: ([a, b], third) => [
        {
          Type: "forward",
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: a?.TargetGroupArn ?? "", Weight: 3 },
              { TargetGroupArn: b?.TargetGroupArn ?? "", Weight: 0 },
              { TargetGroupArn: third, Weight: 1 },
            ],
          },
        },
      ],
    },
  },
  "a percentage too fine for any weights": {
    code: "weight-inexpressible",
    says: /0\.01 %, 100 % cannot be expressed by the pair's weights 1:0 on \S+$/,
    strategy: canary([
      { kind: "weight", percent: 0.01 },
      { kind: "weight", percent: 100 },
    ]),
  },
  "a test route that also leads elsewhere": {
    code: "weight-inexpressible",
    says: /test traffic cannot be led to green alone on \S*listener-rule\S+, which also forwards to targetgroup\/third\/\S+ \(weight 99\)$/,
    lay: { test: [0, 0] },
    spoil: (world, laid) => leadElsewhere(world, laid, 99),
    strategy: tested,
  },
  "five task sets already": {
    code: "too-many-task-sets",
    says: /prod\/checkout has 5 task sets; ECS allows 5/,
    spoil: (world) => {
      for (let n = 0; n < 4; n++) {
        world.aws.ecs(region, "CreateTaskSet", {
          cluster: "prod",
          service: "checkout",
          taskDefinition: "checkout:1",
          launchType: "FARGATE",
          networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
          scale: { unit: "PERCENT", value: 0 },
        });
      }
    },
  },
  "a reading that AWS refuses for good": {
    code: "aws-refused",
    says: /DescribeTargetHealth: ValidationError: no such thing/,
    spoil: (world) =>
      world.local.faults.add({
        fault: { kind: "error", code: "ValidationError", message: "no such thing", status: 400 },
        action: "DescribeTargetHealth",
      }),
  },
  "more than 50 tags": {
    code: "too-many-tags",
    says: /green would carry 52 tags; ECS allows 50/,
    request: {
      taskDefinition: "checkout:2",
      taskSet: { tags: Array.from({ length: 48 }, (_, n) => ({ key: `k${n}`, value: "v" })) },
    },
  },
};

describe("refused in preparing:", () => {
  it("every finding has its scenario", () => {
    const source = readFileSync(new URL("../../src/deployment/findings.ts", import.meta.url), "utf8");
    const codes = [...source.matchAll(/\badd\(\s*"([a-z-]+)"/g)].map((match) => match[1]);
    const shown = [...Object.values(wrongs).map((wrong) => wrong.code), "record-older"];
    expect(new Set(shown)).toEqual(new Set(codes));
  });

  for (const [name, wrong] of Object.entries(wrongs)) {
    it(name, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", wrong.lay);
      const good = structuredClone(laid.target);
      wrong.spoil?.(world, laid);
      const id = await world.start(laid, wrong.request ?? { taskDefinition: "checkout:2" }, {
        strategy: wrong.strategy ?? careful,
      });
      const d = await world.ends(id, "failed");
      const found = d.problems.filter((problem) => problem.code === wrong.code);
      expect(found.map((problem) => problem.message).join("\n")).toMatch(wrong.says);
      expect(d.cause?.message).toBe(d.problems[0]?.message);
      expect(mutations(world)).toEqual([]);
      // The service is free: the next one is not told that anybody acts.
      laid.target = good;
      await expect(world.start(laid, { taskDefinition: "checkout:3" })).resolves.toBeTruthy();
    });
  }

  it("tells everything that is wrong at once", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    writeWeights(world, laid.listener, laid.groups, [1, 1]);
    world.aws.elb(region, "RegisterTargets", {
      TargetGroupArn: laid.groups[1],
      Targets: [{ Id: "10.9.9.9", Port: 8080 }],
    });
    world.aws.ecs(region, "UpdateService", { cluster: "prod", service: "checkout", desiredCount: 0 });
    laid.target.routes.pop();
    const id = await world.start(laid, { taskDefinition: "checkout:99" });
    const d = await world.ends(id, "failed");
    expect(d.problems.map((problem) => problem.code).sort()).toEqual([
      "desired-count-zero",
      "green-has-targets",
      "green-has-weight",
      "unconfigured-route",
      "unknown-revision",
    ]);
    expect(d.note).toMatch(/^refused before anything was touched: .* \(and 4 more\)$/);
    expect(mutations(world)).toEqual([]);
  });

  it("but not a test route whose third group has no weight, nor where nothing is tested on it", async () => {
    for (const [weight, strategy] of [
      [0, tested],
      [99, careful],
    ] as const) {
      const world = watchedWorld();
      const laid = world.lay("checkout", { test: [0, 0] });
      leadElsewhere(world, laid, weight);
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.ends(id, "succeeded");
    }
  });

  it("a record that is older than what AWS has of this deployment", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    const older = world.records.snapshot();
    await world.reaches(id, "shifting");
    const sent = mutations(world);
    world.records.restore(older);
    const d = await world.ends(id, "failed");
    expect(d.problems.map((problem) => problem.code)).toContain("record-older");
    expect(mutations(world)).toEqual(sent);
  });

  it("a service under deletion", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.aws.ecs(region, "DeleteService", { cluster: "prod", service: "checkout", force: true });
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    const d = await world.ends(id, "failed");
    expect(d.problems.map((problem) => problem.code)).toEqual(["service-missing"]);
    expect(d.problems[0]?.message).toMatch(/is draining in eu-west-1|is inactive in eu-west-1/);
    expect(mutations(world)).toEqual([]);
  });

  it("a second deployment while one acts, where it must not wait", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, { taskDefinition: "checkout:2" });
    await expect(world.start(laid, { taskDefinition: "checkout:3" })).rejects.toMatchObject({
      code: "busy",
      message: `${first} acts on checkout`,
    });
  });

  it("reads again what AWS did not tell, rather than refusing half of what is wrong", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    world.local.faults.add({ fault: { kind: "throttle" }, action: "DescribeTargetHealth", times: 3 });
    world.aws.ecs(region, "UpdateService", { cluster: "prod", service: "checkout", desiredCount: 0 });
    const id = await world.start(laid, { taskDefinition: "checkout:99" });
    const d = await world.ends(id, "failed");
    expect(d.problems.map((problem) => problem.code).sort()).toEqual([
      "desired-count-zero",
      "unknown-revision",
    ]);
  });
});
