/** `shifting` and `baking`: the steps, each of which has happened when AWS reads so. */
import type { Step } from "../strategy.ts";
import { describeStep, scaleFor, weightBefore } from "../strategy.ts";
import { sameWeights, weightsAt } from "../traffic.ts";
import { elapsedMs, type RouteRecord } from "../record.ts";
import { countOf, greenHealthy, isSteady, tasksNeeded, type View, weightsRead } from "../view.ts";
import { enter, performOnce, rollBack, type Rule, soon, until } from "./rule.ts";
import {
  behind,
  blueGone,
  deadlineCause,
  drifted,
  greenFailing,
  greenGone,
  greenUnhealthy,
  lagging,
  pastDeadline,
  paused,
  refused,
  primaryElsewhere,
  promotedUnknown,
  taggedBack,
  unreadable,
  writeRoute,
} from "./shared.ts";

export const shifting: Rule[] = [
  taggedBack,
  greenGone,
  greenUnhealthy,
  greenFailing,
  refused,
  {
    situation: "deadline",
    when: (v) =>
      step(v) !== undefined && step(v)?.kind !== "pause" && pastDeadline(v, v.d.stepSince, stepLimitMs(v)),
    move: (v) => rollBack(deadlineCause(v, stepLimitMs(v))),
  },
  unreadable,
  primaryElsewhere,
  promotedUnknown,
  drifted,
  blueGone,
  lagging,
  paused,
  {
    situation: "steps-done",
    when: (v) => step(v) === undefined,
    move: () => enter("baking", "every step is done: all traffic is on green"),
  },
  {
    situation: "pausing",
    when: (v) => pauseLeftMs(v) > 0,
    move: (v) =>
      until(
        v,
        v.now + pauseLeftMs(v),
        `${named(v)}: the next step comes at ${clock(v.now + pauseLeftMs(v))}`,
      ),
  },
  {
    situation: "pause-over",
    when: (v) => step(v)?.kind === "pause",
    move: (v) => stepDone(v),
  },
  {
    situation: "green-small",
    when: (v) => v.green !== undefined && v.green.scalePercent < scaleFor(v.d.strategy, v.d.step),
    move: (v) => {
      const scalePercent = scaleFor(v.d.strategy, v.d.step);
      return performOnce(
        v,
        { kind: "scaleTaskSet", arn: v.green?.arn ?? "", scalePercent },
        `${named(v)}: scaling green to ${scalePercent} %`,
      );
    },
  },
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
    move: (v) => writeRoute(v, routesToWrite(v), weightOf(step(v)) ?? 0),
  },
  { situation: "step-done", when: () => true, move: (v) => stepDone(v) },
];

export const baking: Rule[] = [
  taggedBack,
  greenGone,
  greenUnhealthy,
  greenFailing,
  refused,
  unreadable,
  primaryElsewhere,
  drifted,
  blueGone,
  behind((v) => weightBefore(v.d.strategy, v.d.step)),
  lagging,
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

function step(v: View): Step | undefined {
  return v.d.strategy.steps[v.d.step];
}

function weightOf(step: Step | undefined): number | undefined {
  return step?.kind === "weight" ? step.percent : undefined;
}

/** Waiting for tasks takes as long as provisioning may; without that, only the routes are waited for. */
function stepLimitMs(v: View): number {
  const { provisioningMs, shiftingMs } = v.d.strategy.deadlines;
  return Math.max(provisioningMs, shiftingMs);
}

/** Steady whenever its scale has just grown or it never carried anything; else enough healthy tasks will do. */
function isReady(v: View): boolean {
  const healthy = greenHealthy(v) ?? 0;
  const untried = weightBefore(v.d.strategy, v.d.step) === 0 || step(v)?.kind === "scale";
  return healthy >= neededForStep(v) && (!untried || isSteady(v.green));
}

function neededForStep(v: View): number {
  return tasksNeeded(v, weightOf(step(v)) ?? scaleFor(v.d.strategy, v.d.step));
}

function routesToWrite(v: View): RouteRecord[] {
  const percent = weightOf(step(v));
  if (percent === undefined) return [];
  return v.d.routes.filter((route) => {
    const read = weightsRead(v, route);
    return read !== undefined && !sameWeights(read, weightsAt(route, percent));
  });
}

function pauseLeftMs(v: View): number {
  const current = step(v);
  return current?.kind === "pause" ? current.ms - elapsedMs(v.d, v.d.stepSince, v.now) : 0;
}

function bakeLeftMs(v: View): number {
  return v.d.strategy.bakeMs - elapsedMs(v.d, v.d.phaseSince, v.now);
}

function stepDone(v: View) {
  const index = v.d.step;
  const done = what(step(v));
  return {
    kind: "note" as const,
    message: `step ${index + 1} of ${v.d.strategy.steps.length} is done: ${done}`,
    change: (d: View["d"]) => {
      d.step = index + 1;
      d.stepSince = v.now;
    },
    event: { type: "step" as const, index, what: done },
  };
}

function named(v: View): string {
  return `step ${v.d.step + 1} of ${v.d.strategy.steps.length} (${what(step(v))})`;
}

function clock(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

function what(step: Step | undefined): string {
  return step ? describeStep(step) : "the end";
}
