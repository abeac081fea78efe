/**
 * The promises that can be broken in a moment, watched from outside: what is written down is compared with the
 * sandbox's model as it is, never as a lagging read shows it. Knows neither the rules nor the guard of the core,
 * so that a mistake there shows here. Promise 6 (it ends) and 7 (the exact way back) are judged at the end.
 */
import type { HookRequest } from "../../src/deployment/hook.ts";
import type { Effect, Pair } from "../../src/deployment/effect.ts";
import type { Closed } from "../../src/deployment/calendar.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { tagKeys } from "../../src/deployment/target.ts";
import type { Region } from "../../sandbox/model/region.ts";
import type { CallBegun } from "../../sandbox/wire/calls.ts";
import { type Sample, sampleOf, Weighings } from "./samples.ts";
import type { Commit, World } from "./world.ts";

export type WatchedPromise = 1 | 2 | 3 | 4 | 5 | 8 | 9 | 10;

export interface Watch {
  /** What was broken, in words that begin with the promise's number; each thing once. */
  readonly violations: string[];
  /** How often there was something to keep. */
  readonly exercised: Record<WatchedPromise, number>;
  /** Call after every step of time, and after anything that was done to the world by hand. */
  check(): void;
  /** Redis lost its memory: deployments that it no longer knows act no more. */
  forget(): void;
  stop(): void;
}

export interface WatchOptions {
  /**
   * Calls that a test itself kept back past their deadline, so that lateness is not their sender's fault. What they do
   * must be put right all the same, as the end shows.
   */
  excused?: (call: Pick<CallBegun, "action" | "receivedAt">) => boolean;
}

interface Written {
  id: string;
  effect: Effect;
  decidedAt: number;
  deadline: number;
}

/** How a region was from one moment to another, nothing having changed in between. */
interface Span extends Sample {
  until: number;
  /** As long as it is the same, so is all that is watched. */
  state: string;
}

/** A look may take so long; what it saw may be that old when a decision is made on it. */
const lookMs = 10_500;
/** AWS may carry out a call so long after its deadline, and everybody must reckon with it. */
const lateMs = 5_000;
const historyMs = 120_000;
/** A deployment is long over by then. */
const writtenMs = 3_600_000;

export function watchPromises(world: World, options: WatchOptions = {}): Watch {
  return new PromiseWatch(world, options);
}

class PromiseWatch implements Watch {
  readonly violations: string[] = [];
  readonly exercised: Record<WatchedPromise, number> = {
    1: 0,
    2: 0,
    3: 0,
    4: 0,
    5: 0,
    8: 0,
    9: 0,
    10: 0,
  };
  private readonly world: World;
  private readonly options: WatchOptions;
  private readonly known = new Map<string, Deployment>();
  /** Where something was ever deployed. */
  private readonly regions = new Set<string>();
  /** Until when a deployment has taken over what others did to its routes: by preparing, or as told by a person. */
  private readonly acceptedAt = new Map<string, number>();
  /** When Redis last came back older or empty. */
  private lostAt: number | undefined;
  private written: Written[] = [];
  private readonly testRoutes = new Set<string>();
  private readonly samples = new Map<string, Span[]>();
  private readonly weighings = new Map<string, Weighings>();
  private readonly sets = new Map<string, Set<string>>();
  private readonly madeLate = new Set<string>();
  /** Since when green sets carry the tag of a rollback. */
  private readonly backSince = new Map<string, number>();
  private readonly unsubscribe: (() => void)[];

  constructor(world: World, options: WatchOptions) {
    this.world = world;
    this.options = options;
    this.unsubscribe = [
      world.onCommit((commit) => this.committed(commit)),
      world.local.calls.watch((call) => this.called(call)),
    ];
    world.outside.onCall = (request) => this.hookCalled(request);
  }

  stop(): void {
    for (const unsubscribe of this.unsubscribe) unsubscribe();
  }

  forget(): void {
    this.lostAt = this.world.clock.now();
    this.known.clear();
    this.sets.clear();
  }

