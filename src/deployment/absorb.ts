/**
 * First half of a decision: what the last effect came to and what the look found is taken over into the record.
 * Nothing is decided here.
 */
import { noteMeasurements } from "./analysis.ts";
import { countTime, isUnwatched } from "./clocks.ts";
import { inheritDoubt, lateMs } from "./doubt.ts";
import { effectKey, type Draft, noteShare } from "./draft.ts";
import type { Effect } from "./effect.ts";
import type { Fault, Outcome, Seen } from "./observation.ts";
import type { RouteRecord, SetCounts } from "./record.ts";
import { greenShare, tasksFor } from "./traffic.ts";
import {
  blueHealthy,
  greenHealthy,
  percentToBear,
  production,
  readingFault,
  routeState,
  tasksNeeded,
  view,
  type View,
  weightOf,
  weightsRead,
} from "./view.ts";

/** Repeats after AWS's own trouble: 1, 2, 4, … 30 s. A stuck call is tried every 30 s. */
const repeatMs = { first: 1_000, most: 30_000 } as const;

export function absorb(draft: Draft, seen: Seen): void {
  countTime(draft.d, draft.now);
  const { acting, doubt } = seen.slot;
  if (acting === draft.d.id && doubt) inheritDoubt(draft.d, doubt, draft.now);
  settlePending(draft, seen.outcome);
  noteTrouble(draft, seen);
  const v = view(draft.d, seen, draft.now);
  adopt(draft, v);
  noteTraffic(v);
  noteMeasurements(draft, seen);
  noteHealth(v);
  noteCounts(v);
}

function settlePending(draft: Draft, outcome: Outcome | undefined): void {
  const { d, now } = draft;
  const { pending } = d;
  if (!pending) return;
  delete d.pending;
  const { effect } = pending;
  const key = effectKey(effect);
  // Without an outcome the worker that performed it is gone: it may have happened, or still happen.
  const result: Outcome = outcome ?? {
    kind: "unknown",
    at: now,
    fault: {
      class: "repeat",
      code: "WorkerLost",
      message: "the worker that sent it is gone",
      action: effect.kind,
    },
  };
  if (effect.kind === "callHook") {
    noteCall(draft, effect, outcome);
    return;
  }
  if (effect.kind === "setWeights") noteWrite(draft, effect, result, pending.deadline);
  switch (result.kind) {
    case "done":
      delete d.trouble[key];
      d.last = { key, at: result.at };
      noteCreated(draft, effect, result.value.arn, result.at);
      draft.record(
        {
          type: "done",
          effect: effect.kind,
          ...(result.requestId && { requestId: result.requestId }),
          ...(result.value.arn && { arn: result.value.arn }),
        },
        `${pending.reason}: done`,
      );
      return;
    case "refused":
      trouble(draft, key, result.fault);
      draft.record(
        {
          type: "refused",
          effect: effect.kind,
          code: result.fault.code,
          class: result.fault.class,
          ...(result.fault.requestId && { requestId: result.fault.requestId }),
        },
        `${pending.reason}: ${result.fault.code}: ${result.fault.message}`,
      );
      return;
    case "unknown":
      d.unsureUntil = Math.max(d.unsureUntil, pending.deadline + lateMs);
      if (effect.kind === "setWeights")
        d.weightsUnsureUntil = Math.max(d.weightsUnsureUntil ?? 0, pending.deadline + lateMs);
      if (effect.kind === "scaleTaskSet")
        d.scalesUnsureUntil = Math.max(d.scalesUnsureUntil ?? 0, pending.deadline + lateMs);
      if (effect.kind === "createTaskSet") d.green.doubt = true;
      trouble(draft, key, result.fault);
      draft.record(
        { type: "unknown", effect: effect.kind, code: result.fault.code },
        `${pending.reason}: no answer (${result.fault.code}); looking whether it happened`,
      );
  }
}

function noteWrite(
  draft: Draft,
  effect: Extract<Effect, { kind: "setWeights" }>,
  result: Outcome,
  deadline: number,
): void {
  const route = draft.d.routes.find((route) => route.ref.arn === effect.route.arn);
  if (!route) return;
  if (result.kind === "refused") {
    route.asked = route.earlier.shift() ?? route.asked;
    return;
  }
  const at = result.kind === "done" ? result.at : deadline;
  // Old weights serve until the write has spread: both colours count as carrying until then.
  draft.d.carriedAt.blue = Math.max(draft.d.carriedAt.blue, at);
  draft.d.carriedAt.green = Math.max(draft.d.carriedAt.green, at);
  // An acknowledged write may be missing from reads for long; one that nobody heard of is written again as soon
  // as it can't be in flight any more: doing so twice does no harm.
  route.askedAt = result.kind === "done" ? Math.max(route.askedAt, at) : 0;
}

