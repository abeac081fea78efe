/** What others do to the services that Teal deploys. */
import type { ActionInput } from "../../sandbox/model/elb/shapes.ts";
import type { Random } from "../../sandbox/random.ts";
import { type Laid, region, type World } from "../support/world.ts";
import type { Happening } from "./chaos.ts";

type Groups = NonNullable<NonNullable<ActionInput["ForwardConfig"]>["TargetGroups"]>;

type How = Extract<Happening, { kind: "meddle" }>["how"];

export class Others {
  /** Services that somebody did to what only Teal should: how they end is not Teal's to answer for. */
  readonly meddled = new Set<string>();
  /** Services to whose routes somebody wrote weights: how these end is not Teal's to answer for. */
  readonly drifted = new Set<string>();
  private readonly leftovers: { group: string; target: { Id: string } }[] = [];
  private readonly world: World;
  private readonly random: Random;

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** Somebody writes weights of the pair, and leaves the rest: blue gets what green doesn't. */
  drift(laid: Laid, route: "listener" | "rule", green: number): void {
    this.drifted.add(laid.target.name);
    const [a, b] = laid.groups;
    const weights = new Map([
      [a, 100 - green],
      [b, green],
    ]);
    rewrite(this.world, route === "listener" ? laid.listener : laid.rule, (groups) =>
      groups.map((group) => ({ ...group, Weight: weights.get(group.TargetGroupArn) ?? group.Weight })),
    );
  }

  /** Somebody does what only Teal should. */
  meddle(laid: Laid, how: How): void {
    this.meddled.add(laid.target.name);
    const { aws } = this.world;
    const at = { cluster: "prod", service: laid.target.name };
    // As it is, which what is read may lag.
    const { taskSets } = aws.region(region).ecs;
    const sets = this.world
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
        return rewrite(this.world, laid.rule, (groups) =>
          groups.filter(({ TargetGroupArn: group }) => group !== laid.groups[1]),
        );
      case "deletes the rule":
        if (aws.region(region).elb.rules.has(laid.rule))
          aws.elb(region, "DeleteRule", { RuleArn: laid.rule });
        return;
    }
  }

  /** A person leads all of the pair's traffic to what is PRIMARY; the weights sum up to what they did. */
  leadHome(laid: Laid): void {
    const primary = this.world.sets(laid.target.name).find((set) => set.status === "PRIMARY");
    const serving = primary?.loadBalancers?.[0]?.targetGroupArn;
    for (const route of [laid.listener, laid.rule]) {
      rewrite(this.world, route, (groups) => {
        const ours = groups.filter(({ TargetGroupArn: group }) => laid.groups.includes(group));
        const sum = ours.reduce((all, { Weight: weight = 0 }) => all + weight, 0);
        return groups.map((group) =>
          ours.includes(group) ? { ...group, Weight: group.TargetGroupArn === serving ? sum : 0 } : group,
        );
      });
    }
  }

  /** Somebody registers one of blue's tasks in the idle group. */
  leaveOver({ groups, target }: Laid): void {
    const { aws } = this.world;
    const primary = this.world.sets(target.name).find((set) => set.status === "PRIMARY");
    const serving = primary?.loadBalancers?.[0]?.targetGroupArn;
    const idle = groups.find((group) => group !== serving) ?? groups[1];
    const health = aws.elb(region, "DescribeTargetHealth", { TargetGroupArn: serving ?? groups[0] });
    const left = health.TargetHealthDescriptions[0]?.Target;
    if (!left) return;
    aws.elb(region, "RegisterTargets", { TargetGroupArn: idle, Targets: [left] });
    this.leftovers.push({ group: idle, target: left });
  }

  autoscale({ target }: Laid, desiredCount: number): void {
    this.world.aws.ecs(region, "UpdateService", { cluster: "prod", service: target.name, desiredCount });
  }

  kill(laid: Laid): void {
    const tasks = this.tasksOf(laid);
    const task = tasks[Math.floor(this.random() * tasks.length)];
    if (task) this.world.aws.ecs(region, "StopTask", { cluster: "prod", task, reason: "chaos" });
  }

  /** Somebody protects a task from being taken away when others are, for so long. */
  protect(laid: Laid, ms: number): void {
    const [task] = this.tasksOf(laid);
    if (!task) return;
    protect(this.world, task, true);
    this.world.clock.after(ms, () => protect(this.world, task, false));
  }

  /** Whoever left something over takes it away, and owners put back what somebody took out of their rules. */
  putRight(services: Laid[]): void {
    for (const { group, target } of this.leftovers)
      this.world.aws.elb(region, "DeregisterTargets", { TargetGroupArn: group, Targets: [target] });
    for (const laid of services) if (this.meddled.has(laid.target.name)) repair(this.world, laid);
  }

  private tasksOf({ target }: Laid): string[] {
    return this.world.aws.ecs(region, "ListTasks", { cluster: "prod", serviceName: target.name }).taskArns;
  }
}

/** What of the pair was taken out of the rule is put back without weight. */
function repair(world: World, laid: Laid): void {
  rewrite(world, laid.rule, (groups) => [
    ...groups,
    ...laid.groups
      .filter((arn) => !groups.some(({ TargetGroupArn: group }) => group === arn))
      .map((TargetGroupArn) => ({ TargetGroupArn, Weight: 0 })),
  ]);
}

/** Scale-in protection of a task; one that is gone has none. */
function protect(world: World, task: string, protectionEnabled: boolean): void {
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