  check(): void {
    for (const region of this.regions) this.look(region, "others");
  }

  private broken(promise: WatchedPromise, what: string): void {
    const line = `${promise} ${what}`;
    if (!this.violations.includes(line)) this.violations.push(line);
  }

  /**
   * Notes how things are; `by` is whoever may have changed weights since the last look. `excused`: what is new now was
   * made by a call that nobody could take back any more.
   */
  private look(name: string, by: "us" | "others", excused = false): void {
    const region = this.world.aws.region(name);
    const now = this.world.clock.now();
    const samples = this.samples.get(name) ?? [];
    this.samples.set(name, samples);
    const state = `${region.changes} ${this.testRoutes.size}`;
    const last = samples.at(-1);
    if (last?.state === state) {
      last.until = now;
      return;
    }
    samples.push({ ...sampleOf(region, now, this.lagMs()), until: now, state });
    while (samples[0] && samples[0].until < now - historyMs) samples.shift();
    this.weighingsOf(name).note(region, now, by, this.testRoutes);
    for (const [arn, tags] of region.ecs.tags) {
      const owner = tags.find((tag) => tag.key === tagKeys.deployment)?.value;
      if (owner === undefined || !region.ecs.taskSets.has(arn)) continue;
      const sets = this.sets.get(owner) ?? new Set();
      this.sets.set(owner, sets);
      if (!sets.has(arn)) this.exercised[3] += 1;
      if (excused && !sets.has(arn)) this.madeLate.add(arn);
      if (this.madeLate.has(arn)) continue;
      sets.add(arn);
      if (tags.some((tag) => tag.key === tagKeys.rollingBack) && !this.backSince.has(arn))
        this.backSince.set(arn, now);
      if (sets.size > 1) this.broken(3, `${owner} made ${sets.size} task sets: ${[...sets].join(", ")}`);
    }
  }

  private weighingsOf(name: string): Weighings {
    const weighings = this.weighings.get(name) ?? new Weighings();
    this.weighings.set(name, weighings);
    return weighings;
  }

  private lagMs(): number {
    const { ecsReadLagMs, elbReadLagMs } = this.world.aws.settings;
    return Math.max(ecsReadLagMs, elbReadLagMs);
  }

  private committed({ id, decision, at, decidedAt, closed, aheadMs, stale }: Commit): void {
    if (stale) this.broken(4, `${id} was changed by a worker that had been replaced`);
    const d = decision.next;
    this.known.set(id, d);
    this.regions.add(d.target.region);
    for (const { arn } of d.target.testRoutes ?? []) this.testRoutes.add(arn);
    this.look(d.target.region, "others");
    this.oneHand(d);
    const resumed = decision.events.some((e) => e.type === "command" && e.obeyed && e.command === "resume");
    if (resumed || !this.acceptedAt.has(id) || d.phase === "preparing") this.acceptedAt.set(id, at);
    if (!decision.perform || !d.pending) return;
    const { effect } = d.pending;
    const deadline = d.pending.deadline - aheadMs;
    this.written = this.written.filter((other) => other.deadline > at - writtenMs);
    this.written.push({ id, effect, decidedAt: at, deadline });
    const region = this.world.aws.region(d.target.region);
    if (effect.kind === "setWeights") {
      this.noBlindTraffic(d, effect, region, decidedAt);
      this.overwritesNobody(d, effect, decidedAt);
      this.keepsClosed(d, effect, region, decidedAt, closed);
    }
    this.agrees(d, effect, region, decidedAt);
    if (effect.kind === "scaleTaskSet") this.floor(d, effect.arn, effect.scalePercent, region, decidedAt);
    if (effect.kind === "deleteTaskSet") this.floor(d, effect.arn, -1, region, decidedAt);
  }

