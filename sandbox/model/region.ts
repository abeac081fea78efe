import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { randomText } from "../random.ts";
import { copyEcsState, newEcsState, type EcsState, type Task } from "./ecs/state.ts";
import { copyElbState, newElbState, type ElbState, type TargetRow } from "./elb/state.ts";
import { Routes, type Route } from "./elb/routes.ts";
import { Lagged } from "./lagged.ts";
import type { Settings } from "./settings.ts";
import type { Prober, TaskEvent, TaskView } from "./traffic.ts";

/** The account of whoever has no credentials of another one. */
export const homeAccount = "000000000000";

/** What a region is called among all: `eu-west-1` in the home account, `222222222222/eu-west-1` in any other. */
export function placeName(account: string, region: string): string {
  return account === homeAccount ? region : `${account}/${region}`;
}

/** What all regions share. */
export interface Surroundings {
  clock: Clock;
  random: Random;
  settings: Settings;
  prober: Prober;
  /** Private addresses given out so far. */
  addresses: number;
  emitTask: (event: TaskEvent) => void;
  emitListeners: () => void;
}

/**
 * Who wants to know what happens elsewhere in a region: target health knows
 * nothing of tasks, and a task knows nothing of the scheduler.
 */
export interface Ears {
  /** A target's health changed: by checks, or because it leaves or its group is no longer used. */
  targetJudged: (target: TargetRow) => void;
  /** A task stopped or was asked to; `failed` when nobody wanted that. */
  taskEnded: (task: Task, failed: boolean) => void;
  /** A task began to run or to stop. */
  taskChanged: (task: Task) => void;
  /** A task as the traffic sees it. */
  taskView: (taskArn: string) => TaskView | undefined;
}

/**
 * One region of one account: its state, its time and its chance. Whatever changes the state
 * does so within `change`, or in a callback of `after`, so that reads can lag.
 */
export class Region {
  readonly account: string;
  readonly name: string;
  readonly around: Surroundings;
  readonly ecs: EcsState = newEcsState();
  readonly elb: ElbState = newElbState();
  readonly routes = new Routes();
  /** Set by the one that puts the region together. */
  ears: Ears = {
    targetJudged: () => undefined,
    taskEnded: () => undefined,
    taskChanged: () => undefined,
    taskView: () => undefined,
  };
  readonly #seenEcs: Lagged<EcsState>;
  readonly #seenElb: Lagged<ElbState>;
  readonly #due = new Map<string, () => void>();
  #changes = 0;

  constructor(account: string, name: string, around: Surroundings) {
    this.account = account;
    this.name = name;
    this.around = around;
    const now = () => this.now();
    this.#seenEcs = new Lagged(this.ecs, copyEcsState, () => around.settings.ecsReadLagMs, now);
    this.#seenElb = new Lagged(this.elb, copyElbState, () => around.settings.elbReadLagMs, now);
  }

  get settings(): Settings {
    return this.around.settings;
  }

  now(): number {
    return this.around.clock.now();
  }

  /** ECS as a reader sees it now. */
  seenEcs(): EcsState {
    return this.#seenEcs.seen();
  }

  /** ELBv2 as a reader sees it now. */
  seenElb(): ElbState {
    return this.#seenElb.seen();
  }

  /** How often anything may have changed: as long as the answer is the same, so are the state and the routes. */
  get changes(): number {
    return this.#changes;
  }

  /** As long as the answer is the same, all reads give what they gave. */
  seenVersion(): string {
    // Tags don't lag, so the state as it is counts as well.
    return `${this.#changes} ${this.#seenEcs.seenVersion()} ${this.#seenElb.seenVersion()}`;
  }

  /** Runs what changes the state. */
  change<T>(fn: () => T): T {
    this.#changes++;
    this.#seenEcs.willChange();
    this.#seenElb.willChange();
    return fn();
  }

  after(ms: number, fn: () => void): () => void {
    return this.around.clock.after(ms, () => this.change(fn));
  }

  /** Like `after`, but while one named so is due, another is not added. */
  once(name: string, ms: number, fn: () => void): void {
    this.onceQuietly(name, ms, () => this.change(fn));
  }

  /** Like `once`, for what seldom changes anything: it calls `change` itself when it does. */
  onceQuietly(name: string, ms: number, fn: () => void): void {
    if (this.#due.has(name)) return;
    const cancel = this.around.clock.after(ms, () => {
      this.#due.delete(name);
      fn();
    });
    this.#due.set(name, cancel);
  }

  /** Takes back what `once` planned under this name. */
  forget(name: string): void {
    this.#due.get(name)?.();
    this.#due.delete(name);
  }

  /** Takes a changed route (undefined: it is gone) into force once the change has reached the traffic. */
  propagate(arn: string, route: Route | undefined): void {
    const apply = this.routes.accept(arn, route);
    if (this.settings.propagationMs <= 0) apply();
    else this.after(this.settings.propagationMs, apply);
  }

  hex(length: number): string {
    return randomText(this.around.random, length, "0123456789abcdef");
  }

  digits(length: number): string {
    return randomText(this.around.random, length, "0123456789");
  }

  ecsArn(resource: string): string {
    return `arn:aws:ecs:${this.name}:${this.account}:${resource}`;
  }

  elbArn(resource: string): string {
    return `arn:aws:elasticloadbalancing:${this.name}:${this.account}:${resource}`;
  }
}
