/**
 * Rebuilding a deployment from AWS alone, for when Redis came back older or empty: green's tags carry the
 * deployment's id, blue's id and scale, the weights before, and whether it was being rolled back. What tags and
 * routes say beyond the record wins.
 */
import type { Problem } from "../errors.ts";
import type { Pair, Weights } from "./effect.ts";
import { expectLostCalls } from "./doubt.ts";
import { parseBefore, parseBlue } from "./inherit.ts";
import { newDeployment } from "./accept.ts";
import type { RouteSeen, Seen, ServiceSeen, TaskSetSeen } from "./observation.ts";
import type { Actor, Deployment, RouteRecord } from "./record.ts";
import { routesRead, sumShared } from "./routes.ts";
import { type Strategy, withoutCanary } from "./strategy.ts";
import { type RouteRef, routesOf, type ServiceTarget, tagKeys } from "./target.ts";
import { greenShare } from "./traffic.ts";
import { pairWeights, value } from "./view.ts";

/** What can be asked for a stray: to go on, to put everything back, or to take the set away. */
export type Way = "forward" | "back" | "remove";

/** A task set of ours that no record answers for. */
export interface Stray {
  /** The deployment that made it, by its tag. */
  deployment: string;
  /**
   * - `under-way`: its blue is PRIMARY still; traffic may be shared.
   * - `promoted`: it is PRIMARY, and its blue is still there.
   * - `orphan`: another set is PRIMARY than the one it came to replace.
   */
  state: "under-way" | "promoted" | "orphan";
  set: { arn: string; id: string; status: string; scalePercent: number; running: number };
  blue?: { arn: string; id: string; status: string; scalePercent: number; running: number };
  rollingBack: boolean;
  /** Blue's and green's weights, route by route, now and before; those of production first. */
  routes: { arn: string; now?: Weights; before: Weights }[];
  ways: Way[];
}

/** Sets of ours without a living record. `living` tells which deployments answer for theirs. */
export function findStrays(target: ServiceTarget, seen: Omit<Seen, "slot">, living: Set<string>): Stray[] {
  const service = value(seen.service);
  if (!service) return [];
  return service.taskSets.flatMap((set) => {
    const id = tagOf(set, tagKeys.deployment);
    if (!id || set.status === "DRAINING" || living.has(id)) return [];
    const stray = strayOf(target, seen, service, set, id);
    return stray ? [stray] : [];
  });
}

function strayOf(
  target: ServiceTarget,
  seen: Omit<Seen, "slot">,
  service: ServiceSeen,
  set: TaskSetSeen,
  deployment: string,
): Stray | undefined {
  const blueId = parseBlue(tagOf(set, tagKeys.blue))?.id;
  const blue = service.taskSets.find((other) => other.id === blueId && other.status !== "DRAINING");
  const primary = service.taskSets.find((other) => other.status === "PRIMARY");
  const rollingBack = tagOf(set, tagKeys.rollingBack) !== undefined;
  const state = set === primary ? "promoted" : blue && blue === primary ? "under-way" : "orphan";
  // It serves and nothing is left beside it: it has simply succeeded.
  if (state === "promoted" && !blue) return undefined;
  const pair = pairOf(target, set);
  const before = parseBefore(tagOf(set, tagKeys.before));
  const routes = routesOf(target).map((ref, n) => {
    const read = value(seen.routes[ref.arn]);
    const now = pair && read ? pairWeights(read, pair) : undefined;
    return { arn: ref.arn, ...(now && { now }), before: before[n] ?? { blue: 1, green: 0 } };
  });
  // On a route that lacks one of the pair green can't get its share, and blue may keep its own.
  const mayGoOn = !rollingBack && (!pair || routes.every(({ now }) => now));
  return {
    deployment,
    state,
    set: sizes(set),
    ...(blue && { blue: sizes(blue) }),
    rollingBack,
    routes,
    ways: state === "orphan" ? ["remove"] : mayGoOn ? ["forward", "back"] : ["back"],
  };
}

function sizes({ arn, id, status, scalePercent, running }: TaskSetSeen) {
  return { arn, id, status, scalePercent, running };
}

function tagOf(set: TaskSetSeen, key: string): string | undefined {
  return set.spec.tags?.find((tag) => tag.key === key)?.value;
}

/** Green's group is the set's own; blue's is the other one. */
function pairOf(target: ServiceTarget, set: TaskSetSeen): Pair | undefined {
  const [a, b] = target.targetGroups;
  const groups = set.spec.loadBalancers?.map((lb) => lb.targetGroupArn) ?? [];
  if (a === undefined || b === undefined) return undefined;
  if (groups.includes(a)) return { blue: b, green: a };
  return groups.includes(b) ? { blue: a, green: b } : undefined;
}

/** Whether a deployment takes an orphan away and touches nothing else: no route is its business. */
export function isRemoval(d: Pick<Deployment, "recovers" | "takeUp" | "blue">): boolean {
  return d.recovers !== undefined && d.takeUp === "rolling_back" && d.blue === undefined;
}

export interface Recovery {
  id: string;
  target: ServiceTarget;
  strategy: Strategy;
  way: Way;
  actor: Actor;
  now: number;
}

/**
 * A deployment that takes the stray over. It waits for the service like any other, and then goes on in the phase
 * that its way begins with; every further step looks first, as always.
 */
