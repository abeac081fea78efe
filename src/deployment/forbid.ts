/**
 * The last guard before every call, independent of the rules that chose it: promise 1 (no blind traffic) and
 * promise 2 (never pull the floor). It reads the record and the observation by itself, so that a mistake in the
 * rules is caught here.
 */
import { clockErrorMs } from "./clocks.ts";
import type { Effect, Weights } from "./effect.ts";
import type { Seen, TargetSeen } from "./observation.ts";
import type { Phase } from "./phases.ts";
import type { Deployment } from "./record.ts";

/** The reason why the effect must not be performed now; undefined where it may. */
export function forbid(effect: Effect, d: Deployment, seen: Seen, now: number): string | undefined {
  switch (effect.kind) {
    case "setWeights":
      return blindTraffic(effect, d, seen);
    case "scaleTaskSet":
      return shrinks(effect.arn, effect.scalePercent, seen) ? floor(effect.arn, d, seen, now) : undefined;
    case "deleteTaskSet":
      return floor(effect.arn, d, seen, now);
    case "registerTaskDefinition":
    case "createTaskSet":
    case "makePrimary":
    case "tagTaskSet":
    case "callHook":
      return undefined;
  }
}

const share = (weights: Weights) => weights.green / Math.max(1, weights.blue + weights.green);

/** Green gets a greater share only with enough healthy tasks of its own, in this very observation. */
function blindTraffic(
  effect: Extract<Effect, { kind: "setWeights" }>,
  d: Deployment,
  seen: Seen,
): string | undefined {
  const test = d.routes.some((route) => route.test && route.ref.arn === effect.route.arn);
  const goingBack = d.phase === "rolling_back" || d.phase === "rolled_back";
  if (goingBack || share(effect.to) === share(effect.from)) return undefined;
  if (share(effect.to) < share(effect.from)) return test ? undefined : blindBack(effect, d, seen);
  const service = seen.service?.ok ? seen.service.value : undefined;
  const set = service?.taskSets.find((set) => set.arn === d.green.arn);
  if (!service || !set) return "green would get traffic without having been seen";
  const health = seen.health[effect.pair.green];
  // A last look after the end rights a late write; green then is all there is.
  if (!health && d.phase === "succeeded") return undefined;
  if (!health?.ok) return "green would get traffic without its health having been seen";
  const targets = health.value.filter((target) => target.state === "healthy");
  const healthy = provedAlone.has(d.phase) ? targets : ownTargets(targets, set.id, seen);
  if (test && healthy.length > 0) return undefined;
  const needed = Math.max(1, Math.ceil(service.desiredCount * share(effect.to) - 1e-9));
  if (healthy.length >= needed) return undefined;
  // Few are better than none.
  if (provedAlone.has(d.phase) && healthy.length > 0 && healthyIn(seen, effect.pair.blue) === 0)
    return undefined;
  return `green would get ${Math.round(100 * share(effect.to))} % with ${healthy.length} healthy tasks of ${needed}`;
}

/** Outside of a rollback, which can't wait, blue gets a greater share only with enough healthy tasks too. */
function blindBack(
  effect: Extract<Effect, { kind: "setWeights" }>,
  d: Deployment,
  seen: Seen,
): string | undefined {
  const health = seen.health[effect.pair.blue];
  if (!health?.ok || !seen.service?.ok) return "blue would get traffic without its health having been seen";
  const healthy = health.value.filter((target) => target.state === "healthy").length;
  const full = (seen.service.value.desiredCount * (d.blue?.scalePercent ?? 100)) / 100;
  const needed = Math.max(1, Math.ceil(full * (1 - share(effect.to)) - 1e-9));
  // Nor are they left to a colour that has fewer.
  if (healthy >= Math.min(needed, Math.max(1, healthyIn(seen, effect.pair.green) ?? needed)))
    return undefined;
  return `blue would get ${Math.round(100 * (1 - share(effect.to)))} % with ${healthy} healthy tasks of ${needed}`;
}

function healthyIn(seen: Seen, group: string): number | undefined {
  const health = seen.health[group];
  return health?.ok ? health.value.filter((target) => target.state === "healthy").length : undefined;
}

/** Phases that begin when all traffic has been on green: what is in its group is its own. */
const provedAlone = new Set<Phase>(["promoting", "retaining", "draining"]);

function ownTargets(targets: TargetSeen[], setId: string, seen: Seen): TargetSeen[] {
  if (!seen.tasks?.ok) return [];
  const running = seen.tasks.value.filter(
    (task) => task.startedBy === setId && task.lastStatus === "RUNNING",
  );
  const own = new Set(running.flatMap((task) => task.addresses));
  return targets.filter((target) => own.has(target.address));
}

function shrinks(arn: string, scalePercent: number, seen: Seen): boolean {
  const sets = seen.service?.ok ? seen.service.value.taskSets : [];
  const set = sets.find((set) => set.arn === arn);
  return !set || scalePercent < set.scalePercent;
}

/** Nothing is taken from a set that a route gives weight, did until lately, or may be given by a late call. */
function floor(arn: string, d: Deployment, seen: Seen, now: number): string | undefined {
  // Scaling blue back down to what it was takes nothing away that was there before.
  if (arn === d.blue?.arn && d.phase === "rolling_back") return undefined;
  const colour = arn === d.blue?.arn ? "blue" : "green";
  if (d.pair) {
    for (const route of d.routes) {
      // Nobody's production traffic comes by a test route; where it leads in the end is its owner's affair.
      if (route.test) continue;
      const reading = seen.routes[route.ref.arn];
      // What does not exist leads nowhere; what merely lacks one of the pair may still lead to this set.
      if (reading?.ok === false && reading.fault.class === "absent") continue;
      if (!reading?.ok)
        return `${colour} would be taken away without the route ${route.ref.arn} having been read`;
      const weight = reading.value.weights[d.pair[colour]] ?? 0;
      if (weight > 0) return `${colour} would be taken away while ${route.ref.arn} gives it weight ${weight}`;
    }
    const carriedAt = d.carriedAt[colour];
    if (carriedAt > 0 && now < carriedAt + d.strategy.holdMs + clockErrorMs) {
      return `${colour} would be taken away before the hold time of ${d.strategy.holdMs} ms`;
    }
  }
  if (now < d.unsureUntil) return `${colour} would be taken away while a call of ours may still land`;
  return undefined;
}
