/** Reading task definitions: one by name, or the revision that a deployment registered. */
import {
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionsCommand,
  type DescribeTaskDefinitionCommandOutput,
  type ECSClient,
} from "@aws-sdk/client-ecs";
import type { TaskDefinitionSeen } from "../deployment/observation.ts";
import { tagKeys } from "../deployment/target.ts";
import type { Call } from "./call.ts";
import { CallFailed } from "./faults.ts";
import { withoutNothings } from "./plain.ts";
import { userTags } from "./services.ts";

/** Throws `CallFailed` with class `absent` where there is no such revision. An INACTIVE one is a value. */
export async function readTaskDefinition(
  ecs: ECSClient,
  call: Call,
  name: string,
): Promise<TaskDefinitionSeen> {
  const { taskDefinition, tags } = await describe(ecs, call, name);
  if (!taskDefinition?.taskDefinitionArn) {
    throw new CallFailed({
      class: "absent",
      code: "TaskDefinitionNotFound",
      message: `${name} does not exist`,
      action: describeAction,
    });
  }
  // Registering refuses what describing adds.
  const {
    taskDefinitionArn,
    revision: _revision,
    status,
    requiresAttributes: _requiresAttributes,
    compatibilities: _compatibilities,
    registeredAt: _registeredAt,
    registeredBy: _registeredBy,
    deregisteredAt: _deregisteredAt,
    deleteRequestedAt: _deleteRequestedAt,
    ...registration
  } = taskDefinition;
  return {
    arn: taskDefinitionArn,
    family: taskDefinition.family ?? "",
    status: status ?? "",
    registration: withoutNothings(registration),
    containers: (taskDefinition.containerDefinitions ?? []).map((container) => ({
      name: container.name ?? "",
      image: container.image ?? "",
    })),
    tags: userTags(tags),
  };
}

/** How far back a deployment's revision is searched for; others may register revisions of the family meanwhile. */
const revisionsMax = 20;

/** The newest revision of a family that carries the deployment's tag, among its latest ones. */
export async function readRegistered(
  ecs: ECSClient,
  call: Call,
  asked: { family: string; deployment: string },
): Promise<{ arn: string } | null> {
  const listed = await call("ecs:ListTaskDefinitions", (abortSignal) =>
    ecs.send(
      new ListTaskDefinitionsCommand({
        familyPrefix: asked.family,
        status: "ACTIVE",
        sort: "DESC",
        maxResults: revisionsMax,
      }),
      { abortSignal },
    ),
  );
  const revisions = (listed.taskDefinitionArns ?? []).filter((arn) => arn.includes(`/${asked.family}:`));
  for (const arn of revisions) {
    const { tags } = await describe(ecs, call, arn);
    if (tags?.some((tag) => tag.key === tagKeys.deployment && tag.value === asked.deployment)) return { arn };
  }
  return null;
}

const describeAction = "ecs:DescribeTaskDefinition";

function describe(ecs: ECSClient, call: Call, name: string): Promise<DescribeTaskDefinitionCommandOutput> {
  return call(describeAction, (abortSignal) =>
    ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: name, include: ["TAGS"] }), { abortSignal }),
  );
}
