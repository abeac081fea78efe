/**
 * The API as its clients see it: every request and every answer. The command line and the dashboard import this
 * file and nothing else of ours, so it stands alone. Moments are ISO 8601 in UTC, lengths of time milliseconds.
 */
import { z } from "zod";

// --- words ------------------------------------------------------------------------------------------------

export const phaseNames = [
  "queued",
  "preparing",
  "provisioning",
  "testing",
  "shifting",
  "baking",
  "promoting",
  "retaining",
  "draining",
  "succeeded",
  "rolling_back",
  "rolled_back",
  "failed",
  "cancelled",
  "superseded",
  "abandoned",
] as const;
export const phaseName = z.enum(phaseNames);

/** `abort` is another word for `rollback`. */
export const commandNames = ["rollback", "abort", "pause", "resume", "promote", "retry", "release"] as const;
export const commandName = z.enum(commandNames);
export type CommandName = z.output<typeof commandName>;

export const serviceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, { error: "must be the name of a service in teal.yaml" });
export const deploymentId = z.string().regex(/^[\w-]{1,64}$/, { error: "must be the id of a deployment" });
const moment = z.iso.datetime();
const text = (max: number) => z.string().min(1).max(max);

/** Says who asks, for the history. */
export const actorHeader = z
  .string()
  .regex(/^[\x20-\x7e]{1,64}$/, { error: "must be 1 to 64 printable ASCII characters" });
/** The same key with the same request, sent again within 7 days, is answered with the first outcome. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, { error: "must be 1 to 128 printable ASCII characters without spaces" });

export const bodyLimitBytes = 1_048_576;

// --- requests ---------------------------------------------------------------------------------------------

/** What green has instead of what it would inherit from blue; ECS's names. */
const taskSetChange = z
  .strictObject({
    externalId: text(255),
    networkConfiguration: z.strictObject({
      awsvpcConfiguration: z.strictObject({
        subnets: z.array(text(255)).min(1).max(16),
        securityGroups: z.array(text(255)).max(5).optional(),
        assignPublicIp: z.enum(["ENABLED", "DISABLED"]).optional(),
      }),
    }),
    serviceRegistries: z
      .array(
        z.strictObject({
          registryArn: text(1024),
          port: z.int().min(1).max(65_535).optional(),
          containerName: text(255).optional(),
          containerPort: z.int().min(1).max(65_535).optional(),
        }),
      )
      .max(1),
    launchType: z.enum(["EC2", "FARGATE", "EXTERNAL"]),
    capacityProviderStrategy: z
      .array(
        z.strictObject({
          capacityProvider: text(255),
          weight: z.int().min(0).max(1000).optional(),
          base: z.int().min(0).max(100_000).optional(),
        }),
      )
      .min(1)
      .max(6),
    platformVersion: text(64),
    tags: z.array(z.strictObject({ key: text(128), value: z.string().max(256) })).max(45),
  })
  .partial()
  .refine((set) => set.launchType === undefined || set.capacityProviderStrategy === undefined, {
    error: "launchType and capacityProviderStrategy exclude each other",
  });

const taskDefinition = z
  .string()
  .regex(/^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition\/)?[\w-]{1,255}(:\d{1,9})?$/, {
    error: "must be a family, family:revision or the ARN of a task definition",
  });
const image = z
  .string()
  .regex(/^[^\s]{1,1024}$/, { error: "must be an image reference of 1 to 1024 characters without spaces" });

export const deployRequest = z
  .strictObject({
    service: serviceName,
    taskDefinition: taskDefinition
      .optional()
      .describe("What green runs; with images, what its new revision derives from. Left out: blue's."),
    images: z
      .record(z.string().regex(/^[\w-]{1,255}$/, { error: "must be the name of a container" }), image)
      .refine((images) => Object.keys(images).length >= 1 && Object.keys(images).length <= 50, {
        error: "must name 1 to 50 containers",
      })
      .optional()
      .describe("Image by container name: a revision with these images is registered and deployed."),
    taskSet: taskSetChange.optional(),
    strategy: text(64).optional().describe("Instead of the service's own."),
    whenBusy: z
      .enum(["queue", "supersede", "reject"])
      .optional()
      .describe("Instead of the service's own onBusy."),
    reason: text(500).optional().describe("For the history."),
  })
  .refine((body) => body.taskDefinition ?? body.images ?? body.taskSet, {
    error: "or images or taskSet must be given",
    path: ["taskDefinition"],
  });
