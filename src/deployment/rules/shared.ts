/** Situations that several phases meet alike. */
import type { Closed } from "../calendar.ts";
import { type Move, seconds, stuckReason } from "../draft.ts";
import { doubtOf, mayBeScaled } from "../doubt.ts";
import type { Weights } from "../effect.ts";
import type { TaskSetSeen } from "../observation.ts";
import { forbid } from "../forbid.ts";
import { unwell } from "../promote.ts";
import { elapsedMs, type Hold, type RouteRecord } from "../record.ts";
import { greenShare, showWeights, weightsAt } from "../traffic.ts";
import {
  countOf,
  failedTasks,
  greenHealthy,
  greenPercent,
  isPromotedUnknown,
  isTaggedRollingBack,
  lagMs,
  percentToBear,
  readingFault,
  routesIn,
  stopReasons,
  tasksNeeded,
  type View,
  weightsRead,
} from "../view.ts";
import { clock, forward, hold, paceMs, performOnce, pollMs, rollBack, type Rule, soon } from "./rule.ts";

/** Nothing can be decided without what was asked for; it is read again, slower and slower. */
export const unreadable: Rule = {
  situation: "unreadable",
  when: (v) => readingFault(v.seen) !== undefined,
  move: (v) => {
    const trouble = v.d.trouble["look"];
    if (trouble?.class === "stuck")
      return { ...hold(v, "stuck", stuckReason(trouble)), until: trouble.nextAt };
    const fault = readingFault(v.seen);
    return {
      kind: "wait",
      until: trouble?.nextAt ?? v.now + pollMs.soon,
      note: `cannot see: ${fault?.action} met ${fault?.code}: ${fault?.message}`,
    };
  },
};

/** AWS will never take a call as it is. */
export const refused: Rule = {
  situation: "refused",
  when: (v) => refusal(v) !== undefined,
  move: (v) => {
    const trouble = refusal(v);
    const message = `${trouble?.action} was refused with ${trouble?.code}: ${trouble?.message}`;
    return rollBack({ code: "aws-refused", message });
  },
};

function refusal(v: View) {
  return Object.values(v.d.trouble).find((trouble) => trouble.class === "refuse");
}

export const paused: Rule = {
  situation: "paused",
  when: (v) => v.d.hold?.kind === "paused",
  move: (v) => hold(v, "paused", v.d.hold?.reason ?? "paused"),
};

export const drifted: Rule = {
  situation: "drifted",
  when: (v) => routesIn(v, "drifted", "gone").length > 0,
  move: (v) =>
    hold(
      v,
      "drift",
      routesIn(v, "drifted", "gone")
        .map((route) => describeDrift(v, route))
        .join("; "),
    ),
};

export function describeDrift(v: View, route: RouteRecord): string {
  const name = nameOf(route);
  const weights = weightsRead(v, route);
  if (!weights) return `${name} no longer forwards to the pair`;
  const expected = showWeights(route.asked);
  const found = showWeights(weights);
  if (expected === found) return `somebody changed ${name} beside the pair's weights`;
  return `somebody changed ${name}: blue:green is ${found}, last asked was ${expected}`;
}

/** As people find it: its kind, and the tail of its ARN. */
export function nameOf({ ref }: RouteRecord): string {
  return `${ref.kind} ${ref.arn.split("/").slice(-3).join("/")}`;
}

/** The set may be missing from a read that lags its creation; past that it was deleted. */
export const greenGone: Rule = {
  situation: "green-gone",
  when: (v) =>
    v.service !== undefined &&
    v.d.green.arn !== undefined &&
    (v.green === undefined ? v.now - (v.d.green.createdAt ?? 0) > lagMs : v.green.status === "DRAINING"),
  move: () => rollBack({ code: "green-gone", message: "the new task set was deleted by somebody else" }),
};

/** Green's tag outlives a record that came back older: what it says beyond the record wins. */
export const taggedBack: Rule = {
  situation: "green-says-rolling-back",
  when: (v) => isTaggedRollingBack(v),
  move: () =>
    rollBack({ code: "record-older", message: "green's tag says that it was being rolled back already" }),
};

/** Somebody promoted a set that is neither: whose traffic this is can't be known here. */
export const primaryElsewhere: Rule = {
  situation: "primary-elsewhere",
  when: (v) => v.primary !== undefined && v.primary.arn !== v.d.blue?.arn && v.primary.arn !== v.d.green.arn,
  move: (v) =>
    hold(
      v,
      "stuck",
      `${v.primary?.id} is the PRIMARY task set now, neither blue nor green; roll back or release`,
    ),
};

/** The record came back older than the promotion, or somebody promoted green: the steps are no longer fit. */
export const promotedUnknown: Rule = {
  situation: "promoted-unknown",
  when: isPromotedUnknown,
  move: (v) =>
    hold(
      v,
      "drift",
      "green is the PRIMARY task set already, though the steps are not done: the record is older, or somebody " +
        "promoted it; resume gives green all traffic, rollback goes back",
    ),
};

