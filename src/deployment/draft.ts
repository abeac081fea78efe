/**
 * A decision while it is being made: a copy of the record that rules and commands change, and what is written
 * together with it. Nothing outside sees it before `finish`.
 */
import type { Problem } from "../errors.ts";
import type { Answer, Command } from "./command.ts";
import { factsBefore } from "./audit.ts";
import { copyOf } from "./copy.ts";
import type { Decision, SlotChange } from "./decision.ts";
import { doubtOf, expectLostCalls } from "./doubt.ts";
import { callLimitMs, type Effect, forwardLimitMs } from "./effect.ts";
import type { DeploymentEvent, EventBody } from "./event.ts";
import { isTerminal, mayAsk, mayGo, type Phase } from "./phases.ts";
import type { Seen } from "./observation.ts";
import { promoteNow } from "./promote.ts";
import { lookedAt } from "./view.ts";
import type { Actor, Cause, Deployment, Hold, Trouble } from "./record.ts";

/** Weights that a route is remembered to have been asked; a strategy of more steps repeats itself by then. */
const earlierMax = 100;

/** Shares that are remembered; minutes are judged a few minutes late. */
const sharesMax = 20;

/** Green's share is this from now on; undefined: it changes. */
export function noteShare(d: Deployment, now: number, percent: number | undefined): void {
  const last = d.shares.at(-1);
  if (last ? last.percent === percent : percent === undefined) return;
  d.shares = [...d.shares, { from: now, ...(percent !== undefined && { percent }) }].slice(-sharesMax);
}

/** While a call that failed is not to be repeated yet, it looks again after so long at most. */
const meanwhileMs = 10_000;

export const teal: Actor = { kind: "teal", name: "teal" };

/** What a rule does about its situation; at most one effect. */
export type Move =
  | { kind: "enter"; phase: Phase; message: string; cause?: Cause; problems?: Problem[] }
  /** `quiet`: it stands in the record, and in the history once already. */
  | { kind: "perform"; effect: Effect; reason: string; forward?: boolean; quiet?: boolean }
  /** Nothing to do before `until` (ms since the epoch); undefined: until a command comes. `endsAt`: see Decision. */
  | { kind: "wait"; until: number | undefined; note: string; endsAt?: number }
  | {
      kind: "hold";
      hold: Hold["kind"];
      reason: string;
      until: number;
      endsAt?: number;
      /** The gate that pauses it. */
      gate?: string;
      change?(d: Deployment): void;
    }
  /** Changes the record only; the next turn begins at once. */
  | { kind: "note"; message: string; change(d: Deployment): void; event?: EventBody }
  /** Keeps the appointment; `reason` is why it doesn't. */
  | { kind: "promote"; reason: string | undefined }
  | { kind: "tell"; deployment: string; command: Command; note: string; until: number }
  | { kind: "slot"; slot: SlotChange; note: string; until: number | undefined; change?(d: Deployment): void };

/** Identifies what is tried, across turns: the same effect on the same thing. */
export function effectKey(effect: Effect): string {
  switch (effect.kind) {
    case "registerTaskDefinition":
    case "createTaskSet":
      return effect.kind;
    case "scaleTaskSet":
    case "makePrimary":
    case "tagTaskSet":
    case "deleteTaskSet":
      return `${effect.kind} ${effect.arn}`;
    case "setWeights":
      return `${effect.kind} ${effect.route.arn}`;
    case "callHook":
      return `${effect.kind} ${effect.gate}`;
  }
}

export class Draft {
  readonly d: Deployment;
  readonly now: number;
  readonly events: DeploymentEvent[] = [];
  readonly answers: Answer[] = [];
  readonly tell: Decision["tell"] = [];
  slot: SlotChange | undefined;
  spawn: Deployment | undefined;
  /** A command made something due: the next turn, which begins at once, looks before anything is decided. */
  looksAgain = false;
  private perform = false;
  private wakeAt: number | undefined;
  private endsAt: number | undefined;

  private readonly seen: Seen;
  private readonly lookedAt: number;

  constructor(before: Deployment, seen: Seen, now: number) {
    this.d = copyOf(before);
    this.now = now;
    this.seen = seen;
    this.lookedAt = lookedAt(seen, now);
  }

  record(body: EventBody, message: string): void {
    this.events.push({ seq: this.d.events++, at: this.now, message, ...body });
  }

  lookAgain(): void {
    this.looksAgain = true;
    this.wakeAt = this.now;
  }

