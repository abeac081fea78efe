import { targetKey, type TargetRow } from "../elb/state.ts";
import type { Region } from "../region.ts";
import { computedDesiredCount, tasksOf, taskSetsOf, type Service, type Task, type TaskSet } from "./state.ts";
import { startTask, stopTask } from "./taskLife.ts";
import { countsOf } from "./views.ts";

/*
 * What ECS does by itself: it keeps every task set at its computed count,
 * replaces tasks that ended or fail their health checks, judges stability and
 * takes away sets that have drained. Nothing here is asked for by a caller.
 */

const backoffMaxMs = 900_000;
const eventsPerService = 100;

/** The set no longer is what it was: the scheduler will look at it shortly. Safe to repeat. */
export function poke(region: Region, set: TaskSet): void {
  unsettle(region, set);
  region.once(`reconcile ${set.arn}`, region.settings.schedulerDelayMs, () => reconcile(region, set));
}

/** A task of the set lost its protection: it may be one that was to go. */
export function unprotected(region: Region, set: TaskSet): void {
  region.once(`reconcile ${set.arn}`, region.settings.schedulerDelayMs, () => reconcile(region, set));
}

export function pokeService(region: Region, service: Service): void {
  for (const set of taskSetsOf(region.ecs, service.arn)) poke(region, set);
}

/** A task of the set stopped, `failed` when nobody asked it to. */
export function taskEnded(region: Region, task: Task, failed: boolean): void {
  const set = region.ecs.taskSets.get(task.taskSetArn);
  if (set === undefined) return;
  if (failed) {
    set.failures++;
    if (set.failures >= 3) {
      const backoff = region.settings.startBackoffMs * 2 ** (set.failures - 3);
      set.startBlockedUntil = region.now() + Math.min(backoff, backoffMaxMs);
      serviceEvent(region, set, "is unable to consistently start tasks successfully.");
    }
  }
  poke(region, set);
}

/** Looks again whether the set of a changed task is stable. */
export function taskChanged(region: Region, task: Task): void {
  const set = region.ecs.taskSets.get(task.taskSetArn);
  if (set !== undefined) settle(region, set);
}

/** The load balancer's verdict on a target: past the grace period ECS replaces the task of an unhealthy one. */
export function targetJudged(region: Region, target: TargetRow): void {
  const task = target.taskArn === undefined ? undefined : region.ecs.tasks.get(target.taskArn);
  if (task === undefined) return;
  taskChanged(region, task);
  if (target.health !== "unhealthy" || task.startedAt === undefined || task.desiredStatus === "STOPPED")
    return;
  const graceMs = (region.ecs.services.get(task.serviceArn)?.healthCheckGracePeriodSeconds ?? 0) * 1000;
  const graceLeftMs = task.startedAt + graceMs - region.now();
  const name = `unhealthy ${targetKey(target.groupArn, target.address, target.port)}`;
  region.once(name, Math.max(graceLeftMs, region.settings.schedulerDelayMs), () => {
    if (target.health !== "unhealthy") return;
    stopTask(region, task, {
      code: "ServiceSchedulerInitiated",
      reason: `Task failed ELB health checks in (target-group ${target.groupArn})`,
      failed: true,
    });
  });
}

function serviceEvent(region: Region, set: TaskSet, text: string): void {
  const service = region.ecs.services.get(set.serviceArn);
  if (service === undefined) return;
  const event = {
    id: region.hex(32),
    createdAt: new Date(region.now()),
    message: `(service ${service.name}, taskSet ${set.id}) ${text}`,
  };
  service.events = [...service.events.slice(1 - eventsPerService), event];
}

function reconcile(region: Region, set: TaskSet): void {
  const service = region.ecs.services.get(set.serviceArn);
  if (service === undefined || !region.ecs.taskSets.has(set.arn)) return;
  const wanted = computedDesiredCount(service, set);
  const all = tasksOf(region.ecs, set.arn);
  const live = all.filter((task) => task.desiredStatus === "RUNNING");
  if (live.length < wanted) {
    const blockedMs = set.startBlockedUntil - region.now();
    if (blockedMs > 0) {
      region.once(`unblock ${set.arn}`, blockedMs, () => reconcile(region, set));
    } else {
      for (let missing = wanted - live.length; missing > 0; missing--) startTask(region, service, set);
    }
  } else if (live.length > wanted) {
    stopSurplus(region, set, live, live.length - wanted);
  }
  if (set.status === "DRAINING" && all.every((task) => task.lastStatus === "STOPPED")) remove(region, set);
  else settle(region, set);
}

/** Tasks that never ran go first, then the youngest; a protected one stays until its protection ends. */
function stopSurplus(region: Region, set: TaskSet, live: Task[], count: number): void {
  const now = region.now();
  const free = live
    .filter((task) => (task.protectedUntil ?? 0) <= now)
    .sort((a, b) => (b.startedAt ?? Infinity) - (a.startedAt ?? Infinity) || b.createdAt - a.createdAt);
  for (const task of free.slice(0, count))
    stopTask(region, task, {
      code: "ServiceSchedulerInitiated",
      reason: `Scaling activity initiated by (deployment ${set.id})`,
      failed: false,
    });
  const protectedUntil = live.map((task) => task.protectedUntil ?? 0).filter((until) => until > now);
  if (free.length < count && protectedUntil.length > 0)
    region.once(`protected ${set.arn}`, Math.min(...protectedUntil) - now, () => reconcile(region, set));
}

function remove(region: Region, set: TaskSet): void {
  region.ecs.taskSets.delete(set.arn);
  region.ecs.tags.delete(set.arn);
  const service = region.ecs.services.get(set.serviceArn);
  if (service?.status === "DRAINING" && taskSetsOf(region.ecs, service.arn).length === 0)
    service.status = "INACTIVE";
}

function unsettle(region: Region, set: TaskSet): void {
  region.forget(`steady ${set.arn}`);
  if (set.stability === "STABILIZING") return;
  set.stability = "STABILIZING";
  set.stabilityAt = region.now();
}

/** STABILIZING at once when a condition fails, STEADY_STATE when all have held for a while. */
function settle(region: Region, set: TaskSet): void {
  if (!isStable(region, set)) return unsettle(region, set);
  if (set.stability === "STEADY_STATE") return;
  region.once(`steady ${set.arn}`, region.settings.steadyDelayMs, () => {
    if (!region.ecs.taskSets.has(set.arn) || !isStable(region, set)) return;
    set.stability = "STEADY_STATE";
    set.stabilityAt = region.now();
    set.failures = 0;
    serviceEvent(region, set, "has reached a steady state.");
  });
}

function isStable(region: Region, set: TaskSet): boolean {
  const service = region.ecs.services.get(set.serviceArn);
  if (service === undefined || set.status === "DRAINING") return false;
  const { running, pending } = countsOf(region.ecs, set.arn);
  if (pending > 0 || running !== computedDesiredCount(service, set)) return false;
  return tasksOf(region.ecs, set.arn).every(
    (task) =>
      task.lastStatus !== "RUNNING" ||
      task.targets.every(
        ({ groupArn, port }) =>
          region.elb.targets.get(targetKey(groupArn, task.address, port))?.health === "healthy",
      ),
  );
}