/** There is nothing to go back to, so nothing is moved until a person decides. */
export const blueGone: Rule = {
  situation: "blue-gone",
  when: (v) =>
    v.service !== undefined &&
    v.d.blue !== undefined &&
    v.green?.status !== "PRIMARY" &&
    (v.blue === undefined || v.blue.status === "DRAINING"),
  move: (v) =>
    hold(v, "stuck", "the old task set was deleted by somebody else; release the deployment, then decide"),
};

/** Green carries traffic with too few healthy tasks: at once when it has none, else after a while. */
export const greenUnhealthy: Rule = {
  situation: "green-unhealthy",
  when: (v) => {
    const healthy = greenHealthy(v);
    return healthy !== undefined && greenPercent(v) > 0 && isUnwell(v, healthy);
  },
  move: (v) => {
    const needed = tasksNeeded(v, percentToBear(v));
    const reasons = stopReasons(failedTasks(v));
    const message = `green has ${countOf(greenHealthy(v) ?? 0, "healthy task")} where its share needs ${needed}`;
    return rollBack({ code: "green-unhealthy", message: reasons ? `${message}: ${reasons}` : message });
  },
};

/**
 * Too few healthy tasks for too long: for as long as green may take to recover where it lost some, and for as long
 * as tasks may take to start where more of them are wanted than it ever had.
 */
export function isUnwell({ d, now }: View, healthy: number): boolean {
  const { unhealthyMs, provisioningMs } = d.strategy.deadlines;
  const lost = d.unhealthySince !== undefined && (healthy === 0 || now - d.unhealthySince > unhealthyMs);
  return lost || (d.growingSince !== undefined && now - d.growingSince > provisioningMs);
}

export const greenFailing: Rule = {
  situation: "green-failing",
  when: (v) => failedTasks(v).length >= v.d.strategy.failedTasksMax,
  move: (v) => {
    const failed = failedTasks(v);
    const message = `${countOf(failed.length, "task")} of the new version failed: ${stopReasons(failed)}`;
    return rollBack({ code: "green-failing", message });
  },
};

/** A call that scales, come late, took tasks from a set that carries traffic: it gets them back. */
export function scaledLate(scaleOfGreen: (v: View) => number): Rule {
  return {
    situation: "scaled-late",
    when: (v) => shrunk(v, scaleOfGreen(v)) !== undefined,
    move: (v) => {
      const [set, scalePercent] = shrunk(v, scaleOfGreen(v)) ?? [];
      if (!set || scalePercent === undefined) return soon(v, "waiting for the task sets");
      const why = `${set.id} is at ${set.scalePercent} %, perhaps by a call that came late: back to ${scalePercent} %`;
      return performOnce(v, { kind: "scaleTaskSet", arn: set.arn, scalePercent }, why);
    },
  };
}

function isBelow(set: TaskSetSeen, scale: number | undefined): scale is number {
  return scale !== undefined && set.status !== "DRAINING" && set.scalePercent < scale;
}

/** Which set, and the scale that it is to have. */
function shrunk({ d, blue, green, now }: View, scaleOfGreen: number): [TaskSetSeen, number] | undefined {
  if (!mayBeScaled(doubtOf(d, now), now)) return undefined;
  // After a rollback blue is to have all of it again, whatever was asked before.
  if (blue && (!d.blueShrunk || d.phase === "rolled_back") && isBelow(blue, d.blue?.scalePercent))
    return [blue, d.blue?.scalePercent ?? 100];
  return green && isBelow(green, scaleOfGreen) ? [green, scaleOfGreen] : undefined;
}

/** A route that reads what was asked earlier, long after our last write: written again. */
export function behind(percent: (v: View) => number): Rule {
  return {
    situation: "route-behind",
    when: (v) => routesIn(v, "behind", "late").length > 0,
    // A test route takes no share of the production traffic: it goes by what was asked of it last.
    move: (v) =>
      writeFirst(v, routesIn(v, "behind", "late"), (route) =>
        route.test ? route.asked : weightsAt(route, percent(v)),
      ),
  };
}

/** Routes that a call which nobody heard of came to late, as far as they can be put right by now. */
export function rightable(v: View, routes: RouteRecord[]): RouteRecord[] {
  return routes.filter((route) => refusalOf(v, route, route.asked) === undefined);
}

/** Puts them right, as each was last asked. */
export function putRight(v: View, routes: RouteRecord[]): Move {
  return writeFirst(v, routes, (route) => route.asked);
}

/** Writes the first that the guard lets through; where it lets none, a person is told. */
function writeFirst(v: View, routes: RouteRecord[], wanted: (route: RouteRecord) => Weights): Move {
  const route = routes.find((one) => refusalOf(v, one, wanted(one)) === undefined) ?? routes[0];
  const from = route && weightsRead(v, route);
  if (!route || !from || !v.d.pair) return soon(v, "waiting for the routes");
  const to = wanted(route);
  const reads = `${nameOf(route)} reads ${showWeights(from)}, as was asked of it earlier`;
  const refusal = refusalOf(v, route, to);
  if (refusal !== undefined)
    return hold(v, "drift", `${reads}, and can't get ${showWeights(to)} yet: ${refusal}`);
  return forward(
    { kind: "setWeights", route: route.ref, pair: v.d.pair, from, to },
    `${reads}, perhaps by a call that came late: back to ${showWeights(to)}`,
  );
}