export type DeployBody = z.input<typeof deployRequest>;

const whole = (min: number, max: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: `must be a whole number from ${min} to ${max}`, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .default(usual);

export const listQuery = z.strictObject({
  service: serviceName.optional(),
  phase: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(phaseName).max(phaseNames.length))
    .optional()
    .describe("One phase, or several with commas between."),
  limit: whole(1, 100, 20),
  cursor: z.string().max(200).optional().describe("`next` of the page before."),
});

export const eventsQuery = z.strictObject({
  from: whole(0, 999_999_999, 0).describe("The first event's number."),
  limit: whole(1, 500, 100),
});

export const commandRequest = z.strictObject({
  command: commandName,
  full: z.boolean().optional().describe("For promote: all the way to 100 %, not only to the next step."),
  reason: text(500).optional(),
});
export type CommandBody = z.input<typeof commandRequest>;

export const commandQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^([1-9]|[1-5]\d|60)s$/, { error: "must be from 1s to 60s" })
    .transform((seconds) => Number.parseInt(seconds, 10) * 1000)
    .optional()
    .describe("How long to wait for the deployment's answer to the command."),
});

export const recoverRequest = z.strictObject({
  deployment: deploymentId.describe("The one that a stray's tag names."),
  way: z
    .enum(["forward", "back", "remove"])
    .describe("Go on with its green; put everything back; take away a set that replaces nothing any more."),
  strategy: text(64)
    .optional()
    .describe("For what is left of the way forward, instead of the service's own."),
});
export type RecoverBody = z.input<typeof recoverRequest>;

// --- answers ----------------------------------------------------------------------------------------------

const problemView = z.object({ code: z.string(), message: z.string(), path: z.string().optional() });

/** Every answer that is no success looks like this. `code` is one of docs/errors.md. */
export const errorBody = z.object({
  code: z.string(),
  title: z.string(),
  /** What happened, to what. */
  message: z.string(),
  /** What to do next. */
  fix: z.string(),
  problems: z.array(problemView),
  /** Stands in the server's logs too. */
  requestId: z.string(),
});
export type ErrorBody = z.output<typeof errorBody>;

const percent = z.number().min(0).max(100);
const actor = z.object({ kind: z.enum(["operator", "ci", "schedule", "teal"]), name: z.string() });

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

export const serviceView = z.object({
  name: z.string(),
  region: z.string(),
  cluster: z.string(),
  service: z.string(),
  targetGroups: z.array(z.string()),
  routes: z.array(z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() })),
  strategy: z.string(),
  whenBusy: z.enum(["queue", "supersede", "reject"]),
  /** Task sets of ours that no record answers for, when they were last looked for; absent where nobody looked. */
  strays: z.object({ deployments: z.array(z.string()), seenAt: moment }).optional(),
});
export type ServiceView = z.output<typeof serviceView>;
export const serviceList = z.object({ services: z.array(serviceView), strategies: z.array(z.string()) });

export type ServiceList = z.output<typeof serviceList>;

const strayedSet = z.object({
  arn: z.string(),
  id: z.string(),
  status: z.string(),
  scalePercent: z.number(),
  running: z.number(),
});
const pairWeights = z.object({ blue: z.number(), green: z.number() });

/** A task set of ours that no record answers for. */
export const strayView = z.object({
  /** The deployment that made it, by its tag. */
  deployment: z.string(),
  /** `orphan`: another set is PRIMARY than the one that it came to replace. */
  state: z.enum(["under-way", "promoted", "orphan"]),
  set: strayedSet,
  /** What it came to replace, where that is still there. */
  blue: strayedSet.optional(),
  rollingBack: z.boolean(),
  /** Weights of the pair; `now` is absent where the route doesn't forward to it. */
  routes: z.array(z.object({ arn: z.string(), now: pairWeights.optional(), before: pairWeights })),
  /** What can be asked for it. */
  ways: z.array(z.enum(["forward", "back", "remove"])),
});
export type StrayView = z.output<typeof strayView>;
export const strayList = z.object({ service: z.string(), strays: z.array(strayView) });
export type StrayList = z.output<typeof strayList>;

export const health = z.object({ status: z.enum(["ok", "unavailable"]), message: z.string().optional() });
