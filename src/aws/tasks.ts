/** Reading a service's tasks, running and lately stopped, and the addresses under which they are targets. */
import {
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  type ECSClient,
  type Task,
} from "@aws-sdk/client-ecs";
import type { ServiceSeen, TaskSeen } from "../deployment/observation.ts";
import type { LoadBalancerSpec } from "../deployment/target.ts";
import type { Call } from "./call.ts";
import { allPages, chunks } from "./pages.ts";

export interface TasksAsked {
  cluster: string;
  service: string;
  /** Short ids of the task sets whose tasks are wanted. */
  startedBy: readonly string[];
  /** For the ports under which each set's tasks are registered. */
  seen: ServiceSeen;
}

/**
 * The tasks of some task sets. ECS filters by service or by starter, and by starter only what runs, so all tasks
 * of the service are listed. Of stopped ones, which ECS keeps for about an hour, the first 500 must do.
 */
export async function readTasks(ecs: ECSClient, call: Call, asked: TasksAsked): Promise<TaskSeen[]> {
  const [running, stopped] = await Promise.all([
    listTasks(ecs, call, asked, "RUNNING"),
    listTasks(ecs, call, asked, "STOPPED"),
  ]);
  const tasks: Task[] = [];
  for (const arns of chunks([...new Set([...running, ...stopped])], perCall)) {
    const answer = await call("ecs:DescribeTasks", (abortSignal) =>
      ecs.send(new DescribeTasksCommand({ cluster: asked.cluster, tasks: arns }), { abortSignal }),
    );
    tasks.push(...(answer.tasks ?? []));
  }
  const wanted = tasks.filter((task) => asked.startedBy.includes(task.startedBy ?? ""));
  const instances = await readInstances(ecs, call, asked.cluster, wanted);
  return wanted.map((task) => taskSeen(task, portsOf(task, asked.seen), instances));
}

/** What ListTasks and DescribeTasks return and take at most at once (API reference). */
const perCall = 100;

/** A service has at most 5,000 tasks (ECS quotas). */
const runningPagesMax = 50;
const stoppedPagesMax = 5;

function listTasks(
  ecs: ECSClient,
  call: Call,
  { cluster, service }: TasksAsked,
  desiredStatus: "RUNNING" | "STOPPED",
): Promise<string[]> {
  const limits =
    desiredStatus === "RUNNING" ? { pagesMax: runningPagesMax } : { pagesMax: stoppedPagesMax, cut: true };
  return allPages("ecs:ListTasks", limits, async (nextToken) => {
    const answer = await call("ecs:ListTasks", (abortSignal) =>
      ecs.send(
        new ListTasksCommand({
          cluster,
          serviceName: service,
          desiredStatus,
          maxResults: perCall,
          nextToken,
        }),
        { abortSignal },
      ),
    );
    return { items: answer.taskArns, next: answer.nextToken };
  });
}

/** EC2 instance ids by container instance, for tasks that share their instance's network. */
async function readInstances(
  ecs: ECSClient,
  call: Call,
  cluster: string,
  tasks: readonly Task[],
): Promise<Map<string, string>> {
  const needed = tasks.flatMap((task) =>
    task.containerInstanceArn && ownAddresses(task).length === 0 ? [task.containerInstanceArn] : [],
  );
  const ids = new Map<string, string>();
  for (const containerInstances of chunks([...new Set(needed)], perCall)) {
    const answer = await call("ecs:DescribeContainerInstances", (abortSignal) =>
      ecs.send(new DescribeContainerInstancesCommand({ cluster, containerInstances }), { abortSignal }),
    );
    for (const one of answer.containerInstances ?? []) {
      if (one.containerInstanceArn && one.ec2InstanceId) ids.set(one.containerInstanceArn, one.ec2InstanceId);
    }
  }
  return ids;
}

/**
 * Where the task's set registers its containers. A set that is gone from the service registered where the others
 * do, as far as anybody can still say.
 */
function portsOf(task: Task, service: ServiceSeen): LoadBalancerSpec[] {
  const own = service.taskSets.find((set) => set.id === task.startedBy);
  return (own ? [own] : service.taskSets).flatMap((set) => set.spec.loadBalancers ?? []);
}

function taskSeen(task: Task, ports: LoadBalancerSpec[], instances: Map<string, string>): TaskSeen {
  return {
    arn: task.taskArn ?? "",
    startedBy: task.startedBy ?? "",
    lastStatus: task.lastStatus ?? "",
    desiredStatus: task.desiredStatus ?? "",
    addresses: addressesOf(task, ports, instances),
    ...(task.stopCode && { stopCode: task.stopCode }),
    ...(task.stoppedReason && { stoppedReason: task.stoppedReason }),
    containers: (task.containers ?? []).map((container) => ({
      name: container.name ?? "",
      ...(container.exitCode !== undefined && { exitCode: container.exitCode }),
      ...(container.reason && { reason: container.reason }),
      ...(container.healthStatus && { health: container.healthStatus }),
    })),
  };
}

/**
 * A task with a network interface of its own is registered by its address and the container's port; any other
 * one by its instance and the host's port.
 */
function addressesOf(task: Task, ports: LoadBalancerSpec[], instances: Map<string, string>): string[] {
  const addresses = ownAddresses(task);
  const found =
    addresses.length > 0
      ? addresses.flatMap((address) => ports.map((port) => `${address}:${port.containerPort ?? 0}`))
      : hostPorts(task, ports).map(
          (port) => `${instances.get(task.containerInstanceArn ?? "") ?? "unknown"}:${port}`,
        );
  return [...new Set(found)];
}

function ownAddresses(task: Task): string[] {
  const attached = (task.attachments ?? [])
    .filter((attachment) => attachment.type === "ElasticNetworkInterface" || attachment.type === "eni")
    .flatMap((attachment) => attachment.details ?? [])
    .filter((detail) => /^(?:private)?ip(?:v4|v6)address$/iu.test(detail.name ?? ""))
    .map((detail) => detail.value);
  const inside = (task.containers ?? [])
    .flatMap((container) => container.networkInterfaces ?? [])
    .flatMap((face) => [face.privateIpv4Address, face.ipv6Address]);
  return [...new Set([...attached, ...inside].flatMap((address) => (address ? [address] : [])))];
}

function hostPorts(task: Task, ports: LoadBalancerSpec[]): number[] {
  return (task.containers ?? []).flatMap((container) =>
    (container.networkBindings ?? []).flatMap((binding) =>
      binding.hostPort !== undefined &&
      ports.some(
        (port) => port.containerName === container.name && port.containerPort === binding.containerPort,
      )
        ? [binding.hostPort]
        : [],
    ),
  );
}
