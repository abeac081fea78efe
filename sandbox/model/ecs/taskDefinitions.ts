import type { z } from "zod";
import { page } from "../action.ts";
import { clientException } from "../error.ts";
import type { Region } from "../region.ts";
import { badToken } from "./clusters.ts";
import { findTaskDefinition } from "./find.ts";
import type * as shapes from "./shapes.ts";
import type { TaskDefinition } from "./state.ts";
import { checkTags, tagsOf } from "./tags.ts";

/** Members of a described definition that registering does not take. */
const readOnlyMembers = [
  "taskDefinitionArn",
  "revision",
  "status",
  "requiresAttributes",
  "compatibilities",
  "registeredAt",
  "registeredBy",
  "deregisteredAt",
  "deleteRequestedAt",
];

/** Each call makes a new revision, a repeated one too. */
export function registerTaskDefinition(
  region: Region,
  input: z.output<typeof shapes.registerTaskDefinition>,
) {
  const refused = readOnlyMembers.filter((member) => input[member] !== undefined);
  if (refused.length > 0)
    throw clientException(
      `Unknown parameters in input: ${refused.map((member) => `"${member}"`).join(", ")}`,
    );
  checkTags(input.tags);
  const names = input.containerDefinitions.map((container) => container.name);
  if (new Set(names).size < names.length) throw clientException("Container names must be unique.");
  if (!input.containerDefinitions.some((container) => container.essential))
    throw clientException("At least one container must be essential.");
  const revisions = region.ecs.definitions.get(input.family) ?? [];
  const revision = (revisions.at(-1)?.revision ?? 0) + 1;
  const { tags, ...registered } = input;
  const definition: TaskDefinition = {
    arn: region.ecsArn(`task-definition/${input.family}:${revision}`),
    family: input.family,
    revision,
    status: "ACTIVE",
    registered: { ...registered, tags: [] },
    registeredAt: region.now(),
  };
  region.ecs.definitions.set(input.family, [...revisions, definition]);
  region.ecs.tags.set(definition.arn, tags);
  return { taskDefinition: view(definition), tags };
}

export function describeTaskDefinition(
  region: Region,
  input: z.output<typeof shapes.describeTaskDefinition>,
) {
  const found = findTaskDefinition(region, input.taskDefinition);
  return {
    taskDefinition: view(found),
    tags: input.include.includes("TAGS") ? tagsOf(region, found.arn) : [],
  };
}

export function deregisterTaskDefinition(
  region: Region,
  input: z.output<typeof shapes.deregisterTaskDefinition>,
) {
  if (!input.taskDefinition.includes(":"))
    throw clientException("A revision is needed: family:revision or a full ARN.");
  const found = findTaskDefinition(region, input.taskDefinition);
  found.status = "INACTIVE";
  found.deregisteredAt ??= region.now();
  return { taskDefinition: view(found) };
}

/** Families in the order of their names, revisions in the order of their numbers. */
export function listTaskDefinitions(region: Region, input: z.output<typeof shapes.listTaskDefinitions>) {
  const { familyPrefix: family } = input;
  const arns = [...region.ecs.definitions.keys()]
    .filter((name) => family === undefined || name === family)
    .sort()
    .flatMap((name) => region.ecs.definitions.get(name) ?? [])
    .filter((definition) => definition.status === input.status)
    .map((definition) => definition.arn);
  const sorted = input.sort === "DESC" ? arns.reverse() : arns;
  const { items, next } = page(sorted, input.maxResults, input.nextToken, badToken);
  return { taskDefinitionArns: items, nextToken: next };
}

function view(definition: TaskDefinition) {
  const { tags: _, ...registered } = definition.registered;
  const awsvpc = registered.networkMode === "awsvpc";
  return {
    volumes: [],
    placementConstraints: [],
    ...registered,
    containerDefinitions: registered.containerDefinitions.map((container) => ({
      cpu: 0,
      mountPoints: [],
      volumesFrom: [],
      ...container,
      // In awsvpc mode the host port is the container's.
      portMappings: container.portMappings.map((port) =>
        awsvpc && port.containerPort !== undefined ? { hostPort: port.containerPort, ...port } : port,
      ),
    })),
    taskDefinitionArn: definition.arn,
    revision: definition.revision,
    status: definition.status,
    requiresAttributes: awsvpc ? [{ name: "ecs.capability.task-eni" }] : [],
    compatibilities: awsvpc ? ["EC2", "FARGATE"] : ["EC2"],
    registeredAt: new Date(definition.registeredAt),
    registeredBy: `arn:aws:iam::${definition.arn.split(":", 5)[4]}:user/sandbox`,
    deregisteredAt: definition.deregisteredAt === undefined ? undefined : new Date(definition.deregisteredAt),
  };
}
