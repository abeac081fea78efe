/** Promotion: what it does where a deployment stands, and the one that was asked for a later moment. */
import { backgroundOutcome, checksUnderWay } from "./analysis.ts";
import type { Answer } from "./command.ts";
import type { Draft } from "./draft.ts";
import type { Actor, Deployment } from "./record.ts";
import { isGate, type Step } from "./strategy.ts";
import { isSteady, stepsOf, type View } from "./view.ts";

/** Ends waits, never an interlock: traffic still waits for healthy tasks, for windows and for freezes. */
export function promoteNow(draft: Draft, full: boolean, actor: Actor): Pick<Answer, "obeyed" | "message"> {
  const { d, now } = draft;
  if (d.phase === "baking") {
    d.strategy = { ...d.strategy, bakeMs: 0 };
    return { obeyed: true, message: "it ends the bake and makes green PRIMARY" };
  }
  if (d.phase === "retaining") {
    d.strategy = { ...d.strategy, retainMs: 0 };
    return { obeyed: true, message: "it ends the retention and takes the old task set away" };
  }
  const steps = stepsOf(d);
  const ended = full
    ? [...steps.slice(d.step), ...(d.phase === "testing" ? d.strategy.steps : [])]
    : steps.slice(d.step, d.step + 1);
  const reason = ended.map((step) => mayNotPass(d, step, actor)).find(Boolean);
  if (reason) return { obeyed: false, message: reason };
  if (d.hold?.gate !== undefined) draft.lift();
  if (full) {
    const rest: Step[] = [{ kind: "weight", percent: 100 }];
    d.strategy =
      d.phase === "testing"
        ? { ...d.strategy, testing: steps.slice(0, d.step), steps: rest, bakeMs: 0 }
        : { ...d.strategy, steps: [...steps.slice(0, d.step), ...rest], bakeMs: 0 };
    d.stepSince = now;
    return {
      obeyed: true,
      message: "it goes to 100 % and then promotes, as soon as green is healthy enough",
    };
  }
  const step = steps[d.step];
  if (!isGate(step)) return { obeyed: false, message: "it is not waiting at a step; it goes on by itself" };
  draft.record(
    { type: "step", index: d.step, what: `${step.kind} ended` },
    `step ${d.step + 1} of ${steps.length} is ended`,
  );
  d.step += 1;
  d.stepSince = now;
  return { obeyed: true, message: `it goes on with step ${d.step + 1} of ${steps.length}` };
}

/** Why this actor may not let an approval pass, be it by approving, skipping or promoting. */
export function mayNotPass(d: Deployment, step: Step | undefined, { kind, name }: Actor): string | undefined {
  if (step?.kind !== "wait" || step.until.kind !== "approval") return undefined;
  if (kind !== "operator") return `${step.id} waits for a person's approval`;
  const { by, notStarter } = step.until;
  if (by && !by.includes(name)) return `${step.id} must be approved by ${by.join(" or ")}, not by ${name}`;
  const starter = notStarter && name === d.actor.name;
  return starter ? `${name} asked for this deployment; somebody else must approve ${step.id}` : undefined;
}

/** Why a deployment is not well enough for a promotion that is only for a healthy one; undefined where it is. */
export function unwell(v: View): string | undefined {
  const { d } = v;
  if (d.unhealthySince !== undefined) return "green has too few healthy tasks";
  if (!isSteady(v.green)) return "green is not steady";
  // Being closed is no illness; what is closed now holds the traffic by itself.
  if (d.hold && d.hold.kind !== "window" && d.hold.kind !== "freeze") return d.hold.reason;
  const background = backgroundOutcome(d);
  if (background.kind === "failed") return background.what;
  for (const { gate, check } of checksUnderWay(d)) {
    const last = d.gates[gate]?.checks?.[check.name]?.last;
    if (last?.outcome === "bad" && !check.dryRun) return `${check.name}: ${last.what}`;
  }
  return undefined;
}
