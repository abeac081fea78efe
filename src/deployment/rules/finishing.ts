/** `promoting`, `retaining`, `draining`: green becomes PRIMARY, blue is kept warm and then taken away. */
import { backgroundOutcome } from "../analysis.ts";
import { clockErrorMs } from "../clocks.ts";
import type { Command } from "../command.ts";
import { seconds, teal } from "../draft.ts";
import type { Effect, Weights } from "../effect.ts";
import { type Cause, elapsedMs, type RouteRecord } from "../record.ts";
import { sameWeights, showWeights } from "../traffic.ts";
import {
  countOf,
  carriesNothing,
  greenHealthy,
  isTaggedRollingBack,
  lagMs,
  production,
  routesIn,
  tasksNeeded,
  type View,
  weightOf,
  weightsRead,
} from "../view.ts";
import { mayFlip } from "./fit.ts";
import { enter, hold, perform, performOnce, pollMs, rollBack, type Rule, soon, until } from "./rule.ts";
import {
  behind,
  blueGone,
  deadlineCause,
  drifted,
  greenGone,
  greenUnhealthy,
  isUnwell,
  lagging,
  nameOf,
  pastDeadline,
  paused,
  putRight,
  refused,
  rightable,
  scaledLate,
  primaryElsewhere,
  taggedBack,
  unreadable,
} from "./shared.ts";

const full = () => 100;

export const promoting: Rule[] = [
  taggedBack,
  greenGone,
  greenUnhealthy,
  refused,
  {
    situation: "deadline",
    when: (v) => pastDeadline(v, v.d.phaseSince, v.d.strategy.deadlines.shiftingMs),
    move: (v) => rollBack(deadlineCause(v, v.d.strategy.deadlines.shiftingMs)),
  },
  unreadable,
  primaryElsewhere,
  scaledLate(full),
  drifted,
  behind(full),
  lagging,
  paused,
  {
    // Once the versions have changed places, a test route leads again to the one that it led to, by its place.
    situation: "test-route-to-rest",
    when: (v) => restless(v).length > 0,
    move: (v) => {
      const [route] = restless(v);
      const from = route && weightsRead(v, route);
      if (!route || !from || !v.d.pair) return soon(v, "waiting for the test routes");
      const to = atRest(route);
      return perform(
        { kind: "setWeights", route: route.ref, pair: v.d.pair, from, to },
        `the tests are over: ${route.ref.kind} from ${showWeights(from)} to ${showWeights(to)}`,
      );
    },
  },
  {
    situation: "green-is-primary",
    when: (v) => v.primary !== undefined && v.primary.arn === v.d.green.arn,
    move: (v) =>
      enter(
        "retaining",
        v.d.strategy.retainMs > 0 ? "green is PRIMARY: blue stays warm" : "green is PRIMARY",
      ),
  },
  blueGone,
  {
    situation: "green-not-primary",
    when: () => true,
    move: (v) =>
      performOnce(v, { kind: "makePrimary", arn: v.d.green.arn ?? "" }, "making green the PRIMARY task set"),
  },
];

/** A rollback asked for while green is PRIMARY needs the service again; whoever acts on it makes room. */
const wayBack: Rule[] = [
  {
    // Blue is PRIMARY again although nobody asked: the record came back older than a rollback.
    situation: "record-older",
    when: (v) => v.d.rollbackAsked === undefined && wasRolledBack(v),
    move: (v) => ({
      kind: "note",
      message: "AWS says that this was rolled back: the record is older; making sure of it",
      change: (d) => {
        const reason = "the record came back older than a rollback";
        d.rollbackAsked = { id: `${d.id}-older`, kind: "rollback", actor: teal, at: v.now, reason };
      },
      event: { type: "note" },
    }),
  },
  {
    situation: "rollback-free",
    when: (v) => v.d.rollbackAsked !== undefined && v.seen.slot.acting === v.d.id,
    move: (v) => rollBack(v.d.rollbackAsked?.cause ?? { code: "operator", message: asker(v) }),
  },
  {
    situation: "rollback-unslotted",
    when: (v) => v.d.rollbackAsked !== undefined && !isQueued(v),
    move: (v) => ({ kind: "slot", slot: "retake", note: "a rollback is asked for", until: v.now }),
  },
  {
    situation: "rollback-blocked",
    when: (v) => v.d.rollbackAsked !== undefined,
    move: (v) => {
      const acting = v.seen.slot.acting ?? "";
      const note = `${acting} acts on the service; it was asked to roll back first`;
      if (acting === "" || v.d.told.includes(`rollback ${acting}`)) return soon(v, note);
      const command: Command = {
        id: `${v.d.id}-rollback-${acting}`,
        kind: "rollback",
        actor: v.d.rollbackAsked?.actor ?? teal,
        at: v.now,
        reason: `${v.d.id} is being rolled back`,
      };
      return { kind: "tell", deployment: acting, command, note, until: v.now + pollMs.soon };
    },
  },
];

