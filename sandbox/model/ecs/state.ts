import type { Behaviour } from "../behaviour.ts";
import { copyMap } from "../lagged.ts";
import type {
  CapacityProviderStrategyItem,
  LoadBalancer,
  NetworkConfiguration,
  ServiceRegistry,
  Tag,
  TaskDefinitionInput,
} from "./shapes.ts";

/*
 * What ECS knows in one region. Records are changed field by field, never
 * inside a field's value, so that a shallow copy is a true picture of a past
 * moment. Times are ms since the epoch.
 */

export interface Cluster {
  arn: string;
  name: string;
  status: "ACTIVE" | "INACTIVE";
  settings: unknown;
  capacityProviders: string[];
  defaultCapacityProviderStrategy: CapacityProviderStrategyItem[];
}

export interface TaskDefinition {
  arn: string;
  family: string;
  revision: number;
  status: "ACTIVE" | "INACTIVE";
  registered: TaskDefinitionInput;
  registeredAt: number;
  deregisteredAt?: number;
}

/** What the service shows of the set that was last made PRIMARY. */
export interface TaskSetParameters {
  taskDefinition: string;
  launchType: string | undefined;
  capacityProviderStrategy: CapacityProviderStrategyItem[];
  platformVersion: string | undefined;
  networkConfiguration: NetworkConfiguration | undefined;
  loadBalancers: LoadBalancer[];
  serviceRegistries: ServiceRegistry[];
}

export interface Service {
  arn: string;
  name: string;
  clusterArn: string;
  status: "ACTIVE" | "DRAINING" | "INACTIVE";
  controller: "EXTERNAL" | "ECS" | "CODE_DEPLOY";
  desiredCount: number;
  healthCheckGracePeriodSeconds: number | undefined;
  schedulingStrategy: string;
  placementConstraints: unknown[];
  placementStrategy: unknown[];
  enableECSManagedTags: boolean;
  enableExecuteCommand: boolean;
  propagateTags: string;
  createdAt: number;
  /** Undefined until a set was made PRIMARY. */
  primary: TaskSetParameters | undefined;
  events: { id: string; createdAt: Date; message: string }[];
}

export interface TaskSet extends TaskSetParameters {
  arn: string;
  id: string;
  serviceArn: string;
  clusterArn: string;
  externalId: string | undefined;
  startedBy: string | undefined;
  status: "PRIMARY" | "ACTIVE" | "DRAINING";
  scalePercent: number;
  stability: "STEADY_STATE" | "STABILIZING";
  stabilityAt: number;
  createdAt: number;
  updatedAt: number;
  /** Tasks in a row that stopped by themselves since the set was last steady. */
  failures: number;
  /** No start before this time, after repeated failures. */
  startBlockedUntil: number;
}

export type TaskStatus = "PENDING" | "RUNNING" | "DEACTIVATING" | "STOPPING" | "STOPPED";

export interface Task {
  arn: string;
  id: string;
  clusterArn: string;
  serviceArn: string;
  taskSetArn: string;
  taskSetId: string;
  definitionArn: string;
  desiredStatus: "RUNNING" | "STOPPED";
  lastStatus: TaskStatus;
  address: string;
  /** Where it is a target while it runs. */
  targets: { groupArn: string; port: number }[];
  attachmentId: string;
  createdAt: number;
  startedAt?: number;
  stoppingAt?: number;
  stoppedAt?: number;
  stopCode?: string;
  stoppedReason?: string;
  exitCode?: number;
  containerReason?: string;
  protectedUntil?: number;
  /** Given to this one task; outranks its image's. */
  behaviour?: Behaviour;
}

export interface EcsState {
  clusters: Map<string, Cluster>;
  /** By family, oldest revision first. */
  definitions: Map<string, TaskDefinition[]>;
  services: Map<string, Service>;
  taskSets: Map<string, TaskSet>;
  tasks: Map<string, Task>;
  /** By resource ARN. */
  tags: Map<string, Tag[]>;
  /** By service ARN and token. */
  clientTokens: Map<string, { parameters: string; taskSetArn: string; until: number }>;
}

export function newEcsState(): EcsState {
  return {
    clusters: new Map(),
    definitions: new Map(),
    services: new Map(),
    taskSets: new Map(),
    tasks: new Map(),
    tags: new Map(),
    clientTokens: new Map(),
  };
}

/** A picture of what reads may lag on; the rest is shared. */
export function copyEcsState(state: EcsState): EcsState {
  return {
    ...state,
    services: copyMap(state.services),
    taskSets: copyMap(state.taskSets),
    tasks: copyMap(state.tasks),
  };
}

/** ceil(desiredCount × scale / 100); a rounding error of floats must not add a task. */
export function computedDesiredCount(service: Service, set: TaskSet): number {
  if (set.status === "DRAINING") return 0;
  return Math.max(0, Math.ceil((service.desiredCount * set.scalePercent) / 100 - 1e-9));
}

export function tasksOf(state: EcsState, taskSetArn: string): Task[] {
  return [...state.tasks.values()].filter((task) => task.taskSetArn === taskSetArn);
}

export function taskSetsOf(state: EcsState, serviceArn: string): TaskSet[] {
  return [...state.taskSets.values()].filter((set) => set.serviceArn === serviceArn);
}
