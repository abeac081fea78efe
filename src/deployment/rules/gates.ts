/**
 * The step that a deployment stands at: what passes it, what ends it, what it waits for. The gates of all phases that
 * have steps go by these rules; a phase that has none skips them.
 */
import { backgroundOutcome, stepOutcome } from "../analysis.ts";
import type { HookRequest } from "../hook.ts";
import { isOpen, opensAt } from "../hours.ts";
import { elapsedMs, type Actor, type Deployment } from "../record.ts";
import {
  describeStep,
  gateId,
  type HookStep,
  isGate,
  type Step,
  type WaitStep,
  weightBefore,
} from "../strategy.ts";
import type { Effect } from "../effect.ts";
import type { EventBody } from "../event.ts";
import type { Move } from "../draft.ts";
import { seconds } from "../draft.ts";
import { stepsOf, type View } from "../view.ts";
import { clock, perform, rollBack, type Rule, until } from "./rule.ts";

/** The step that is to be done; undefined past the last one. */
export function currentStep(v: View): Step | undefined {
  return stepsOf(v.d)[v.d.step];
}

/** `step 2 of 5 (weight 25 %)` */
export function named(v: View): string {
  const step = currentStep(v);
  return `step ${v.d.step + 1} of ${stepsOf(v.d).length} (${step ? describeStep(step) : "the end"})`;
}

/** The id of the gate that it stands at. */
export function currentGate(d: Deployment): string | undefined {
  const step = stepsOf(d)[d.step];
  return isGate(step) ? gateId(step, d.step) : undefined;
}

/** The step is done: the clock of the next one starts. */
export function stepDone(v: View, event?: EventBody, why?: string): Move {
  const index = v.d.step;
  const step = currentStep(v);
  const what = step ? describeStep(step) : "the end";
  const message = `step ${index + 1} of ${stepsOf(v.d).length} is done: ${what}${why ? `: ${why}` : ""}`;
  return {
    kind: "note",
    message,
    change: (d) => {
      d.step = index + 1;
      d.stepSince = v.now;
    },
    event: event ?? { type: "step", index, what },
  };
}

/** A check in the background, or one of the present step, has failed. */
export const analysisFailed: Rule = {
  situation: "analysis-failed",
  when: (v) => analysisCause(v) !== undefined,
  move: (v) => rollBack({ code: "analysis-failed", message: analysisCause(v) ?? "" }),
};

function analysisCause(v: View): string | undefined {
  const background = backgroundOutcome(v.d);
  if (background.kind === "failed") return background.what;
  const step = currentStep(v);
  const own = step?.kind === "analyze" ? stepOutcome(v.d, step, v.now) : undefined;
  return own?.kind === "failed" ? own.what : undefined;
}

/** What ends a gate; an answer that is there comes before the time that is over. */
const passing: Rule[] = [
  {
    situation: "gate-passed",
    when: (v) => passed(v) !== undefined,
    move: (v) => {
      const { by, how } = passed(v) ?? { by: { name: "nobody" }, how: "skipped" as const };
      const gate = currentGate(v.d) ?? "";
      return stepDone(v, { type: "gate", gate, how }, `${by.name} ${how} ${gate}`);
    },
  },
  {
    situation: "hook-passed",
    when: (v) => answerOf(v)?.status === "SUCCEEDED",
    move: (v) => stepDone(v, passedBy(v), answerOf(v)?.message),
  },
  {
    situation: "hook-failed",
    when: (v) => answerOf(v)?.status === "FAILED",
    move: (v) => {
      const step = currentStep(v);
      const gate = currentGate(v.d) ?? "";
      return step?.kind === "hook" ? hookEnds(v, step, `${gate}: ${saidBy(v, gate)}`) : stepDone(v);
    },
  },
  {
    situation: "hook-unreached",
    when: (v) => isUnreached(v),
    move: (v) => {
      const step = currentStep(v);
      const message = `${currentGate(v.d)}: ${hookOf(v)?.trouble?.message}`;
      return step?.kind === "hook" ? hookEnds(v, step, message) : stepDone(v);
    },
  },
  {
    situation: "gate-timed-out",
    when: (v) => limitLeftMs(v) <= 0,
    move: (v) => {
      const gate = currentGate(v.d) ?? "";
      const step = currentStep(v);
      const message = `${gate} was not passed within ${seconds(limitOf(v) ?? 0)}`;
      if (step?.kind === "hook") return hookEnds(v, step, `${message}: ${saidBy(v, gate)}`);
      if (step?.kind === "wait" && step.onTimeout === "proceed") {
        return stepDone(v, { type: "gate", gate, how: "timed out" }, message);
      }
      return rollBack({ code: "gate-timed-out", message });
    },
  },
];

