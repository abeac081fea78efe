/** What can be asked. */
import { z } from "zod";
import {
  type CommandName,
  commandName,
  deploymentId,
  gateName,
  phaseName,
  phaseNames,
  serviceName,
  text,
  whole,
  writtenMoment,
} from "./words.ts";

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
    build: z
      .int()
      .min(0)
      .optional()
      .describe("Grows from build to build of the service; one below the greatest accepted is stale."),
    committedAt: writtenMoment
      .optional()
      .describe(
        "When what is deployed was committed; its second counts as the build where that is left out.",
      ),
    force: z.boolean().optional().describe("Accept a stale build."),
    reason: text(500).optional().describe("For the history."),
  })
  .refine((body) => body.taskDefinition ?? body.images ?? body.taskSet, {
    error: "or images or taskSet must be given",
    path: ["taskDefinition"],
  })
  .meta({
    examples: [
      { service: "checkout", images: { web: "registry.example/web:7" }, build: 7, reason: "build 7" },
    ],
  });
export type DeployBody = z.input<typeof deployRequest>;

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
  cursor: whole(0, 999_999_999, 0).describe("`next` of the page before: the first event's number."),
  limit: whole(1, 500, 100),
});

/** What belongs to which commands. */
const ofCommand = {
  full: ["promote"],
  at: ["promote"],
  ifHealthy: ["promote"],
  gate: ["approve", "skip"],
} as const satisfies Record<string, readonly CommandName[]>;

export const commandRequest = z
  .strictObject({
    command: commandName,
    full: z.boolean().optional().describe("For promote: all the way to 100 %, not only to the next step."),
    at: writtenMoment
      .optional()
      .describe(
        "For promote: at this moment rather than now, at most 30 days ahead; the last one asked for counts.",
      ),
    ifHealthy: z
      .boolean()
      .optional()
      .describe("For promote: only where green and its checks are well by then."),
    gate: gateName
      .optional()
      .describe("For approve and skip: the gate that is meant. Left out: where it stands."),
    reason: text(500).optional().describe("For the history; an override needs one."),
  })
  .superRefine((body, context) => {
    const wrong = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message });
    for (const [key, fitting] of Object.entries<readonly CommandName[]>(ofCommand)) {
      if (Object.hasOwn(body, key) && !fitting.includes(body.command)) {
        wrong(key, `doesn't belong to ${body.command}, only to ${fitting.join(" and ")}`);
      }
    }
    if (body.command === "override" && body.reason === undefined)
      wrong("reason", "is missing: why go on all the same?");
  })
  .meta({ examples: [{ command: "rollback", reason: "p99 doubled" }] });
export type CommandBody = z.input<typeof commandRequest>;

export const commandQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^([1-9]|[1-5]\d|60)s$/, { error: "must be from 1s to 60s" })
    .transform((seconds) => Number.parseInt(seconds, 10) * 1000)
    .optional()
    .describe("How long to wait for the deployment's answer to the command."),
});

/** What a hook says in the end; as it would answer the call itself, with the attempt that it was called with. */
export const hookAnswerRequest = z
  .object({
    attempt: z.int().min(1).describe("As in the call's body."),
    status: z.enum(["SUCCEEDED", "FAILED", "IN_PROGRESS"]).optional(),
    hookStatus: z
      .enum(["SUCCEEDED", "FAILED", "IN_PROGRESS"])
      .optional()
      .describe("Another word for status."),
    callBackDelay: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe("For IN_PROGRESS: seconds until it is called again. Left out: 30."),
    message: z.string().max(10_000).optional().describe("For people, who see its first 500 characters."),
  })
  .refine((body) => body.status ?? body.hookStatus, { error: "is missing", path: ["status"] })
  .meta({ examples: [{ attempt: 1, status: "SUCCEEDED", message: "40 tests ran" }] });

export const redeployRequest = z
  .strictObject({
    reason: text(500).optional().describe("For the history."),
    whenBusy: z
      .enum(["rollback", "reject"])
      .optional()
      .describe("While another deployment acts: it goes back first (default), or this is refused."),
  })
  .meta({ examples: [{ reason: "back to build 6" }] });
export type RedeployBody = z.input<typeof redeployRequest>;

export const recoverRequest = z
  .strictObject({
    deployment: deploymentId.describe("The one that a stray's tag names."),
    way: z
      .enum(["forward", "back", "remove"])
      .describe("Go on with its green; put everything back; take away a set that replaces nothing any more."),
    strategy: text(64)
      .optional()
      .describe("For what is left of the way forward, instead of the service's own."),
  })
  .meta({ examples: [{ deployment: "checkout-m3x0abcd12-4f9a03", way: "back" }] });
export type RecoverBody = z.input<typeof recoverRequest>;
