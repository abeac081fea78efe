import { AwsError, clientException, invalidParameter } from "../error.ts";
import type { Region } from "../region.ts";
import type { Cluster, EcsState, Service, Task, TaskDefinition, TaskSet } from "./state.ts";
import { taskSetsOf } from "./state.ts";

/*
 * From the ids that callers send (short names or full ARNs) to records, or
 * AWS's refusal.
 */

const last = (arn: string) => arn.slice(arn.lastIndexOf("/") + 1);

/** The cluster of a name or ARN; `default` where none is named. */
export function findCluster(region: Region, id = "default"): Cluster {
  const found = region.ecs.clusters.get(region.ecsArn(`cluster/${last(id)}`));
  if (found === undefined || found.status !== "ACTIVE" || (id.startsWith("arn:") && id !== found.arn))
    throw new AwsError("ClusterNotFoundException", "Cluster not found.");
  return found;
}

export function serviceIn(
  state: EcsState,
  region: Region,
  cluster: Cluster,
  id: string,
): Service | undefined {
  const arn = region.ecsArn(`service/${cluster.name}/${last(id)}`);
  return id.startsWith("arn:") && id !== arn ? undefined : state.services.get(arn);
}

/** The service as it is now, or ServiceNotFoundException. */
export function findService(region: Region, cluster: Cluster, id: string): Service {
  const found = serviceIn(region.ecs, region, cluster, id);
  if (found === undefined) throw new AwsError("ServiceNotFoundException", "Service not found.");
  return found;
}

/** The active EXTERNAL service that the task-set calls work on. */
export function findExternalService(region: Region, clusterId: string, serviceId: string): Service {
  const service = findService(region, findCluster(region, clusterId), serviceId);
  if (service.status !== "ACTIVE") throw new AwsError("ServiceNotActiveException", "Service was not ACTIVE.");
  if (service.controller !== "EXTERNAL")
    throw invalidParameter(
      "TaskSets are only supported for services with the EXTERNAL deployment controller.",
    );
  return service;
}

export function taskSetIn(state: EcsState, service: Service, id: string): TaskSet | undefined {
  return taskSetsOf(state, service.arn).find((set) => set.arn === id || set.id === id);
}

/** The set of a short id or ARN, or TaskSetNotFoundException. */
export function findTaskSet(region: Region, service: Service, id: string): TaskSet {
  const found = taskSetIn(region.ecs, service, id);
  if (found === undefined)
    throw new AwsError("TaskSetNotFoundException", "The specified task set does not exist.");
  return found;
}

export function taskIn(state: EcsState, region: Region, cluster: Cluster, id: string): Task | undefined {
  return state.tasks.get(id.startsWith("arn:") ? id : region.ecsArn(`task/${cluster.name}/${id}`));
}

/** `family` (its newest ACTIVE revision), `family:revision` or an ARN. */
export function taskDefinitionIn(state: EcsState, id: string): TaskDefinition | undefined {
  const name = id.startsWith("arn:") ? last(id) : id;
  const colon = name.indexOf(":");
  const revisions = state.definitions.get(colon < 0 ? name : name.slice(0, colon)) ?? [];
  const found =
    colon < 0
      ? revisions.findLast((definition) => definition.status === "ACTIVE")
      : // None is ever taken out of the list.
        revisions[Number(name.slice(colon + 1)) - 1];
  // An ARN may be another region's or another account's.
  const elsewhere = id.startsWith("arn:") && found?.arn !== id && !found?.arn.startsWith(`${id}:`);
  return elsewhere ? undefined : found;
}

export function findTaskDefinition(region: Region, id: string): TaskDefinition {
  const found = taskDefinitionIn(region.ecs, id);
  if (found === undefined) throw clientException("Unable to describe task definition.");
  return found;
}