const waiting: Rule[] = [
  {
    situation: "pausing",
    when: (v) => pauseLeftMs(v) > 0,
    move: (v) => {
      const at = v.now + pauseLeftMs(v);
      return until(v, at, `${named(v)}: the next step comes at ${clock(at)}`);
    },
  },
  {
    situation: "pause-over",
    when: (v) => currentStep(v)?.kind === "pause",
    move: (v) => stepDone(v),
  },
  {
    situation: "waiting-at-gate",
    when: (v) => waitsFor(v) !== undefined,
    move: (v) => {
      const { at, what } = waitsFor(v) ?? { at: v.now, what: "" };
      const limit = v.now + limitLeftMs(v);
      const left = `; it waits until ${clock(limit)} at most`;
      return until(v, Math.min(at ?? Infinity, limit), `${named(v)}: ${what}${left}`);
    },
  },
  {
    situation: "wait-over",
    when: (v) => currentStep(v)?.kind === "wait",
    move: (v) => stepDone(v, passedBy(v)),
  },
  {
    situation: "analysis-unclear",
    when: (v) => stepAnalysis(v)?.kind === "unclear",
    move: (v) => {
      const step = currentStep(v);
      const found = stepAnalysis(v);
      const what = found && found.kind !== "open" ? found.what : "";
      if (step?.kind === "analyze" && step.onInconclusive === "proceed")
        return stepDone(v, passedBy(v), what);
      const gate = currentGate(v.d) ?? "";
      const reason = `the analysis can't tell: ${what}; resume to analyze again, skip ${gate}, or roll back`;
      return {
        kind: "hold",
        hold: "paused",
        reason,
        until: v.now,
        gate,
        // Resumed, it begins anew.
        change: (d) => {
          delete d.gates[gate];
          d.stepSince = v.now;
        },
      };
    },
  },
  {
    situation: "analyzing",
    when: (v) => stepAnalysis(v)?.kind === "open",
    move: (v) => until(v, v.now + analysisLeftMs(v), `${named(v)}: ${latest(v)}`),
  },
  {
    situation: "analysis-passed",
    when: (v) => stepAnalysis(v)?.kind === "passed",
    move: (v) => {
      const found = stepAnalysis(v);
      return stepDone(v, passedBy(v), found?.kind === "passed" ? found.what : "");
    },
  },
];

const calling: Rule[] = [
  {
    situation: "hook-due",
    when: (v) => currentStep(v)?.kind === "hook" && (hookOf(v)?.nextAt ?? 0) <= v.now,
    move: (v) => {
      const step = currentStep(v);
      if (step?.kind !== "hook") return stepDone(v);
      const attempt = hookOf(v)?.attempt ?? 1;
      const again = answerOf(v) !== undefined;
      const effect: Effect = {
        kind: "callHook",
        gate: step.id,
        attempt,
        request: hookRequest(v, step, attempt),
      };
      return { ...perform(effect, `${named(v)}: calling ${step.id}${again ? " again" : ""}`), quiet: again };
    },
  },
  {
    situation: "hook-under-way",
    when: (v) => currentStep(v)?.kind === "hook",
    move: (v) => {
      const { nextAt = v.now, failures = 0 } = hookOf(v) ?? {};
      const gate = currentGate(v.d) ?? "";
      const what = failures > 0 ? "could not be reached" : saidBy(v, gate);
      return until(v, Math.min(nextAt, v.now + limitLeftMs(v)), `${named(v)}: ${gate} ${what}`);
    },
  },
];

/** Where nothing but hooks can be waited for. */
export const hookGates: Rule[] = [...passing, ...calling];

export const gates: Rule[] = [...passing, ...waiting, ...calling];

function passed(v: View): { by: Actor; how: "approved" | "skipped" } | undefined {
  const gate = currentGate(v.d);
  return gate === undefined ? undefined : v.d.gates[gate]?.passed;
}

function passedBy(v: View): EventBody {
  return { type: "gate", gate: currentGate(v.d) ?? "", how: "passed" };
}

/** How long the step may wait in all; undefined where nothing of it can last. */
function limitOf(v: View): number | undefined {
  const step = currentStep(v);
  if (step?.kind === "wait") return step.timeoutMs;
  return step?.kind === "hook" ? step.hook.timeoutMs : undefined;
}

function limitLeftMs(v: View): number {
  const limit = limitOf(v);
  return limit === undefined ? Infinity : limit - elapsedMs(v.d, v.d.stepSince, v.now);
}

