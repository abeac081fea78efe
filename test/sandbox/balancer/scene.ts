import { request, Agent, type IncomingHttpHeaders } from "node:http";
import { Balancer, type BalancerOptions } from "../../../sandbox/balancer/balancer.ts";
import { realClock, type Clock } from "../../../sandbox/clock.ts";
import type { Behaviour } from "../../../sandbox/model/behaviour.ts";
import type {
  Answer,
  ListenerView,
  Prober,
  Target,
  TaskEvent,
  TaskView,
  Traffic,
  WeightedGroup,
} from "../../../sandbox/model/traffic.ts";
import { seededRandom } from "../../../sandbox/random.ts";
import { Network } from "../../../sandbox/tasks/network.ts";

/** A model whose state a test sets by hand: one listener, one answer, any tasks. */
export class HandMadeTraffic implements Traffic {
  views: ListenerView[] = [{ arn: "listener", loadBalancerArn: "lb", port: 80, protocol: "HTTP" }];
  answer: Answer | undefined;
  readonly live = new Map<string, TaskView>();
  readonly exits: [string, number][] = [];
  readonly #taskEars = new Set<(event: TaskEvent) => void>();
  readonly #listenerEars = new Set<() => void>();

  listeners = () => this.views;
  answerFor = () => this.answer;
  tasks = () => [...this.live.values()];
  behaviourOf = (taskArn: string) => this.live.get(taskArn)?.behaviour;
  effectiveShares = () => ({});
  useProber = (_prober: Prober) => undefined;
  taskExited = (taskArn: string, exitCode: number) => void this.exits.push([taskArn, exitCode]);

  onListenersChanged(fn: () => void) {
    this.#listenerEars.add(fn);
    return () => void this.#listenerEars.delete(fn);
  }

  onTask(fn: (event: TaskEvent) => void) {
    this.#taskEars.add(fn);
    return () => void this.#taskEars.delete(fn);
  }

  setTaskBehaviour(taskArn: string, behaviour: Behaviour) {
    const task = this.live.get(taskArn);
    if (task !== undefined) this.live.set(taskArn, { ...task, behaviour });
    return task !== undefined;
  }

  changeListeners(views: ListenerView[]) {
    this.views = views;
    for (const fn of this.#listenerEars) fn();
  }

  emit(kind: TaskEvent["kind"], task: TaskView) {
    if (kind === "stopped") this.live.delete(task.arn);
    else this.live.set(task.arn, task);
    for (const fn of this.#taskEars) fn({ kind, task });
  }

  /** A running task and the target that leads to it. */
  run(name: string, image: string, behaviour: Behaviour = {}, startedAtMs = 0): Target & { taskArn: string } {
    const number = this.live.size + 1;
    const task: TaskView = {
      arn: `task/${name}`,
      region: "eu-west-1",
      clusterArn: "cluster/demo",
      serviceName: "checkout",
      taskSetId: "ecs-svc/1",
      taskSetArn: "task-set/1",
      taskDefinitionArn: "task-definition/1",
      address: `10.0.0.${number}`,
      ports: [8080],
      image,
      environment: {},
      behaviour,
      startedAtMs,
    };
    this.emit("running", task);
    return { address: task.address, port: 8080, taskArn: task.arn, health: "healthy" };
  }
}

export function forward(groups: WeightedGroup[], stickySeconds?: number): Answer {
  return {
    kind: "forward",
    ruleArn: "rule",
    groups,
    ...(stickySeconds === undefined ? {} : { groupStickiness: { durationSeconds: stickySeconds } }),
  };
}

export function group(arn: string, weight: number, targets: Target[]): WeightedGroup {
  return { arn, weight, targets };
}

/** A balancer and a network of tasks around a hand-made model. */
export async function openScene(
  options: { seed?: number; clock?: Clock } & Partial<
    Pick<BalancerOptions, "cookieHonouredAtWeightZero">
  > = {},
) {
  const traffic = new HandMadeTraffic();
  const clock = options.clock ?? realClock();
  const seed = options.seed ?? 1;
  const network = new Network({ traffic, clock, random: seededRandom(seed + 1) });
  const balancer = new Balancer({
    traffic,
    clock,
    random: seededRandom(seed),
    locate: network.locate,
    ports: "any",
    idleTimeoutMs: 60_000,
    ...(options.cookieHonouredAtWeightZero === undefined
      ? {}
      : { cookieHonouredAtWeightZero: options.cookieHonouredAtWeightZero }),
  });
  await balancer.ready();
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  return {
    traffic,
    network,
    balancer,
    agent,
    url: () => balancer.listeners()[0]?.url ?? "http://127.0.0.1:1",
    ask: (path = "/", how: AskOptions = {}) =>
      ask(`${balancer.listeners()[0]?.url ?? "http://127.0.0.1:1"}${path}`, { agent, ...how }),
    async close() {
      agent.destroy();
      await balancer.close(0);
      await network.close();
    },
  };
}

export interface AskOptions {
  agent?: Agent;
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** One HTTP request; rejects when the connection is refused or cut. */
export function ask(
  url: string,
  { agent, method = "GET", headers = {}, body }: AskOptions = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: agent ?? false, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Runs `times` of `fn`, at most `abreast` at a time. */
export async function many<T>(times: number, abreast: number, fn: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let begun = 0;
  const lane = async () => {
    while (begun++ < times) results.push(await fn());
  };
  await Promise.all(Array.from({ length: abreast }, lane));
  return results;
}

/** Resolves once `fn` is true; rejects with `what` when it isn't within `limitMs`. */
export async function until(
  what: string,
  fn: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await fn())) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
