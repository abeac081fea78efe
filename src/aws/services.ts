/** Reading ECS services with their task sets; looks that come together share a call. */
import {
  DescribeServicesCommand,
  DescribeTaskSetsCommand,
  type Service,
  type Tag as EcsTag,
  type TaskSet,
} from "@aws-sdk/client-ecs";
import type { ServiceSeen, TaskSetSeen } from "../deployment/observation.ts";
import type { Tag, TaskSetSpec } from "../deployment/target.ts";
import { callsUntil, type Call, type Calling } from "./call.ts";
import { type Clients, type Place, placeKey } from "./clients.ts";
import { CallFailed } from "./faults.ts";
import { gathering } from "./gather.ts";
import { withoutEmpties } from "./plain.ts";

/** DescribeServices takes no more names (API reference). */
const namesMax = 10;

/** A cluster where it is. */
interface Cluster extends Place {
  cluster: string;
}

export type ServiceReader = (at: Cluster & { service: string }, deadline: number) => Promise<ServiceSeen>;

/**
 * A reader whose reads begin after they were asked for. A service that does not exist is a value with the status
 * `MISSING`; its cluster's absence is a failure of class `absent`.
 */
export function createServiceReader(parts: {
  clients: Clients;
  calling: Calling;
  gatherMs: number;
}): ServiceReader {
  const ask = gathering<Cluster, ServiceSeen | CallFailed>({
    max: namesMax,
    waitMs: parts.gatherMs,
    keyOf: (at) => `${placeKey(at)} ${at.cluster}`,
    async fetch(at, names, deadline) {
      const call = callsUntil(parts.calling, deadline);
      const found = await describe(parts.clients, call, { ...at, names });
      return new Map(found.map((service) => [service.name, service.seen]));
    },
  });
  return async ({ service, ...at }, deadline) => {
    const call = callsUntil({ ...parts.calling, log: undefined }, deadline);
    const seen = await call(action, () => ask(at, service, deadline));
    if (seen instanceof CallFailed) throw seen;
    return seen ?? missingService;
  };
}

const action = "ecs:DescribeServices";

const missingService: ServiceSeen = {
  arn: "",
  status: "MISSING",
  controller: "",
  desiredCount: 0,
  healthCheckGraceSeconds: 0,
  taskSets: [],
};

interface Asked extends Cluster {
  names: string[];
}

type Found = { name: string; seen: ServiceSeen | CallFailed };

async function describe(clients: Clients, call: Call, asked: Asked): Promise<Found[]> {
  const ecs = clients.ecsReader(asked);
  let services: Service[];
  try {
    const answer = await call(action, (abortSignal) =>
      ecs.send(
        new DescribeServicesCommand({ cluster: asked.cluster, services: asked.names, include: ["TAGS"] }),
        { abortSignal },
      ),
    );
    services = answer.services ?? [];
  } catch (error) {
    // One name that AWS does not take must not blind the others.
    if (error instanceof CallFailed && error.fault.class === "refuse" && asked.names.length > 1) {
      const apart = await Promise.all(
        asked.names.map((name) => describe(clients, call, { ...asked, names: [name] }).catch(failure(name))),
      );
      return apart.flat();
    }
    throw error;
  }
  return Promise.all(
    asked.names.flatMap((name) => {
      const service = services.find((one) => one.serviceName === name || one.serviceArn === name);
      if (!service) return [];
      const read = withTaskSetTags(clients, call, asked, service);
      return [
        read.then(
          (complete): Found => ({ name, seen: serviceSeen(complete) }),
          (error: unknown) => onlyFailure(name, error),
        ),
      ];
    }),
  );
}

function failure(name: string): (error: unknown) => Found[] {
  return (error) => [onlyFailure(name, error)];
}

function onlyFailure(name: string, error: unknown): Found {
  if (error instanceof CallFailed) return { name, seen: error };
  throw error;
}

/**
 * DescribeServices is documented to include the tags of the service; where it leaves out those of the task sets,
 * they are read by themselves. By the tags a deployment knows its set, and green inherits them.
 */
