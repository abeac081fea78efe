/** A deployment played through: real decisions, an obliging world, and a clock that jumps to what comes next. */
import type { Closed } from "../calendar.ts";
import type { Command } from "../command.ts";
import { classify, decide } from "../decide.ts";
import type { Decision } from "../decision.ts";
import { actionOf } from "../effect.ts";
import type { Outcome, SlotSeen } from "../observation.ts";
import { isTerminal } from "../phases.ts";
import type { Deployment } from "../record.ts";
import { currentGate } from "../rules/gates.ts";
import { gateId, type Strategy } from "../strategy.ts";
import { stepsOf } from "../view.ts";
import { type Counts, tasksOf } from "./headroom.ts";
import { type Moment, momentAt, momentsOf, waitOf } from "./moments.ts";
import { type FirstLook, ObligingWorld, type Pace } from "./world.ts";

/** What it begins with; the service is free. */
export interface Beginning {
  first: FirstLook;
  /** The deployment that keeps its blue warm. */
  retaining?: string;
  closed: (now: number) => Closed[];
  pace: Pace;
}

export interface Played {
  /** As it ends; `draining` where taking blue away takes too many turns to play them all. */
  d: Deployment;
  moments: Moment[];
  /** Calls that change something at AWS, by their action. */
  calls: Record<string, number>;
  /** The most of each at any one time. */
  peak: Counts;
  ms: number;
  untilPrimaryMs?: number;
  /** What the people whom it asked were told. */
  refused: string[];
}

/** More than anybody reads. */
export const momentsMax = 1_000;

/** Yields after every turn, for whoever has other things to do. Throws where it comes to no end: a defect. */
export function* play(
  fresh: Deployment,
  { first, retaining, closed, pace }: Beginning,
): Generator<undefined, Played> {
  const begun = fresh.createdAt;
  const world = new ObligingWorld(first, pace, begun);
  const script = new Script(world, begun);
  const asked = new Set<string>();
  let slot: SlotSeen = { acting: fresh.id, queue: [], ...(retaining !== undefined && { retaining }) };
  let d = fresh;
  let now = begun;
  let outcome: Outcome | undefined;
  let commands: Command[] = [];

  for (let turn = 0; turn < turnsMax(fresh); turn++) {
    yield;
    if (world.hasRoom(now) && slot.retaining !== d.id) slot = { acting: d.id, queue: [] };
    const shut = closed(now);
    const seen = { ...world.look(d, now), slot, closed: shut, ...(outcome && { outcome }) };
    // A worker was there all the time: what the clock leaps over was waiting.
    const before = { ...d, turnAt: now, ...(d.routesRead && { routesRead: { ...d.routesRead, at: now } }) };
    const decision = decide(before, seen, commands, now);
    d = decision.next;
    if (decision.tell.some(({ command }) => command.kind === "yield")) world.makeRoom(d.pair?.green, now);
    if (decision.slot === "retain") slot = { retaining: d.id, queue: [] };
    outcome = decision.perform && d.pending ? world.perform(d.pending.effect, d, now) : undefined;
    script.take(decision, now);
    commands = [];
    if (isTerminal(d.phase)) return { d, ...script.end(now) };
    if (decision.perform || decision.wakeAt === undefined || decision.wakeAt <= now) continue;

    const situation = classify(before, seen, now);
    script.wait(decision, situation, now);
    commands = peopleSay(d, situation, asked, now);
    if (commands.length === 0) now = later(decision, world, now);
  }
  if (d.phase === "draining") return { d, ...script.end(now) };
  throw new Error(`the plan of ${fresh.service} with ${fresh.strategy.name} comes to no end: ${d.note}`);
}

/** Writes down what happens. */
class Script {
  private readonly moments: Moment[] = [];
  private readonly calls: Record<string, number> = {};
  private readonly refused: string[] = [];
  private readonly peak: Counts = { tasks: 0, taskSets: 0 };
  private readonly world: ObligingWorld;
  private readonly begun: number;
  private untilPrimaryMs: number | undefined;
  /** What is being waited for, and the situation that it is. */
  private waiting: { key: string; moment: Moment } | undefined;

  constructor(world: ObligingWorld, begun: number) {
    this.world = world;
    this.begun = begun;
  }

