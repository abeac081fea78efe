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

const stepState = z.enum(["done", "current", "to-come"]);
/** The phase whose list of steps it is of; `index` counts from 0 within that list. */
const stepPhase = z.enum(["provisioning", "testing", "shifting"]);

const stepView = z.object({
  phase: stepPhase,
  index: z.number(),
  kind: z.enum(["scale", "weight", "test", "pause", "wait", "analyze", "hook"]),
  what: z.string().describe("In words: `weight 25 %`."),
  percent: percent.optional(),
  ms: z.number().optional(),
  state: stepState,
  gate: z.string().optional().describe("Where it is a gate: its id."),
});
export type StepView = z.output<typeof stepView>;

/** What a check came to within one gate; the counts are of measurements, `unclear` of those in a row. */
const checkView = z.object({
  name: z.string(),
  good: z.number(),
  bad: z.number(),
  unclear: z.number(),
  failureLimit: z.number().describe("Bad ones that are borne."),
  count: z.number().optional().describe("Measurements that make it up; absent where time does."),
  dryRun: z.boolean().describe("Measured and told, and nothing follows from it."),
  last: z.object({ at: moment, outcome: z.enum(["good", "bad", "unclear"]), what: z.string() }).optional(),
  nextAt: moment.optional(),
});
export type CheckView = z.output<typeof checkView>;

/** A step that waits for time, someone or something. */
const gateView = z.object({
  id: z.string(),
  kind: z.enum(["pause", "approval", "moment", "window", "analyze", "hook"]),
  what: z.string(),
  phase: stepPhase,
  index: z.number(),
  state: stepState,
  since: moment.optional().describe("Where it stands at it: since when, without the time held."),
  passesAt: moment
    .optional()
    .describe(
      "When its time is over: the end of a pause or an analysis, its moment, the opening of its window.",
    ),
  timeoutAt: moment
    .optional()
    .describe("When it is given up, and what follows then. Both moments move on while it is held."),
  onTimeout: z.enum(["rollback", "proceed", "pause"]).optional(),
  approval: z
    .object({ by: z.array(z.string()).optional(), notStarter: z.boolean() })
    .optional()
    .describe(
      "Who may let it pass; without names whoever may approve at all. `notStarter`: not who asked for it.",
    ),
  window: z.object({ hours: z.string(), timezone: z.string() }).optional(),
  stage: z.string().optional().describe("Of a lifecycle hook, ECS's name."),
  hook: z
    .object({
      host: z.string(),
      attempt: z.number().describe("0: not called yet."),
      failures: z.number().describe("Calls in a row that did not reach it."),
      answer: z
        .object({
          status: z.enum(["SUCCEEDED", "FAILED", "IN_PROGRESS"]),
          message: z.string().optional(),
          at: moment,
        })
        .optional(),
      nextAt: moment.optional(),
    })
    .optional(),
  checks: z.array(checkView).optional(),
  passed: z
    .object({ by: actor, at: moment, how: z.enum(["approved", "skipped"]) })
    .optional()
    .describe("By whom it was let pass, where that was a person."),
});
export type GateView = z.output<typeof gateView>;

/** Green's share of the pair's traffic on one route, in percent; 0 where the pair has none at all. */
const routeView = z.object({
  kind: z.enum(["listener", "rule"]),
  arn: z.string(),
  askedPercent: percent,
  observedPercent: percent.optional(),
  gone: z.boolean(),
  test: z.boolean().describe("No production traffic takes it."),
});
export type RouteView = z.output<typeof routeView>;

