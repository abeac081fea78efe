import type { Behaviour } from "../behaviour.ts";
import { deregisterTarget, registerTarget } from "../elb/targets.ts";
import type { Region } from "../region.ts";
import type { TaskEvent, TaskView } from "../traffic.ts";
import { taskDefinitionIn } from "./find.ts";
import type { Service, Task, TaskDefinition, TaskSet } from "./state.ts";

/*
 * One task from PENDING to STOPPED. RUNNING, it is a target of its set's
 * groups; asked to stop, it first leaves them, drains, and only then gets its
 * SIGTERM.
 */

export interface StopCause {
  code: string;
  reason: string;
  /** The task went wrong, nobody wanted it gone: too many of these slow the set's starts down. */
  failed: boolean;
}

export function startTask(region: Region, service: Service, set: TaskSet): void {
  const id = region.hex(32);
  const clusterName = service.clusterArn.slice(service.clusterArn.lastIndexOf("/") + 1);
  const number = region.around.addresses++;
  const task: Task = {
    arn: region.ecsArn(`task/${clusterName}/${id}`),
    id,
    clusterArn: service.clusterArn,
    serviceArn: service.arn,
    taskSetArn: set.arn,
    taskSetId: set.id,
    definitionArn: set.taskDefinition,
    desiredStatus: "RUNNING",
    lastStatus: "PENDING",
    // 10.0.0.1 and on, without .0 and .255, round again after some 16 million tasks.
    address: `10.${Math.floor(number / 65_024) % 256}.${Math.floor(number / 254) % 256}.${(number % 254) + 1}`,
    targets: set.loadBalancers.flatMap(({ targetGroupArn: groupArn, containerPort: port }) =>
      groupArn === undefined || port === undefined ? [] : [{ groupArn, port }],
    ),
    attachmentId: region.hex(32),
    createdAt: region.now(),
  };
  region.ecs.tasks.set(task.arn, task);
  emit(region, task, "starting");
  const { startMs, neverStarts, cannotPull } = behaviourOf(region, task);
  if (neverStarts === true) return;
  region.after(startMs ?? region.settings.taskStartMs, () => {
    if (task.lastStatus !== "PENDING" || task.desiredStatus === "STOPPED") return;
    if (cannotPull === true) failToPull(region, task);
    else run(region, task);
  });
}

function run(region: Region, task: Task): void {
  task.lastStatus = "RUNNING";
  task.startedAt = region.now();
  emit(region, task, "running");
  for (const { groupArn, port } of task.targets)
    registerTarget(region, groupArn, task.address, port, task.arn);
  planExit(region, task);
  region.ears.taskChanged(task);
}

function failToPull(region: Region, task: Task): void {
  const image = viewOfTask(region, task)?.image ?? "";
  task.containerReason = `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: not found`;
  finish(region, task, { code: "TaskFailedToStart", reason: task.containerReason, failed: true }, undefined);
}

/** Asks a task to stop: it drains, gets its SIGTERM and stops. Safe to repeat. */
export function stopTask(region: Region, task: Task, cause: StopCause): void {
  if (task.desiredStatus === "STOPPED") return;
  task.desiredStatus = "STOPPED";
  task.stopCode = cause.code;
  task.stoppedReason = cause.reason;
  task.stoppingAt = region.now();
  if (task.lastStatus === "PENDING") return finish(region, task, cause, undefined);
  task.lastStatus = "DEACTIVATING";
  region.ears.taskChanged(task);
  leaveGroups(region, task, () => {
    if (task.lastStatus !== "DEACTIVATING") return;
    task.lastStatus = "STOPPING";
    emit(region, task, "stopping");
    region.after(behaviourOf(region, task).stopMs ?? region.settings.taskStopMs, () => {
      if (task.lastStatus === "STOPPING") finish(region, task, { ...cause, failed: false }, 0);
    });
  });
  // The scheduler doesn't wait for the end of the drain to replace it.
  region.ears.taskEnded(task, cause.failed);
}

/** The essential container exited by itself. */
export function exitTask(region: Region, taskArn: string, exitCode: number): void {
  const task = region.ecs.tasks.get(taskArn);
  if (task === undefined || !["RUNNING", "DEACTIVATING", "STOPPING"].includes(task.lastStatus)) return;
  const asked = task.desiredStatus === "STOPPED";
  const cause: StopCause = {
    code: task.stopCode ?? "EssentialContainerExited",
    reason: task.stoppedReason ?? "Essential container in task exited",
    failed: !asked,
  };
  finish(region, task, cause, exitCode);
  // Until ECS has noticed, the load balancer still counts on the target.
  if (!asked) region.after(region.settings.exitNoticeMs, () => leaveGroups(region, task));
}

