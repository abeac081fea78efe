/** The moments of a plan: what happens, and what is waited for, in words. */
import type { Decision } from "../decision.ts";
import { actionOf, type Effect } from "../effect.ts";
import type { Phase } from "../phases.ts";
import type { Deployment } from "../record.ts";
import { clock } from "../rules/rule.ts";
import type { TaskSetSeen } from "../observation.ts";
import { describeStep, duration, type WaitStep } from "../strategy.ts";
import type { RouteRef } from "../target.ts";
import { greenShare, showWeights } from "../traffic.ts";
import { countOf, stepsOf } from "../view.ts";
import type { ObligingWorld } from "./world.ts";

/** What a plan waits for. People may take their time; everything else has a known or assumed length. */
export type WaitKind =
  | "approval"
  | "person"
  | "window"
  | "freeze"
  | "moment"
  | "pause"
  | "analysis"
  | "bake"
  | "retention"
  /** Until a change of weights is in force everywhere. */
  | "hold"
  /** Tasks of green start. */
  | "start"
  /** Tasks of blue stop. */
  | "drain"
  /** Others leave the idle group. */
  | "room"
  | "other";

export interface Wait {
  kind: WaitKind;
  /** How long it lasts in this plan; approvals are given at once. */
  ms: number;
  /** How long it lasts at most, where that can be said and is not `ms`. */
  atMostMs?: number;
  /** When it ends, ms since the epoch, where a calendar says so. */
  until?: number;
}

export interface Moment {
  /** Since the start. */
  atMs: number;
  phase: Phase;
  /** The step of the phase's list that it belongs to, from 0. */
  step?: { index: number; what: string };
  what: string;
  /** The call that is made: its action as IAM names it, or `hook`. */
  effect?: { action: string; route?: RouteRef };
  /** Tasks that each colour is meant to have after this moment. */
  blue?: Size;
  green?: Size;
  /** Green's share of the production traffic after this moment; the greatest of all routes. */
  weightPercent: number;
  waitsFor?: Wait;
}

export interface Size {
  scalePercent: number;
  tasks: number;
}

/** What waiting in a situation (see the rules) is called; one that isn't here is told by the deployment's note. */
const kinds: Record<string, WaitKind> = {
  pausing: "pause",
  analyzing: "analysis",
  baking: "bake",
  retaining: "retention",
  "hold-time": "hold",
  "green-starting": "start",
  "green-not-ready": "start",
  "blue-stopping": "drain",
  "blue-draining": "drain",
  "blue-paced": "drain",
  "predecessor-retains": "room",
  "idle-group-occupied": "room",
  "too-many-task-sets": "room",
  paused: "person",
};

const words: Partial<Record<WaitKind, string>> = {
  bake: "all traffic on green, blue at full scale",
  retention: "blue stays warm",
  hold: "until the last change of weights is in force everywhere",
  start: "until the tasks of green are healthy",
  drain: "until tasks of blue have drained",
};

/** What a decision that does nothing waits for, in words; its length is known only when it is over. */
export function waitOf({ next: d, endsAt }: Decision, situation: string): { what: string; waitsFor: Wait } {
  const step = stepsOf(d)[d.step];
  const until = endsAt !== undefined && { until: endsAt };
  if (situation === "waiting-at-gate" && step?.kind === "wait") {
    const { kind } = step.until;
    const waitsFor = { kind, ms: 0, atMostMs: step.timeoutMs, ...(kind !== "approval" && until) };
    return { what: gateWords(step), waitsFor };
  }
  if (situation === "closed" && d.hold) {
    const kind = d.hold.kind === "freeze" ? "freeze" : "window";
    return { what: d.hold.reason, waitsFor: { kind, ms: 0, ...until } };
  }
  const kind = kinds[situation] ?? "other";
  const what =
    (kind === "pause" || kind === "analysis") && step ? describeStep(step) : (words[kind] ?? d.note);
  return { what, waitsFor: { kind, ms: 0 } };
}

function gateWords({ id, until, timeoutMs }: WaitStep): string {
  switch (until.kind) {
    case "approval":
      return `approval of ${id}${until.by ? ` by ${until.by.join(" or ")}` : ""}, at most ${duration(timeoutMs)}`;
    case "moment":
      return clock(until.at);
    case "window":
      return `the hours ${until.window.hours} ${until.window.timezone}`;
  }
}

/** What a decision did, as moments: the phases that it entered, and its effect, once that is performed. */
export function momentsOf({ next, events }: Decision, world: ObligingWorld, atMs: number): Moment[] {
  const now = momentAt(next, world, atMs);
  return events.flatMap((event): Moment[] => {
    if (event.type === "phase") return [{ ...now, what: event.message }];
    if (event.type !== "effect") return [];
    const { effect } = event;
    const action = effect.kind === "callHook" ? "hook" : actionOf(effect);
    return [
      {
        ...now,
        what: effectWords(effect, next, now),
        effect: { action, ...(effect.kind === "setWeights" && { route: effect.route }) },
      },
    ];
  });
}

/** How things stand. */
export function momentAt(d: Deployment, world: ObligingWorld, atMs: number): Omit<Moment, "what"> {
  const step = hasSteps.has(d.phase) ? stepsOf(d)[d.step] : undefined;
  const { blue, green } = world.colours;
  return {
    atMs,
    phase: d.phase,
    ...(step && { step: { index: d.step, what: describeStep(step) } }),
    ...(blue && { blue: sizeOf(blue) }),
    ...(green && { green: sizeOf(green) }),
    weightPercent: world.greenPercent,
  };
}

const hasSteps = new Set<Phase>(["provisioning", "testing", "shifting"]);

function sizeOf({ scalePercent, computedDesired }: TaskSetSeen): Size {
  return { scalePercent, tasks: computedDesired };
}

/** What an effect does, to what. */
function effectWords(effect: Effect, d: Deployment, { blue, green }: Omit<Moment, "what">): string {
  const isBlue = "arn" in effect && effect.arn === d.blue?.arn;
  const colour = isBlue ? "blue" : "green";
  switch (effect.kind) {
    case "registerTaskDefinition":
      return `registers a revision of ${String(effect.registration["family"])}`;
    case "createTaskSet":
      return `creates green: ${shown(green)}${ofRevision(effect.request.taskDefinition)}`;
    case "scaleTaskSet":
      return `scales ${colour} to ${shown(isBlue ? blue : green)}`;
    case "setWeights": {
      const test = d.routes.some(({ ref, test }) => test && ref.arn === effect.route.arn);
      const percent = Number((100 * greenShare(effect.to)).toPrecision(4));
      const share = `${percent} %${test ? " of test traffic" : ""}`;
      return `green gets ${share}: ${showWeights(effect.from)} to ${showWeights(effect.to)}`;
    }
    case "makePrimary":
      return `makes ${colour} the PRIMARY task set`;
    case "tagTaskSet":
      return `tags ${colour} with ${effect.tags.map(({ key }) => key).join(", ")}`;
    case "deleteTaskSet":
      return `deletes ${colour}`;
    case "callHook":
      return `calls the hook ${effect.gate}`;
  }
}

function shown({ scalePercent, tasks }: Size = { scalePercent: 0, tasks: 0 }): string {
  return `${countOf(tasks, "task")} (${scalePercent} %)`;
}

/** ` of checkout:2`; nothing where it has no number yet. */
function ofRevision(taskDefinition: string): string {
  return taskDefinition.endsWith(":next") ? "" : ` of ${taskDefinition.split("/").at(-1)}`;
}