  /** Promise 4: at most one deployment acts on a service. */
  private oneHand(d: Deployment): void {
    if (!acting.has(d.phase)) return;
    this.exercised[4] += 1;
    for (const other of this.known.values()) {
      if (other.id === d.id || other.service !== d.service || !acting.has(other.phase)) continue;
      this.broken(4, `${d.id} is ${d.phase} while ${other.id} is ${other.phase}`);
    }
  }

  /** Promise 1: at some moment that the look could see, green had enough healthy tasks of its own. */
  private noBlindTraffic(
    d: Deployment,
    effect: Extract<Effect, { kind: "setWeights" }>,
    region: Region,
    at: number,
  ): void {
    if (d.phase === "rolling_back" || d.phase === "rolled_back") return;
    const weights = sampleOf(region, at).requested[effect.route.arn] ?? {};
    const share = shareOf(effect.to.blue, effect.to.green);
    if (share <= shareOf(weights[effect.pair.blue] ?? 0, weights[effect.pair.green] ?? 0)) return;
    this.exercised[1] += 1;
    const seeable = (this.samples.get(d.target.region) ?? []).filter(
      (sample) => sample.until >= at - lookMs - this.lagMs(),
    );
    const best = seeable.map((sample) => {
      const desired = sample.desired[`${d.target.cluster}/${d.target.service}`] ?? 1;
      const needed = this.testRoutes.has(effect.route.arn)
        ? 1
        : Math.max(1, Math.ceil(desired * share - 1e-9));
      return { needed, healthy: sample.healthy[`${d.green.arn} ${effect.pair.green}`] ?? 0 };
    });
    // ECS and ELB lag by themselves: what was wanted then may be read together with who is healthy now.
    const wanted = Math.min(...best.map(({ needed }) => needed));
    if (best.some(({ healthy }) => healthy >= wanted)) return;
    // Few are better than none, once green has proved itself.
    const others = seeable.map(({ inGroup }) => inGroup[effect.pair.blue] ?? 0);
    const alone = proved.has(d.phase) && others.includes(0) && best.some(({ healthy }) => healthy > 0);
    if (alone) return;
    const last = best.at(-1);
    this.broken(
      1,
      `${d.id} gives green ${Math.round(100 * share)} % with ${last?.healthy} healthy tasks of its own of ${last?.needed} (${d.phase})`,
    );
  }

  /** Promise 2: nothing is taken from a set that carries traffic, or did within the hold time. */
  private floor(d: Deployment, arn: string, scalePercent: number, region: Region, at: number): void {
    const set = region.ecs.taskSets.get(arn);
    if (!set || set.status === "DRAINING" || scalePercent >= set.scalePercent) return;
    const backToRecorded =
      d.phase === "rolling_back" && arn === d.blue?.arn && scalePercent >= d.blue.scalePercent;
    if (backToRecorded) return;
    this.exercised[2] += 1;
    const what = `${d.id} (${d.phase}) takes from ${set.id}`;
    for (const { targetGroupArn: group } of set.loadBalancers) {
      if (group === undefined) continue;
      const weighing = this.weighingsOf(d.target.region).of(group);
      if (!weighing) continue;
      const { weight, inForce, changedAt, by } = weighing;
      // What others change between the look and the call nobody can know.
      const seeable = by === "us" || changedAt < at - lookMs - this.lagMs();
      if (weight > 0 && seeable) this.broken(2, `${what} while routes give its group weight ${weight}`);
      if (weight > 0 || by !== "us") continue;
      if (inForce) this.broken(2, `${what} while traffic still reaches its group`);
      const heldMs = at - changedAt;
      if (heldMs < d.strategy.holdMs) {
        this.broken(2, `${what} ${heldMs} ms after its last weight; the hold time is ${d.strategy.holdMs}`);
      }
    }
  }

