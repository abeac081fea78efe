import type { Region } from "../region.ts";
import { computedDesiredCount, type EcsState, type TaskSet } from "./state.ts";
import { tagsOf } from "./tags.ts";

/** Running and pending tasks of a set; a task that is being stopped is neither. */
export function countsOf(state: EcsState, taskSetArn: string): { running: number; pending: number } {
  const counts = { running: 0, pending: 0 };
  for (const task of state.tasks.values()) {
    if (task.taskSetArn !== taskSetArn) continue;
    if (task.lastStatus === "RUNNING") counts.running++;
    if (task.lastStatus === "PENDING") counts.pending++;
  }
  return counts;
}

/** A task set as the API shows it. */
export function taskSetView(region: Region, state: EcsState, set: TaskSet, include: readonly string[]) {
  const service = state.services.get(set.serviceArn);
  const { running, pending } = countsOf(state, set.arn);
  return {
    id: set.id,
    taskSetArn: set.arn,
    serviceArn: set.serviceArn,
    clusterArn: set.clusterArn,
    startedBy: set.startedBy,
    externalId: set.externalId,
    status: set.status,
    taskDefinition: set.taskDefinition,
    computedDesiredCount: service === undefined ? 0 : computedDesiredCount(service, set),
    pendingCount: pending,
    runningCount: running,
    createdAt: new Date(set.createdAt),
    updatedAt: new Date(set.updatedAt),
    launchType: set.launchType,
    capacityProviderStrategy:
      set.capacityProviderStrategy.length > 0 ? set.capacityProviderStrategy : undefined,
    platformVersion: set.platformVersion,
    networkConfiguration: set.networkConfiguration,
    loadBalancers: set.loadBalancers,
    serviceRegistries: set.serviceRegistries,
    scale: { value: set.scalePercent, unit: "PERCENT" },
    stabilityStatus: set.stability,
    stabilityStatusAt: new Date(set.stabilityAt),
    tags: include.includes("TAGS") ? tagsOf(region, set.arn) : [],
  };
}
