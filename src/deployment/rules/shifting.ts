/** `testing`, `shifting` and `baking`: the steps, each of which has happened when AWS reads so. */
import { isGate, scaleFor, weightBefore } from "../strategy.ts";
import { greenShare, sameWeights, weightsAt } from "../traffic.ts";
import { seconds } from "../draft.ts";
import { elapsedMs, type RouteRecord } from "../record.ts";
import {
  countOf,
  greenHealthy,
  isSteady,
  production,
  routesIn,
  tasksNeeded,
  tasksToBear,
  type View,
  weightsRead,
} from "../view.ts";
import { analysisFailed, currentStep, gates, named, stepDone } from "./gates.ts";
import { clock, enter, hold, performOnce, rollBack, type Rule, soon, until } from "./rule.ts";
import {
  appointmentDue,
  behind,
  blueGone,
  closure,
  deadlineCause,
  drifted,
  greenFailing,
  greenGone,
  greenUnhealthy,
  heldMs,
  holdClosed,
  lagging,
  pastDeadline,
  paused,
  primaryElsewhere,
  promotedUnknown,
  putRight,
  reapply,
  refused,
  rightable,
  scaledLate,
  taggedBack,
  unreadable,
  writeRoute,
} from "./shared.ts";

/** What keeps production traffic from moving yet, the size of green apart. */
const moving: Rule[] = [
  {
    // Between the steps only: a step that has begun on one route is ended on all.
    situation: "closed",
    when: (v) => closure(v) !== undefined && isAhead(v),
    move: (v) => holdClosed(v),
  },
  {
    situation: "green-small",
    when: (v) => v.green !== undefined && v.green.scalePercent < scaleWanted(v),
    move: (v) => {
      const scalePercent = scaleWanted(v);
      return performOnce(
        v,
        { kind: "scaleTaskSet", arn: v.green?.arn ?? "", scalePercent },
        `${named(v)}: scaling green to ${scalePercent} %`,
      );
    },
  },
  {
    situation: "short-for-too-long",
    when: (v) => isShort(v) && heldMs(v, "waiting") > v.d.strategy.deadlines.provisioningMs,
    // Whether it is too small nobody can tell from here, and going back may be no better: a person decides.
    move: (v) => ({
      kind: "hold",
      hold: "paused",
      reason: `${v.d.hold?.reason}; nothing changed for ${seconds(v.d.strategy.deadlines.provisioningMs)}`,
      until: v.now,
      change: (d) => {
        delete d.desiredAlone;
      },
    }),
  },
  {
    // Two colours at work halve the load of each task, and so mislead an autoscaler.
    situation: "scaled-in",
    when: (v) => isShort(v),
    move: (v) => hold(v, "waiting", shortness(v)),
  },
];

/** A step ends by being done; what a list of them ends in differs. */
function stepping(last: Rule, before: Rule[]): Rule[] {
  return [
    taggedBack,
    greenGone,
    greenUnhealthy,
    greenFailing,
    analysisFailed,
    refused,
    {
      situation: "deadline",
      when: (v) =>
        currentStep(v) !== undefined &&
        !isGate(currentStep(v)) &&
        pastDeadline(v, v.d.stepSince, stepLimitMs(v)),
      move: (v) => rollBack(deadlineCause(v, stepLimitMs(v))),
    },
    unreadable,
    primaryElsewhere,
    promotedUnknown,
    {
      // What green has beyond its share waits for nothing, neither for an end of a pause nor for green.
      situation: "route-late",
      when: (v) => beyondAsked(v).length > 0,
      move: (v) => putRight(v, beyondAsked(v)),
    },
    scaledLate((v) =>
      v.d.phase === "shifting" && isGate(currentStep(v)) ? scaleFor(v.d.strategy, v.d.step) : 0,
    ),
    reapply,
    drifted,
    blueGone,
    lagging,
    appointmentDue,
    paused,
    {
      // A step that waits writes no weights: what green lost by a late call would be taken for somebody's doing.
      situation: "route-late-at-gate",
      when: (v) =>
        closure(v) === undefined && isGate(currentStep(v)) && rightable(v, routesIn(v, "late")).length > 0,
      move: (v) => putRight(v, routesIn(v, "late")),
    },
    last,
    ...gates,
    ...before,
    {
      // Green's own healthy tasks, enough for the share it is to get, by this very look.
      situation: "green-not-ready",
      when: (v) => !isReady(v),
      move: (v) =>
        soon(
          v,
          `${named(v)}: green has ${greenHealthy(v) ?? 0} of ${countOf(neededForStep(v), "healthy task")}${isSteady(v.green) ? "" : ", not steady"}`,
        ),
    },
    {
      situation: "routes-to-write",
      when: (v) => routesToWrite(v).length > 0,
      move: (v) => writeRoute(v, routesToWrite(v), percentOf(v) ?? 0),
    },
    { situation: "step-done", when: () => true, move: (v) => stepDone(v) },
  ];
}

export const testing: Rule[] = stepping(
  {
    situation: "steps-done",
    when: (v) => currentStep(v) === undefined,
    move: () => enter("shifting", "green has passed its tests"),
  },
  [],
);

