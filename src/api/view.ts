/** What the API shows of a record and of its events. Task definitions and requests stay inside: they may hold secrets. */
import { catalogue } from "../errors.ts";
import type { Weights } from "../deployment/effect.ts";
import type { DeploymentEvent } from "../deployment/event.ts";
import { isDecided, isTerminal, mayAsk, type Phase, phaseTable } from "../deployment/phases.ts";
import { type Deployment, elapsedMs } from "../deployment/record.ts";
import { isGate } from "../deployment/strategy.ts";
import { production, stepsOf } from "../deployment/view.ts";
import { wayBack } from "../deployment/wayBack.ts";
import {
  type CommandName,
  commandNames,
  type DeploymentView,
  type EventView,
  type GateView,
} from "./contract.ts";
import { analysisView, gatesView, stepsView } from "./gates.ts";
import { iso } from "./moments.ts";

export function viewOf(d: Deployment, now: number): DeploymentView {
  const { hold, cause, observed, pair, strategy, appointment } = d;
  const gates = gatesView(d, now);
  const back = wayBack(d);
  return {
    id: d.id,
    service: d.service,
    phase: d.phase,
    what: phaseTable[d.phase].what,
    note: d.note,
    outcome: outcomeOf(d.phase),
    decided: isDecided(d.phase),
    settled: isTerminal(d.phase) && d.settled,
    progressPercent: progressOf(d, now),
    ...(hold && { hold: { kind: hold.kind, since: iso(hold.since), reason: hold.reason } }),
    ...(cause && { cause: { code: cause.code, message: cause.message, fix: catalogue[cause.code].fix } }),
    problems: d.problems.map((problem) => ({ ...problem, fix: catalogue[problem.code].fix })),
    troubles: Object.values(d.trouble).map(({ action, code, message, count, since, nextAt }) => ({
      action,
      code,
      message,
      count,
      since: iso(since),
      nextAt: iso(nextAt),
    })),
    steps: stepsView(d),
    gates,
    analysis: analysisView(d),
    ...(appointment && {
      appointment: {
        at: iso(appointment.at),
        full: appointment.full,
        ifHealthy: appointment.ifHealthy,
        by: appointment.actor,
      },
    }),
    overrides: d.overrides,
    ...(back && { wayBack: back }),
    routes: d.routes.map(({ ref, asked, gone, test }) => {
      const read = observed?.routes.find(({ arn }) => arn === ref.arn);
      return {
        kind: ref.kind,
        arn: ref.arn,
        askedPercent: greenPercent(asked),
        ...(read && { observedPercent: greenPercent(read) }),
        gone: gone === true,
        test: test === true,
      };
    }),
    blue: {
      ...(d.blue && { taskDefinition: d.blue.taskDefinition, arn: d.blue.arn, id: d.blue.id }),
      ...(pair && { targetGroup: pair.blue }),
      ...(observed?.blue && { counts: observed.blue }),
    },
    green: {
      ...(d.green.taskDefinition && { taskDefinition: d.green.taskDefinition }),
      ...(d.green.arn && { arn: d.green.arn }),
      ...(d.green.id && { id: d.green.id }),
      ...(pair && { targetGroup: pair.green }),
      ...(observed?.green && { counts: observed.green }),
    },
    ...(observed && { observedAt: iso(observed.at) }),
    strategy: {
      name: strategy.name,
      bakeMs: strategy.bakeMs,
      retainMs: strategy.retainMs,
      holdMs: strategy.holdMs,
    },
    request: {
      ...(d.request.taskDefinition && { taskDefinition: d.request.taskDefinition }),
      ...(d.request.images && { images: d.request.images }),
      ...(d.request.reason && { reason: d.request.reason }),
    },
    actor: d.actor,
    createdAt: iso(d.createdAt),
    phaseSince: iso(d.phaseSince),
    ...(d.finishedAt !== undefined && { finishedAt: iso(d.finishedAt) }),
    elapsedMs: Math.max(0, (d.finishedAt ?? now) - d.createdAt),
    phaseElapsedMs: isTerminal(d.phase) ? 0 : elapsedMs(d, d.phaseSince, now),
    ...remaining(d, gates, now),
    commands: commandsOf(d),
    ...(d.request.build !== undefined && { build: d.request.build }),
    ...(d.undoes && { undoes: d.undoes }),
    ...(d.undoneBy && { undoneBy: d.undoneBy }),
    ...(d.recovers && { recovers: d.recovers }),
    events: d.events,
  };
}

export function eventViewOf(event: DeploymentEvent): EventView {
  const { seq, at, type, message } = event;
  return { seq, at: iso(at), type, message, ...detailOf(event) };
}

