/**
 * The same deployment by somebody who sees every change in the moment it happens and whose calls take no time: what
 * AWS and the strategy take by themselves. It keeps the same conditions (green steady and healthy before it gets
 * traffic, the hold time before anything of blue is taken away) and checks nothing else.
 */
import { firstScale, scaleFor, type Strategy } from "../src/deployment/strategy.ts";
import { type Laid, need, region, type World } from "../test/support/world.ts";

export interface Times {
  /** Until green is PRIMARY, which CI waits for. */
  promotedMs: number;
  /** Until the old task set is gone. */
  goneMs: number;
}

const limitMs = 3_600_000;

export function leastTimes(world: World, laid: Laid, strategy: Strategy): Times {
  const { aws, clock } = world;
  const { cluster, service } = laid.target;
  const named = { cluster, service };
  const began = clock.now();
  const sets = () => world.sets(service);
  const set = (arn: string) => sets().find((one) => one.taskSetArn === arn);
  const scale = (taskSet: string, value: number) =>
    aws.ecs(region, "UpdateTaskSet", { ...named, taskSet, scale: { unit: "PERCENT", value } });
  const healthy = () =>
    aws
      .elb(region, "DescribeTargetHealth", { TargetGroupArn: laid.groups[1] })
      .TargetHealthDescriptions.filter((target) => target.TargetHealth.State === "healthy").length;
  const ready = (arn: string) => () => {
    const seen = set(arn);
    return seen?.stabilityStatus === "STEADY_STATE" && healthy() >= (seen.computedDesiredCount ?? 1);
  };

  const blue = need(sets()[0]?.taskSetArn);
  const made = aws.ecs(region, "CreateTaskSet", {
    ...named,
    taskDefinition: `${service}:2`,
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } },
    loadBalancers: [{ targetGroupArn: laid.groups[1], containerName: "app", containerPort: 8080 }],
    scale: { unit: "PERCENT", value: firstScale(strategy) },
  });
  const green = need(made.taskSet.taskSetArn);
  let scaledTo = firstScale(strategy);
  let weighedAt = clock.now();
  until(world, "green ready", ready(green));
  for (const [index, step] of strategy.steps.entries()) {
    if (step.kind === "pause") clock.advance(step.ms);
    else if (scaledTo < scaleFor(strategy, index)) {
      scaledTo = scaleFor(strategy, index);
      scale(green, scaledTo);
      until(world, "green grown", ready(green));
    }
    if (step.kind !== "weight") continue;
    weigh(world, laid, step.percent);
    weighedAt = clock.now();
  }
  clock.advance(strategy.bakeMs);
  aws.ecs(region, "UpdateServicePrimaryTaskSet", { ...named, primaryTaskSet: green });
  const promotedMs = clock.now() - began;
  clock.advance(strategy.retainMs);
  clock.advance(Math.max(0, weighedAt + strategy.holdMs - clock.now()));
  scale(blue, 0);
  until(world, "blue empty", () => (set(blue)?.runningCount ?? 0) === 0);
  aws.ecs(region, "DeleteTaskSet", { ...named, taskSet: blue });
  until(world, "blue gone", () => set(blue) === undefined);
  return { promotedMs, goneMs: clock.now() - began };
}

function weigh({ aws }: World, laid: Laid, percent: number): void {
  const [blue, green] = laid.groups;
  const TargetGroups = [
    { TargetGroupArn: blue, Weight: 100 - percent },
    { TargetGroupArn: green, Weight: percent },
  ];
  const actions = [{ Type: "forward" as const, ForwardConfig: { TargetGroups } }];
  aws.elb(region, "ModifyListener", { ListenerArn: laid.listener, DefaultActions: actions });
  aws.elb(region, "ModifyRule", { RuleArn: laid.rule, Actions: actions });
}

/** Lets the world go on from one thing that happens to the next. */
function until({ clock }: World, what: string, holds: () => boolean): void {
  const end = clock.now() + limitMs;
  while (!holds()) {
    const next = clock.nextAt();
    if (next === undefined || next > end) throw new Error(`not ${what} within ${limitMs} ms`);
    clock.advance(next - clock.now());
  }
}
