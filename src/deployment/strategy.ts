/**
 * A strategy: a named list of steps with what surrounds them. The record of a deployment carries its strategy
 * as it was at the start, so that editing `teal.yaml` never changes a deployment under way.
 */
import type { Check } from "./check.ts";
import type { Hook, Stage } from "./hook.ts";
import type { Window } from "./hours.ts";
import { verdictDefaults } from "./verdict/verdict.ts";

export type Step =
  /** Green is scaled to this share of desiredCount, never below the weight it carries. */
  | { kind: "scale"; percent: number }
  /** Green gets this share of the pair's traffic on every route. */
  | { kind: "weight"; percent: number }
  /** Every test route leads to green. */
  | { kind: "test" }
  | GateStep;

/** A step that waits for time, someone or something. Its id is unique within the strategy. */
export type GateStep = PauseStep | WaitStep | AnalyzeStep | HookStep;

export interface PauseStep {
  kind: "pause";
  /** Left out in strategies of old: then it follows from its place. */
  id?: string;
  ms: number;
}

export interface WaitStep {
  kind: "wait";
  id: string;
  until:
    /** `by`: names of those who may; left out, whoever may approve at all. `notStarter`: not who asked for it. */
    | { kind: "approval"; by?: string[]; notStarter: boolean }
    /** Ms since the epoch. */
    | { kind: "moment"; at: number }
    | { kind: "window"; window: Window };
  timeoutMs: number;
  onTimeout: "rollback" | "proceed";
}

/** Passes once every check has passed. */
export interface AnalyzeStep {
  kind: "analyze";
  id: string;
  /** Names among the strategy's checks. */
  checks: string[];
  /** How long a check that has no `count` is repeated. */
  ms: number;
  /** What follows where a check can't tell. */
  onInconclusive: "pause" | "proceed";
}

export interface HookStep {
  kind: "hook";
  id: string;
  /** Where it was given as a lifecycle hook rather than as a step. */
  stage?: Stage;
  hook: Hook;
}

/** How blue is taken away: so much at a time. */
export interface Pace {
  by: { percent: number } | { tasks: number };
  everyMs: number;
}

export interface Strategy {
  name: string;
  /** Before green is created: the hooks of PRE_SCALE_UP. */
  before: HookStep[];
  /** Once green is steady, before any production traffic; empty where nothing is tested. */
  testing: Step[];
  steps: Step[];
  /** The checks that the steps and `analysis` name. */
  checks: Record<string, Check>;
  /** Checks measured from the first weight until green is PRIMARY, whatever step it is at. */
  analysis: string[];
  /** How long all traffic stays on green, blue at full scale, before green becomes PRIMARY. */
  bakeMs: number;
  /** How long blue is kept warm after green became PRIMARY. */
  retainMs: number;
  /** The least time between the last weight change of a set and taking anything of it away. */
  holdMs: number;
  /** Left out: all at once. */
  drain?: Pace;
  /** What becomes of weights that others changed: they hold the deployment, or are written again. */
  onDrift: "hold" | "reapply";
  deadlines: Deadlines;
  /** So many failed tasks of green end the deployment before its deadline. */
  failedTasksMax: number;
}

/** Limits of waiting, in milliseconds of time not held. */
export interface Deadlines {
  preparingMs: number;
  /** For green to be created, steady and healthy; for each later change of its scale too. */
  provisioningMs: number;
  /** For a change of weights to read back on every route, and for a promotion to read back. */
  shiftingMs: number;
  /** For green to recover when it loses healthy tasks under traffic. */
  unhealthyMs: number;
  /** For a set's tasks to drain and go. */
  drainingMs: number;
  /** For a rollback; past it the deployment is stuck and asks for a person. */
  rollingBackMs: number;
}

const minute = 60_000;

export const defaultDeadlines: Deadlines = {
  preparingMs: 5 * minute,
  provisioningMs: 30 * minute,
  shiftingMs: 10 * minute,
  unhealthyMs: 2 * minute,
  drainingMs: 60 * minute,
  rollingBackMs: 30 * minute,
};

export const strategyDefaults = {
  before: [],
  testing: [],
  checks: {},
  analysis: [],
  onDrift: "hold",
  bakeMs: 0,
  retainMs: 0,
  holdMs: 30_000,
  deadlines: defaultDeadlines,
  failedTasksMax: 3,
} satisfies Partial<Strategy>;

/** The check that exists without being configured. */
export const usualVerdict = {
  name: "green-vs-blue",
  source: { kind: "green-vs-blue", ...verdictDefaults },
  intervalMs: minute,
  failureLimit: 0,
  // Too few requests to tell are no trouble: they come.
  inconclusiveLimit: 1000,
  dryRun: false,
} as const satisfies Check;

