/** How a region of the sandbox is at a moment, and who last moved the weights of a target group. Unlagged. */
import { forwardedGroups } from "../../sandbox/model/elb/state.ts";
import type { Region } from "../../sandbox/model/region.ts";

export interface Sample {
  at: number;
  /** By cluster/service name. */
  desired: Record<string, number>;
  /** Healthy targets that are running tasks of a set, or may be seen so, by set ARN and group ARN with a space between. */
  healthy: Record<string, number>;
  /** All healthy targets, by group ARN. */
  inGroup: Record<string, number>;
  /** Weights as accepted, by route ARN and group ARN. */
  requested: Record<string, Record<string, number>>;
}

/** `lagMs`: for so long a read may show a task as running that no longer does. */
export function sampleOf({ ecs, elb }: Pick<Region, "ecs" | "elb">, at: number, lagMs = 0): Sample {
  const desired: Record<string, number> = {};
  for (const service of ecs.services.values()) {
    desired[`${service.clusterArn.split("/").at(-1)}/${service.name}`] = service.desiredCount;
  }
  const healthy: Record<string, number> = {};
  const inGroup: Record<string, number> = {};
  for (const target of elb.targets.values()) {
    if (target.health === "healthy") inGroup[target.groupArn] = (inGroup[target.groupArn] ?? 0) + 1;
    const task = target.taskArn === undefined ? undefined : ecs.tasks.get(target.taskArn);
    const isSeen =
      task?.lastStatus === "RUNNING" || (task?.stoppingAt ?? task?.stoppedAt ?? -Infinity) >= at - lagMs;
    if (target.health !== "healthy" || task === undefined || !isSeen) continue;
    const key = `${task.taskSetArn} ${target.groupArn}`;
    healthy[key] = (healthy[key] ?? 0) + 1;
  }
  const requested: Record<string, Record<string, number>> = {};
  for (const { arn, actions } of [...elb.listeners.values(), ...elb.rules.values()]) {
    requested[arn] = Object.fromEntries(forwardedGroups(actions).map((group) => [group.arn, group.weight]));
  }
  return { at, desired, healthy, inGroup, requested };
}

/** A target group's weight over all routes. */
export interface Weighing {
  weight: number;
  /** Whether any route in force still leads to it. */
  inForce: boolean;
  /** When it last became zero, or anything but zero, and by whom. */
  changedAt: number;
  by: "us" | "others";
}

/** Follows weights through time; told after whatever may have changed them. */
export class Weighings {
  private readonly groups = new Map<string, Weighing>();
  private readonly routes = new Map<string, { text: string; at: number; by: "us" | "others" }>();

  of(group: string): Weighing | undefined {
    return this.groups.get(group);
  }

  /** Who last changed the weights of a route, and when it was noticed. */
  routeChange(arn: string): { at: number; by: "us" | "others" } | undefined {
    return this.routes.get(arn);
  }

  /** What `test` routes give a group is no production traffic. */
  note(region: Region, at: number, by: "us" | "others", test: ReadonlySet<string> = new Set()): void {
    const weights = new Map([...this.groups.keys()].map((group) => [group, 0]));
    for (const { arn, actions } of [...region.elb.listeners.values(), ...region.elb.rules.values()]) {
      const groups = forwardedGroups(actions);
      for (const group of test.has(arn) ? [] : groups)
        weights.set(group.arn, (weights.get(group.arn) ?? 0) + group.weight);
      const text = groups.map((group) => `${group.arn} ${group.weight}`).join();
      const known = this.routes.get(arn);
      // Of what is seen for the first time nobody knows when it became so.
      if (known?.text !== text) this.routes.set(arn, { text, at: known ? at : -Infinity, by });
    }
    const reached = new Set<string>();
    for (const arn of region.elb.listeners.keys()) {
      for (const route of region.routes.of(arn)) {
        if (test.has(route.arn)) continue;
        for (const group of forwardedGroups(route.actions)) if (group.weight > 0) reached.add(group.arn);
      }
    }
    for (const [group, weight] of weights) {
      const before = this.groups.get(group);
      const inForce = reached.has(group);
      if (before && before.weight > 0 === weight > 0) this.groups.set(group, { ...before, weight, inForce });
      else this.groups.set(group, { weight, inForce, changedAt: at, by: before ? by : "others" });
    }
  }
}
