/**
 * A world that obliges: it begins as AWS was read, does at once what is asked of it, and never fails. Tasks alone take
 * their time. A plan is what the rules do in it.
 */
import type { CreateTaskSetRequest, Effect } from "../effect.ts";
import { look } from "../look.ts";
import type {
  Outcome,
  Reading,
  RouteSeen,
  Seen,
  ServiceSeen,
  TargetSeen,
  TaskSeen,
  TaskSetSeen,
} from "../observation.ts";
import type { Deployment } from "../record.ts";
import { greenShare, tasksFor } from "../traffic.ts";
import { pairWeights, production, value } from "../view.ts";
import { measureWell, type Share } from "./gauge.ts";

/** How long tasks take, in ms. */
export interface Pace {
  /** From the order to start them until they are healthy. */
  startMs: number;
  /** From the order to take them away until they are gone. */
  drainMs: number;
}

/** All that a look of `preparing` reads. */
export type FirstLook = Omit<Seen, "slot" | "closed" | "outcome" | "measured">;

interface Model {
  set: TaskSetSeen;
  /** What becomes of its tasks: so many run from then on. */
  next?: { at: number; running: number };
  /** Something was done to it: its targets are its running tasks, no longer what was read. */
  touched: boolean;
}

export class ObligingWorld {
  private readonly first: FirstLook;
  private readonly service: ServiceSeen | undefined;
  private readonly routes: Record<string, Reading<RouteSeen>>;
  private readonly pace: Pace;
  /** When what was draining at first is gone. */
  private readonly drainedAt: number;
  private readonly drains: boolean;
  private readonly shares: Share[] = [];
  private sets: Model[];
  private registered: string | undefined;
  private readonly blue: string | undefined;
  private green: string | undefined;
  /** When whoever kept an old task set warm has taken it away, and the group that it leaves. */
  private room: { at: number; group: string | undefined } | undefined;

  constructor(first: FirstLook, pace: Pace, now: number) {
    this.first = first;
    this.service = value(first.service);
    this.routes = structuredClone(first.routes);
    this.pace = pace;
    this.blue = this.service?.taskSets.find(({ status }) => status === "PRIMARY")?.arn;
    this.drainedAt = now + pace.drainMs;
    this.drains = Object.values(first.health).some((group) =>
      value(group)?.some(({ state }) => state === "draining"),
    );
    this.sets = (this.service?.taskSets ?? []).map((set) => ({
      set: { ...set },
      touched: false,
      ...(set.status === "DRAINING" && { next: { at: this.drainedAt, running: 0 } }),
    }));
  }

  /** What the deployment needs read in its phase. */
  look(d: Deployment, now: number): Omit<Seen, "slot"> {
    this.pass(now);
    const { first, service } = this;
    const wanted = look(d, now);
    const read = <T>(what: T): Reading<T> => ({ ok: true, value: what, at: now });
    const serviceRead = service ? read({ ...service, taskSets: this.taskSets() }) : first.service;
    const tasks = this.sets.filter(({ set }) => wanted.tasks.includes(set.id)).flatMap(tasksOf);
    return {
      ...(wanted.service && serviceRead && { service: serviceRead }),
      routes: wanted.routes ? this.routesAt(now) : {},
      health: Object.fromEntries(wanted.health.map((group) => [group, this.health(group, now)])),
      ...(wanted.tasks.length > 0 && { tasks: read(tasks) }),
      ...(wanted.survey && first.survey && { survey: first.survey }),
      ...(wanted.taskDefinition && first.taskDefinition && { taskDefinition: first.taskDefinition }),
      ...(wanted.registered && { registered: read(this.registered ? { arn: this.registered } : null) }),
      ...(wanted.measure && { measured: measureWell(d.strategy, wanted.measure, this.shares, now) }),
    };
  }

  perform(effect: Effect, d: Deployment, now: number): Outcome {
    if (effect.kind === "callHook")
      return { kind: "done", at: now, value: { hook: { status: "SUCCEEDED" } } };
    const arn = this.act(effect, d, now);
    this.pass(now);
    return { kind: "done", at: now, value: arn === undefined ? {} : { arn } };
  }

  /** Whoever keeps an old task set warm in the idle group begins to take it away. */
  makeRoom(group: string | undefined, now: number): void {
    this.room ??= { at: now + this.pace.drainMs, group };
  }

  hasRoom(now: number): boolean {
    return this.room !== undefined && this.room.at <= now;
  }

  /** When something changes by itself; undefined where nothing will. */
  nextAt(now: number): number | undefined {
    const drained = this.drains ? this.drainedAt : undefined;
    const moments = [drained, this.room?.at, ...this.sets.map(({ next }) => next?.at)];
    const ahead = moments.filter((at) => at !== undefined).filter((at) => at > now);
    return ahead.length > 0 ? Math.min(...ahead) : undefined;
  }

  taskSets(): TaskSetSeen[] {
    return this.sets.map(({ set }) => ({ ...set }));
  }

  /** The set that was PRIMARY at first, and the one that was created since. */
  get colours(): { blue: TaskSetSeen | undefined; green: TaskSetSeen | undefined } {
    const find = (arn: string | undefined) => this.sets.find(({ set }) => set.arn === arn)?.set;
    return { blue: find(this.blue), green: find(this.green) };
  }

  /** Green's share of the production traffic, in percent; the greatest of all routes. */
  get greenPercent(): number {
    return 100 * (this.shares.at(-1)?.green ?? 0);
  }