function detailOf(event: DeploymentEvent): Partial<EventView> {
  switch (event.type) {
    case "created":
      return { actor: event.actor };
    case "phase":
      return { from: event.from, to: event.to };
    case "step":
      return { step: event.index };
    case "effect":
      return { effect: event.effect.kind, actor: event.actor };
    case "done":
      return { effect: event.effect, ...(event.requestId && { requestId: event.requestId }) };
    case "refused":
      return {
        effect: event.effect,
        code: event.code,
        ...(event.requestId && { requestId: event.requestId }),
      };
    case "unknown":
      return { effect: event.effect, code: event.code };
    case "hold":
      return { hold: event.hold.kind };
    case "lifted":
      return { hold: event.kind };
    case "command":
      return {
        command: event.command,
        commandId: event.commandId,
        obeyed: event.obeyed,
        actor: event.actor,
        ...(event.deployment && { deployment: event.deployment }),
        ...(event.gate && { gate: event.gate }),
      };
    case "told":
      return { deployment: event.deployment, command: event.command };
    case "check":
      return { gate: event.gate, check: event.check, outcome: event.outcome };
    case "gate":
      return { gate: event.gate, how: event.how };
    case "appointment":
    case "note":
      return {};
  }
}

function outcomeOf(phase: Phase): DeploymentView["outcome"] {
  switch (phase) {
    case "retaining":
    case "draining":
    case "succeeded":
      return "success";
    case "rolled_back":
    case "failed":
    case "cancelled":
    case "superseded":
    case "abandoned":
      return "failure";
    case "queued":
    case "preparing":
    case "provisioning":
    case "testing":
    case "shifting":
    case "baking":
    case "promoting":
    case "rolling_back":
      return "open";
  }
}

/** What people may ask for now: the phase's commands, without those that make no sense where it stands. */
export function commandsOf(d: Deployment): CommandName[] {
  return commandNames.filter((name) => name !== "abort" && mayAsk(d.phase, name) && hasSense(d, name));
}

function hasSense(d: Deployment, name: Exclude<CommandName, "abort">): boolean {
  const held = d.hold?.kind;
  const step = stepsOf(d)[d.step];
  switch (name) {
    case "rollback":
      return d.phase !== "rolling_back" && !(isDecided(d.phase) && d.blue === undefined);
    case "pause":
      return held !== "paused";
    case "resume":
      return held === "paused" || held === "drift" || (held === "waiting" && d.phase === "shifting");
    case "promote":
      return d.phase !== "retaining" || d.blue !== undefined;
    case "approve":
      return step?.kind === "wait" && step.until.kind === "approval";
    case "skip":
      // A pause for a time is ended by promote; skip is for what is waited for.
      return isGate(step) && step.kind !== "pause";
    case "override":
      return held === "window" || held === "freeze";
    case "retry":
    case "release":
      return held === "stuck";
  }
}

function remaining(d: Deployment, gates: GateView[], now: number): { remainingMs?: number } {
  const passesAt = gates.find(({ state }) => state === "current")?.passesAt;
  const left = (whole: number, since: number) => ({
    remainingMs: Math.max(0, whole - elapsedMs(d, since, now)),
  });
  if (passesAt !== undefined) return { remainingMs: Math.max(0, Date.parse(passesAt) - now) };
  if (d.phase === "baking") return left(d.strategy.bakeMs, d.phaseSince);
  if (d.phase === "retaining") return left(d.strategy.retainMs, d.phaseSince);
  return {};
}

/** Shares of the way: a feeling for people, no promise of time. */
function progressOf(d: Deployment, now: number): number {
  const part = (ms: number) => (ms > 0 ? elapsedMs(d, d.phaseSince, now) / ms : 1);
  const counts = d.observed?.green;
  switch (d.phase) {
    case "queued":
      return 0;
    case "preparing":
      return 2;
    case "provisioning":
      return between(
        5,
        30,
        counts && counts.desired > 0 ? (counts.healthy ?? counts.running) / counts.desired : 0,
      );
    case "testing":
      return 30;
    case "shifting":
      return between(30, 80, d.step / d.strategy.steps.length);
    case "baking":
      return between(80, 95, part(d.strategy.bakeMs));
    case "promoting":
      return 95;
    case "rolling_back":
      // Backwards, by what green still carries.
      return between(5, 80, Math.max(0, ...production(d).map(({ asked }) => greenPercent(asked))) / 100);
    case "rolled_back":
    case "failed":
    case "cancelled":
    case "superseded":
    case "abandoned":
      return 0;
    case "retaining":
    case "draining":
    case "succeeded":
      return 100;
  }
}

function between(from: number, to: number, part: number): number {
  return Math.round(from + (to - from) * Math.min(1, Math.max(0, part)));
}

function greenPercent({ blue, green }: Weights): number {
  const share = blue + green > 0 ? (100 * green) / (blue + green) : 0;
  return Math.round(share * 100) / 100;
}