/** What a late call leads to blue has nobody to serve it for much longer. */
const lateCall: Rule = {
  situation: "route-late",
  when: (v) => rightable(v, routesIn(v, "late")).length > 0,
  move: (v) => putRight(v, routesIn(v, "late")),
};

export const retaining: Rule[] = [
  ...wayBack,
  {
    // While blue is warm, nobody needs to be woken for the way back; once another deployment acts, it is a person's.
    situation: "green-no-longer-well",
    when: (v) => v.seen.slot.acting === undefined && isBlueWarm(v) && illness(v) !== undefined,
    move: (v) => ({
      kind: "note",
      message: `rolling back by itself, while blue is warm: ${illness(v)?.message}`,
      change: (d) => {
        const cause = illness(v);
        const asked = { id: `${d.id}-unwell`, kind: "rollback", actor: teal, at: v.now } as const;
        d.rollbackAsked = { ...asked, ...(cause && { cause, reason: cause.message }) };
      },
      event: { type: "note" },
    }),
  },
  unreadable,
  lateCall,
  scaledLate(full),
  paused,
  {
    situation: "retaining",
    when: (v) => v.d.blue !== undefined && retainLeftMs(v) > 0,
    move: (v) => until(v, v.now + retainLeftMs(v), `blue stays warm for ${seconds(retainLeftMs(v))} more`),
  },
  {
    situation: "retained",
    when: () => true,
    move: (v) => enter("draining", v.d.blue ? "blue is no longer needed" : "there is no old task set"),
  },
];

export const draining: Rule[] = [
  {
    situation: "nothing-to-drain",
    when: (v) => v.d.blue === undefined,
    move: () => enter("succeeded", "the new version serves"),
  },
  ...wayBack,
  unreadable,
  lateCall,
  scaledLate(full),
  paused,
  {
    situation: "blue-deleted",
    when: (v) => v.service !== undefined && v.blue === undefined,
    move: () => enter("succeeded", "the new version serves; the old task set is gone"),
  },
  {
    // Tasks under scale-in protection can drain for days; the service is not held up for them.
    situation: "blue-drains-for-long",
    when: (v) => v.blue?.status === "DRAINING" && late(v),
    move: (v) =>
      enter(
        "succeeded",
        `the new version serves; the old task set goes with its last ${countOf(v.blue?.running ?? 0, "task")}`,
      ),
  },
  {
    situation: "blue-draining",
    when: (v) => v.blue?.status === "DRAINING",
    move: (v) => soon(v, `the old task set is deleted; ${v.blue?.running ?? 0} of its tasks are stopping`),
  },
  behind(full),
  {
    situation: "green-not-primary",
    when: (v) => v.primary?.arn !== v.d.green.arn,
    move: (v) =>
      hold(v, "stuck", "green is not the PRIMARY task set; nothing is taken away; roll back or release"),
  },
  lagging,
  {
    situation: "blue-carries",
    when: (v) => !carriesNothing(v, "blue"),
    move: (v) => hold(v, "drift", stillCarrying(v)),
  },
  {
    situation: "blue-paced",
    when: (v) => (v.blue?.scalePercent ?? 0) > 0 && paceLeftMs(v) > 0,
    move: (v) =>
      until(v, v.now + paceLeftMs(v), `blue goes bit by bit: ${v.blue?.scalePercent} % of it are left`),
  },
  {
    situation: "hold-time",
    when: (v) => untouchableUntil(v, "blue") > v.now,
    move: (v) =>
      until(
        v,
        untouchableUntil(v, "blue"),
        "waiting until the last change of weights is in force everywhere",
      ),
  },
  {
    situation: "blue-up",
    when: (v) => (v.blue?.scalePercent ?? 0) > 0,
    move: (v) => {
      const scalePercent = nextScale(v);
      const effect: Effect = { kind: "scaleTaskSet", arn: v.d.blue?.arn ?? "", scalePercent };
      return performOnce(v, effect, `scaling blue to ${scalePercent}${scalePercent > 0 ? " %" : ""}`);
    },
  },
  {
    situation: "blue-stopping",
    when: (v) => (v.blue?.running ?? 0) > 0 && !late(v),
    move: (v) => soon(v, `${countOf(v.blue?.running ?? 0, "task")} of blue still to drain`),
  },
  {
    situation: "blue-empty",
    when: () => true,
    move: (v) =>
      performOnce(
        v,
        { kind: "deleteTaskSet", arn: v.d.blue?.arn ?? "", force: false },
        "deleting the old task set",
      ),
  },
];

