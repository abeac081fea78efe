/**
 * What a record's clocks may count. Time passes between two turns that nobody watched: no worker was there, or the
 * clock that all share was set. How much of it really passed nobody can tell, so what must last counts none of it,
 * and what ends by itself is not waited for any longer than before.
 */
import type { Deployment } from "./record.ts";
import { isTerminal, type Phase } from "./phases.ts";
import { lateCallMs, shiftedDoubt } from "./doubt.ts";
import { lagMs } from "./view.ts";

/** No acting deployment goes without a turn for so long, unless no worker was there. */
const unseenMs = 60_000;

/** What two workers take for the time may differ by so much, and so far may Redis's clock be set by NTP. */
export const clockErrorMs = 2_000;

/** A turn that is due begins within this time, unless something is wrong. */
const promptMs = 5_000;

/** Clocks are not set over and over: so many turns in a row are late for another reason. */
const lateTurnsMax = 5;

/** Routes that were read so lately are watched: a few seconds' wait, a look that takes its 10 s, and one that fails. */
const watchedMs = 20_000;

/** Phases whose clocks measure what was watched: a deadline, a pause, the bake. */
const watched = new Set<Phase>(["preparing", "provisioning", "testing", "shifting", "baking", "promoting"]);

/** Phases at whose beginning green was seen to be PRIMARY. */
const promoted = new Set<Phase>(["retaining", "draining"]);

/** Call once a turn, before anything else is made of its time. */
export function countTime(d: Deployment, now: number): void {
  const last = d.turnAt ?? now;
  d.turnAt = now;
  if (now < last) return setBack(d, last - now);
  const gapMs = now - last;
  if (now - Math.max(last, d.dueAt ?? now) <= promptMs) delete d.lateTurns;
  else {
    d.lateTurns = (d.lateTurns ?? 0) + 1;
    if (!isSlow(d, gapMs)) prolong(d, last, gapMs);
  }
  // A hold stops the clocks already.
  if (!watched.has(d.phase) || d.hold || gapMs < unseenMs) return;
  d.phaseSince += gapMs;
  d.stepSince += gapMs;
}

/** Where every turn is late it is the place that is slow: its time counts, or nothing would ever end there. */
function isSlow({ lateTurns = 0 }: Deployment, gapMs: number): boolean {
  return lateTurns > lateTurnsMax && gapMs < unseenMs;
}

/**
 * The routes were last read at `readAt`, and are now: whether others may have moved weights meanwhile, and moved them
 * back, without its having been noticed. After the end looks are far apart, and what appears late never had any.
 */
export function isUnwatched(d: Deployment, readAt: number, now: number): boolean {
  return !isTerminal(d.phase) && now - readAt > watchedMs && !isSlow(d, now - readAt);
}

/** Nothing is taken away, or taken for gone, the sooner for time that may never have passed. */
function prolong(d: Deployment, last: number, ms: number): void {
  for (const colour of ["blue", "green"] as const) if (d.carriedAt[colour] > 0) d.carriedAt[colour] += ms;
  // A call may come late for so long, and is looked for until then.
  if (d.unsureUntil > 0 && d.unsureUntil + lateCallMs > last) d.unsureUntil += ms;
  if (d.weightsUnsureUntil !== undefined && d.weightsUnsureUntil + lateCallMs > last)
    d.weightsUnsureUntil += ms;
  if (d.scalesUnsureUntil !== undefined && d.scalesUnsureUntil + lateCallMs > last) d.scalesUnsureUntil += ms;
  if (d.doubt) d.doubt = shiftedDoubt(d.doubt, ms);
  if (d.lastLookAt !== undefined && d.lastLookAt > last) d.lastLookAt += ms;
  if (d.pending) d.pending.deadline += ms;
  // What was not shown yet has had no more time to show itself.
  const isFresh = (at: number) => at > 0 && at + lagMs > last;
  if (d.green.createdAt !== undefined && isFresh(d.green.createdAt)) d.green.createdAt += ms;
  for (const route of d.routes) if (isFresh(route.askedAt)) route.askedAt += ms;
  if (promoted.has(d.phase) && isFresh(d.phaseSince)) d.phaseSince += ms;
}

/** The clock was set back: all that is counted from a moment, or waits for one, goes on from where it stood. */
function setBack(d: Deployment, ms: number): void {
  d.phaseSince -= ms;
  d.stepSince -= ms;
  if (d.hold) d.hold.since -= ms;
  for (const colour of ["blue", "green"] as const) if (d.carriedAt[colour] > 0) d.carriedAt[colour] -= ms;
  if (d.unsureUntil > 0) d.unsureUntil -= ms;
  if (d.weightsUnsureUntil !== undefined) d.weightsUnsureUntil -= ms;
  if (d.scalesUnsureUntil !== undefined) d.scalesUnsureUntil -= ms;
  if (d.doubt) d.doubt = shiftedDoubt(d.doubt, -ms);
  if (d.pending) d.pending.deadline -= ms;
  if (d.last) d.last.at -= ms;
  for (const route of d.routes) if (route.askedAt > 0) route.askedAt -= ms;
  for (const trouble of Object.values(d.trouble)) {
    trouble.since -= ms;
    trouble.nextAt -= ms;
  }
  for (const { hook, checks } of Object.values(d.gates)) {
    if (hook) hook.nextAt -= ms;
    for (const check of Object.values(checks ?? {})) {
      check.since -= ms;
      check.nextAt -= ms;
    }
  }
  if (d.crowd) d.crowd.since -= ms;
  if (d.green.createdAt !== undefined) d.green.createdAt -= ms;
  if (d.routesRead) d.routesRead.at -= ms;
  if (d.drainedAt !== undefined) d.drainedAt -= ms;
  if (d.unhealthySince !== undefined) d.unhealthySince -= ms;
  if (d.growingSince !== undefined) d.growingSince -= ms;
  if (d.lastLookAt !== undefined) d.lastLookAt -= ms;
}
