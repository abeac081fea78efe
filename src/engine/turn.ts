/**
 * The turn: look, decide, write down, perform. A turn never trusts what an earlier one did; it looks. What it
 * writes down before a call is memory for the next turn, never an order.
 *
 * A worker that claimed a deployment runs turns until there is nothing to do now. Everything it commits is
 * compared with what it decided on; when somebody else claimed meanwhile, its commit fails and it stops.
 */
import { type Decide, decide as decideByTheRules } from "../deployment/decide.ts";
import type { Decision } from "../deployment/decision.ts";
import { look } from "../deployment/look.ts";
import type { Ask, Measured } from "../deployment/check.ts";
import type { Outcome, Reading, Seen } from "../deployment/observation.ts";
import type { Phase } from "../deployment/phases.ts";
import type { Deployment } from "../deployment/record.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import type { Closed } from "../deployment/calendar.ts";
import type { Claimed, Clock, Cloud, Committed, Gauge, Hooks, Records, Wakes } from "./ports.ts";

export interface Parts {
  records: Records;
  wakes: Wakes;
  cloud: Cloud;
  gauge: Gauge;
  hooks: Hooks;
  /** Why nothing of this service may start or gain traffic now, by the configuration as it is now; empty: it may. */
  closed: (service: string, now: number) => Closed[];
  clock: Clock;
  log: EngineLog;
  /** The state machine; the real one where left out. Tests give broken ones, to see that it shows. */
  decide?: Decide;
}

/** What the engine logs to; pino's logger fits. */
export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): EngineLog;
}

/** How a run of turns ends. */
export type Rest =
  | { kind: "sleep"; wakeAt: number }
  /** Nothing to do until a command comes. */
  | { kind: "rest" }
  /** Somebody else claimed it. */
  | { kind: "lost" }
  | { kind: "absent" };

/** Reads of one look end by then. */
export const lookLimitMs = 10_000;

/** Turns in a row before the worker lets others have a go; far above what any deployment needs. */
const turnsMax = 200;

/** How often a turn decides anew because commands keep arriving. */
const againMax = 20;

/**
 * Claims the deployment and runs turns until there is nothing to do now. Throws `unavailable` when the records
 * can't be reached; then the next claim goes on from what was written. Safe to repeat, also concurrently.
 */
export async function runTurns(id: string, parts: Parts, signal: AbortSignal): Promise<Rest> {
  const { records, clock } = parts;
  let held = await records.claim(id);
  if (!held) return { kind: "absent" };
  const log = parts.log.child({ deploymentId: id, service: held.deployment.service });
  let outcome: Outcome | undefined;

  for (let turn = 0; turn < turnsMax; turn++) {
    const decided = await decideAndCommit(held, outcome, parts);
    if (decided === "lost") {
      log.info({}, "another worker has taken over");
      return { kind: "lost" };
    }
    const { decision, committed } = decided;
    for (const event of decision.events)
      log.info({ phase: decision.next.phase, event: event.type }, event.message);
    for (const other of committed.wake) await parts.wakes.wake(other);
    held = { ...held, deployment: decision.next, ...pickHeld(committed) };

    outcome = decision.perform ? await perform(held, parts) : undefined;
    if (decision.perform) continue;
    const due = committed.inbox.length > 0 ? clock.now() : decision.wakeAt;
    if (due === undefined) return { kind: "rest" };
    if (due > clock.now() || signal.aborted) return { kind: "sleep", wakeAt: due };
  }
  return { kind: "sleep", wakeAt: clock.now() };
}

function pickHeld(
  committed: Extract<Committed, { kind: "committed" }>,
): Pick<Claimed, "version" | "inbox" | "slot"> {
  return { version: committed.version, inbox: committed.inbox, slot: committed.slot };
}

/** Phases in which windows and freezes hold something. */
const mayBeHeld = new Set<Phase>(["queued", "testing", "shifting"]);

/** Looks, decides and commits; decides again on the same look while commands arrive in between. */
async function decideAndCommit(
  held: Claimed,
  outcome: Outcome | undefined,
  parts: Parts,
): Promise<{ decision: Decision; committed: Extract<Committed, { kind: "committed" }> } | "lost"> {
  const { records, clock, decide = decideByTheRules } = parts;
  const looked = await observe(held.deployment, parts);
  let { inbox, slot } = held;
  for (let again = 0; again < againMax; again++) {
    const now = clock.now();
    const closed = mayBeHeld.has(held.deployment.phase) ? parts.closed(held.deployment.service, now) : [];
    const seen: Seen = { ...looked, slot, ...(outcome && { outcome }), closed };
    const decision = decide(held.deployment, seen, inbox, now);
    const committed = await records.commit(
      { claim: held.claim, version: held.version, inbox, slot },
      decision,
      now,
    );
    if (committed.kind === "committed") return { decision, committed };
    if (committed.kind === "lost") return "lost";
    ({ inbox, slot } = committed);
  }
  throw new Error(`${held.claim.id}: commands arrive faster than they can be decided on`);
}

/** All reads begin after the last call has returned, so that they may show what it did. */
async function observe(deployment: Deployment, parts: Parts): Promise<Omit<Seen, "slot" | "outcome">> {
  const now = parts.clock.now();
  const deadline = now + lookLimitMs;
  const wanted = look(deployment, now);
  const nothing = !wanted.service && !wanted.routes && wanted.health.length === 0 && !wanted.taskDefinition;
  const [looked, measured] = await Promise.all([
    nothing ? { routes: {}, health: {} } : parts.cloud.look(deployment.target, wanted, deadline),
    measure(deployment.target, wanted.measure ?? {}, deadline, parts.gauge),
  ]);
  return { ...looked, ...(wanted.measure && { measured }) };
}

async function measure(
  target: ServiceTarget,
  asks: Record<string, Ask>,
  deadline: number,
  gauge: Gauge,
): Promise<Record<string, Reading<Measured>>> {
  const measured = Object.entries(asks).map(
    async ([key, ask]) => [key, await gauge.measure(target, ask, deadline)] as const,
  );
  return Object.fromEntries(await Promise.all(measured));
}

/** The committed effect, under the guard that the claim still holds before every attempt. */
async function perform(held: Claimed, parts: Parts): Promise<Outcome | undefined> {
  const { pending, target } = held.deployment;
  if (!pending) return undefined;
  const { effect, deadline } = pending;
  const guard = { deadline, allowed: () => parts.records.holds(held.claim) };
  return effect.kind === "callHook"
    ? await parts.hooks.call(effect.request, guard)
    : await parts.cloud.perform(target, effect, guard);
}
