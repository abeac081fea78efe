import type { z } from "zod";
import { AwsError } from "../error.ts";
import type { Region } from "../region.ts";
import type * as shapes from "./shapes.ts";
import { loadBalancersOf, targetKey, type Health, type TargetGroup, type TargetRow } from "./state.ts";
import { deregistrationDelayMs, targetGroup } from "./targetGroups.ts";

/*
 * Registered targets and their health: unused while the group is in no
 * listener or rule, else initial until the checks decide; draining from
 * deregistration until the delay has passed, then gone.
 */

/** Registers a target. One that drains is taken back. */
export function registerTarget(
  region: Region,
  groupArn: string,
  address: string,
  port: number,
  taskArn: string | undefined,
): void {
  const key = targetKey(groupArn, address, port);
  region.forget(`drained ${key}`);
  const present = region.elb.targets.get(key);
  if (present !== undefined && present.health !== "draining") return;
  const target: TargetRow = {
    groupArn,
    address,
    port,
    taskArn,
    health: "unused",
    reason: "Target.NotInUse",
    description: "Target group is not configured to receive traffic from the load balancer",
    streak: 0,
    lastPassed: undefined,
  };
  region.elb.targets.set(key, target);
  if (loadBalancersOf(region.elb, groupArn).length > 0) beginChecks(region, target);
}

/** Begins to drain a target; `done` is called once it is gone, at once when it never served. */
export function deregisterTarget(
  region: Region,
  groupArn: string,
  address: string,
  port: number,
  done: () => void = () => undefined,
): void {
  const key = targetKey(groupArn, address, port);
  const target = region.elb.targets.get(key);
  const group = region.elb.groups.get(groupArn);
  if (target === undefined || group === undefined) return done();
  const gone = () => {
    // Registered again meanwhile: then it is another row and stays.
    if (region.elb.targets.get(key) === target) region.elb.targets.delete(key);
    done();
  };
  if (target.health === "unused") return gone();
  region.forget(`probe ${key}`);
  setHealth(target, "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress");
  region.ears.targetJudged(target);
  region.after(deregistrationDelayMs(region, group), gone);
}

/** Call after listeners or rules changed: targets of groups now in use are checked, of others no longer. */
export function usageChanged(region: Region): void {
  const used = new Map<string, boolean>();
  for (const [key, target] of region.elb.targets) {
    let inUse = used.get(target.groupArn);
    if (inUse === undefined) {
      inUse = loadBalancersOf(region.elb, target.groupArn).length > 0;
      used.set(target.groupArn, inUse);
    }
    if (inUse && target.health === "unused") beginChecks(region, target);
    if (!inUse && target.health !== "unused" && target.health !== "draining") {
      region.forget(`probe ${key}`);
      setHealth(
        target,
        "unused",
        "Target.NotInUse",
        "Target group is not configured to receive traffic from the load balancer",
      );
      region.ears.targetJudged(target);
    }
  }
}

function beginChecks(region: Region, target: TargetRow): void {
  const group = region.elb.groups.get(target.groupArn);
  if (group === undefined) return;
  if (!group.healthCheckEnabled) return setHealth(target, "healthy");
  setHealth(target, "initial", "Elb.RegistrationInProgress", "Target registration is in progress");
  // The first check falls anywhere in the interval: the load balancer's rounds don't wait for targets.
  checkAfter(region, group, target, intervalMs(region, group) * region.around.random());
}

function intervalMs(region: Region, group: TargetGroup): number {
  return region.settings.healthCheckIntervalMs ?? group.healthCheckIntervalSeconds * 1000;
}

