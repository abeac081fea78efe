/** What others do to the services that Teal deploys. */
import type { ActionInput } from "../../sandbox/model/elb/shapes.ts";
import { type Laid, region, type World } from "../support/world.ts";
import type { Happening } from "./chaos.ts";

type Groups = NonNullable<NonNullable<ActionInput["ForwardConfig"]>["TargetGroups"]>;

/** Somebody writes weights of the pair, and leaves the rest: blue gets what green doesn't. */
export function drift(world: World, laid: Laid, route: "listener" | "rule", green: number): void {
  const [a, b] = laid.groups;
  const weights = new Map([
    [a, 100 - green],
    [b, green],
  ]);
  rewrite(world, route === "listener" ? laid.listener : laid.rule, (groups) =>
    groups.map((group) => ({ ...group, Weight: weights.get(group.TargetGroupArn) ?? group.Weight })),
  );
}

/** Somebody does what only Teal should. */
export function meddle(world: World, laid: Laid, how: Extract<Happening, { kind: "meddle" }>["how"]): void {
  const { aws } = world;
  const at = { cluster: "prod", service: laid.target.name };
  // As it is, which what is read may lag.
  const { taskSets } = aws.region(region).ecs;
  const sets = world
    .sets(laid.target.name)
    .filter(({ taskSetArn }) => (taskSets.get(taskSetArn)?.status ?? "DRAINING") !== "DRAINING");
  const primary = sets.find((set) => set.status === "PRIMARY")?.taskSetArn ?? "";
  const other = sets.find((set) => set.status !== "PRIMARY")?.taskSetArn;
  switch (how) {
    case "promotes the other":
      if (other) aws.ecs(region, "UpdateServicePrimaryTaskSet", { ...at, primaryTaskSet: other });
      return;
    case "scales blue":
      aws.ecs(region, "UpdateTaskSet", { ...at, taskSet: primary, scale: { unit: "PERCENT", value: 60 } });
      return;
    case "takes green out":
      return rewrite(world, laid.rule, (groups) =>
        groups.filter(({ TargetGroupArn: group }) => group !== laid.groups[1]),
      );
    case "deletes the rule":
      if (world.aws.region(region).elb.rules.has(laid.rule))
        aws.elb(region, "DeleteRule", { RuleArn: laid.rule });
      return;
  }
}

/** A person leads all of the pair's traffic to what is PRIMARY. */
export function leadHome(world: World, laid: Laid): void {
  const primary = world.sets(laid.target.name).find((set) => set.status === "PRIMARY");
  const green = primary?.loadBalancers?.[0]?.targetGroupArn === laid.groups[1] ? 100 : 0;
  for (const route of ["listener", "rule"] as const) drift(world, laid, route, green);
}

/** Its owner puts back into the rule what of the pair was taken out, without weight. */
export function repair(world: World, laid: Laid): void {
  rewrite(world, laid.rule, (groups) => [
    ...groups,
    ...laid.groups
      .filter((arn) => !groups.some(({ TargetGroupArn: group }) => group === arn))
      .map((TargetGroupArn) => ({ TargetGroupArn, Weight: 0 })),
  ]);
}

/** Scale-in protection of a task; one that is gone has none. */
export function protect(world: World, task: string, protectionEnabled: boolean): void {
  if (world.aws.region(region).ecs.tasks.get(task)?.lastStatus !== "RUNNING") return;
  world.aws.ecs(region, "UpdateTaskProtection", { cluster: "prod", tasks: [task], protectionEnabled });
}

/** Other groups for the forward action of a route, if it exists. */
function rewrite(world: World, arn: string, change: (groups: Groups) => Groups): void {
  const { elb } = world.aws.region(region);
  const actions = (elb.rules.get(arn) ?? elb.listeners.get(arn))?.actions.map(
    ({ TargetGroupArn: _single, ...action }) => ({
      ...action,
      ForwardConfig: {
        ...action.ForwardConfig,
        TargetGroups: change(action.ForwardConfig?.TargetGroups ?? []),
      },
    }),
  );
  if (!actions) return;
  if (elb.rules.has(arn)) world.aws.elb(region, "ModifyRule", { RuleArn: arn, Actions: actions });
  else world.aws.elb(region, "ModifyListener", { ListenerArn: arn, DefaultActions: actions });
}
