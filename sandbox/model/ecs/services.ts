import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, invalidParameter } from "../error.ts";
import type { Region } from "../region.ts";
import { badToken } from "./clusters.ts";
import { findCluster, findService, serviceIn } from "./find.ts";
import { pokeService } from "./scheduler.ts";
import type * as shapes from "./shapes.ts";
import { taskSetsOf, type EcsState, type Service } from "./state.ts";
import { checkTags, tagsOf } from "./tags.ts";
import { countsOf, taskSetView } from "./views.ts";
import { removeTaskSet } from "./taskSets.ts";

/** What a service under EXTERNAL takes from its task sets and not from its caller. */
const membersOfTaskSets = [
  "taskDefinition",
  "loadBalancers",
  "serviceRegistries",
  "networkConfiguration",
  "launchType",
  "capacityProviderStrategy",
  "platformVersion",
  "deploymentConfiguration",
  "serviceConnectConfiguration",
  "volumeConfigurations",
  "forceNewDeployment",
  "availabilityZoneRebalancing",
];

function refuseMembers(input: Record<string, unknown>): void {
  const refused = membersOfTaskSets.filter(
    (member) => input[member] !== undefined && input[member] !== false,
  );
  if (refused.length > 0)
    throw invalidParameter(
      `${refused.join(", ")} cannot be set on a service with the EXTERNAL deployment controller. Use a task set.`,
    );
}

/** Under another controller than EXTERNAL the service is inert: it can be described and runs nothing. */
export function createService(region: Region, input: z.output<typeof shapes.createService>) {
  const cluster = findCluster(region, input.cluster);
  checkTags(input.tags);
  const controller = input.deploymentController.type;
  if (controller === "EXTERNAL") {
    refuseMembers(input);
    if (input.schedulingStrategy === "DAEMON")
      throw invalidParameter(
        "The DAEMON scheduling strategy does not support the EXTERNAL deployment controller.",
      );
  }
  const arn = region.ecsArn(`service/${cluster.name}/${input.serviceName}`);
  const present = region.ecs.services.get(arn);
  if (present !== undefined && present.status !== "INACTIVE")
    throw invalidParameter("Creation of service was not idempotent.");
  const service: Service = {
    arn,
    name: input.serviceName,
    clusterArn: cluster.arn,
    status: "ACTIVE",
    controller,
    desiredCount: input.desiredCount,
    healthCheckGracePeriodSeconds: input.healthCheckGracePeriodSeconds,
    schedulingStrategy: input.schedulingStrategy,
    placementConstraints: input.placementConstraints ?? [],
    placementStrategy: input.placementStrategy ?? [],
    enableECSManagedTags: input.enableECSManagedTags ?? false,
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    propagateTags: input.propagateTags ?? "NONE",
    createdAt: region.now(),
    primary: undefined,
    events: [],
  };
  region.ecs.services.set(arn, service);
  region.ecs.tags.set(arn, input.tags);
  return { service: view(region, region.ecs, service, ["TAGS"]) };
}

/** Safe to repeat. A changed desiredCount rescales every task set of the service. */
export function updateService(region: Region, input: z.output<typeof shapes.updateService>) {
  const service = findService(region, findCluster(region, input.cluster), input.service);
  if (service.status !== "ACTIVE") throw new AwsError("ServiceNotActiveException", "Service was not ACTIVE.");
  if (service.controller === "EXTERNAL") refuseMembers(input);
  service.desiredCount = input.desiredCount ?? service.desiredCount;
  service.healthCheckGracePeriodSeconds =
    input.healthCheckGracePeriodSeconds ?? service.healthCheckGracePeriodSeconds;
  service.placementConstraints = input.placementConstraints ?? service.placementConstraints;
  service.placementStrategy = input.placementStrategy ?? service.placementStrategy;
  service.enableECSManagedTags = input.enableECSManagedTags ?? service.enableECSManagedTags;
  service.enableExecuteCommand = input.enableExecuteCommand ?? service.enableExecuteCommand;
  service.propagateTags = input.propagateTags ?? service.propagateTags;
  if (input.desiredCount !== undefined) pokeService(region, service);
  return { service: view(region, region.ecs, service, []) };
}

/** At most ten services a call; their task sets are in the answer. */
export function describeServices(region: Region, input: z.output<typeof shapes.describeServices>) {
  const cluster = findCluster(region, input.cluster);
  if (input.services.length === 0) throw invalidParameter("Services cannot be empty.");
  if (input.services.length > 10) throw invalidParameter("Services cannot have more than 10 elements.");
  const state = region.seenEcs();
  const found = input.services.map((id) => ({ id, service: serviceIn(state, region, cluster, id) }));
  return {
    services: found.flatMap(({ service }) =>
      service === undefined ? [] : [view(region, state, service, input.include)],
    ),
    failures: found
      .filter(({ service }) => service === undefined)
      .map(({ id }) => ({
        arn: id.startsWith("arn:") ? id : region.ecsArn(`service/${cluster.name}/${id}`),
        reason: "MISSING",
      })),
  };
}

export function listServices(region: Region, input: z.output<typeof shapes.listServices>) {
  const cluster = findCluster(region, input.cluster);
  const arns = [...region.ecs.services.values()]
    .filter((service) => service.clusterArn === cluster.arn && service.status !== "INACTIVE")
    .map((service) => service.arn);
  const { items, next } = page(arns, input.maxResults, input.nextToken, badToken);
  return { serviceArns: items, nextToken: next };
}

/** With `force` its task sets go too; without it they must be gone. */
export function deleteService(region: Region, input: z.output<typeof shapes.deleteService>) {
  const service = findService(region, findCluster(region, input.cluster), input.service);
  const sets = taskSetsOf(region.ecs, service.arn);
  if (!input.force && (service.desiredCount > 0 || sets.some((set) => set.scalePercent > 0)))
    throw invalidParameter("The service cannot be stopped while it is scaled above 0.");
  service.status = sets.length > 0 ? "DRAINING" : "INACTIVE";
  service.desiredCount = 0;
  for (const set of sets) removeTaskSet(region, set);
  return { service: view(region, region.ecs, service, []) };
}

function view(region: Region, state: EcsState, service: Service, include: readonly string[]) {
  const sets = taskSetsOf(state, service.arn);
  const counts = sets.map((set) => countsOf(state, set.arn));
  const { primary } = service;
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.clusterArn,
    loadBalancers: primary?.loadBalancers ?? [],
    serviceRegistries: primary?.serviceRegistries ?? [],
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: counts.reduce((sum, count) => sum + count.running, 0),
    pendingCount: counts.reduce((sum, count) => sum + count.pending, 0),
    launchType: primary?.launchType,
    capacityProviderStrategy: primary?.capacityProviderStrategy,
    platformVersion: primary?.platformVersion,
    taskDefinition: primary?.taskDefinition,
    networkConfiguration: primary?.networkConfiguration,
    taskSets: sets.map((set) => taskSetView(region, state, set, include)),
    deployments: [],
    events: service.events.toReversed(),
    createdAt: new Date(service.createdAt),
    placementConstraints: service.placementConstraints,
    placementStrategy: service.placementStrategy,
    healthCheckGracePeriodSeconds: service.healthCheckGracePeriodSeconds,
    schedulingStrategy: service.schedulingStrategy,
    deploymentController: { type: service.controller },
    tags: include.includes("TAGS") ? tagsOf(region, service.arn) : undefined,
    enableECSManagedTags: service.enableECSManagedTags,
    propagateTags: service.propagateTags,
    enableExecuteCommand: service.enableExecuteCommand,
  };
}