function leaveGroups(region: Region, task: Task, done: () => void = () => undefined): void {
  let left = 1;
  const one = () => {
    if (--left === 0) done();
  };
  for (const { groupArn, port } of task.targets) {
    left++;
    deregisterTarget(region, groupArn, task.address, port, one);
  }
  one();
}

function finish(region: Region, task: Task, cause: StopCause, exitCode: number | undefined): void {
  task.lastStatus = "STOPPED";
  task.desiredStatus = "STOPPED";
  task.stopCode ??= cause.code;
  task.stoppedReason ??= cause.reason;
  task.stoppedAt = region.now();
  if (exitCode !== undefined) task.exitCode = exitCode;
  emit(region, task, "stopped");
  region.ears.taskEnded(task, cause.failed);
  region.after(region.settings.stoppedTaskRetentionMs, () => region.ecs.tasks.delete(task.arn));
}

/** The exit that a behaviour orders, counted from RUNNING; a later order takes the place of an earlier one. */
function planExit(region: Region, task: Task): void {
  region.forget(`exit ${task.arn}`);
  const { exitAfterMs, exitCode } = behaviourOf(region, task);
  if (exitAfterMs === undefined || task.startedAt === undefined) return;
  const waitMs = Math.max(0, task.startedAt + exitAfterMs - region.now());
  region.once(`exit ${task.arn}`, waitMs, () => exitTask(region, task.arn, exitCode ?? 1));
}

/** Gives one task its own behaviour; false when there is no such living task. */
export function setBehaviour(region: Region, taskArn: string, behaviour: Behaviour): boolean {
  const task = region.ecs.tasks.get(taskArn);
  if (task === undefined || task.lastStatus === "STOPPED") return false;
  task.behaviour = behaviour;
  planExit(region, task);
  return true;
}

/** How a task acts now: its own behaviour, else the one its environment names, else its image's. */
export function behaviourOf(region: Region, task: Task): Behaviour {
  return task.behaviour ?? inheritedBehaviour(region, programOf(region, task));
}

function inheritedBehaviour({ settings: { behaviours } }: Region, program: Program | undefined): Behaviour {
  // SANDBOX_BEHAVIOUR names an entry of `behaviours`, so that two revisions of one image can differ.
  const named = program?.environment["SANDBOX_BEHAVIOUR"];
  return behaviours[named ?? ""] ?? behaviours[program?.image ?? ""] ?? {};
}

function emit(region: Region, task: Task, kind: TaskEvent["kind"]): void {
  const view = viewOfTask(region, task);
  if (view !== undefined) region.around.emitTask({ kind, task: view });
}

/** A task as the traffic sees it. */
export function viewOfTask(region: Region, task: Task): TaskView | undefined {
  const program = programOf(region, task);
  if (program === undefined) return undefined;
  return {
    arn: task.arn,
    region: region.name,
    clusterArn: task.clusterArn,
    serviceName: task.serviceArn.slice(task.serviceArn.lastIndexOf("/") + 1),
    taskSetId: task.taskSetId,
    taskSetArn: task.taskSetArn,
    taskDefinitionArn: task.definitionArn,
    address: task.address,
    ports: program.ports,
    image: program.image,
    environment: program.environment,
    behaviour: task.behaviour ?? inheritedBehaviour(region, program),
    ...(task.startedAt === undefined ? {} : { startedAtMs: task.startedAt }),
  };
}

/** What a revision runs: its essential container's image and environment, and the ports of all. */
type Program = Pick<TaskView, "image" | "environment" | "ports">;

/** A revision never changes, and every health check asks for its program. */
const programs = new WeakMap<TaskDefinition, Program>();

function programOf(region: Region, task: Task): Program | undefined {
  const definition = taskDefinitionIn(region.ecs, task.definitionArn);
  if (definition === undefined) return undefined;
  const known = programs.get(definition);
  if (known !== undefined) return known;
  const containers = definition.registered.containerDefinitions;
  const essential = containers.find((container) => container.essential);
  if (essential === undefined) return undefined;
  const program = {
    image: essential.image,
    environment: Object.fromEntries(essential.environment.map(({ name, value }) => [name, value])),
    ports: containers.flatMap((container) =>
      container.portMappings.flatMap(({ containerPort }) =>
        containerPort === undefined ? [] : [containerPort],
      ),
    ),
  };
  programs.set(definition, program);
  return program;
}