export function rebuild(stray: Stray, seen: Omit<Seen, "slot">, order: Recovery): Deployment | Problem {
  const service = value(seen.service);
  const set = service?.taskSets.find((other) => other.arn === stray.set.arn);
  if (!service || !set)
    return { code: "unavailable", message: `the task set ${stray.set.id} can't be read now` };
  if (!stray.ways.includes(order.way)) {
    const lame = stray.routes.filter(({ now }) => !now).map(({ arn }) => arn);
    const why = lame.length > 0 ? `, and ${lame.join(", ")} does not forward to both target groups` : "";
    const message = `${stray.set.id} is ${stray.state}${why}; it can be asked to go ${stray.ways.join(" or ")}`;
    return { code: "command-refused", message };
  }
  const blueSet = service.taskSets.find((other) => other.arn === stray.blue?.arn);
  const pair = pairOf(order.target, set);
  const routes = pair ? routesTaken(stray, seen, order, pair) : [];
  const deployment = newDeployment({
    ...order,
    request: {
      ...(set.spec.taskDefinition && { taskDefinition: set.spec.taskDefinition }),
      reason: `takes over ${stray.deployment}, which no record answered for`,
    },
  });
  const recovered: Deployment = {
    ...deployment,
    recovers: stray.deployment,
    ...beginning(stray, order, routes),
    desiredAtStart: service.desiredCount,
    ...(pair && { pair }),
    ...(blueSet && order.way !== "remove" && { blue: blueRecord(blueSet, set) }),
    green: {
      arn: set.arn,
      id: set.id,
      createdAt: set.createdAt,
      ...(set.spec.taskDefinition && { taskDefinition: set.spec.taskDefinition }),
    },
    routes,
    // It may have been on its way out, which is no late call's doing.
    ...(stray.state === "promoted" && order.way === "forward" && { blueShrunk: true }),
    // Nobody knows what is still in flight or spreading: the hold time begins now.
    carriedAt: { blue: order.now, green: order.now },
  };
  expectLostCalls(recovered, order.now);
  return recovered;
}

/**
 * Where it goes on. Green that was PRIMARY has proved itself: it needs no canary and no retention again. One that no
 * production traffic reached may not even have started: it is waited for, and then tested from the beginning.
 */
function beginning(
  stray: Stray,
  { way, strategy }: Recovery,
  routes: RouteRecord[],
): Pick<Deployment, "takeUp" | "step" | "strategy"> {
  const production = routes.filter((route) => !route.test);
  const step = stepReached(strategy, production);
  if (way !== "forward") return { takeUp: "rolling_back", step, strategy };
  if (stray.state !== "promoted") {
    // The step whose weight the routes have is done once more: green may never have got the tasks for it.
    if (production.some((route) => route.asked.green > 0))
      return { takeUp: "shifting", step: Math.max(0, step - 1), strategy };
    // What came before green is done, as green is there.
    return { takeUp: "provisioning", step: strategy.before.length, strategy };
  }
  const short = { ...withoutCanary(strategy), retainMs: 0 };
  const serves = stepReached(short, production) > 0;
  return { takeUp: serves ? "retaining" : "shifting", step: serves ? 1 : 0, strategy: short };
}

function blueRecord(blue: TaskSetSeen, green: TaskSetSeen) {
  const scalePercent = parseBlue(tagOf(green, tagKeys.blue))?.scalePercent ?? 100;
  const { arn, id, spec } = blue;
  return { arn, id, spec, scalePercent, taskDefinition: spec.taskDefinition ?? "" };
}

function routesTaken(stray: Stray, seen: Omit<Seen, "slot">, order: Recovery, pair: Pair): RouteRecord[] {
  const { target, strategy, way } = order;
  const whole = routesRead(target, strategy, pair, seen);
  return routesOf(target).flatMap((ref) => {
    const read = value(seen.routes[ref.arn]);
    if (!read) return [];
    const route = whole.find((one) => one.ref.arn === ref.arn) ?? lameRoute(ref, read, target, pair);
    // An orphan's removal leaves the routes as they are; while one gives its group weight, the guard holds it.
    const found = way === "remove" ? undefined : stray.routes.find(({ arn }) => arn === ref.arn);
    const before = found?.before ?? route.before;
    return [{ ...route, before, sum: sumShared(strategy, before, read), earlier: [before] }];
  });
}

/** A route that lacks one of the pair, or both: nobody can put it right but its owner, yet it may lead to green. */
function lameRoute(ref: RouteRef, read: RouteSeen, target: ServiceTarget, pair: Pair): RouteRecord {
  const { [pair.blue]: blue = 0, [pair.green]: green = 0 } = read.weights;
  const weights = { blue, green };
  const test = target.testRoutes?.some(({ arn }) => arn === ref.arn) && { test: true as const };
  return { ref, ...test, before: weights, sum: 0, asked: weights, askedAt: 0, earlier: [], rest: read.rest };
}

/** The step after the last weight that every route already gives green. */
function stepReached(strategy: Strategy, routes: RouteRecord[]): number {
  const reached = 100 * Math.min(1, ...routes.map((route) => greenShare(route.asked)));
  if (routes.length === 0) return 0;
  const last = strategy.steps.findLastIndex(
    (step) => step.kind === "weight" && step.percent <= reached + 1e-9,
  );
  return last + 1;
}