/** Checks a target `ms` from now and then in every interval. */
function checkAfter(region: Region, group: TargetGroup, target: TargetRow, ms: number): void {
  const key = targetKey(target.groupArn, target.address, target.port);
  const name = `probe ${key}`;
  const stillChecked = () =>
    region.elb.targets.get(key) === target && target.health !== "draining" && target.health !== "unused";
  const conclude = (healthy: boolean) => {
    if (!stillChecked()) return;
    judge(region, group, target, healthy);
    if (stillChecked()) region.onceQuietly(name, intervalMs(region, group), check);
  };
  const check = () => {
    if (!stillChecked()) return;
    const answer = region.around.prober({
      targetGroupArn: group.arn,
      address: target.address,
      port: group.healthCheckPort === "traffic-port" ? target.port : Number(group.healthCheckPort),
      path: group.healthCheckPath,
      matcher: group.matcher,
      timeoutMs: Math.min(group.healthCheckTimeoutSeconds * 1000, intervalMs(region, group)),
      task: target.taskArn === undefined ? undefined : region.ears.taskView(target.taskArn),
    });
    if (typeof answer === "boolean") return conclude(answer);
    answer.then(conclude, () => conclude(false));
  };
  region.onceQuietly(name, ms, check);
}

/** Most checks find what the last one found. Nobody can read how often, so counting it is no change. */
function judge(region: Region, group: TargetGroup, target: TargetRow, passed: boolean): void {
  target.streak = target.lastPassed === passed ? target.streak + 1 : 1;
  target.lastPassed = passed;
  if (target.health === (passed ? "healthy" : "unhealthy")) return;
  if (target.streak < checksNeeded(region, group, target, passed)) {
    const reason = "Elb.InitialHealthChecking";
    if (target.health !== "initial" || target.reason === reason) return;
    region.change(() => setHealth(target, "initial", reason, "Initial health checks in progress"));
    return;
  }
  region.change(() => {
    if (passed) setHealth(target, "healthy");
    else setHealth(target, "unhealthy", "Target.FailedHealthChecks", "Health checks failed");
    region.ears.targetJudged(target);
  });
}

function checksNeeded(region: Region, group: TargetGroup, target: TargetRow, passed: boolean): number {
  if (!passed) return group.unhealthyThreshold;
  return target.health === "initial" && region.settings.firstHealthCheckSuffices ? 1 : group.healthyThreshold;
}

function setHealth(target: TargetRow, health: Health, reason?: string, description?: string): void {
  target.health = health;
  target.reason = reason;
  target.description = description;
}

export function registerTargets(region: Region, input: z.output<typeof shapes.targets>) {
  const group = targetGroup(region.elb, input.TargetGroupArn);
  for (const { Id, Port } of input.Targets) {
    if (group.targetType === "ip" && !/^\d+\.\d+\.\d+\.\d+$/.test(Id))
      throw new AwsError("InvalidTarget", `The IP address '${Id}' is not a valid IPv4 address`);
    registerTarget(region, group.arn, Id, Port ?? group.port, undefined);
  }
  return {};
}

export function deregisterTargets(region: Region, input: z.output<typeof shapes.targets>) {
  const group = targetGroup(region.elb, input.TargetGroupArn);
  for (const { Id, Port } of input.Targets) {
    for (const target of region.elb.targets.values()) {
      if (target.groupArn === group.arn && target.address === Id && (Port ?? target.port) === target.port)
        deregisterTarget(region, group.arn, target.address, target.port);
    }
  }
  return {};
}

export function describeTargetHealth(region: Region, input: z.output<typeof shapes.describeTargetHealth>) {
  const state = region.seenElb();
  const group = targetGroup(state, input.TargetGroupArn);
  const rows = [...state.targets.values()].filter((target) => target.groupArn === group.arn);
  const chosen =
    input.Targets === undefined
      ? rows
      : input.Targets.map(({ Id, Port }) => {
          const port = Port ?? group.port;
          return (
            rows.find((target) => target.address === Id && target.port === port) ??
            unregistered(group.arn, Id, port)
          );
        });
  return {
    TargetHealthDescriptions: chosen.map((target) => ({
      Target: { Id: target.address, Port: target.port, AvailabilityZone: `${region.name}a` },
      HealthCheckPort: group.healthCheckPort === "traffic-port" ? String(target.port) : group.healthCheckPort,
      TargetHealth: { State: target.health, Reason: target.reason, Description: target.description },
    })),
  };
}

function unregistered(groupArn: string, address: string, port: number): TargetRow {
  return {
    groupArn,
    address,
    port,
    taskArn: undefined,
    health: "unused",
    reason: "Target.NotRegistered",
    description: "Target is not registered to the target group",
    streak: 0,
    lastPassed: undefined,
  };
}