/** What a hook said, or why it could not be asked; without an outcome the worker that called it is gone. */
function noteCall(
  draft: Draft,
  effect: Extract<Effect, { kind: "callHook" }>,
  outcome: Outcome | undefined,
): void {
  const { d, now } = draft;
  const { gate, attempt } = effect;
  const hook = d.gates[gate]?.hook;
  // A later answer may have come by the API, and another attempt begun.
  if (!hook || hook.attempt !== attempt || (hook.answer && hook.answer.status !== "IN_PROGRESS")) return;
  if (outcome?.kind === "done") {
    const answer = outcome.value.hook ?? { status: "FAILED", message: "it said nothing" };
    const before = hook.answer;
    hook.failures = 0;
    hook.answer = { ...answer, at: now };
    hook.nextAt = now + Math.max(answer.callBackMs ?? callBackMs.usual, callBackMs.least);
    delete hook.trouble;
    // What it says again and again while it is at work is told once.
    if (before?.status === answer.status && before.message === answer.message) return;
    const said = `${gate}: ${answer.status}${answer.message ? `: ${answer.message}` : ""}`;
    draft.record({ type: "done", effect: effect.kind }, said);
    return;
  }
  // That a worker was lost, or its time over, says nothing about the hook: it is asked again, with the same key.
  if (!outcome || ourOwn.has(outcome.fault.code)) {
    hook.nextAt = now;
    return;
  }
  const { code, class: kind, message, action } = outcome.fault;
  hook.failures += 1;
  hook.nextAt = now + Math.min(hookRepeatMs.first * 2 ** (hook.failures - 1), hookRepeatMs.most);
  const lasting = outcome.kind === "refused" && kind !== "repeat";
  hook.trouble = { message: `it could not be asked: ${code}: ${message}`, lasting };
  draft.record(
    outcome.kind === "unknown"
      ? { type: "unknown", effect: effect.kind, code }
      : { type: "refused", effect: effect.kind, code, class: kind },
    `${gate}: ${action}: ${code}: ${message}`,
  );
}

const ourOwn = new Set(["ClaimLost", "Expired"]);

/** Repeats of a call that did not reach its hook: an endpoint that restarts is back within a minute. */
const hookRepeatMs = { first: 5_000, most: 60_000 } as const;

/** When a hook that is IN_PROGRESS is called again (AWS docs, lifecycle hooks: 30 s); no sooner, whatever it says. */
const callBackMs = { usual: 30_000, least: 5_000 } as const;

function noteCreated(draft: Draft, effect: Effect, arn: string | undefined, at: number): void {
  const { green } = draft.d;
  if (effect.kind === "registerTaskDefinition" && arn) green.taskDefinition = arn;
  if (effect.kind !== "createTaskSet" || !arn) return;
  green.arn = arn;
  green.createdAt ??= at;
  delete green.doubt;
}

function trouble(draft: Draft, key: string, fault: Fault): void {
  const { d, now } = draft;
  const before = d.trouble[key];
  const count = (before?.count ?? 0) + 1;
  // An unanswered or expired call is looked into at once and repeated soon; backing off is for refusals.
  const delayMs =
    fault.class === "stuck" ? repeatMs.most : Math.min(repeatMs.first * 2 ** (count - 1), repeatMs.most);
  d.trouble[key] = {
    class: fault.class,
    code: fault.code,
    message: fault.message,
    action: fault.action,
    count,
    since: before?.since ?? now,
    nextAt: now + delayMs,
  };
}

function noteTrouble(draft: Draft, seen: Seen): void {
  const fault = readingFault(seen);
  if (fault) trouble(draft, "look", fault);
  else delete draft.d.trouble["look"];
}

/** A set that carries our tag is ours, also when its create was never answered. */
function adopt(draft: Draft, v: View): void {
  const { green } = draft.d;
  if (!v.green) return;
  if (!green.arn)
    draft.record({ type: "note" }, `found the task set that an unanswered call created: ${v.green.id}`);
  green.arn ??= v.green.arn;
  green.id = v.green.id;
  green.createdAt ??= draft.now;
  green.taskDefinition ??= v.green.spec.taskDefinition;
  delete green.doubt;
}