/** Test routes that read as the tests left them. */
function restless(v: View): RouteRecord[] {
  return v.d.routes.filter((route) => {
    const read = weightsRead(v, route);
    return route.test && read !== undefined && !sameWeights(read, atRest(route)) && !route.gone;
  });
}

/** What blue had goes to green, which has taken its place. */
function atRest({ before }: RouteRecord): Weights {
  return { blue: before.green, green: before.blue };
}

function isBlueWarm(v: View): boolean {
  return v.d.blue !== undefined && v.blue?.status === "ACTIVE" && mayFlip(v);
}

/** What is wrong with green after it was promoted; undefined where nothing is. */
function illness(v: View): Cause | undefined {
  const background = backgroundOutcome(v.d);
  if (background.kind === "failed") return { code: "analysis-failed", message: background.what };
  const healthy = greenHealthy(v);
  if (healthy === undefined || production(v.d).length === 0 || !isUnwell(v, healthy)) return undefined;
  const message = `green has ${countOf(healthy, "healthy task")} of ${tasksNeeded(v, 100)}`;
  return { code: "green-unhealthy", message };
}

function stillCarrying(v: View): string {
  const names = production(v.d)
    .filter((route) => weightOf(v, route, "blue") !== 0)
    .map(nameOf);
  return `${names.join(", ")} still ${names.length === 1 ? "leads" : "lead"} to the old task set; give its group no weight there, and it goes`;
}

function paceLeftMs(v: View): number {
  const { drain } = v.d.strategy;
  return drain && v.d.drainedAt !== undefined ? v.d.drainedAt + drain.everyMs - v.now : 0;
}

/** The next smaller scale; at least one task fewer. Tasks under scale-in protection stay as long as they want. */
function nextScale(v: View): number {
  const { drain } = v.d.strategy;
  const { scalePercent = 0, computedDesired = 0 } = v.blue ?? {};
  const desired = v.service?.desiredCount ?? 0;
  if (!drain || desired === 0) return 0;
  const fewer = "tasks" in drain.by ? drain.by.tasks : Math.ceil((desired * drain.by.percent) / 100);
  const left = computedDesired - Math.max(1, fewer);
  // ECS rounds up, so the greatest scale that comes to no more than so many tasks is rounded down.
  return left <= 0 ? 0 : Math.min(scalePercent, Math.floor((10_000 * left) / desired) / 100);
}

function wasRolledBack(v: View): boolean {
  if (isTaggedRollingBack(v)) return true;
  const blueIsPrimary = v.primary !== undefined && v.primary.arn === v.d.blue?.arn;
  // A read may lag the promotion itself.
  return blueIsPrimary && v.now - v.d.phaseSince > lagMs && !v.d.deleting.blue;
}

/** The first moment at which something of this colour may be taken away. */
export function untouchableUntil(v: View, colour: "blue" | "green"): number {
  const carried = v.d.carriedAt[colour];
  return Math.max(v.d.unsureUntil, carried === 0 ? 0 : carried + v.d.strategy.holdMs + clockErrorMs);
}

function retainLeftMs(v: View): number {
  return v.d.strategy.retainMs - elapsedMs(v.d, v.d.phaseSince, v.now);
}

function late(v: View): boolean {
  const since = Math.max(v.d.phaseSince, v.d.drainedAt ?? 0);
  return pastDeadline(v, since, v.d.strategy.deadlines.drainingMs);
}

function isQueued(v: View): boolean {
  return v.seen.slot.queue.includes(v.d.id);
}

function asker(v: View): string {
  const asked = v.d.rollbackAsked;
  return `${asked?.actor.name ?? "somebody"} asked for it${asked?.reason ? `: ${asked.reason}` : ""}`;
}
