/**
 * `rolling_back`: first the routes, at once; then PRIMARY; then green away. Each rule needs only its own
 * readings, so that one part of AWS being down does not keep the rest from being put right; nothing but want
 * of healthy tasks holds it.
 */
import { type Move, needsPerson, seconds, stuckReason } from "../draft.ts";
import { isRemoval } from "../recover.ts";
import { tagKeys } from "../target.ts";
import { sameWeights } from "../traffic.ts";
import type { RouteRecord } from "../record.ts";
import {
  countOf,
  blueHealthy,
  carriesNothing,
  isTaggedRollingBack,
  production,
  readingFault,
  routeState,
  type View,
  weightOf,
  weightsRead,
} from "../view.ts";
import { untouchableUntil } from "./finishing.ts";
import { isBlueFit, isBlueGone, mayFlip } from "./fit.ts";
import { enter, hold, perform, performOnce, pollMs, type Rule, soon, until } from "./rule.ts";
import { nameOf, pastDeadline, restoreRoute } from "./shared.ts";

const undo: Rule[] = [
  {
    situation: "route-away",
    when: (v) => routesAway(v).length > 0 && (mayFlip(v) || routesAway(v)[0]?.test === true),
    move: (v) => {
      const route = routesAway(v)[0];
      const from = route && weightsRead(v, route);
      if (!route || !from) return soon(v, "waiting for the routes");
      if (route.test) return restoreRoute(v, route, from, "test traffic goes back");
      const anyway = isBlueFit(v) ? "" : ", although it has too few healthy tasks: green has fewer";
      return restoreRoute(v, route, from, `traffic goes back to blue${anyway}`);
    },
  },
  {
    situation: "route-gone",
    when: (v) => routesGone(v).length > 0,
    move: (v) => {
      const arns = routesGone(v).map((route) => route.ref.arn);
      return {
        kind: "note",
        message: `skipping routes that no longer exist or forward to the pair: ${arns.join(", ")}`,
        change: (d) => {
          for (const route of d.routes) if (arns.includes(route.ref.arn)) route.gone = true;
        },
        event: { type: "note" },
      };
    },
  },
  {
    situation: "blue-short",
    when: (v) =>
      v.blue !== undefined && v.d.blue !== undefined && v.blue.scalePercent < v.d.blue.scalePercent,
    move: (v) => restoreScale(v),
  },
  {
    situation: "blue-gone",
    when: (v) => isBlueGone(v) && (needsBlue(v) || v.green?.status === "PRIMARY"),
    move: (v) => {
      const reason =
        "the old task set is gone, so green stays; release this deployment and deploy what should serve";
      return hold(v, "stuck", reason);
    },
  },
  {
    situation: "blue-starting",
    when: needsBlue,
    move: (v) =>
      soon(
        v,
        `blue has ${countOf(blueHealthy(v) ?? 0, "healthy task")}; traffic goes back as soon as it has enough`,
      ),
  },
  {
    situation: "primary-is-green",
    when: (v) =>
      v.d.blue !== undefined &&
      v.blue !== undefined &&
      v.primary !== undefined &&
      v.primary.arn !== v.d.blue.arn,
    move: (v) =>
      performOnce(
        v,
        { kind: "makePrimary", arn: v.d.blue?.arn ?? "" },
        "making blue the PRIMARY task set again",
      ),
  },
  {
    situation: "blue-long",
    when: (v) =>
      v.blue !== undefined && v.d.blue !== undefined && v.blue.scalePercent > v.d.blue.scalePercent,
    move: (v) => restoreScale(v),
  },
  {
    situation: "green-untagged",
    // The tag helps where Redis is lost; it is no condition of the way back.
    when: (v) =>
      v.green?.status === "ACTIVE" &&
      v.d.routes.length > 0 &&
      !isTaggedRollingBack(v) &&
      !isRefused(v, `tagTaskSet ${v.green.arn}`),
    move: (v) =>
      performOnce(
        v,
        { kind: "tagTaskSet", arn: v.green?.arn ?? "", tags: [{ key: tagKeys.rollingBack, value: "true" }] },
        "tagging green as being rolled back",
      ),
  },
  {
    // A set that nobody heard of may exist, or appear later: its token tells.
    situation: "green-in-doubt",
    when: (v) => v.d.green.arn === undefined && v.d.green.doubt === true && v.d.green.create !== undefined,
    move: (v) => {
      const request = v.d.green.create;
      const fault = v.d.trouble["createTaskSet"]?.class;
      if (!request || fault === "refuse" || fault === "absent") {
        return {
          kind: "note",
          message: "AWS refuses the create of green for good: there is no green to take away",
          change: (d) => {
            delete d.green.doubt;
          },
          event: { type: "note" },
        };
      }
      return perform(
        { kind: "createTaskSet", request },
        "asking for the set that an unanswered call may have created",
      );
    },
  },
  {
    situation: "unreadable",
    when: (v) => v.service === undefined || readingFault(v.seen) !== undefined,
    move: (v) => {
      const trouble = v.d.trouble["look"];
      if (trouble?.class === "stuck")
        return { ...hold(v, "stuck", stuckReason(trouble)), until: trouble.nextAt };
      return {
        kind: "wait",
        until: trouble?.nextAt ?? v.now + pollMs.soon,
        note: `cannot see: ${trouble?.message}`,
      };
    },
  },
  {
    // Its weights can't be put back where blue's group is no longer in it; nobody but its owner can do that.
    situation: "green-carries",
    when: (v) => v.green !== undefined && v.green.status !== "DRAINING" && !carriesNothing(v, "green"),
    move: (v) => {
      const names = production(v.d)
        .filter((route) => weightOf(v, route, "green") !== 0)
        .map(nameOf);
      const leads = `${names.join(", ")} still ${names.length === 1 ? "leads" : "lead"} to green`;
      return hold(v, "stuck", `${leads}${isRemoval(v.d) ? removalAdvice(v) : undoingAdvice}`);
    },
  },
  {
    // What is deleted already has nothing more to wait for.
    situation: "hold-time",
    when: (v) => v.green?.status !== "DRAINING" && untouchableUntil(v, "green") > v.now,
    move: (v) =>
      until(
        v,
        untouchableUntil(v, "green"),
        "waiting until the last change of weights is in force everywhere",
      ),
  },
  {
    situation: "green-not-shown",
    when: (v) =>
      v.green === undefined &&
      v.d.green.arn !== undefined &&
      !v.d.deleting.green &&
      v.now - (v.d.green.createdAt ?? 0) < 30_000,
    move: (v) => soon(v, "green was created and must show before it can be seen to go"),
  },
  {
    situation: "green-up",
    when: (v) =>
      v.green !== undefined &&
      v.green.status !== "DRAINING" &&
      v.green.scalePercent > 0 &&
      v.green.status !== "PRIMARY",
    move: (v) =>
      performOnce(
        v,
        { kind: "scaleTaskSet", arn: v.green?.arn ?? "", scalePercent: 0 },
        "scaling green to 0",
      ),
  },
  {
    // By force where green is PRIMARY, as the first set of a service is: nothing can be PRIMARY in its stead.
    situation: "green-there",
    when: (v) => v.green !== undefined && v.green.status !== "DRAINING",
    move: (v) =>
      performOnce(
        v,
        { kind: "deleteTaskSet", arn: v.green?.arn ?? "", force: v.green?.status === "PRIMARY" },
        "deleting green",
      ),
  },
  {
    situation: "green-draining",
    // Tasks under scale-in protection can take days; nothing waits for them.
    when: (v) => v.green !== undefined && !pastDeadline(v, v.d.phaseSince, drainLimitMs(v)),
    move: (v) => soon(v, `green is deleted; ${v.green?.running ?? 0} of its tasks are stopping`),
  },
  {
    situation: "undone",
    when: () => true,
    move: (v) => enter("rolled_back", whatIsLeft(v)),
  },
];

