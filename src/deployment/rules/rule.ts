/**
 * A phase is a list of rules; the first whose situation holds decides. So the list is the phase's
 * specification, read from the top: what matters more stands higher, and the last rule always holds.
 */
import { nextMeasureAt } from "../analysis.ts";
import { type Cause, elapsedMs, type Hold } from "../record.ts";
import { clockErrorMs } from "../clocks.ts";
import type { Effect } from "../effect.ts";
import { effectKey, type Move } from "../draft.ts";
import { greenPercent, type View } from "../view.ts";
import type { Phase } from "../phases.ts";

export interface Rule {
  /** The situation's name, unique within its phase. */
  situation: string;
  when(v: View): boolean;
  move(v: View): Move;
}

/** How soon to look again while AWS is at work on something that is waited for: at first, and after long. */
export const pollMs = { soon: 1_000, late: 5_000, idle: 10_000 } as const;

/** How soon to look again while nothing is expected: at first, and after long. */
const watchMs = {
  /** An unproven green carries traffic. */
  carrying: { first: 3_000, last: 15_000 },
  otherwise: { first: 10_000, last: 30_000 },
} as const;

/** Most things go wrong soon after a change; a day later the same care would only use up AWS's limits. */
export function paceMs(v: View): number {
  const { first, last } =
    greenPercent(v) > 0 && v.green?.status !== "PRIMARY" ? watchMs.carrying : watchMs.otherwise;
  return Math.round(Math.min(Math.max((v.now - v.d.stepSince) / 40, first), last));
}

/** Waits for AWS, looking again soon; less and less often, the longer it takes. */
export function soon(v: View, note: string): Move {
  const waitedMs = elapsedMs(v.d, v.d.stepSince, v.now);
  return {
    kind: "wait",
    until: v.now + Math.round(Math.min(Math.max(waitedMs / 20, pollMs.soon), pollMs.late)),
    note,
  };
}

/** Phases after whose waits something may be taken away. */
const taking = new Set<Phase>(["baking", "retaining", "draining", "rolling_back", "rolled_back"]);

/**
 * Waits for a moment, looking now and then on the way; before something may be taken away more often, for as long as
 * the hold time: somebody may move weights for a moment.
 */
export function until(v: View, at: number, note: string): Move {
  const measureAt = Math.max(v.now + pollMs.soon, nextMeasureAt(v.d));
  return {
    kind: "wait",
    until: Math.min(at, measureAt, v.now + paceMs(v), closelyAt(v, at)),
    note,
    endsAt: at,
  };
}

function closelyAt({ d, now }: View, at: number): number {
  if (!taking.has(d.phase)) return Infinity;
  const { first: least } = watchMs.carrying;
  const { first: most } = watchMs.otherwise;
  const often = Math.min(Math.max(Math.round(d.strategy.holdMs / 10), least), most);
  return Math.max(now + often, at - d.strategy.holdMs - clockErrorMs);
}

export function hold(v: View, kind: Hold["kind"], reason: string): Move {
  return {
    kind: "hold",
    hold: kind,
    reason,
    until: v.now + (kind === "paused" ? paceMs(v) : 2 * pollMs.soon),
  };
}

export function perform(effect: Effect, reason: string): Move {
  return { kind: "perform", effect, reason };
}

/** A move of traffic onto green: it expires soon after the look that allowed it. */
export function forward(effect: Effect, reason: string): Move {
  return { kind: "perform", effect, reason, forward: true };
}

/** `2026-06-02 09:00:00 UTC` */
export function clock(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function enter(phase: Phase, message: string): Move {
  return { kind: "enter", phase, message };
}

export function rollBack(cause: Cause): Move {
  return { kind: "enter", phase: "rolling_back", message: `rolling back: ${cause.message}`, cause };
}

/** Acknowledged so lately that reads may not show it yet; until then it isn't sent again. */
export function justDone(v: View, effect: Effect): boolean {
  return v.d.last?.key === effectKey(effect) && v.now - v.d.last.at < 5_000;
}

/** The effect, unless AWS took it a moment ago: then its showing is waited for. */
export function performOnce(v: View, effect: Effect, reason: string): Move {
  return justDone(v, effect)
    ? soon(v, `${reason}: accepted, waiting until it shows`)
    : perform(effect, reason);
}