function pauseLeftMs(v: View): number {
  const step = currentStep(v);
  return step?.kind === "pause" ? step.ms - elapsedMs(v.d, v.d.stepSince, v.now) : 0;
}

/** What the wait is for, and when that comes by itself; undefined once it has come. */
function waitsFor(v: View): { at?: number; what: string } | undefined {
  const step = currentStep(v);
  if (step?.kind !== "wait") return undefined;
  switch (step.until.kind) {
    case "approval":
      return { what: approvalOf(step) };
    case "moment":
      return v.now < step.until.at
        ? { at: step.until.at, what: `goes on at ${clock(step.until.at)}` }
        : undefined;
    case "window": {
      const { window } = step.until;
      if (isOpen(window, v.now)) return undefined;
      const at = opensAt(window, v.now);
      return { at, what: `goes on at ${clock(at)}, when ${window.hours} ${window.timezone} begins` };
    }
  }
}

function approvalOf(step: WaitStep): string {
  const by = step.until.kind === "approval" && step.until.by ? ` by ${step.until.by.join(" or ")}` : "";
  return `waits for approval${by} of ${step.id}`;
}

function stepAnalysis(v: View) {
  const step = currentStep(v);
  return step?.kind === "analyze" ? stepOutcome(v.d, step, v.now) : undefined;
}

/** Until its time is over; a check that has to be measured so often may take longer. */
function analysisLeftMs(v: View): number {
  const step = currentStep(v);
  const leftMs = step?.kind === "analyze" ? step.ms - elapsedMs(v.d, v.d.stepSince, v.now) : 0;
  return leftMs > 0 ? leftMs : Infinity;
}

/** What the checks of the step said last. */
function latest(v: View): string {
  const checks = Object.entries(v.d.gates[currentGate(v.d) ?? ""]?.checks ?? {});
  const said = checks.map(([name, { last }]) => `${name}: ${last?.what ?? "not measured yet"}`);
  return said.join("; ") || "measuring";
}

function hookOf(v: View) {
  const step = currentStep(v);
  return step?.kind === "hook" ? v.d.gates[step.id]?.hook : undefined;
}

function answerOf(v: View) {
  return hookOf(v)?.answer;
}

/** It was never reached, and asking on is of no use; one that is at work has until its time is over. */
function isUnreached(v: View): boolean {
  const step = currentStep(v);
  const { trouble, failures = 0, answer } = hookOf(v) ?? {};
  if (step?.kind !== "hook" || !trouble || answer) return false;
  return trouble.lasting || failures >= step.hook.attemptsMax;
}

function saidBy(v: View, gate: string): string {
  const answer = v.d.gates[gate]?.hook?.answer;
  const trouble = v.d.gates[gate]?.hook?.trouble?.message;
  return answer
    ? `${answer.status}${answer.message ? `: ${answer.message}` : ""}`
    : (trouble ?? "it has not answered");
}

/** What follows a hook that failed or took too long. A new attempt begins only when a person resumes. */
function hookEnds(v: View, step: HookStep, message: string): Move {
  switch (step.hook.onFailure) {
    case "rollback":
      return rollBack({ code: "hook-failed", message });
    case "proceed":
      return stepDone(v, { type: "gate", gate: step.id, how: "failed" }, message);
    case "pause": {
      const attempt = (hookOf(v)?.attempt ?? 1) + 1;
      const reason = `${message}; resume to call it again, skip ${step.id}, or roll back`;
      return {
        kind: "hold",
        hold: "paused",
        reason,
        until: v.now,
        gate: step.id,
        change: (d) => {
          d.gates[step.id] = { hook: { attempt, failures: 0, nextAt: 0 } };
          d.stepSince = v.now;
        },
      };
    }
  }
}

function hookRequest(v: View, step: HookStep, attempt: number): HookRequest {
  const { d } = v;
  return {
    url: step.hook.url,
    headers: step.hook.headers,
    idempotencyKey: `${d.id}/${step.id}/${attempt}`,
    body: {
      deployment: d.id,
      service: d.service,
      gate: step.id,
      attempt,
      ...(step.stage && { stage: step.stage }),
      strategy: d.strategy.name,
      phase: d.phase,
      weightPercent: d.phase === "shifting" ? weightBefore(d.strategy, d.step) : 0,
      green: colour(d.green),
      ...(d.blue && { blue: colour(d.blue) }),
      ...(d.request.images && { images: d.request.images }),
      ...(d.request.build !== undefined && { build: d.request.build }),
    },
  };
}

function colour(set: { arn?: string; taskDefinition?: string }) {
  return {
    ...(set.taskDefinition && { taskDefinition: set.taskDefinition }),
    ...(set.arn && { taskSet: set.arn }),
  };
}