  /** Promise 8: while a service is closed, no step begins that gives green more production traffic. */
  private keepsClosed(
    d: Deployment,
    effect: Extract<Effect, { kind: "setWeights" }>,
    region: Region,
    at: number,
    closures: Closed[],
  ): void {
    const closed = closures.find(({ id }) => !d.overrides.includes(id));
    if (d.phase !== "shifting" || effect.again || this.testRoutes.has(effect.route.arn)) return;
    if (shareOf(effect.to.blue, effect.to.green) <= shareOf(effect.from.blue, effect.from.green)) return;
    if (!closed || d.undoes) return;
    this.exercised[8] += 1;
    const { requested } = sampleOf(region, at);
    const begun = d.routes.some(({ ref, asked, test }) => {
      const weights = requested[ref.arn] ?? {};
      const reads = shareOf(weights[effect.pair.blue] ?? 0, weights[effect.pair.green] ?? 0);
      const same = shareOf(asked.blue, asked.green) === shareOf(effect.to.blue, effect.to.green);
      return !test && ref.arn !== effect.route.arn && (same || reads > 0);
    });
    if (!begun) this.broken(8, `${d.id} begins a step while it is closed: ${closed.reason}`);
  }

  /**
   * Promise 10: after Redis lost something, nothing goes forward before the record agrees with AWS, or a person said
   * so: not while green's tag says that it is being rolled back, nor on routes that lead where no record knows of.
   */
  private agrees(d: Deployment, effect: Effect, region: Region, at: number): void {
    const { lostAt } = this;
    if (lostAt === undefined || !acting.has(d.phase) || d.phase === "rolling_back") return;
    if (effect.kind === "setWeights" && effect.again && d.strategy.onDrift === "reapply") return;
    const forward =
      effect.kind === "makePrimary"
        ? effect.arn === d.green.arn
        : effect.kind === "setWeights" &&
          shareOf(effect.to.blue, effect.to.green) > shareOf(effect.from.blue, effect.from.green);
    if (!forward) return;
    this.exercised[10] += 1;
    const tagged = this.backSince.get(d.green.arn ?? "") ?? Infinity;
    const seeable = at - lookMs - this.lagMs();
    if (tagged < seeable) this.broken(10, `${d.id} goes forward although green is being rolled back`);
    if ((this.acceptedAt.get(d.id) ?? 0) > lostAt) return;
    const { requested } = sampleOf(region, at);
    for (const { ref, asked, earlier, before, test } of d.routes) {
      const weights = requested[ref.arn];
      // A route that was deleted leads nowhere, whatever is written to it.
      if (!weights) continue;
      const [blue = -1, green = -1] = d.pair ? [weights[d.pair.blue], weights[d.pair.green]] : [];
      const changedAt = this.weighingsOf(d.target.region).routeChange(ref.arn)?.at ?? 0;
      const known = [asked, before, ...earlier].some((other) => other.blue === blue && other.green === green);
      if (!test && !known && changedAt < seeable)
        this.broken(
          10,
          `${d.id} goes forward although ${ref.arn} reads ${blue}:${green}, of which no record knows`,
        );
    }
  }

  /** Promise 5: a hook is called only as it was written down. */
  private hookCalled({ idempotencyKey: key, body }: HookRequest): void {
    const now = this.world.clock.now();
    const written = this.written.findLast(
      ({ effect }) => effect.kind === "callHook" && effect.request.idempotencyKey === key,
    );
    this.exercised[5] += 1;
    if (!written) this.broken(5, `the hook ${key} was called without being written down`);
    else if (
      now > written.deadline + lateMs &&
      !this.options.excused?.({ action: "callHook", receivedAt: now })
    )
      this.broken(5, `the hook ${key} was called past its deadline`);
    if (written?.effect.kind === "callHook" && written.effect.request.body["attempt"] !== body["attempt"]) {
      this.broken(5, `the hook ${key} was called for another attempt than the one written down`);
    }
  }

