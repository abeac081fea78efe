/** What the API shows of a deployment's steps, gates and checks: what is done, what it stands at, what it waits for. */
import { backgroundGate, checksUnderWay } from "../deployment/analysis.ts";
import { opensAt } from "../deployment/hours.ts";
import type { Phase } from "../deployment/phases.ts";
import { type Deployment, elapsedMs, type GateRecord } from "../deployment/record.ts";
import { describeStep, type GateStep, gateId, isGate, type Step } from "../deployment/strategy.ts";
import { production } from "../deployment/view.ts";
import type { CheckView, GateView, StepView } from "./contract.ts";
import { iso } from "./moments.ts";

type State = StepView["state"];

/** A step with its place: which phase's list it is of, and where in that list. */
interface Placed {
  step: Step;
  index: number;
  phase: "provisioning" | "testing" | "shifting";
  state: State;
}

/** All steps in the order in which they come. */
function placed(d: Deployment): Placed[] {
  const { before, testing, steps } = d.strategy;
  const lists = [
    ["provisioning", before],
    ["testing", testing],
    ["shifting", steps],
  ] as const;
  return lists.flatMap(([phase, list]) =>
    list.map((step, index) => ({ step, index, phase, state: stateOf(d, phase, index) })),
  );
}

/** The lists of steps are gone through in these phases; everything else comes before or after. */
const order: readonly Phase[] = ["queued", "preparing", "provisioning", "testing", "shifting"];
const after = new Set<Phase>(["baking", "promoting", "retaining", "draining", "succeeded"]);

function stateOf(d: Deployment, phase: Placed["phase"], index: number): State {
  if (after.has(d.phase)) return "done";
  const distance = order.indexOf(d.phase) - order.indexOf(phase);
  if (order.includes(d.phase) && distance !== 0) return distance > 0 ? "done" : "to-come";
  if (d.phase === phase) return index === d.step ? "current" : index < d.step ? "done" : "to-come";
  // It goes back, or has ended before its time: what it came to is told by what it left behind.
  const moved = production(d).some(({ earlier }) => earlier.some(({ green }) => green > 0));
  const done =
    phase === "shifting"
      ? index < d.step
      : phase === "testing"
        ? moved || d.step > 0
        : d.green.create !== undefined;
  return done ? "done" : "to-come";
}

export function stepsView(d: Deployment): StepView[] {
  return placed(d).map(({ step, index, phase, state }) => ({
    phase,
    index,
    kind: step.kind,
    what: describeStep(step),
    state,
    ...("percent" in step && { percent: step.percent }),
    ...(step.kind === "pause" && { ms: step.ms }),
    ...(isGate(step) && { gate: gateId(step, index) }),
  }));
}

export function gatesView(d: Deployment, now: number): GateView[] {
  return placed(d).flatMap(({ step, index, phase, state }) => {
    if (!isGate(step)) return [];
    const id = gateId(step, index);
    const record = d.gates[id];
    const passed = record?.passed;
    return [
      {
        id,
        kind: kindOf(step),
        what: describeStep(step),
        phase,
        index,
        state,
        ...(state === "current" && { since: iso(d.stepSince), ...waitOf(d, step, now) }),
        ...contentOf(d, step, id, record, state === "current"),
        ...(passed && { passed: { by: passed.by, at: iso(passed.at), how: passed.how } }),
      },
    ];
  });
}

function kindOf(step: GateStep): GateView["kind"] {
  return step.kind === "wait" ? step.until.kind : step.kind;
}

/** How long it waits at most, and until when by itself. */
function waitOf(d: Deployment, step: GateStep, now: number): Partial<GateView> {
  const elapsed = elapsedMs(d, d.stepSince, now);
  const left = (ms: number) => iso(now + Math.max(0, ms - elapsed));
  switch (step.kind) {
    case "pause":
    case "analyze":
      return { passesAt: left(step.ms) };
    case "hook":
      return { timeoutAt: left(step.hook.timeoutMs), onTimeout: step.hook.onFailure };
    case "wait": {
      const limit = { timeoutAt: left(step.timeoutMs), onTimeout: step.onTimeout };
      if (step.until.kind === "approval") return limit;
      const at = step.until.kind === "moment" ? step.until.at : opensAt(step.until.window, now);
      return { passesAt: iso(Math.max(now, at)), ...limit };
    }
  }
}

function contentOf(
  d: Deployment,
  step: GateStep,
  id: string,
  record: GateRecord | undefined,
  current: boolean,
): Partial<GateView> {
  switch (step.kind) {
    case "pause":
      return {};
    case "wait": {
      const { until } = step;
      if (until.kind === "approval") {
        return { approval: { ...(until.by && { by: until.by }), notStarter: until.notStarter } };
      }
      return until.kind === "window" ? { window: until.window } : {};
    }
    case "analyze":
      return { checks: checksIn(d, id, step.checks, current) };
    case "hook": {
      const { attempt = 0, failures = 0, nextAt = 0, answer } = record?.hook ?? {};
      return {
        ...(step.stage && { stage: step.stage }),
        hook: {
          host: new URL(step.hook.url).host,
          attempt,
          failures,
          ...(answer && {
            answer: {
              status: answer.status,
              ...(answer.message && { message: answer.message }),
              at: iso(answer.at),
            },
          }),
          ...(current && nextAt > 0 && { nextAt: iso(nextAt) }),
        },
      };
    }
  }
}

/** The checks in the background, from the first weight on. */
export function analysisView(d: Deployment): CheckView[] {
  return checksIn(d, backgroundGate, d.strategy.analysis, true);
}

function checksIn(d: Deployment, gate: string, names: readonly string[], current: boolean): CheckView[] {
  const underWay = new Set(
    checksUnderWay(d).flatMap((one) => (one.gate === gate && current ? [one.check.name] : [])),
  );
  return names.map((name) => {
    const check = d.strategy.checks[name];
    const { good = 0, bad = 0, unclear = 0, last, nextAt } = d.gates[gate]?.checks?.[name] ?? {};
    return {
      name,
      good,
      bad,
      unclear,
      failureLimit: check?.failureLimit ?? 0,
      dryRun: check?.dryRun ?? false,
      ...(check?.count !== undefined && { count: check.count }),
      ...(last && { last: { at: iso(last.at), outcome: last.outcome, what: last.what } }),
      ...(nextAt !== undefined && underWay.has(name) && { nextAt: iso(nextAt) }),
    };
  });
}