export const deploymentView = z
  .object({
    id: z.string(),
    service: z.string(),
    phase: phaseName,
    what: z.string().describe("What a deployment in this phase does."),
    note: z.string().describe("What this one does or waits for just now."),
    outcome: z
      .enum(["open", "success", "failure"])
      .describe(
        "`success` once green is PRIMARY and kept so; `failure` once it is certain that green won't be.",
      ),
    decided: z.boolean().describe("CI need not wait any longer."),
    settled: z
      .boolean()
      .describe("Nothing of this deployment happens any more, unless somebody asks for it."),
    progressPercent: percent.describe("How far it has come on its way to being decided."),
    hold: z
      .object({
        kind: z.enum(["paused", "drift", "waiting", "window", "freeze", "stuck"]),
        since: moment,
        reason: z.string(),
      })
      .optional(),
    cause: z
      .object({ code: z.string(), message: z.string(), fix: z.string() })
      .optional()
      .describe("Why it failed or goes back."),
    problems: z.array(problemView.extend({ fix: z.string() })),
    troubles: z
      .array(
        z.object({
          action: z.string(),
          code: z.string(),
          message: z.string(),
          count: z.number(),
          since: moment,
          nextAt: moment,
        }),
      )
      .describe("Calls that keep failing and are tried again."),
    steps: z.array(stepView).describe("All of them, in the order in which they come."),
    gates: z.array(gateView),
    analysis: z
      .array(checkView)
      .describe("The checks in the background, from the first weight until green is PRIMARY and kept."),
    appointment: z
      .object({ at: moment, full: z.boolean(), ifHealthy: z.boolean(), by: actor })
      .optional()
      .describe("A promotion that was asked for a later moment."),
    overrides: z
      .array(z.string())
      .describe("What was closed and goes on all the same: ids of freezes and of closings of the windows."),
    wayBack: z
      .object({
        kind: z.enum(["untouched", "flip", "scale", "redeploy", "none"]),
        what: z.string(),
        ms: z
          .number()
          .optional()
          .describe("About how long until traffic is as it was; absent where nothing tells."),
      })
      .optional()
      .describe(
        "How ready the way back is; absent where it goes back already, or has ended without serving.",
      ),
    routes: z.array(routeView),
    blue: setView,
    green: setView,
    observedAt: moment.optional().describe("When counts and observed shares were read."),
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
    elapsedMs: z.number().describe("From its creation to its end, or to now."),
    phaseElapsedMs: z.number().describe("In its phase, without the time held."),
    remainingMs: z
      .number()
      .optional()
      .describe("What is left of a pause, another wait whose end is known, the bake or the retention."),
    commands: z.array(commandName).describe("Commands that it can obey now."),
    build: z.number().optional().describe("By which one that is older than the newest accepted one is told."),
    undoes: z.string().optional().describe("The deployment whose effect this one undoes."),
    undoneBy: z.string().optional().describe("The deployment that undoes this one so."),
    recovers: z
      .string()
      .optional()
      .describe("The deployment whose task set this one took over, found without a record."),
    events: z.number().describe("Number of events so far."),
  })
  .meta({ id: "Deployment" });
export type DeploymentView = z.output<typeof deploymentView>;

export const deploymentPage = z
  .object({
    deployments: z.array(deploymentView),
    next: z.string().optional(),
  })
  .meta({ id: "DeploymentPage" });
export type DeploymentPage = z.output<typeof deploymentPage>;

/** A line of the history. `seq` counts from 0 without holes; it is also the id in the event stream. */
export const eventView = z
  .object({
    seq: z.number(),
    at: moment,
    type: z.string(),
    message: z.string(),
    from: phaseName.optional(),
    to: phaseName.optional(),
    step: z.number().optional(),
    effect: z.string().optional(),
    requestId: z.string().optional().describe("AWS's id of the call."),
    code: z.string().optional(),
    hold: z.string().optional(),
    actor: actor.optional(),
    command: z.string().optional(),
    commandId: z.string().optional(),
    obeyed: z.boolean().optional(),
    deployment: z.string().optional().describe("Another deployment that it is about."),
    route: z.string().optional(),
    gate: z.string().optional(),
    how: z.string().optional().describe("How a gate was passed, or not."),
    check: z.string().optional(),
    outcome: z.enum(["good", "bad", "unclear"]).optional(),
  })
  .meta({ id: "Event" });
export type EventView = z.output<typeof eventView>;

/** `next` is the number to go on from; `end` says that no further event comes by itself. */
export const eventPage = z
  .object({
    events: z.array(eventView),
    next: z.number(),
    end: z.boolean(),
  })
  .meta({ id: "EventPage" });
export type EventPage = z.output<typeof eventPage>;

export const commandAnswer = z
  .object({
    deployment: z.string(),
    commandId: z.string(),
    command: z.string(),
    state: z.enum(["obeyed", "pending"]),
    message: z.string(),
    started: z.string().optional().describe("The new deployment that a late rollback started."),
  })
  .meta({ id: "CommandAnswer" });
export type CommandAnswer = z.output<typeof commandAnswer>;

export const redeployAnswer = z
  .object({
    way: z
      .enum(["redeploy", "rollback", "none"])
      .describe(
        "A new deployment, the rollback of what came after it, or nothing because it serves already.",
      ),
    message: z.string(),
    deployment: deploymentView,
  })
  .meta({ id: "RedeployAnswer" });
export type RedeployAnswer = z.output<typeof redeployAnswer>;