  /** What time brings by itself. */
  private pass(now: number): void {
    for (const model of this.sets) {
      const { next, set } = model;
      if (!next || next.at > now) continue;
      delete model.next;
      Object.assign(set, { running: next.running, pending: 0, steady: true });
    }
    this.sets = this.sets.filter(
      (model) =>
        !(model.set.status === "DRAINING" && !model.next) && !(this.hasRoom(now) && this.leaves(model)),
    );
  }

  /** Whether it is the one that makes room. */
  private leaves(model: Model): boolean {
    const group = this.room?.group;
    return !model.touched && model.set.status === "ACTIVE" && (group === undefined || isIn(model, group));
  }

  private act(effect: Exclude<Effect, { kind: "callHook" }>, d: Deployment, now: number): string | undefined {
    switch (effect.kind) {
      case "registerTaskDefinition":
        this.registered = (value(this.first.taskDefinition)?.arn ?? "").replace(/:\d+$/, ":next");
        return this.registered;
      case "createTaskSet":
        return this.create(effect.request, now);
      case "setWeights":
        this.weigh(effect, d, now);
        return undefined;
      case "makePrimary":
        for (const { set } of this.sets) {
          if (set.arn === effect.arn) set.status = "PRIMARY";
          else if (set.status === "PRIMARY") set.status = "ACTIVE";
        }
        return undefined;
      case "scaleTaskSet":
      case "deleteTaskSet":
      case "tagTaskSet": {
        const model = this.sets.find(({ set }) => set.arn === effect.arn);
        if (model) this.change(model, effect, now);
        return undefined;
      }
    }
  }

  private create(request: CreateTaskSetRequest, now: number): string {
    const { cluster: _, service: __, clientToken: ___, scalePercent, ...spec } = request;
    const id = "ecs-svc/green";
    const arn = `${(this.service?.arn ?? "").replace(":service/", ":task-set/")}/${id}`;
    const tasks = { scalePercent: 0, computedDesired: 0, running: 0, pending: 0, steady: false };
    const set: TaskSetSeen = { arn, id, status: "ACTIVE", ...tasks, createdAt: now, spec };
    const model = { set, touched: true };
    this.green = arn;
    this.sets.push(model);
    this.scale(model, scalePercent, now);
    return arn;
  }

  private change(
    model: Model,
    effect: Extract<Effect, { kind: "scaleTaskSet" | "deleteTaskSet" | "tagTaskSet" }>,
    now: number,
  ): void {
    const { set } = model;
    if (effect.kind === "tagTaskSet") {
      set.spec = { ...set.spec, tags: [...(set.spec.tags ?? []), ...effect.tags] };
      return;
    }
    this.scale(model, effect.kind === "scaleTaskSet" ? effect.scalePercent : 0, now);
    if (effect.kind === "deleteTaskSet") set.status = "DRAINING";
  }

  private scale(model: Model, scalePercent: number, now: number): void {
    const { set } = model;
    const { startMs, drainMs } = this.pace;
    const computedDesired = tasksFor(this.service?.desiredCount ?? 0, scalePercent);
    const pending = Math.max(0, computedDesired - set.running);
    Object.assign(set, { scalePercent, computedDesired, pending, steady: false });
    model.touched = true;
    const takesMs = pending > 0 ? startMs : computedDesired < set.running ? drainMs : 0;
    model.next = { at: now + takesMs, running: computedDesired };
  }

  private weigh(
    { route, pair, to }: Extract<Effect, { kind: "setWeights" }>,
    d: Deployment,
    now: number,
  ): void {
    const read = value(this.routes[route.arn]);
    if (!read) return;
    Object.assign(read.weights, { [pair.blue]: to.blue, [pair.green]: to.green });
    const shares = production(d).map(({ ref }) => {
      const weights = value(this.routes[ref.arn]);
      return greenShare((weights && pairWeights(weights, pair)) ?? { blue: 1, green: 0 });
    });
    this.shares.push({ from: now, green: Math.max(0, ...shares) });
  }

  private routesAt(now: number): Record<string, Reading<RouteSeen>> {
    const entries = Object.entries(this.routes).map(([arn, route]) => [arn, { ...route, at: now }] as const);
    return Object.fromEntries(entries);
  }

  /** As read, as long as nothing was done to the sets in the group; less what was draining, once that is over. */
  private health(group: string, now: number): Reading<TargetSeen[]> {
    const first = this.first.health[group];
    if (first && !first.ok) return first;
    const sets = this.sets.filter((model) => isIn(model, group));
    const left = this.hasRoom(now) && this.room?.group === group;
    const untouched = sets.every(({ touched }) => !touched) && !left;
    const targets = (first?.value ?? []).filter(({ state }) =>
      state === "draining" ? now < this.drainedAt : untouched,
    );
    const own = sets.filter(({ touched }) => touched).flatMap(tasksOf);
    const healthy = own.flatMap(({ addresses }) =>
      addresses.map((address): TargetSeen => ({ address, state: "healthy" })),
    );
    return { ok: true, at: now, value: [...targets, ...healthy] };
  }
}

function isIn({ set }: Model, group: string): boolean {
  return (set.spec.loadBalancers ?? []).some(({ targetGroupArn }) => targetGroupArn === group);
}

function tasksOf({ set }: Model): TaskSeen[] {
  return Array.from({ length: set.running }, (_, n) => ({
    arn: `${set.arn}/${n}`,
    startedBy: set.id,
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    addresses: [`${set.id}/${n}`],
    containers: [],
  }));
}
