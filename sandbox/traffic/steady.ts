import type { Clock } from "../clock.ts";
import type { Behaviour } from "../model/behaviour.ts";
import type { ListenerView, Target, TaskView, Traffic, WeightedGroup } from "../model/traffic.ts";
import type { Random } from "../random.ts";
import { drawn } from "./chance.ts";
import { minuteMs, type Recorder } from "./recorder.ts";

/** Requests that arrive at a listener, evenly, until something else is said. */
export interface Flow {
  perMinute: number;
  /** Which rule they meet; `/` where left out. */
  path?: string | undefined;
  /** Half of the answers of a task that isn't slow come sooner; 20 ms where left out. */
  latencyMs?: number | undefined;
}

export interface SteadyOptions {
  traffic: Traffic;
  recorder: Recorder;
  clock: Clock;
  random: Random;
}

interface Stream extends Flow {
  listenerArn: string;
  /** The part of a request that the last step left over. */
  rest: number;
}

/** Requests of so many seconds are counted at one moment, in their middle. */
const stepMs = 10_000;

/** A stretch of answers is drawn in so many parts, the quickest to the slowest. */
const strata = 32;

/**
 * Traffic without requests: for worlds in stepped time, where nothing listens. It is shared by the weights in
 * force and over the targets as a load balancer would, and the tasks' behaviours turn it into counts. What comes
 * of it is drawn from the seed. A network load balancer carries it uncounted: it knows no requests.
 */
export class SteadyTraffic {
  readonly #options: SteadyOptions;
  readonly #streams = new Map<string, Stream>();
  #cancel: (() => void) | undefined;

  constructor(options: SteadyOptions) {
    this.#options = options;
  }

  /** Sets the flow of a listener's path from now on, in place of what was; 0 a minute ends it. */
  flow(listenerArn: string, flow: Flow): void {
    const key = `${listenerArn} ${flow.path ?? "/"}`;
    if (flow.perMinute > 0) this.#streams.set(key, { ...flow, listenerArn, rest: 0 });
    else this.#streams.delete(key);
    if (this.#streams.size === 0) this.end();
    else if (this.#cancel === undefined) this.#plan();
  }

  /** Ends all flows. */
  end(): void {
    this.#streams.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #plan(): void {
    const { clock } = this.#options;
    // Steps divide the minute, and none falls on its edge.
    const sinceMiddle = (clock.now() + stepMs / 2) % stepMs;
    this.#cancel = clock.after(stepMs - sinceMiddle, () => {
      this.#step();
      this.#plan();
    });
  }

  #step(): void {
    const { traffic } = this.#options;
    const listeners = new Map(traffic.listeners().map((view) => [view.arn, view]));
    const tasks = new Map(traffic.tasks().map((task) => [task.arn, task]));
    for (const stream of this.#streams.values()) {
      const due = (stream.perMinute * stepMs) / minuteMs + stream.rest;
      const count = Math.floor(due);
      stream.rest = due - count;
      const listener = listeners.get(stream.listenerArn);
      if (listener !== undefined && listener.protocol.startsWith("HTTP"))
        this.#arrive(listener, stream, count, tasks);
    }
  }

  #arrive(listener: ListenerView, flow: Flow, count: number, tasks: ReadonlyMap<string, TaskView>): void {
    const { traffic, recorder, random } = this.#options;
    const head = { method: "GET", path: flow.path ?? "/", headers: {} };
    const answer = traffic.answerFor(listener.arn, head);
    const loadBalancer = listener.loadBalancerArn;
    if (count === 0 || answer === undefined) return;
    if (answer.kind !== "forward") {
      recorder.answeredItself(loadBalancer, answer.kind, answer.status, count);
      return;
    }
    let left = count;
    let weightLeft = answer.groups.reduce((sum, group) => sum + group.weight, 0);
    for (const group of answer.groups) {
      const share = drawn(random, left, weightLeft === 0 ? 0 : group.weight / weightLeft);
      this.#forward(loadBalancer, group, share, flow, tasks);
      left -= share;
      weightLeft -= group.weight;
    }
    // Nothing has any weight.
    if (left > 0) recorder.answeredItself(loadBalancer, "error", 503, left);
  }

  #forward(
    loadBalancer: string,
    group: WeightedGroup,
    count: number,
    flow: Flow,
    tasks: ReadonlyMap<string, TaskView>,
  ): void {
    const { recorder, random } = this.#options;
    if (count === 0) return;
    const targets = takingRequests(group.targets);
    if (targets.length === 0) {
      recorder.answeredItself(loadBalancer, "error", 503, count);
      return;
    }
    recorder.requested(loadBalancer, group.arn, count);
    let left = count;
    for (const [at, target] of targets.entries()) {
      const share = drawn(random, left, 1 / (targets.length - at));
      left -= share;
      const task = target.taskArn === undefined ? undefined : tasks.get(target.taskArn);
      if (target.taskArn !== undefined && task === undefined) {
        // It stopped, and the load balancer doesn't know yet.
        recorder.unreachable(loadBalancer, group.arn, share);
        recorder.answeredItself(loadBalancer, "error", 502, share);
      } else this.#answer(loadBalancer, group.arn, share, flow, task);
    }
  }

  #answer(
    loadBalancer: string,
    groupArn: string,
    count: number,
    flow: Flow,
    task: TaskView | undefined,
  ): void {
    const { recorder, random, clock } = this.#options;
    const behaviour = task?.behaviour ?? {};
    const tell = (status: number, answers: number) => {
      const late = drawn(random, answers, behaviour.tailShare ?? 0);
      for (const [ms, times] of this.#latencies(answers - late, flow, behaviour))
        recorder.answered(loadBalancer, groupArn, status, ms, times);
      for (const [ms, times] of this.#latencies(late, flow, behaviour))
        recorder.answered(loadBalancer, groupArn, status, ms + (behaviour.tailMs ?? 0), times);
    };
    const wellAt = (task?.startedAtMs ?? 0) + (behaviour.startsHealthyAfterMs ?? 0);
    if (clock.now() < wellAt) {
      tell(503, count);
      return;
    }
    const hung = drawn(random, count, behaviour.hangShare ?? 0);
    if (hung > 0) recorder.answeredItself(loadBalancer, "error", 504, hung);
    const failed = drawn(random, count - hung, behaviour.failShare ?? 0);
    tell(500, failed);
    tell(200, count - hung - failed);
  }

  /** Times of so many answers: a bell on a logarithmic scale around the median, with a longer tail than a bell's. */
  #latencies(count: number, flow: Flow, behaviour: Behaviour): [ms: number, times: number][] {
    const { random } = this.#options;
    const median = flow.latencyMs ?? 20;
    const parts = Math.min(count, strata);
    const found: [number, number][] = [];
    let left = count;
    for (let part = 0; part < parts; part++) {
      const times = count === parts ? 1 : drawn(random, left, 1 / (parts - part));
      left -= times;
      const rank = count === parts ? random() : (part + random()) / parts;
      // The log-logistic distribution, shape 4.
      const ms = median * (rank / (1 - rank)) ** 0.25 + (behaviour.slowMs ?? 0);
      if (times > 0) found.push([ms, times]);
    }
    return found;
  }
}

/** The healthy ones; all that aren't leaving where none is healthy (fail open). */
function takingRequests(targets: readonly Target[]): readonly Target[] {
  const healthy = targets.filter(({ health }) => health === "healthy");
  return healthy.length > 0
    ? healthy
    : targets.filter(({ health }) => health === "initial" || health === "unhealthy");
}
