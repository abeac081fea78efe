import type { z } from "zod";
import { AwsError, clientException, invalidParameter } from "../error.ts";
import { loadBalancersOf } from "../elb/state.ts";
import type { Region } from "../region.ts";
import { findCluster, findExternalService, findTaskDefinition, findTaskSet, taskSetIn } from "./find.ts";
import { poke } from "./scheduler.ts";
import type * as shapes from "./shapes.ts";
import type { CreateTaskSetInput, LoadBalancer } from "./shapes.ts";
import {
  computedDesiredCount,
  taskSetsOf,
  type Service,
  type TaskDefinition,
  type TaskSet,
} from "./state.ts";
import { checkTags } from "./tags.ts";
import { taskSetView } from "./views.ts";

/**
 * Makes a set; its tasks start by and by. Safe to repeat only with a
 * clientToken: the same token with the same parameters gives the same set.
 */
export function createTaskSet(region: Region, input: CreateTaskSetInput) {
  const service = findExternalService(region, input.cluster, input.service);
  const { ecs } = region;
  const { clientToken: token, ...rest } = input;
  const parameters = JSON.stringify(rest);
  const tokenKey = `${service.arn} ${token ?? ""}`;
  const earlier = token === undefined ? undefined : ecs.clientTokens.get(tokenKey);
  if (earlier !== undefined && earlier.until > region.now()) {
    if (earlier.parameters !== parameters)
      throw invalidParameter("The client token was already used for a task set with other parameters.");
    const same = ecs.taskSets.get(earlier.taskSetArn);
    if (same !== undefined) return { taskSet: taskSetView(region, ecs, same, ["TAGS"]) };
  }
  const definition = findTaskDefinition(region, input.taskDefinition);
  if (definition.status !== "ACTIVE") throw clientException("TaskDefinition is inactive");
  checkTags(input.tags);
  checkScale(input.scale);
  checkNetwork(input, definition);
  const capacity = capacityOf(region, input);
  if (input.loadBalancers.length > 1 && !region.settings.severalGroupsPerTaskSet)
    throw invalidParameter("A task set can have at most one load balancer.");
  for (const loadBalancer of input.loadBalancers) checkLoadBalancer(region, loadBalancer, definition);
  const limit = region.settings.taskSetsPerService;
  if (taskSetsOf(ecs, service.arn).length >= limit)
    throw invalidParameter(
      `The service already has ${limit} deployments. A service cannot have more than ${limit} deployments.`,
    );

  const id = `ecs-svc/${region.digits(19)}`;
  const clusterName = service.clusterArn.slice(service.clusterArn.lastIndexOf("/") + 1);
  const now = region.now();
  const set: TaskSet = {
    arn: region.ecsArn(`task-set/${clusterName}/${service.name}/${id}`),
    id,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    externalId: input.externalId,
    startedBy: undefined,
    status: "ACTIVE",
    scalePercent: input.scale.value,
    stability: "STABILIZING",
    stabilityAt: now,
    createdAt: now,
    updatedAt: now,
    failures: 0,
    startBlockedUntil: 0,
    taskDefinition: definition.arn,
    ...capacity,
    networkConfiguration: input.networkConfiguration,
    loadBalancers: input.loadBalancers,
    serviceRegistries: input.serviceRegistries,
  };
  ecs.taskSets.set(set.arn, set);
  ecs.tags.set(set.arn, input.tags);
  if (token !== undefined)
    ecs.clientTokens.set(tokenKey, {
      parameters,
      taskSetArn: set.arn,
      until: now + region.settings.clientTokenMs,
    });
  poke(region, set);
  return { taskSet: taskSetView(region, ecs, set, ["TAGS"]) };
}

/** Changes the scale and nothing else. Safe to repeat. */
export function updateTaskSet(region: Region, input: z.output<typeof shapes.updateTaskSet>) {
  const service = findExternalService(region, input.cluster, input.service);
  const set = findTaskSet(region, service, input.taskSet);
  checkScale(input.scale);
  if (set.status === "DRAINING") throw invalidParameter("A task set that is DRAINING cannot be updated.");
  set.scalePercent = input.scale.value;
  set.updatedAt = region.now();
  poke(region, set);
  return { taskSet: taskSetView(region, region.ecs, set, []) };
}

/** Makes a set PRIMARY and copies its parameters to the service; moves neither traffic nor scale. Safe to repeat. */
export function updateServicePrimaryTaskSet(
  region: Region,
  input: z.output<typeof shapes.updateServicePrimaryTaskSet>,
) {
  const service = findExternalService(region, input.cluster, input.service);
  const set = findTaskSet(region, service, input.primaryTaskSet);
  if (set.status === "DRAINING")
    throw invalidParameter("A task set that is DRAINING cannot be made PRIMARY.");
  for (const other of taskSetsOf(region.ecs, service.arn)) {
    if (other.status !== "PRIMARY" || other === set) continue;
    other.status = "ACTIVE";
    other.updatedAt = region.now();
  }
  if (set.status !== "PRIMARY") set.updatedAt = region.now();
  set.status = "PRIMARY";
  service.primary = {
    taskDefinition: set.taskDefinition,
    launchType: set.launchType,
    capacityProviderStrategy: set.capacityProviderStrategy,
    platformVersion: set.platformVersion,
    networkConfiguration: set.networkConfiguration,
    loadBalancers: set.loadBalancers,
    serviceRegistries: set.serviceRegistries,
  };
  return { taskSet: taskSetView(region, region.ecs, set, []) };
}