/** Why the guard would not let the weights be written now. */
function refusalOf(v: View, route: RouteRecord, to: Weights): string | undefined {
  const from = weightsRead(v, route);
  if (!from || !v.d.pair) return "it was not read";
  return forbid({ kind: "setWeights", route: route.ref, pair: v.d.pair, from, to }, v.d, v.seen, v.now);
}

export const lagging: Rule = {
  situation: "route-lagging",
  when: (v) => routesIn(v, "lagging").length > 0,
  move: (v) => soon(v, "waiting until the last change of weights reads back"),
};

/** Writes the first of these routes; one call a turn. */
export function writeRoute(v: View, routes: RouteRecord[], percent: number) {
  const route = routes[0];
  const pair = v.d.pair;
  const from = route && weightsRead(v, route);
  if (!route || !pair || !from) return soon(v, "waiting for the routes");
  const to = weightsAt(route, percent);
  return forward(
    { kind: "setWeights", route: route.ref, pair, from, to },
    `green gets ${percent} %: ${route.ref.kind} from ${showWeights(from)} to ${showWeights(to)}`,
  );
}

/** Puts a route back to what it was. Safe to repeat; never held. */
export function restoreRoute(v: View, route: RouteRecord, from: Weights, why: string) {
  const pair = v.d.pair;
  if (!pair) return soon(v, why);
  return performOnce(
    v,
    { kind: "setWeights", route: route.ref, pair, from, to: route.before },
    `${why}: ${route.ref.kind} from ${showWeights(from)} to ${showWeights(route.before)}`,
  );
}

export function pastDeadline(v: View, since: number, limitMs: number): boolean {
  return elapsedMs(v.d, since, v.now) > limitMs;
}

export function deadlineCause(v: View, limitMs: number) {
  const reasons = stopReasons(failedTasks(v));
  const message = `after ${seconds(limitMs)} still: ${v.d.note}${reasons ? `; stopped tasks: ${reasons}` : ""}`;
  return { code: "deadline" as const, message };
}

/** Why nothing may start or gain traffic now, unless somebody overrode it for this deployment. */
export function closure(v: View): Closed | undefined {
  // What undoes an earlier deployment is a rollback, which nothing holds.
  return v.d.undoes ? undefined : v.seen.closed?.find(({ id }) => !v.d.overrides.includes(id));
}

export function holdClosed(v: View): Move {
  const { kind = "freeze", reason = "", until: at = v.now } = closure(v) ?? {};
  const why =
    kind === "freeze" ? `frozen until ${clock(at)}: ${reason}` : `${reason}; it opens at ${clock(at)}`;
  return { kind: "hold", hold: kind, reason: why, until: Math.min(at, v.now + paceMs(v)), endsAt: at };
}

/** How long it has been held so. */
export function heldMs(v: View, kind: Hold["kind"]): number {
  return v.d.hold?.kind === kind ? v.now - v.d.hold.since : 0;
}

/** How often weights that somebody else changed are written again, before a person is asked who is right. */
const reapplyMax = 5;

/** Where the strategy says so, weights that others changed are written again; nothing else of a route is. */
export const reapply: Rule = {
  situation: "drift-reapplied",
  when: (v) => v.d.strategy.onDrift === "reapply" && v.d.hold?.kind !== "paused" && bent(v).length > 0,
  move: (v) => {
    const [route] = bent(v);
    const pair = v.d.pair;
    const from = route && weightsRead(v, route);
    if (!route || !pair || !from) return soon(v, "waiting for the routes");
    return forward(
      { kind: "setWeights", route: route.ref, pair, from, to: route.asked, again: true },
      `${describeDrift(v, route)}; writing ours again`,
    );
  },
};

function bent(v: View): RouteRecord[] {
  return routesIn(v, "drifted").filter((route) => {
    const reading = v.seen.routes[route.ref.arn];
    const read = weightsRead(v, route);
    if (!reading?.ok || !read || reading.value.rest !== route.rest) return false;
    const more = greenShare(route.asked) > greenShare(read);
    const mayMove = refusalOf(v, route, route.asked) === undefined && !(more && closure(v) !== undefined);
    return (route.reapplied ?? 0) < reapplyMax && mayMove;
  });
}

/** The moment of a promotion that was asked for later has come. */
export const appointmentDue: Rule = {
  situation: "appointment-due",
  when: (v) => v.d.appointment !== undefined && v.d.appointment.at <= v.now,
  move: (v) => ({ kind: "promote", reason: v.d.appointment?.ifHealthy ? unwell(v) : undefined }),
};
