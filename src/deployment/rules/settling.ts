/**
 * After the end: a call of ours that nobody heard of may still land. The service is let go only after a look
 * that begins when none can be in flight any more, and where there was doubt one more look follows later.
 */
import type { Deployment } from "../record.ts";
import { touched } from "../look.ts";
import { sameWeights, showWeights } from "../traffic.ts";
import { doubtOf, lateCallMs, mayBeLate } from "../doubt.ts";
import { carriesNothing, readingFault, value, type View, weightsRead } from "../view.ts";
import { untouchableUntil } from "./finishing.ts";
import { scaledLate } from "./shared.ts";
import { perform, performOnce, type Rule, soon, until } from "./rule.ts";

/** Once nobody else acts or keeps its blue, what came late from us is put right; others' doings are not ours to judge. */
const mine = ({ d, seen: { slot } }: View) =>
  [slot.acting, slot.retaining].every((id) => id === undefined || id === d.id);

/** Whoever acts has made nothing yet, and may wait for long before it looks at the routes. */
const isAlone = ({ service }: View) =>
  service?.taskSets.filter(({ status }) => status !== "DRAINING").length === 1;

const scaled = scaledLate(({ d }) => (d.phase === "succeeded" ? 100 : 0));

export const settling: Rule[] = [
  {
    situation: "unreadable",
    when: (v) => mine(v) && !isGivenUp(v.d) && readingFault(v.seen) !== undefined,
    move: (v) => soon(v, "looking once more after the end"),
  },
  {
    situation: "late-weights",
    when: (v) => (mine(v) || isAlone(v)) && !isGivenUp(v.d) && lateRoutes(v).length > 0,
    move: (v) => {
      const route = lateRoutes(v)[0];
      const from = route && weightsRead(v, route);
      if (!route || !from || !v.d.pair) return soon(v, "looking once more after the end");
      return performOnce(
        v,
        { kind: "setWeights", route: route.ref, pair: v.d.pair, from, to: route.asked },
        `a call of ours came late: weights from ${showWeights(from)} back to ${showWeights(route.asked)}`,
      );
    },
  },
  {
    ...scaled,
    when: (v) => (mine(v) || isAlone(v)) && !isGivenUp(v.d) && isStillOurs(v) && scaled.when(v),
  },
  {
    situation: "late-green-held",
    when: (v) => mine(v) && lateGreen(v) && untouchableUntil(v, "green") > v.now,
    move: (v) =>
      until(v, untouchableUntil(v, "green"), "a task set of ours appeared late: it goes after the hold time"),
  },
  {
    situation: "late-green",
    when: (v) => mine(v) && lateGreen(v),
    move: (v) =>
      perform(
        { kind: "deleteTaskSet", arn: v.green?.arn ?? "", force: true },
        "a task set of ours appeared late: deleting it",
      ),
  },
  {
    situation: "unsettled",
    when: (v) => !v.d.settled && v.now < v.d.unsureUntil,
    move: (v) => until(v, v.d.unsureUntil, "looking once more when no call of ours can be in flight"),
  },
  {
    situation: "settled",
    when: (v) => !v.d.settled,
    move: (v) => ({
      kind: "slot",
      slot: "done",
      note: v.d.note,
      until: v.d.unsureUntil > 0 ? soonest(v, lastLookAt(v)) : undefined,
      change: (d) => {
        d.settled = true;
        if (v.d.unsureUntil > 0) d.lastLookAt = lastLookAt(v);
      },
    }),
  },
  {
    situation: "last-look-due-later",
    when: (v) => v.d.lastLookAt !== undefined && v.now < v.d.lastLookAt,
    move: (v) => ({ kind: "wait", until: soonest(v, v.d.lastLookAt ?? v.now), note: v.d.note }),
  },
  { situation: "over", when: () => true, move: (v) => ({ kind: "wait", until: undefined, note: v.d.note }) },
];

/** In stretches, so that a clock that is set ahead meanwhile makes a turn late, which shows (see clocks.ts). */
function soonest({ now }: View, at: number): number {
  return Math.min(at, now + 30_000);
}

/** As late as a call of ours is still reckoned with. */
function lastLookAt(v: View): number {
  return Math.max(v.now, v.d.unsureUntil + lateCallMs - 5_000);
}

function isGivenUp(d: Deployment): boolean {
  return d.phase === "abandoned" || !touched(d);
}

/** Routes that read what was asked once rather than what was asked last, where a call may have come late. */
function lateRoutes(v: View) {
  const doubt = doubtOf(v.d, v.now);
  return v.d.routes.filter((route) => {
    const reading = value(v.seen.routes[route.ref.arn]);
    const read = weightsRead(v, route);
    const differs = read !== undefined && !route.gone && !sameWeights(read, route.asked);
    return differs && reading !== undefined && mayBeLate(reading, doubt, v.now) && isStillOurs(v);
  });
}

/** The PRIMARY set is the one we left; otherwise a later deployment has been here. */
function isStillOurs(v: View): boolean {
  const left = v.d.phase === "succeeded" ? v.d.green.arn : v.d.blue?.arn;
  return v.primary?.arn === left;
}

function lateGreen(v: View): boolean {
  return v.d.phase === "rolled_back" && v.green?.status === "ACTIVE" && carriesNothing(v, "green");
}
