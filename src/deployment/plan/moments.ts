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
  what: string;
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

/** What a decision that does nothing waits for; its length is known only when it is over. */
export function waitOf({ next: d, endsAt }: Decision, situation: string): Wait {
  const step = stepsOf(d)[d.step];
  if (situation === "waiting-at-gate" && step?.kind === "wait") return gateWait(step, endsAt);
  if (situation === "closed" && d.hold) {
    const kind = d.hold.kind === "freeze" ? "freeze" : "window";
    return { kind, what: d.hold.reason, ms: 0, ...(endsAt !== undefined && { until: endsAt }) };
  }
  const kind = kinds[situation] ?? "other";
  const what =
    (kind === "pause" || kind === "analysis") && step ? describeStep(step) : (words[kind] ?? d.note);
  return { kind, what, ms: 0 };
}

function gateWait({ id, until, timeoutMs: atMostMs }: WaitStep, endsAt: number | undefined): Wait {
  if (until.kind === "approval") {
    const by = until.by ? ` by ${until.by.join(" or ")}` : "";
    return {
      kind: "approval",
      what: `approval of ${id}${by}, at most ${duration(atMostMs)}`,
      ms: 0,
      atMostMs,
    };
  }
  const what =
    until.kind === "moment" ? clock(until.at) : `the hours ${until.window.hours} ${until.window.timezone}`;
  return { kind: until.kind, what, ms: 0, atMostMs, ...(endsAt !== undefined && { until: endsAt }) };
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
      return `creates green: ${shown(green)} of ${revisionOf(effect.request.taskDefinition)}`;
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

/** `checkout:2` of an ARN. */
function revisionOf(taskDefinition: string): string {
  return taskDefinition.endsWith(":next")
    ? "the new revision"
    : (taskDefinition.split("/").at(-1) ?? taskDefinition);
}
