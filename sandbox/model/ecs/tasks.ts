import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, invalidParameter } from "../error.ts";
import type { Region } from "../region.ts";
import { badToken } from "./clusters.ts";
import { findCluster, serviceIn, taskDefinitionIn, taskIn } from "./find.ts";
import { unprotected } from "./scheduler.ts";
import type * as shapes from "./shapes.ts";
import type { EcsState, Task } from "./state.ts";
import { tagsOf } from "./tags.ts";
import { stopTask as stop } from "./taskLife.ts";

export function listTasks(region: Region, input: z.output<typeof shapes.listTasks>) {
  const cluster = findCluster(region, input.cluster);
  const { family, serviceName, startedBy } = input;
  if (startedBy !== undefined && (family !== undefined || serviceName !== undefined))
    throw invalidParameter("When you use the startedBy filter, it must be the only filter.");
  const state = region.seenEcs();
  const service = serviceName === undefined ? undefined : serviceIn(state, region, cluster, serviceName);
  if (serviceName !== undefined && service === undefined)
    throw new AwsError("ServiceNotFoundException", "Service not found.");
  const arns = [...state.tasks.values()]
    .filter(
      (task) =>
        task.clusterArn === cluster.arn &&
        (service === undefined || task.serviceArn === service.arn) &&
        (startedBy === undefined || task.taskSetId === startedBy) &&
        (family === undefined || familyOf(task) === family) &&
        // No task ever has the desired status PENDING, so that filter finds none; AWS documents it so.
        task.desiredStatus === input.desiredStatus,
    )
    .map((task) => task.arn);
  const { items, next } = page(arns, input.maxResults, input.nextToken, badToken);
  return { taskArns: items, nextToken: next };
}

export function describeTasks(region: Region, input: z.output<typeof shapes.describeTasks>) {
  const cluster = findCluster(region, input.cluster);
  const state = region.seenEcs();
  const found = input.tasks.map((id) => ({ id, task: taskIn(state, region, cluster, id) }));
  return {
    tasks: found.flatMap(({ task }) =>
      task === undefined ? [] : [view(region, state, task, input.include)],
    ),
    failures: found
      .filter(({ task }) => task === undefined)
      .map(({ id }) => ({
        arn: id.startsWith("arn:") ? id : region.ecsArn(`task/${cluster.name}/${id}`),
        reason: "MISSING",
      })),
  };
}

/** Safe to repeat. The scheduler starts another one in its place. */
export function stopTask(region: Region, input: z.output<typeof shapes.stopTask>) {
  const task = findTask(region, input.cluster, input.task);
  stop(region, task, {
    code: "UserInitiated",
    reason: input.reason ?? "Task stopped by user",
    failed: false,
  });
  return { task: view(region, region.ecs, task, []) };
}

/** Scale-in protection: the scheduler won't choose the task when it takes surplus ones away. */
export function updateTaskProtection(region: Region, input: z.output<typeof shapes.updateTaskProtection>) {
  const until = region.now() + input.expiresInMinutes * 60_000;
  const tasks = input.tasks.map((id) => findTask(region, input.cluster, id));
  for (const task of tasks) {
    task.protectedUntil = input.protectionEnabled ? until : undefined;
    const set = region.ecs.taskSets.get(task.taskSetArn);
    if (set && !input.protectionEnabled) unprotected(region, set);
  }
  return { protectedTasks: tasks.map((task) => protection(region, task)), failures: [] };
}

export function getTaskProtection(region: Region, input: z.output<typeof shapes.getTaskProtection>) {
  const tasks = input.tasks.map((id) => findTask(region, input.cluster, id));
  return { protectedTasks: tasks.map((task) => protection(region, task)), failures: [] };
}

function findTask(region: Region, clusterId: string | undefined, id: string): Task {
  const task = taskIn(region.ecs, region, findCluster(region, clusterId), id);
  if (task === undefined) throw invalidParameter("The referenced task was not found.");
  return task;
}

function protection(region: Region, task: Task) {
  const on = (task.protectedUntil ?? 0) > region.now();
  return {
    taskArn: task.arn,
    protectionEnabled: on,
    expirationDate: on && task.protectedUntil !== undefined ? new Date(task.protectedUntil) : undefined,
  };
}

function familyOf(task: Task): string {
  return task.definitionArn.slice(task.definitionArn.lastIndexOf("/") + 1).replace(/:\d+$/, "");
}

const date = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));

function view(region: Region, state: EcsState, task: Task, include: readonly string[]) {
  const definition = taskDefinitionIn(state, task.definitionArn);
  const set = state.taskSets.get(task.taskSetArn);
  const awsvpc = definition?.registered.networkMode === "awsvpc";
  const subnet = set?.networkConfiguration?.awsvpcConfiguration?.subnets[0] ?? "subnet-00000000";
  const details = [
    { name: "subnetId", value: subnet },
    { name: "networkInterfaceId", value: `eni-${task.id.slice(0, 17)}` },
    { name: "macAddress", value: "0a:00:00:00:00:00" },
    {
      name: "privateDnsName",
      value: `ip-${task.address.replaceAll(".", "-")}.${region.name}.compute.internal`,
    },
    { name: "privateIPv4Address", value: task.address },
  ];
  const stopped = task.lastStatus === "STOPPED";
  return {
    taskArn: task.arn,
    clusterArn: task.clusterArn,
    taskDefinitionArn: task.definitionArn,
    group: `service:${task.serviceArn.slice(task.serviceArn.lastIndexOf("/") + 1)}`,
    startedBy: task.taskSetId,
    desiredStatus: task.desiredStatus,
    lastStatus: task.lastStatus,
    healthStatus: "UNKNOWN",
    availabilityZone: `${region.name}a`,
    connectivity: task.startedAt === undefined ? undefined : "CONNECTED",
    launchType: set?.launchType ?? "FARGATE",
    capacityProviderName: set?.capacityProviderStrategy[0]?.capacityProvider,
    platformVersion: set?.platformVersion,
    cpu: definition?.registered["cpu"],
    memory: definition?.registered["memory"],
    version: 1,
    createdAt: date(task.createdAt),
    startedAt: date(task.startedAt),
    stoppingAt: date(task.stoppingAt),
    stoppedAt: date(task.stoppedAt),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    attachments: awsvpc
      ? [
          {
            id: task.attachmentId,
            type: "ElasticNetworkInterface",
            status: stopped ? "DELETED" : "ATTACHED",
            details,
          },
        ]
      : [],
    attributes: [],
    overrides: { containerOverrides: [] },
    containers: (definition?.registered.containerDefinitions ?? []).map((container) => ({
      containerArn: `${task.arn.replace(":task/", ":container/")}/${container.name}`,
      taskArn: task.arn,
      name: container.name,
      image: container.image,
      lastStatus: stopped ? "STOPPED" : task.startedAt === undefined ? "PENDING" : "RUNNING",
      exitCode: task.exitCode,
      reason: task.containerReason,
      healthStatus: "UNKNOWN",
      networkBindings: [],
      networkInterfaces: awsvpc
        ? [{ attachmentId: task.attachmentId, privateIpv4Address: task.address }]
        : [],
    })),
    tags: include.includes("TAGS") ? tagsOf(region, task.arn) : [],
  };
}