async function withTaskSetTags(
  clients: Clients,
  call: Call,
  asked: Asked,
  service: Service,
): Promise<Service> {
  const untagged = (service.taskSets ?? []).filter((set) => set.tags === undefined);
  if (untagged.length === 0) return service;
  const answer = await call("ecs:DescribeTaskSets", (abortSignal) =>
    clients.ecsReader(asked).send(
      new DescribeTaskSetsCommand({
        cluster: asked.cluster,
        service: service.serviceArn,
        taskSets: untagged.map((set) => set.taskSetArn ?? ""),
        include: ["TAGS"],
      }),
      { abortSignal },
    ),
  );
  const tagsOf = new Map(answer.taskSets?.map((set) => [set.taskSetArn, set.tags ?? []]));
  const lost = untagged.find((set) => set.status !== "DRAINING" && !tagsOf.has(set.taskSetArn));
  if (lost) {
    throw new CallFailed({
      class: "repeat",
      code: "TaskSetUnseen",
      message: `${lost.taskSetArn ?? "a task set"} is listed but cannot be described yet`,
      action: "ecs:DescribeTaskSets",
    });
  }
  const taskSets = service.taskSets?.map((set) => ({ ...set, tags: set.tags ?? tagsOf.get(set.taskSetArn) }));
  return { ...service, taskSets };
}

function serviceSeen(service: Service): ServiceSeen {
  return {
    arn: service.serviceArn ?? "",
    status: service.status ?? "",
    // Absent means ECS's own rolling updates (API reference, Service).
    controller: service.deploymentController?.type ?? "ECS",
    desiredCount: service.desiredCount ?? 0,
    healthCheckGraceSeconds: service.healthCheckGracePeriodSeconds ?? 0,
    taskSets: (service.taskSets ?? []).map(taskSetSeen),
  };
}

function taskSetSeen(set: TaskSet): TaskSetSeen {
  return {
    arn: set.taskSetArn ?? "",
    id: set.id ?? "",
    status: set.status === "PRIMARY" || set.status === "DRAINING" ? set.status : "ACTIVE",
    steady: set.stabilityStatus === "STEADY_STATE",
    scalePercent: set.scale?.value ?? 0,
    computedDesired: set.computedDesiredCount ?? 0,
    running: set.runningCount ?? 0,
    pending: set.pendingCount ?? 0,
    createdAt: set.createdAt?.getTime() ?? 0,
    spec: specOf(set),
  };
}

/**
 * What `CreateTaskSet` would take to make this set again. A set is described more widely than it was asked for;
 * only what the request has is carried.
 */
function specOf(set: TaskSet): TaskSetSpec {
  const capacity = set.capacityProviderStrategy ?? [];
  const vpc = set.networkConfiguration?.awsvpcConfiguration;
  const tags = userTags(set.tags);
  const spec: TaskSetSpec = {
    taskDefinition: set.taskDefinition,
    externalId: set.externalId,
    networkConfiguration: { awsvpcConfiguration: vpc && { ...vpc, subnets: vpc.subnets ?? [] } },
    loadBalancers: set.loadBalancers,
    serviceRegistries: set.serviceRegistries,
    // In a request the two exclude each other.
    launchType: capacity.length > 0 ? undefined : set.launchType,
    capacityProviderStrategy: capacity.map((item) => ({
      ...item,
      capacityProvider: item.capacityProvider ?? "",
    })),
    platformVersion: set.platformVersion,
  };
  // A tag's value may be empty.
  return { ...withoutEmpties(spec), ...(tags.length > 0 && { tags }) };
}

/** Tags under `aws:` belong to AWS: nobody else may set them. */
export function userTags(tags: readonly EcsTag[] | undefined): Tag[] {
  return (tags ?? [])
    .filter((tag) => tag.key !== undefined && !tag.key.toLowerCase().startsWith("aws:"))
    .map((tag) => ({ key: tag.key ?? "", value: tag.value ?? "" }));
}