  take(decision: Decision, now: number): void {
    const { next: d, perform, slot, answers } = decision;
    const effect = perform ? d.pending?.effect : undefined;
    if (effect && effect.kind !== "callHook") {
      this.calls[actionOf(effect)] = (this.calls[actionOf(effect)] ?? 0) + 1;
    }
    if (slot === "retain") this.untilPrimaryMs = now - this.begun;
    this.refused.push(...answers.filter(({ obeyed }) => !obeyed).map(({ message }) => message));
    const sets = this.world.taskSets();
    this.peak.tasks = Math.max(this.peak.tasks, tasksOf(sets));
    this.peak.taskSets = Math.max(this.peak.taskSets, sets.length);
    this.ended(now);
    for (const moment of momentsOf(decision, this.world, now - this.begun)) this.add(moment);
  }

  wait(decision: Decision, situation: string, now: number): void {
    const { next: d } = decision;
    const key = `${d.phase} ${d.step} ${situation}`;
    if (this.waiting?.key === key) return;
    const moment = { ...momentAt(d, this.world, now - this.begun), ...waitOf(decision, situation) };
    this.waiting = { key, moment };
    this.add(moment);
  }

  end(now: number): Omit<Played, "d"> {
    const { moments, calls, peak, refused, untilPrimaryMs } = this;
    this.ended(now);
    const ms = now - this.begun;
    return { moments, calls, peak, refused, ms, ...(untilPrimaryMs !== undefined && { untilPrimaryMs }) };
  }

  /** So far it has waited for what it waits for. */
  private ended(now: number): void {
    const { waitsFor, atMs } = this.waiting?.moment ?? {};
    if (waitsFor && atMs !== undefined) waitsFor.ms = now - this.begun - atMs;
  }

  private add(moment: Moment): void {
    if (!moment.waitsFor) this.waiting = undefined;
    if (this.moments.length < momentsMax) this.moments.push(moment);
  }
}

/** What people say at once where it waits for them: approve, or where the checks can't tell, go on all the same. */
function peopleSay(d: Deployment, situation: string, asked: Set<string>, now: number): Command[] {
  const gate = currentGate(d);
  const step = stepsOf(d)[d.step];
  if (gate === undefined) return [];
  const until = step?.kind === "wait" && step.until.kind === "approval" ? step.until : undefined;
  const kinds = situation === "paused" ? (["skip", "resume"] as const) : (["approve"] as const);
  if (situation !== "paused" && !(situation === "waiting-at-gate" && until)) return [];
  const kind = kinds.find((kind) => !asked.has(`${kind} ${gate}`));
  if (!kind) return [];
  asked.add(`${kind} ${gate}`);
  const name = until?.by?.find((name) => name !== d.actor.name) ?? until?.by?.[0] ?? "somebody";
  const actor = { kind: "operator" as const, name };
  return [{ id: `${kind}-${gate}`, kind, actor, at: now, ...(kind !== "resume" && { gate }) }];
}

/** When the next turn is that can be another one: turns before it would only look whether all is still well. */
function later(decision: Decision, world: ObligingWorld, now: number): number {
  const { next: d, wakeAt = now, endsAt } = decision;
  const changeAt = world.nextAt(now);
  if (endsAt === undefined || endsAt <= now) return Math.max(wakeAt, changeAt ?? 0);
  return Math.min(endsAt, changeAt ?? Infinity, ...countedAt(d).filter((at) => at > now));
}

/** When checks of the step that are over after so many measurements are due. */
function countedAt(d: Deployment): number[] {
  const step = stepsOf(d)[d.step];
  if (step?.kind !== "analyze") return [];
  const records = d.gates[gateId(step, d.step)]?.checks ?? {};
  return step.checks.flatMap((name) => {
    const isCounted = d.strategy.checks[name]?.count !== undefined;
    return isCounted && records[name] ? [records[name].nextAt] : [];
  });
}

/** More turns than it can need to be decided; taking blue away a task at a time may need more. */
function turnsMax({ strategy, target }: Deployment): number {
  const { before, testing, steps } = strategy;
  const inAll = [...before, ...testing, ...steps];
  const routes = target.routes.length + (target.testRoutes?.length ?? 0);
  return 1_000 + inAll.length * (2 * routes + 20) + 2 * measurements(strategy);
}

function measurements({ before, testing, steps, checks }: Strategy): number {
  const named = [...before, ...testing, ...steps].flatMap((step) =>
    step.kind === "analyze" ? step.checks : [],
  );
  return named.reduce((sum, name) => sum + (checks[name]?.count ?? 1), 0);
}