  /** Enters a phase: its clock starts, holds and troubles of the last one are over. */
  enter(phase: Phase, message: string, cause?: Cause): void {
    const { d } = this;
    if (!mayGo(d.phase, phase)) throw new Error(`${d.id}: no transition from ${d.phase} to ${phase}`);
    this.lift();
    this.record({ type: "phase", from: d.phase, to: phase }, message);
    // Each of the three has a list of steps of its own.
    if (d.phase === "provisioning" || d.phase === "testing") d.step = 0;
    if (d.phase === "provisioning" && d.green.createdAt !== undefined && phase !== "rolling_back")
      d.green.startMs = this.now - Math.max(d.green.createdAt, d.phaseSince);
    d.phase = phase;
    d.phaseSince = this.now;
    d.stepSince = this.now;
    d.trouble = {};
    d.note = message;
    delete d.unhealthySince;
    delete d.growingSince;
    delete d.rollbackAsked;
    if (!mayAsk(phase, "promote") || phase === "retaining") this.dropAppointment();
    if (cause) d.cause = cause;
    // An older record can't tell when traffic last changed: the hold time begins now.
    if (cause?.code === "record-older") {
      d.carriedAt = { blue: this.now, green: this.now };
      expectLostCalls(d, this.now);
    }
    if (phase === "retaining") this.slot = "retain";
    if (phase === "retaining") d.promotedAt = this.now;
    if (isTerminal(phase)) d.finishedAt = this.now;
    this.wakeAt = this.now;
  }

  /** Ends a hold; the clocks of phase and step go on where they stood. */
  lift(): void {
    const { d } = this;
    if (!d.hold) return;
    const { since } = d.hold;
    // A clock that began while it was held (a step that was ended by a person) begins now.
    const resumed = (began: number) => began + this.now - Math.max(began, since);
    d.phaseSince = resumed(d.phaseSince);
    d.stepSince = resumed(d.stepSince);
    this.record(
      { type: "lifted", kind: d.hold.kind, afterMs: this.now - since },
      `no longer ${holdWords[d.hold.kind]}`,
    );
    delete d.hold;
  }

  hold(kind: Hold["kind"], reason: string): void {
    const { d } = this;
    if (d.hold?.kind === kind) {
      d.hold.reason = reason;
    } else if (d.hold?.kind !== "paused") {
      // A pause outlasts every other reason: only a person ends it.
      this.lift();
      d.hold = { kind, since: this.now, reason };
      this.record({ type: "hold", hold: d.hold }, `${holdWords[kind]}: ${reason}`);
    }
    d.note = reason;
  }

  apply(move: Move): void {
    const { d, now } = this;
    // A hold other than a pause lasts as long as its reason: any other move ends it.
    if (move.kind !== "hold" && d.hold && d.hold.kind !== "paused" && !this.keepsHold(move)) this.lift();
    switch (move.kind) {
      case "enter":
        if (move.problems) d.problems = move.problems;
        return this.enter(move.phase, move.message, move.cause);
      case "perform":
        return this.write(move);
      case "wait":
        d.note = move.note;
        this.wakeAt = move.until;
        this.endsAt = move.endsAt;
        return;
      case "hold":
        move.change?.(d);
        this.hold(move.hold, move.reason);
        if (move.gate !== undefined && d.hold?.kind === move.hold) d.hold.gate = move.gate;
        this.wakeAt = move.until;
        this.endsAt = move.endsAt;
        return;
      case "note":
        move.change(d);
        d.note = move.message;
        if (move.event) this.record(move.event, move.message);
        this.wakeAt = now;
        return;
      case "promote":
        this.keepAppointment(move.reason);
        return;
      case "tell":
        this.tell.push({ deployment: move.deployment, command: move.command });
        d.told.push(`${move.command.kind} ${move.deployment}`);
        d.note = move.note;
        this.record({ type: "told", deployment: move.deployment, command: move.command.kind }, move.note);
        this.wakeAt = move.until;
        return;
      case "slot":
        this.slot = move.slot;
        d.note = move.note;
        move.change?.(d);
        this.wakeAt = move.until;
        return;
    }
  }

  /**
   * A stuck deployment stays stuck while it keeps trying; success lifts the hold. And while something can't be
   * seen, nobody knows that the reason of a hold is gone.
   */
  private keepsHold(move: Move): boolean {
    const { hold, trouble } = this.d;
    if (move.kind === "wait" && trouble["look"]) return true;
    const trying = move.kind === "perform" || move.kind === "wait";
    return hold?.kind === "stuck" && trying && Object.values(trouble).some(needsPerson);
  }