function whatIsLeft(v: View): string {
  if (v.green)
    return `green is deleted; ${v.green.running} of its tasks are still stopping${v.d.blue ? "; blue serves as before" : ""}`;
  if (v.d.blue) return "blue serves as before; green is gone";
  return isRemoval(v.d) ? "the task set that was left over is gone" : "the first version is gone";
}

/** The same, but past its deadline every wait is a call for help, and goes on all the same. */
export const rollingBack: Rule[] = undo.map((rule) => ({ ...rule, move: (v) => urgently(v, rule.move(v)) }));

function urgently(v: View, move: Move): Move {
  const limitMs = v.d.strategy.deadlines.rollingBackMs;
  if (move.kind !== "wait" || !pastDeadline(v, v.d.phaseSince, limitMs)) return move;
  const reason = `the rollback takes longer than ${seconds(limitMs)}: ${move.note}`;
  return { kind: "hold", hold: "stuck", reason, until: move.until ?? v.now + pollMs.idle };
}

/** Past the deadline of the whole it would wait for a person, who could do nothing about it. */
function drainLimitMs(v: View): number {
  const { drainingMs, rollingBackMs } = v.d.strategy.deadlines;
  return Math.min(drainingMs, rollingBackMs);
}

function isRefused(v: View, key: string): boolean {
  const trouble = v.d.trouble[key];
  return trouble !== undefined && needsPerson(trouble);
}

const undoingAdvice =
  ", and the weights can't be put back; put blue's group into it or take green's out: green stays until then";

/** Whoever serves may have been put into the orphan's own group. */
function removalAdvice(v: View): string {
  const group = v.d.pair?.green;
  const isShared = v.primary?.spec.loadBalancers?.some((lb) => lb.targetGroupArn === group) === true;
  return isShared
    ? "'s group, and so to what serves; release this, and ask again when a deployment has left that group"
    : "; give its group no weight there, and it goes";
}

/**
 * Routes that do not read as they were before; the ones that AWS refused last are tried after the others. None where
 * an orphan is taken away: what leads where is up to whoever overtook it.
 */
function routesAway(v: View): RouteRecord[] {
  if (isRemoval(v.d)) return [];
  const away = v.d.routes.filter((route) => {
    const read = weightsRead(v, route);
    // A read may lag our own forward write: until `before` was asked again, the route counts as away.
    const put =
      read !== undefined && sameWeights(read, route.before) && sameWeights(route.asked, route.before);
    return read !== undefined && !put;
  });
  const nextAt = (route: RouteRecord) => v.d.trouble[`setWeights ${route.ref.arn}`]?.nextAt ?? 0;
  return away.sort((a, b) => Number(a.test === true) - Number(b.test === true) || nextAt(a) - nextAt(b));
}

function routesGone(v: View): RouteRecord[] {
  return v.d.routes.filter((route) => !route.gone && routeState(v, route) === "gone");
}

/**
 * Nothing may be taken from green before blue can take its traffic: what the routes lead to green, or, where there
 * are none, what its running tasks get as soon as they register.
 */
function needsBlue(v: View): boolean {
  if (v.d.pair) return routesAway(v).some((route) => !route.test);
  return (v.green?.running ?? 0) > 0 && !mayFlip(v);
}

function restoreScale(v: View) {
  const scalePercent = v.d.blue?.scalePercent ?? 100;
  return performOnce(
    v,
    { kind: "scaleTaskSet", arn: v.d.blue?.arn ?? "", scalePercent },
    `scaling blue back to ${scalePercent} %`,
  );
}
