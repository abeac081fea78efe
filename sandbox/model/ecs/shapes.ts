import { z } from "zod";

/*
 * Inputs of the ECS actions, as far as the model reads them. What it only
 * carries is kept as it came (`looseObject`); a member that the sandbox does
 * not know is ignored, as AWS does.
 */

export const tag = z.object({ key: z.string().min(1).max(128), value: z.string().max(256).default("") });
export type Tag = z.output<typeof tag>;
const tags = z.array(tag);

const capacityProviderStrategyItem = z.object({
  capacityProvider: z.string(),
  weight: z.number().int().min(0).max(1000).optional(),
  base: z.number().int().min(0).max(100_000).optional(),
});
export type CapacityProviderStrategyItem = z.output<typeof capacityProviderStrategyItem>;

const loadBalancer = z.looseObject({
  targetGroupArn: z.string().optional(),
  loadBalancerName: z.string().optional(),
  containerName: z.string().optional(),
  containerPort: z.number().int().min(0).max(65_535).optional(),
});
export type LoadBalancer = z.output<typeof loadBalancer>;

const networkConfiguration = z.looseObject({
  awsvpcConfiguration: z.looseObject({ subnets: z.array(z.string()).min(1).max(16) }).optional(),
});
export type NetworkConfiguration = z.output<typeof networkConfiguration>;

const serviceRegistry = z.looseObject({ registryArn: z.string().optional() });
export type ServiceRegistry = z.output<typeof serviceRegistry>;

const scale = z.object({ value: z.number().default(0), unit: z.string().default("PERCENT") });
const launchType = z.enum(["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]);
const cluster = z.string().optional();
const include = z.array(z.string()).default([]);
const paged = { nextToken: z.string().optional(), maxResults: z.number().int().min(1).max(100).default(100) };

export const createCluster = z.object({
  clusterName: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,255}$/)
    .default("default"),
  tags: tags.default([]),
  settings: z.unknown().optional(),
  capacityProviders: z.array(z.string()).default([]),
  defaultCapacityProviderStrategy: z.array(capacityProviderStrategyItem).default([]),
});
export const describeClusters = z.object({ clusters: z.array(z.string()).max(100).default([]), include });
export const listClusters = z.object(paged);
export const deleteCluster = z.object({ cluster: z.string() });

export const containerDefinition = z.looseObject({
  name: z.string().min(1),
  image: z.string().min(1),
  essential: z.boolean().default(true),
  environment: z.array(z.looseObject({ name: z.string(), value: z.string().default("") })).default([]),
  portMappings: z
    .array(
      z.looseObject({
        containerPort: z.number().int().optional(),
        hostPort: z.number().int().optional(),
        protocol: z.string().default("tcp"),
      }),
    )
    .default([]),
});
export const registerTaskDefinition = z.looseObject({
  family: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, "Family contains invalid characters."),
  containerDefinitions: z.array(containerDefinition).min(1, "Container list cannot be empty."),
  networkMode: z.string().optional(),
  tags: tags.default([]),
});
export type TaskDefinitionInput = z.output<typeof registerTaskDefinition>;
export const describeTaskDefinition = z.object({ taskDefinition: z.string(), include });
export const deregisterTaskDefinition = z.object({ taskDefinition: z.string() });
export const listTaskDefinitions = z.object({
  familyPrefix: z.string().optional(),
  status: z.enum(["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"]).default("ACTIVE"),
  sort: z.enum(["ASC", "DESC"]).default("ASC"),
  ...paged,
});

const serviceFlags = {
  placementConstraints: z.array(z.unknown()).optional(),
  placementStrategy: z.array(z.unknown()).optional(),
  healthCheckGracePeriodSeconds: z.number().int().min(0).max(2_147_483_647).optional(),
  enableECSManagedTags: z.boolean().optional(),
  enableExecuteCommand: z.boolean().optional(),
  propagateTags: z.enum(["TASK_DEFINITION", "SERVICE", "NONE"]).optional(),
};
export const createService = z.looseObject({
  cluster,
  serviceName: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  desiredCount: z.number().int().min(0).default(0),
  deploymentController: z
    .object({ type: z.enum(["ECS", "CODE_DEPLOY", "EXTERNAL"]) })
    .default({ type: "ECS" }),
  schedulingStrategy: z.enum(["REPLICA", "DAEMON"]).default("REPLICA"),
  tags: tags.default([]),
  ...serviceFlags,
});
export const updateService = z.looseObject({
  cluster,
  service: z.string(),
  desiredCount: z.number().int().min(0).optional(),
  ...serviceFlags,
});
export const describeServices = z.object({ cluster, services: z.array(z.string()), include });
export const listServices = z.object({
  cluster,
  nextToken: paged.nextToken,
  maxResults: z.number().int().min(1).max(100).default(10),
});
export const deleteService = z.object({ cluster, service: z.string(), force: z.boolean().default(false) });

export const createTaskSet = z.object({
  cluster: z.string(),
  service: z.string(),
  taskDefinition: z.string(),
  externalId: z.string().optional(),
  networkConfiguration: networkConfiguration.optional(),
  loadBalancers: z.array(loadBalancer).default([]),
  serviceRegistries: z.array(serviceRegistry).default([]),
  launchType: launchType.optional(),
  capacityProviderStrategy: z.array(capacityProviderStrategyItem).default([]),
  platformVersion: z.string().optional(),
  scale: scale.default({ value: 100, unit: "PERCENT" }),
  clientToken: z
    .string()
    .regex(/^[\x21-\x7e]{1,36}$/, "Client token must be 1 to 36 printable ASCII characters.")
    .optional(),
  tags: tags.default([]),
});
export type CreateTaskSetInput = z.output<typeof createTaskSet>;
export const updateTaskSet = z.object({
  cluster: z.string(),
  service: z.string(),
  taskSet: z.string(),
  scale,
});
export const updateServicePrimaryTaskSet = z.object({
  cluster: z.string(),
  service: z.string(),
  primaryTaskSet: z.string(),
});
export const deleteTaskSet = z.object({
  cluster: z.string(),
  service: z.string(),
  taskSet: z.string(),
  force: z.boolean().default(false),
});
export const describeTaskSets = z.object({
  cluster: z.string(),
  service: z.string(),
  taskSets: z.array(z.string()).default([]),
  include,
});

export const listTasks = z.object({
  cluster,
  containerInstance: z.string().optional(),
  family: z.string().optional(),
  serviceName: z.string().optional(),
  startedBy: z.string().optional(),
  desiredStatus: z.enum(["RUNNING", "PENDING", "STOPPED"]).default("RUNNING"),
  launchType: launchType.optional(),
  ...paged,
});
export const describeTasks = z.object({ cluster, tasks: z.array(z.string()).min(1).max(100), include });
export const stopTask = z.object({
  cluster,
  task: z.string(),
  reason: z.string().max(1024).optional(),
});
export const updateTaskProtection = z.object({
  cluster: z.string(),
  tasks: z.array(z.string()).min(1).max(10),
  protectionEnabled: z.boolean(),
  expiresInMinutes: z.number().int().min(1).max(2880).default(120),
});
export const getTaskProtection = z.object({
  cluster: z.string(),
  tasks: z.array(z.string()).max(100).default([]),
});

export const tagResource = z.object({ resourceArn: z.string(), tags });
export const untagResource = z.object({ resourceArn: z.string(), tagKeys: z.array(z.string()) });
export const listTagsForResource = z.object({ resourceArn: z.string() });