  private write(move: Extract<Move, { kind: "perform" }>): void {
    const { d, now } = this;
    const trouble = d.trouble[effectKey(move.effect)];
    if (trouble && now < trouble.nextAt) {
      const note = `${move.reason}; ${trouble.action} met ${trouble.code}, next try in ${seconds(trouble.nextAt - now)}`;
      if (needsPerson(trouble)) this.hold("stuck", stuckReason(trouble));
      else d.note = note;
      this.wakeAt = Math.min(trouble.nextAt, now + meanwhileMs);
      return;
    }
    if (move.effect.kind === "createTaskSet") d.green.create = move.effect.request;
    if (move.effect.kind === "setWeights") this.askRoute(move.effect);
    if (move.effect.kind === "scaleTaskSet" && move.effect.arn === d.blue?.arn) {
      d.blueShrunk ||= move.effect.scalePercent < d.blue.scalePercent;
      d.drainedAt = now;
    }
    if (move.effect.kind === "callHook") {
      const { gate, attempt } = move.effect;
      const { hook } = (d.gates[gate] ??= {});
      d.gates[gate].hook = { failures: 0, nextAt: 0, ...hook, attempt };
    }
    if (move.effect.kind === "deleteTaskSet")
      d.deleting[move.effect.arn === d.blue?.arn ? "blue" : "green"] = true;
    const deadline = move.forward ? this.lookedAt + forwardLimitMs : now + callLimitMs;
    d.pending = { effect: move.effect, reason: move.reason, decidedAt: now, deadline };
    d.note = move.reason;
    if (!move.quiet) {
      const { effect, reason } = move;
      const before = factsBefore(effect, this.seen);
      this.record({ type: "effect", effect, reason, actor: teal, ...(before && { before }) }, reason);
    }
    this.perform = true;
    this.wakeAt = now;
  }

  /** It has come so far by itself that nothing is left to promote, or it goes back. */
  private dropAppointment(): void {
    const { appointment } = this.d;
    if (!appointment) return;
    delete this.d.appointment;
    const { at, actor } = appointment;
    const message = `the promotion that ${actor.name} asked for later is no longer needed`;
    this.record({ type: "appointment", at, kept: false }, message);
  }

  private keepAppointment(reason: string | undefined): void {
    const { d, now } = this;
    const { appointment } = d;
    delete d.appointment;
    this.wakeAt = now;
    if (!appointment) return;
    const { at, full, actor } = appointment;
    const kept = reason === undefined ? promoteNow(this, full, actor) : { obeyed: false, message: reason };
    d.note = `${actor.name} asked for a promotion at this time: ${kept.obeyed ? "" : "it is left out: "}${kept.message}`;
    this.record({ type: "appointment", at, kept: kept.obeyed }, d.note);
  }

  private askRoute(effect: Extract<Effect, { kind: "setWeights" }>): void {
    const route = this.d.routes.find((route) => route.ref.arn === effect.route.arn);
    if (!route) return;
    route.earlier = [route.asked, ...route.earlier].slice(0, earlierMax);
    route.asked = effect.to;
    route.askedAt = this.now;
    if (effect.again) route.reapplied = (route.reapplied ?? 0) + 1;
    if (!route.test) noteShare(this.d, this.now, undefined);
  }

  finish(): Decision {
    if (this.wakeAt === undefined) delete this.d.dueAt;
    else this.d.dueAt = this.wakeAt;
    const doubt = this.slot === "retain" || this.slot === "done" ? doubtOf(this.d, this.now) : undefined;
    return {
      next: this.d,
      perform: this.perform,
      events: this.events,
      answers: this.answers,
      tell: this.tell,
      ...(this.slot && { slot: this.slot }),
      ...(doubt && { doubt }),
      ...(this.spawn && { spawn: this.spawn }),
      ...(this.wakeAt !== undefined && { wakeAt: this.wakeAt }),
      ...(this.endsAt !== undefined && { endsAt: this.endsAt }),
    };
  }
}

const holdWords: Record<Hold["kind"], string> = {
  paused: "paused",
  drift: "held because of drift",
  waiting: "waiting for room",
  window: "held outside of its hours",
  freeze: "held by a freeze",
  stuck: "stuck",
};

/** Trying again will not do by itself. What is refused where there is no way back from it needs a person too. */
export function needsPerson(trouble: Trouble): boolean {
  return trouble.class === "stuck" || trouble.class === "refuse";
}

export function stuckReason(trouble: Trouble): string {
  return `${trouble.action} is refused with ${trouble.code}: ${trouble.message}. Put that right and retry, or release the deployment.`;
}

export function seconds(ms: number): string {
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 360_000) / 10} h`;
}