export const shifting: Rule[] = stepping(
  {
    situation: "steps-done",
    when: (v) => currentStep(v) === undefined,
    move: () => enter("baking", "every step is done: all traffic is on green"),
  },
  moving,
);

export const baking: Rule[] = [
  taggedBack,
  greenGone,
  greenUnhealthy,
  greenFailing,
  analysisFailed,
  refused,
  unreadable,
  primaryElsewhere,
  scaledLate(() => 100),
  reapply,
  drifted,
  blueGone,
  behind((v) => weightBefore(v.d.strategy, v.d.step)),
  lagging,
  appointmentDue,
  paused,
  {
    situation: "baking",
    when: (v) => bakeLeftMs(v) > 0,
    move: (v) =>
      until(v, v.now + bakeLeftMs(v), `baking until ${clock(v.now + bakeLeftMs(v))}, blue at full scale`),
  },
  {
    situation: "baked",
    when: () => true,
    move: () => enter("promoting", "green has proved itself: promoting it"),
  },
];

/** The share that the present step gives green, on production or on test routes. */
function percentOf(v: View): number | undefined {
  const step = currentStep(v);
  if (step?.kind === "test") return 100;
  return step?.kind === "weight" ? step.percent : undefined;
}

/** Waiting for tasks takes as long as provisioning may; without that, only the routes are waited for. */
function stepLimitMs(v: View): number {
  const { provisioningMs, shiftingMs } = v.d.strategy.deadlines;
  return Math.max(provisioningMs, shiftingMs);
}

function weightSoFar(v: View): number {
  return v.d.phase === "testing" ? 0 : weightBefore(v.d.strategy, v.d.step);
}

/** The scale that the step needs; a greater one where an autoscaler took tasks away, as far as that goes. */
function scaleWanted(v: View): number {
  const percent = scaleFor(v.d.strategy, v.d.step);
  const desired = v.service?.desiredCount ?? 0;
  const alone = v.d.desiredAlone ?? desired;
  return desired === 0 ? percent : Math.min(100, Math.ceil((percent * alone) / desired));
}

/** Even at full scale green would have fewer tasks than its share needed at the start. */
function isShort(v: View): boolean {
  const percent = percentOf(v);
  if (percent === undefined || !v.service) return false;
  return routesToWrite(v).length > 0 && v.service.desiredCount < tasksToBear(v, percent);
}

function shortness(v: View): string {
  const desired = v.service?.desiredCount ?? 0;
  const needed = tasksToBear(v, percentOf(v) ?? 0);
  return (
    `desiredCount fell to ${desired} while two colours share the load: green would have ${countOf(desired, "task")} ` +
    `for ${percentOf(v)} %, and may need ${needed}; raise desiredCount, or resume to take it for enough`
  );
}

/** Steady whenever its scale has just grown or it never carried anything; else enough healthy tasks will do. */
function isReady(v: View): boolean {
  const healthy = greenHealthy(v) ?? 0;
  const untried = weightSoFar(v) === 0 || currentStep(v)?.kind === "scale";
  return healthy >= neededForStep(v) && (!untried || isSteady(v.green));
}

function neededForStep(v: View): number {
  const step = currentStep(v);
  if (step?.kind === "test") return 1;
  return step?.kind === "weight"
    ? tasksToBear(v, step.percent)
    : tasksNeeded(v, scaleFor(v.d.strategy, v.d.step));
}

/** The routes that the step is about, as far as they don't read as it wants them. */
function routesToWrite(v: View): RouteRecord[] {
  const percent = percentOf(v);
  if (percent === undefined) return [];
  const test = currentStep(v)?.kind === "test";
  return v.d.routes.filter((route) => {
    const read = weightsRead(v, route);
    return (
      (route.test ?? false) === test && read !== undefined && !sameWeights(read, weightsAt(route, percent))
    );
  });
}

/** Routes that a late call leads to green with more than it was to have; with less, blue bears it as before. */
function beyondAsked(v: View): RouteRecord[] {
  return routesIn(v, "late").filter((route) => {
    const read = weightsRead(v, route);
    return read !== undefined && greenShare(read) > greenShare(route.asked);
  });
}

/** Some route has the share of the step already, as read: a call that was asked for may never have happened. */
function isBegun(v: View): boolean {
  const percent = percentOf(v) ?? 0;
  return production(v.d).some((route) => {
    const read = weightsRead(v, route);
    return read !== undefined && sameWeights(read, weightsAt(route, percent));
  });
}

/** The step would give green more production traffic, and has not begun; without routes its scale is that. */
function isAhead(v: View): boolean {
  const step = currentStep(v);
  if (step?.kind === "weight") return routesToWrite(v).length > 0 && !isBegun(v);
  const routed = production(v.d).length > 0;
  return step?.kind === "scale" && !routed && (v.green?.scalePercent ?? 0) < scaleWanted(v);
}

function bakeLeftMs(v: View): number {
  return v.d.strategy.bakeMs - elapsedMs(v.d, v.d.phaseSince, v.now);
}