/** Strategies that exist without being configured, CodeDeploy's for ECS among them (AWS docs, CodeDeploy). */
export const presets: Record<string, Strategy> = Object.fromEntries(
  [
    preset("all-at-once"),
    preset("CodeDeployDefault.ECSAllAtOnce"),
    preset("CodeDeployDefault.ECSCanary10Percent5Minutes", [10], 5),
    preset("CodeDeployDefault.ECSCanary10Percent15Minutes", [10], 15),
    preset("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", [10, 20, 30, 40, 50, 60, 70, 80, 90], 1),
    preset("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", [10, 20, 30, 40, 50, 60, 70, 80, 90], 3),
  ].map((strategy) => [strategy.name, strategy]),
);

/** All traffic on green, after these weights with a pause after each. */
function preset(name: string, weights: number[] = [], minutes = 0): Strategy {
  const steps = weights.flatMap((percent, index): Step[] => [
    { kind: "weight", percent },
    { kind: "pause", id: `pause-${2 * index + 2}`, ms: minutes * minute },
  ]);
  return {
    ...strategyDefaults,
    name,
    steps: [...steps, { kind: "weight", percent: 100 }],
    checks: { [usualVerdict.name]: usualVerdict },
    analysis: [usualVerdict.name],
  };
}

/** The strategy of a redeployment that undoes an earlier one: no canary, no gates, the same care otherwise. */
export function withoutCanary(strategy: Strategy): Strategy {
  const steps: Step[] = [{ kind: "weight", percent: 100 }];
  return { ...strategy, before: [], testing: [], steps, analysis: [], bakeMs: 0 };
}

/** Whether a step waits for time, someone or something. */
export function isGate(step: Step | undefined): step is GateStep {
  return step !== undefined && step.kind !== "scale" && step.kind !== "weight" && step.kind !== "test";
}

/** The id of a gate: its own, or what follows from its place in the list. */
export function gateId(step: GateStep, index: number): string {
  return step.id ?? `step-${index + 1}`;
}

/** A step in a few words: `weight 25 %`. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "scale":
    case "weight":
      return `${step.kind} ${step.percent} %`;
    case "test":
      return "test traffic";
    case "pause":
      return `pause ${duration(step.ms)}`;
    case "wait":
      return `wait for ${describeUntil(step)}`;
    case "analyze":
      return `analyze ${step.checks.join(", ")}`;
    case "hook":
      return step.stage ? `hook ${step.stage}` : `hook ${step.id}`;
  }
}

function describeUntil({ until }: WaitStep): string {
  switch (until.kind) {
    case "approval":
      return "approval";
    case "moment":
      return new Date(until.at).toISOString();
    case "window":
      return `${until.window.hours} ${until.window.timezone}`;
  }
}

/** `90s`, `10m`, `24h`, `7d`: as the configuration has it. */
export function duration(ms: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ];
  const unit = units.find(([, length]) => ms >= length && ms % length === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms / 1000}s`;
}

/** Every share that green gets on the way, in percent. */
export function weightPercents({ steps }: Strategy): number[] {
  return steps.flatMap((step) => (step.kind === "weight" ? [step.percent] : []));
}

/** The weight that green carries when the steps before `index` have been done, in percent. */
export function weightBefore(strategy: Strategy, index: number): number {
  return lastPercent(strategy, index, "weight");
}

/**
 * The scale that green needs for step `index`, in percent of desiredCount: what the last `scale` step said,
 * and never below the weight that it carries or is about to carry.
 */
export function scaleFor(strategy: Strategy, index: number): number {
  return Math.max(lastPercent(strategy, index + 1, "scale"), lastPercent(strategy, index + 1, "weight"));
}

/** The scale that green is created for: what the steps up to the first weight need. */
export function firstScale(strategy: Strategy): number {
  const firstWeight = strategy.steps.findIndex((step) => step.kind === "weight");
  const explicit = strategy.steps.findIndex((step) => step.kind === "scale");
  const index = explicit >= 0 && (firstWeight < 0 || explicit < firstWeight) ? explicit : firstWeight;
  return index < 0 ? 100 : scaleFor(strategy, index);
}

function lastPercent(strategy: Strategy, end: number, kind: "scale" | "weight"): number {
  const step = strategy.steps.slice(0, end).findLast((step) => step.kind === kind);
  return step?.kind === "scale" || step?.kind === "weight" ? step.percent : 0;
}