/** The set drains until its tasks are gone, then it is gone itself. Safe to repeat until then. */
export function deleteTaskSet(region: Region, input: z.output<typeof shapes.deleteTaskSet>) {
  const service = findExternalService(region, input.cluster, input.service);
  const set = findTaskSet(region, service, input.taskSet);
  if (!input.force && set.status !== "DRAINING" && computedDesiredCount(service, set) > 0)
    throw invalidParameter(
      "The task set cannot be deleted while it is scaled above 0. Set its scale to 0 or use force.",
    );
  removeTaskSet(region, set);
  return { taskSet: taskSetView(region, region.ecs, set, []) };
}

/** Begins to drain a set. */
export function removeTaskSet(region: Region, set: TaskSet): void {
  set.status = "DRAINING";
  set.updatedAt = region.now();
  poke(region, set);
}

export function describeTaskSets(region: Region, input: z.output<typeof shapes.describeTaskSets>) {
  const cluster = findCluster(region, input.cluster);
  const live = findExternalService(region, cluster.arn, input.service);
  if (input.taskSets.length === 0 && !region.settings.describeTaskSetsWithoutIds)
    throw invalidParameter("Task sets cannot be empty.");
  const state = region.seenEcs();
  const service: Service = state.services.get(live.arn) ?? live;
  const ids =
    input.taskSets.length > 0 ? input.taskSets : taskSetsOf(state, service.arn).map((set) => set.arn);
  const found = ids.map((id) => ({ id, set: taskSetIn(state, service, id) }));
  return {
    taskSets: found.flatMap(({ set }) =>
      set === undefined ? [] : [taskSetView(region, state, set, input.include)],
    ),
    failures: found
      .filter(({ set }) => set === undefined)
      .map(({ id }) => ({
        arn: id.startsWith("arn:") ? id : region.ecsArn(`task-set/${cluster.name}/${service.name}/${id}`),
        reason: "MISSING",
      })),
  };
}

function checkScale({ value, unit }: { value: number; unit: string }): void {
  if (unit !== "PERCENT" || !(value >= 0 && value <= 100))
    throw invalidParameter(`Scale ${value} ${unit} is invalid: it must be between 0 and 100 PERCENT.`);
}

function checkNetwork(input: CreateTaskSetInput, definition: TaskDefinition): void {
  const awsvpc = definition.registered.networkMode === "awsvpc";
  const given = input.networkConfiguration?.awsvpcConfiguration !== undefined;
  if (awsvpc && !given)
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  if (!awsvpc && given)
    throw invalidParameter(
      "Network Configuration is not valid for the given networkMode of this task definition.",
    );
}

/** Launch type or capacity providers, where neither is given the cluster's default. */
function capacityOf(region: Region, input: CreateTaskSetInput) {
  const { launchType, capacityProviderStrategy: given, platformVersion } = input;
  if (launchType !== undefined && given.length > 0)
    throw invalidParameter(
      "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    );
  const cluster = findCluster(region, input.cluster);
  const strategy =
    given.length > 0 ? given : launchType === undefined ? cluster.defaultCapacityProviderStrategy : [];
  if (strategy.length > 6)
    throw invalidParameter("A capacity provider strategy can have at most 6 capacity providers.");
  if (strategy.filter((item) => (item.base ?? 0) > 0).length > 1)
    throw invalidParameter("Only one capacity provider of a strategy can have a base.");
  if (strategy.length > 0 && !strategy.some((item) => (item.weight ?? 0) > 0))
    throw invalidParameter("At least one capacity provider of a strategy needs a weight above 0.");
  const unknown = strategy.find(
    ({ capacityProvider: name }) => !name.startsWith("FARGATE") && !cluster.capacityProviders.includes(name),
  );
  if (unknown !== undefined)
    throw invalidParameter(`The specified capacity provider '${unknown.capacityProvider}' was not found.`);
  const fargate =
    launchType === "FARGATE" || strategy.some(({ capacityProvider: name }) => name.startsWith("FARGATE"));
  if (platformVersion !== undefined && !fargate)
    throw invalidParameter("The platform version must be null when specifying an EC2 launch type.");
  if (fargate && platformVersion !== undefined && !/^(LATEST|1\.[0-4]\.0)$/.test(platformVersion))
    throw new AwsError("PlatformUnknownException", "The specified platform version does not exist.");
  return {
    launchType: strategy.length > 0 ? undefined : (launchType ?? "EC2"),
    capacityProviderStrategy: strategy,
    platformVersion: fargate ? (platformVersion ?? "LATEST") : undefined,
  };
}

function checkLoadBalancer(region: Region, loadBalancer: LoadBalancer, definition: TaskDefinition): void {
  const { targetGroupArn: arn, containerName, containerPort } = loadBalancer;
  if (arn === undefined) throw invalidParameter("loadBalancers.targetGroupArn must be set.");
  const group = region.elb.groups.get(arn);
  if (group === undefined) throw invalidParameter(`The specified target group does not exist: ${arn}`);
  const container = definition.registered.containerDefinitions.find((one) => one.name === containerName);
  if (container === undefined)
    throw invalidParameter(`The container ${containerName ?? ""} does not exist in the task definition.`);
  if (!container.portMappings.some((port) => port.containerPort === containerPort))
    throw invalidParameter(
      `The container ${container.name} did not have a container port ${containerPort ?? ""} defined.`,
    );
  if (definition.registered.networkMode === "awsvpc" && group.targetType !== "ip")
    throw invalidParameter(
      `The provided target group ${arn} has target type ${group.targetType}, which is incompatible with the awsvpc network mode specified in the task definition.`,
    );
  if (loadBalancersOf(region.elb, arn).length === 0)
    throw invalidParameter(
      `The target group with targetGroupArn ${arn} does not have an associated load balancer.`,
    );
}
