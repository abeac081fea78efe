/**
 * The language of `teal.yaml`, one schema per noun. What a single value must look like stands here; what must
 * agree between several of them stands in `agreement.ts`.
 */
import { z } from "zod";
import { type Step, type Strategy, strategyDefaults } from "../deployment/strategy.ts";
import { type TaskSetSpec, tagsMax, tagKeys } from "../deployment/target.ts";
import { duration } from "./duration.ts";

export const limits = { services: 1000, strategies: 200, steps: 50, routes: 50 } as const;

/** Names of services and strategies: they become parts of keys, URLs and tags. */
export const namePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
const name = z.string().regex(namePattern, {
  error: "must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
});

/** `arn:partition:service:region:account:resource` */
export const arnPattern = /^arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):(\d{12})?:(.+)$/;
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d+$/, { error: "must be a region such as eu-west-1" });

function elbArn(resource: string, example: string) {
  return z
    .string()
    .max(1024)
    .regex(new RegExp(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\\d{12}:${resource}/[\\w./-]+$`), {
      error: `must be the ARN of a ${resource}, such as ${example}`,
    });
}

const prefix = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
const targetGroupArn = elbArn("targetgroup", `${prefix}:targetgroup/checkout-a/73e2d6bc24d8a067`);
const listenerArn = elbArn("listener", `${prefix}:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2`);
const ruleArn = elbArn(
  "listener-rule",
  `${prefix}:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee`,
);

const text = (max = 255) => z.string().min(1).max(max);
const port = z.int().min(1).max(65_535);

/** Fails unless exactly one of the keys is there; the editors' schema says the same by the number of keys. */
function oneOf(value: Record<string, unknown>, context: z.core.$RefinementCtx) {
  if (context.issues.length === 0 && Object.keys(value).length !== 1) {
    context.addIssue({ code: "custom", message: "must have exactly one key", input: value });
  }
}

const route = z
  .strictObject({
    listener: listenerArn.optional().describe("A listener, for its default action."),
    rule: ruleArn.optional().describe("A rule of a listener."),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .superRefine(oneOf);

const step = z
  .strictObject({
    scale: z
      .number()
      .gt(0, { error: "must be above 0 and at most 100 (percent)" })
      .lte(100, { error: "must be above 0 and at most 100 (percent)" })
      .optional()
      .describe("Scale of green in percent of desiredCount; never below the weight it carries."),
    weight: z
      .number()
      .gte(0, { error: "must be from 0 to 100 (percent)" })
      .lte(100, { error: "must be from 0 to 100 (percent)" })
      .optional()
      .describe("Share of the pair's traffic that green gets, in percent."),
    pause: duration({ min: "1s", max: "7d" }).optional().describe("Time to wait before the next step."),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .superRefine(oneOf);

const steps = z
  .array(step)
  .min(1)
  .max(limits.steps)
  .superRefine((list, context) => {
    let last = 0;
    list.forEach(({ weight }, index) => {
      if (weight === undefined) return;
      if (weight < last) {
        context.addIssue({
          code: "custom",
          path: [index, "weight"],
          message: `must not go down: the step before asks for ${last}, this one for ${weight}`,
        });
      }
      last = weight;
    });
    const lastWeight = list.findLastIndex(({ weight }) => weight !== undefined);
    const malformed = context.issues.some(({ code }) => code !== "custom");
    if (!malformed && lastWeight >= 0 && list[lastWeight]?.weight !== 100) {
      context.addIssue({
        code: "custom",
        path: [lastWeight, "weight"],
        message: `must be 100, being the last weight of the strategy; it is ${list[lastWeight]?.weight}`,
      });
    }
  });

const deadline = duration({ min: "1s", max: "7d" });

export const strategySchema = z.strictObject({
  steps: steps.describe("What happens between a steady green and all traffic on it, in this order."),
  bake: duration({ min: "0s", max: "7d" })
    .optional()
    .describe("How long all traffic stays on green, blue at full scale, before green becomes PRIMARY."),
  retain: duration({ min: "0s", max: "30d" })
    .optional()
    .describe("How long blue is kept warm afterwards; a rollback is then one change of weights."),
  hold: duration({ min: "1s", max: "1h" })
    .optional()
    .describe("Least time after the last weight change before anything is taken away. Default 30s."),
  failedTasks: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe("So many failed tasks of green end the deployment before its deadline. Default 3."),
  deadlines: z
    .strictObject({
      preparing: deadline.optional(),
      provisioning: deadline.optional(),
      shifting: deadline.optional(),
      unhealthy: deadline.optional(),
      draining: deadline.optional(),
      rollingBack: deadline.optional(),
    })
    .optional()
    .describe("Longest times of waiting; time held does not count."),
});

const capacityProvider = z.strictObject({
  capacityProvider: text(),
  weight: z.int().min(0).max(1000).optional(),
  base: z.int().min(0).max(100_000).optional(),
});

const tag = z.strictObject({
  key: text(128).refine((key) => !key.startsWith("aws:") && !key.startsWith("teal:"), {
    error: "must not begin with aws: or teal:, which are reserved",
  }),
  value: z.string().max(256),
});

const ownTags = Object.keys(tagKeys).length;

const taskSet = z
  .strictObject({
    taskDefinition: text(1024)
      .optional()
      .describe("Family, family:revision or ARN; used when a request names none."),
    externalId: text().optional(),
    networkConfiguration: z
      .strictObject({
        awsvpcConfiguration: z.strictObject({
          subnets: z.array(text()).min(1).max(16),
          securityGroups: z.array(text()).max(5).optional(),
          assignPublicIp: z.enum(["ENABLED", "DISABLED"]).optional(),
        }),
      })
      .optional(),
    loadBalancers: z
      .array(
        z.strictObject({
          targetGroupArn: targetGroupArn.optional().describe("Left out: the first of targetGroups."),
          containerName: text(),
          containerPort: port,
        }),
      )
      .max(1)
      .optional(),
    serviceRegistries: z
      .array(
        z.strictObject({
          registryArn: text(1024).regex(arnPattern, { error: "must be an ARN" }),
          port: port.optional(),
          containerName: text().optional(),
          containerPort: port.optional(),
        }),
      )
      .max(1)
      .optional(),
    launchType: z.enum(["EC2", "FARGATE", "EXTERNAL"]).optional(),
    capacityProviderStrategy: z.array(capacityProvider).min(1).max(6).optional(),
    platformVersion: text(64).optional(),
    tags: z
      .array(tag)
      .max(tagsMax - ownTags)
      .optional(),
  })
  .superRefine((set, context) => {
    if (set.launchType !== undefined && set.capacityProviderStrategy !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["launchType"],
        message: "must be left out where capacityProviderStrategy is given: they exclude each other",
      });
    }
  });

export const serviceSchema = z.strictObject({
  region: region,
  cluster: text(1024).describe("Name or ARN of the ECS cluster."),
  service: z
    .string()
    .regex(/^[\w-]{1,255}$/, { error: "must be the name of an ECS service, not an ARN" })
    .describe("Name of the ECS service."),
  targetGroups: z
    .array(targetGroupArn)
    .refine((groups) => groups.length === 2 || groups.length === 0, { error: "must name exactly two groups" })
    .meta({ maxItems: 2 })
    .optional()
    .describe("The pair: one is blue's, the other green's; they alternate."),
  routes: z
    .array(route)
    .max(limits.routes)
    .optional()
    .describe("Listeners and rules that share traffic over the pair."),
  strategy: name.describe("Name of a strategy below, or a preset such as all-at-once."),
  onBusy: z
    .enum(["queue", "reject"])
    .optional()
    .describe("What becomes of a deployment asked for while another one acts. Default reject."),
  taskSet: taskSet.optional().describe("The first task set, for a service that has no PRIMARY one yet."),
});

/** The file as a whole. Its parts are read one by one, so that a fault in one hides none in another. */
export const fileSchema = z.strictObject({
  services: z
    .record(name, serviceSchema)
    .refine((services) => Object.keys(services).length <= limits.services, {
      error: `must be at most ${limits.services} services`,
    }),
  strategies: z
    .record(name, strategySchema)
    .refine((strategies) => Object.keys(strategies).length <= limits.strategies, {
      error: `must be at most ${limits.strategies} strategies`,
    })
    .optional(),
});

export type FileContent = z.output<typeof fileSchema>;

/** What an editor needs to check and complete `teal.yaml` (draft 2020-12). */
export function editorSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(fileSchema, { io: "input" }),
    title: "teal.yaml",
    description: "The services that Teal may deploy, and the strategies to do it by.",
  };
}

/** The strategy as the core knows it, with its defaults filled in. */
export function toStrategy(strategyName: string, written: z.output<typeof strategySchema>): Strategy {
  const { deadlines: own = {} } = written;
  const usual = strategyDefaults.deadlines;
  return {
    ...strategyDefaults,
    name: strategyName,
    steps: written.steps.map(toStep),
    bakeMs: written.bake ?? strategyDefaults.bakeMs,
    retainMs: written.retain ?? strategyDefaults.retainMs,
    holdMs: written.hold ?? strategyDefaults.holdMs,
    failedTasksMax: written.failedTasks ?? strategyDefaults.failedTasksMax,
    deadlines: {
      preparingMs: own.preparing ?? usual.preparingMs,
      provisioningMs: own.provisioning ?? usual.provisioningMs,
      shiftingMs: own.shifting ?? usual.shiftingMs,
      unhealthyMs: own.unhealthy ?? usual.unhealthyMs,
      drainingMs: own.draining ?? usual.drainingMs,
      rollingBackMs: own.rollingBack ?? usual.rollingBackMs,
    },
  };
}

function toStep(written: z.output<typeof step>): Step {
  if (written.scale !== undefined) return { kind: "scale", percent: written.scale };
  if (written.weight !== undefined) return { kind: "weight", percent: written.weight };
  return { kind: "pause", ms: written.pause ?? 0 };
}

/** The first task set as the core knows it: its load balancer entry always names one group of the pair. */
export function toTaskSet(written: z.output<typeof taskSet>, groups: readonly string[]): TaskSetSpec {
  return {
    ...written,
    loadBalancers: written.loadBalancers?.map((entry) => ({
      ...entry,
      targetGroupArn: entry.targetGroupArn ?? groups[0],
    })),
  };
}
