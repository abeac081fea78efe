/** A deployment, its history, and its answers to commands. */
import { z } from "zod";
import { actor, commandName, moment, percent, phaseName, problemView } from "./words.ts";

/** A task set of the pair. Counts are as last seen; before the first look there are none. */
const setView = z.object({
  taskDefinition: z.string().optional(),
  arn: z.string().optional(),
  id: z.string().optional(),
  targetGroup: z.string().optional(),
  counts: z
    .object({
      desired: z.number(),
      running: z.number(),
      healthy: z.number().optional(),
    })
    .optional(),
});
export type SetView = z.output<typeof setView>;

const stepView = z.object({
  index: z.number(),
  kind: z.enum(["scale", "weight", "test", "pause", "wait", "analyze", "hook"]),
  /** In words: `weight 25 %`. */
  what: z.string(),
  percent: percent.optional(),
  ms: z.number().optional(),
  state: z.enum(["done", "current", "to-come"]),
});
export type StepView = z.output<typeof stepView>;

/** Green's share of the pair's traffic on one route, in percent; 0 where the pair has none at all. */
const routeView = z.object({
  kind: z.enum(["listener", "rule"]),
  arn: z.string(),
  askedPercent: percent,
  observedPercent: percent.optional(),
  gone: z.boolean(),
});
export type RouteView = z.output<typeof routeView>;

export const deploymentView = z.object({
  id: z.string(),
  service: z.string(),
  phase: phaseName,
  /** What a deployment in this phase does. */
  what: z.string(),
  /** What this one does or waits for just now. */
  note: z.string(),
  /** `success` once green is PRIMARY and kept so; `failure` once it is certain that green won't be. */
  outcome: z.enum(["open", "success", "failure"]),
  /** CI need not wait any longer. */
  decided: z.boolean(),
  /** Nothing of this deployment happens any more, unless somebody asks for it. */
  settled: z.boolean(),
  /** How far it has come on its way to being decided. */
  progressPercent: percent,
  hold: z
    .object({
      kind: z.enum(["paused", "drift", "waiting", "window", "freeze", "stuck"]),
      since: moment,
      reason: z.string(),
    })
    .optional(),
  /** Why it failed or goes back. */
  cause: z.object({ code: z.string(), message: z.string(), fix: z.string() }).optional(),
  problems: z.array(problemView.extend({ fix: z.string() })),
  /** Calls that keep failing and are tried again. */
  troubles: z.array(
    z.object({
      action: z.string(),
      code: z.string(),
      message: z.string(),
      count: z.number(),
      since: moment,
      nextAt: moment,
    }),
  ),
  steps: z.array(stepView),
  routes: z.array(routeView),
  blue: setView,
  green: setView,
  /** When counts and observed shares were read. */
  observedAt: moment.optional(),
  strategy: z.object({
    name: z.string(),
    bakeMs: z.number(),
    retainMs: z.number(),
    holdMs: z.number(),
  }),
  request: z.object({
    taskDefinition: z.string().optional(),
    images: z.record(z.string(), z.string()).optional(),
    reason: z.string().optional(),
  }),
  actor,
  createdAt: moment,
  phaseSince: moment,
  finishedAt: moment.optional(),
  /** From its creation to its end, or to now. */
  elapsedMs: z.number(),
  /** In its phase, without the time held. */
  phaseElapsedMs: z.number(),
  /** What is left of a pause, the bake or the retention. */
  remainingMs: z.number().optional(),
  /** Commands that it can obey now. */
  commands: z.array(commandName),
  /** The deployment whose effect this one undoes. */
  undoes: z.string().optional(),
  /** The deployment whose task set this one took over, found without a record. */
  recovers: z.string().optional(),
  /** Number of events so far. */
  events: z.number(),
});
export type DeploymentView = z.output<typeof deploymentView>;

export const deploymentPage = z.object({
  deployments: z.array(deploymentView),
  next: z.string().optional(),
});
export type DeploymentPage = z.output<typeof deploymentPage>;

/** A line of the history. `seq` counts from 0 without holes; it is also the id in the event stream. */
export const eventView = z.object({
  seq: z.number(),
  at: moment,
  type: z.string(),
  message: z.string(),
  from: phaseName.optional(),
  to: phaseName.optional(),
  step: z.number().optional(),
  effect: z.string().optional(),
  /** AWS's id of the call. */
  requestId: z.string().optional(),
  code: z.string().optional(),
  hold: z.string().optional(),
  actor: actor.optional(),
  command: z.string().optional(),
  commandId: z.string().optional(),
  obeyed: z.boolean().optional(),
  /** Another deployment that it is about. */
  deployment: z.string().optional(),
  route: z.string().optional(),
  gate: z.string().optional(),
  /** How a gate was passed, or not. */
  how: z.string().optional(),
  check: z.string().optional(),
  outcome: z.enum(["good", "bad", "unclear"]).optional(),
});
export type EventView = z.output<typeof eventView>;

/** `next` is the number to go on from; `end` says that no further event comes by itself. */
export const eventPage = z.object({
  events: z.array(eventView),
  next: z.number(),
  end: z.boolean(),
});
export type EventPage = z.output<typeof eventPage>;

export const commandAnswer = z.object({
  deployment: z.string(),
  commandId: z.string(),
  command: z.string(),
  state: z.enum(["obeyed", "pending"]),
  message: z.string(),
  /** The new deployment that a late rollback started. */
  started: z.string().optional(),
});
export type CommandAnswer = z.output<typeof commandAnswer>;