  private called(call: CallBegun): () => void {
    this.look(call.region, "others");
    if (isRead(call.action)) return () => {};
    const about = this.written.filter(
      (written) =>
        written.decidedAt <= call.receivedAt && isCallOf(call, written, (arn) => this.isOf(written.id, arn)),
    );
    const written = about.findLast((one) => one.deadline >= call.receivedAt) ?? about.at(-1);
    this.exercised[5] += 1;
    if (!written) this.broken(5, `${call.action} was sent without being written down: ${subject(call)}`);
    const excused = written && call.receivedAt > written.deadline && this.options.excused?.(call);
    if (written && call.receivedAt > written.deadline && !excused) {
      this.broken(5, `${call.action} was sent ${call.receivedAt - written.deadline} ms past its deadline`);
    }
    const performedAt = this.world.clock.now();
    const late = written !== undefined && performedAt > written.deadline + lateMs;
    const region = this.world.aws.region(call.region);
    const effect = written?.effect;
    const before = effect?.kind === "setWeights" ? restOfBalancers(region, effect) : undefined;
    return () => {
      // Before it is noted that the route is ours now.
      if (effect?.kind === "setWeights" && before !== undefined && written)
        this.handsOff(call.region, written, effect, before, restOfBalancers(region, effect));
      this.look(call.region, late ? "others" : "us", excused === true);
    };
  }

  /** What a deployment may touch: blue, green, and what a call of its own made too late to be green. */
  private isOf(id: string, arn: string): boolean {
    const d = this.known.get(id);
    return (
      d?.blue?.arn === arn || d?.green.arn === arn || d?.green.arn === undefined || this.madeLate.has(arn)
    );
  }

  /** Promise 9: what others wrote to a route is not overwritten on the way forward, unless a person says so. */
  private overwritesNobody(d: Deployment, effect: Extract<Effect, { kind: "setWeights" }>, at: number): void {
    if (!acting.has(d.phase) || d.phase === "rolling_back") return;
    if (effect.again && d.strategy.onDrift === "reapply") return;
    const change = this.weighingsOf(d.target.region).routeChange(effect.route.arn);
    const route = d.routes.find(({ ref }) => ref.arn === effect.route.arn);
    if (!change || !route || change.by === "us" || change.at <= (this.acceptedAt.get(d.id) ?? 0)) return;
    const { from } = effect;
    // What was asked once, by this deployment or by the one before, looks like a late call.
    const wasOurs =
      [route.before, ...route.earlier].some(
        ({ blue, green }) => blue === from.blue && green === from.green,
      ) || this.written.some(({ effect: other }) => other.kind === "setWeights" && asksFor(other, effect));
    if (wasOurs || change.at >= at - lookMs - this.lagMs()) return;
    this.broken(9, `${d.id} overwrites ${from.blue}:${from.green}, which others set on ${effect.route.arn}`);
  }

  /** Promise 9: a call changes nothing but the pair's weights on its route. */
  private handsOff(
    region: string,
    written: Written,
    effect: Extract<Effect, { kind: "setWeights" }>,
    before: string,
    after: string,
  ): void {
    this.exercised[9] += 1;
    if (before === after) return;
    // A read may not show yet what others changed a moment ago, and no call of ELBv2 says on what it is based.
    const change = this.weighingsOf(region).routeChange(effect.route.arn);
    if (change?.by === "others" && change.at >= this.world.clock.now() - lookMs - this.lagMs()) return;
    this.broken(9, `${written.id} changed more than the pair's weights on ${effect.route.arn}: ${after}`);
  }
}

const acting = new Set<Phase>(["provisioning", "testing", "shifting", "baking", "promoting", "rolling_back"]);

/** Phases that begin when all traffic has been on green. */
const proved = new Set<Phase>(["promoting", "retaining", "draining"]);

function shareOf(blue: number, green: number): number {
  return green / Math.max(1, blue + green);
}

function isRead(action: string): boolean {
  return /^(Describe|List|Get)/.test(action);
}

/** Whether one asked for the weights that another found. */
function asksFor(
  { route, pair, to }: Extract<Effect, { kind: "setWeights" }>,
  found: Extract<Effect, { kind: "setWeights" }>,
): boolean {
  const asked = new Map([
    [pair.blue, to.blue],
    [pair.green, to.green],
  ]);
  const { blue, green } = found.pair;
  return (
    route.arn === found.route.arn &&
    asked.get(blue) === found.from.blue &&
    asked.get(green) === found.from.green
  );
}