/** A colour that any route gives weight, as read, carries traffic now. */
function noteTraffic(v: View): void {
  const { d } = v;
  const routes = production(d);
  const shares = routes.map((route) =>
    routeState(v, route) === "as-asked" ? 100 * greenShare(route.asked) : undefined,
  );
  const [first] = shares;
  const settled = shares.every((share) => Math.abs((share ?? NaN) - (first ?? NaN)) < 0.01);
  if (routes.length > 0) noteShare(d, v.now, settled ? first : undefined);
  for (const route of d.routes) {
    // An answer that was lost is made up for by the route itself.
    const isUnheard = route.askedAt === 0 && route.earlier.length > 0;
    if (isUnheard && routeState(v, route) === "as-asked") route.askedAt = v.now;
  }
  noteCarried(v, routes);
}

/** The hold time begins anew where a colour has weight, and where it may have had some since the look before. */
function noteCarried(v: View, routes: RouteRecord[]): void {
  const { d, now } = v;
  const leadsTo = (colour: "blue" | "green") => routes.some((route) => (weightOf(v, route, colour) ?? 0) > 0);
  const seen = { at: now, blue: leadsTo("blue"), green: leadsTo("green") };
  const before = d.routesRead;
  const allRead = routes.every((route) => weightOf(v, route, "blue") !== undefined);
  const unwatched = before !== undefined && isUnwatched(d, before.at, now);
  for (const colour of ["blue", "green"] as const) {
    const mayHaveHad = allRead && d.carriedAt[colour] > 0 && (before?.[colour] === true || unwatched);
    if (seen[colour] || mayHaveHad) d.carriedAt[colour] = Math.max(d.carriedAt[colour], now);
  }
  if (allRead && routes.length > 0) d.routesRead = seen;
}

/** Since when green has fewer healthy tasks than its share needs. */
function noteHealth(v: View): void {
  const { d } = v;
  const healthy = greenHealthy(v);
  const percent = percentToBear(v);
  if (healthy === undefined || percent === 0) return;
  const desired = v.service?.desiredCount ?? d.sufficedFor ?? 1;
  if (healthy >= tasksNeeded(v, percent)) {
    d.sufficedFor = desired;
    delete d.unhealthySince;
    delete d.growingSince;
    return;
  }
  // Tasks that an autoscaler has just asked for were never lost.
  const before = Math.max(1, tasksFor(Math.min(desired, d.sufficedFor ?? desired), percent));
  if (healthy >= before) {
    delete d.unhealthySince;
    d.growingSince ??= v.now;
  } else {
    delete d.growingSince;
    d.unhealthySince ??= v.now;
  }
}

function noteCounts(v: View): void {
  const { d } = v;
  if (!v.service && Object.keys(v.seen.routes).length === 0) return;
  if (d.phase === "provisioning" && v.service) {
    const others = v.service.taskSets.filter((set) => set !== v.green && set.arn !== d.blue?.arn);
    const tasks = others.reduce((sum, set) => sum + set.running, 0);
    if (!d.crowd || tasks < d.crowd.tasks) d.crowd = { tasks, since: v.now };
  }
  if (v.service) d.desiredAlone = desiredAlone(v, v.service.desiredCount);
  const blue = counts(v.blue, blueHealthy(v));
  const green = counts(v.green, greenHealthy(v));
  const routes = d.routes.flatMap((route) => {
    const weights = weightsRead(v, route);
    return weights ? [{ arn: route.ref.arn, ...weights }] : [];
  });
  d.observed = { at: v.now, ...(blue && { blue }), ...(green && { green }), routes };
}

/** An autoscaler leaves so much room; a smaller lack of tasks is none. */
const roomOfAutoscalers = 1.1;

function desiredAlone({ d, green }: View, desired: number): number {
  const diluted = 1 + (green?.scalePercent ?? 0) / 100;
  const most = Math.max(desired, (desired * diluted) / roomOfAutoscalers);
  return Math.max(desired, Math.min(d.desiredAlone ?? desired, most));
}

function counts(set: View["blue"], healthy: number | undefined): SetCounts | undefined {
  return (
    set && { desired: set.computedDesired, running: set.running, ...(healthy !== undefined && { healthy }) }
  );
}