/** Whether a call is what was written down: the same action on the same thing, with the same purpose. */
function isCallOf(
  { action, params }: CallBegun,
  { effect }: Written,
  isOurs: (arn: string) => boolean,
): boolean {
  const given = fields(params);
  switch (effect.kind) {
    case "registerTaskDefinition":
      return action === "RegisterTaskDefinition" && given["family"] === effect.registration["family"];
    case "createTaskSet":
      return (
        action === "CreateTaskSet" &&
        given["service"] === effect.request.service &&
        ownerIn(given["tags"]) === ownerIn(effect.request.tags)
      );
    case "scaleTaskSet":
      return (
        action === "UpdateTaskSet" &&
        given["taskSet"] === effect.arn &&
        fields(given["scale"])["value"] === effect.scalePercent &&
        isOurs(effect.arn)
      );
    case "deleteTaskSet":
      return action === "DeleteTaskSet" && given["taskSet"] === effect.arn && isOurs(effect.arn);
    case "makePrimary":
      return (
        action === "UpdateServicePrimaryTaskSet" &&
        given["primaryTaskSet"] === effect.arn &&
        isOurs(effect.arn)
      );
    case "callHook":
      return false;
    case "tagTaskSet":
      return action === "TagResource" && given["resourceArn"] === effect.arn;
    case "setWeights": {
      const { route, pair, to } = effect;
      const [changes, key, actions] =
        route.kind === "rule"
          ? (["ModifyRule", "RuleArn", "Actions"] as const)
          : (["ModifyListener", "ListenerArn", "DefaultActions"] as const);
      const weights = weightsIn(given[actions]);
      const asks = (group: string, weight: number) => weights.get(group) === weight;
      return (
        action === changes &&
        given[key] === route.arn &&
        asks(pair.blue, to.blue) &&
        asks(pair.green, to.green)
      );
    }
  }
}

/** The deployment that a set is made for, as its tags tell. */
function ownerIn(tags: unknown): unknown {
  const all: unknown[] = Array.isArray(tags) ? tags : [];
  return all.map(fields).find(({ key }) => key === tagKeys.deployment)?.["value"];
}

/** By target group, wherever in the actions it is named with a weight. */
function weightsIn(actions: unknown): Map<unknown, number> {
  const found = new Map<unknown, number>();
  JSON.stringify(actions, (_key, value: unknown) => {
    const { TargetGroupArn: group, Weight: weight } = fields(value);
    if (group !== undefined && weight !== undefined) found.set(group, Number(weight));
    return value;
  });
  return found;
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function subject(call: CallBegun): string {
  return JSON.stringify(call.params)?.slice(0, 200) ?? "";
}

/** Every listener, rule and target group of the region, without the pair's weights on the effect's route. */
export function restOfBalancers(
  { elb }: Pick<Region, "elb">,
  { route, pair }: { route: { arn: string }; pair: Pair },
): string {
  const masked = (arn: string, actions: readonly { ForwardConfig?: unknown }[]) =>
    arn !== route.arn
      ? actions
      : JSON.parse(JSON.stringify(actions), (_key, value: unknown) => mask(value, pair));
  return JSON.stringify({
    listeners: [...elb.listeners.values()].map((one) => ({ ...one, actions: masked(one.arn, one.actions) })),
    rules: [...elb.rules.values()].map((one) => ({ ...one, actions: masked(one.arn, one.actions) })),
    groups: [...elb.groups.values()].map((one) => ({ ...one, attributes: [...one.attributes] })),
  });
}

function mask(value: unknown, pair: Pair): unknown {
  const tuple = fields(value);
  const ours = tuple["TargetGroupArn"] === pair.blue || tuple["TargetGroupArn"] === pair.green;
  return ours && "Weight" in tuple ? { ...tuple, Weight: "?" } : value;
}
