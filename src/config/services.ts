/** `services`: the ECS services that Teal may deploy, and where their traffic comes from. */
import { z } from "zod";
import {
  type RouteRef,
  type ServiceTarget,
  type TaskSetSpec,
  tagKeys,
  tagsMax,
} from "../deployment/target.ts";
import { windowsSchema } from "./calendars.ts";
import { placeSchema } from "./github.ts";
import {
  arnPattern,
  limits,
  listenerArn,
  oneOf,
  region,
  roleArn,
  ruleArn,
  strategyName,
  targetGroupArn,
  text,
  timezone,
} from "./words.ts";

const port = z.int().min(1).max(65_535);

const route = z
  .strictObject({
    listener: listenerArn.optional().describe("A listener, for its default action."),
    rule: ruleArn.optional().describe("A rule of a listener."),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .superRefine(oneOf);

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

const account = z
  .union([
    z.literal("own"),
    z.strictObject({
      roleArn: roleArn.describe("The role that Teal assumes for everything it reads and changes there."),
      externalId: z
        .string()
        .regex(/^[\w+=,.@:/-]{2,1224}$/, {
          error: "must be 2 to 1224 letters, digits and any of + = , . @ : / -",
        })
        .optional()
        .describe("What the role's trust policy asks for; not a secret."),
    }),
  ])
  .describe("The account of the service, where it is not Teal's own. Default own.");

/** What the file's `defaults` may say for all services, too. */
export const surroundings = {
  region: region.optional(),
  account: account.optional(),
  cluster: text(1024).optional().describe("Name or ARN of the ECS cluster."),
  strategy: strategyName.optional().describe("Name of a strategy below, or a preset such as all-at-once."),
  onBusy: z
    .enum(["queue", "supersede", "reject"])
    .optional()
    .describe(
      "What becomes of a deployment asked for while another one acts: it waits, it waits in place of those that wait, or it is refused. Default reject.",
    ),
  windows: windowsSchema
    .optional()
    .describe(
      "When deployments may start and traffic may shift, such as Mon-Fri 09:00-16:00. Left out: always.",
    ),
  timezone: timezone.optional().describe("Of the windows that name none. Default UTC."),
};

export const serviceSchema = z.strictObject({
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
  testRoutes: z
    .array(route)
    .max(limits.routes)
    .optional()
    .describe("Other listeners and rules, which lead to green while it is tested."),
  github: placeSchema.optional(),
  taskSet: taskSet.optional().describe("The first task set, for a service that has no PRIMARY one yet."),
  ...surroundings,
});

export type WrittenService = z.output<typeof serviceSchema>;

/** @param place what may come from the file's defaults */
export function toTarget(
  serviceName: string,
  written: WrittenService,
  place: Pick<ServiceTarget, "region" | "account" | "cluster">,
): ServiceTarget {
  const [first, second] = written.targetGroups ?? [];
  const targetGroups: ServiceTarget["targetGroups"] = first && second ? [first, second] : [];
  const testRoutes = (written.testRoutes ?? []).map(toRoute);
  return {
    name: serviceName,
    region: place.region,
    ...(place.account && { account: place.account }),
    cluster: place.cluster,
    service: written.service,
    targetGroups,
    routes: (written.routes ?? []).map(toRoute),
    ...(testRoutes.length > 0 && { testRoutes }),
    ...(written.taskSet && { taskSet: toTaskSet(written.taskSet, targetGroups) }),
  };
}

function toRoute({ listener, rule }: z.output<typeof route>): RouteRef {
  return listener === undefined ? { kind: "rule", arn: rule ?? "" } : { kind: "listener", arn: listener };
}

/** The first task set as the core knows it: its load balancer entry always names one group of the pair. */
function toTaskSet(written: z.output<typeof taskSet>, groups: readonly string[]): TaskSetSpec {
  return {
    ...written,
    loadBalancers: written.loadBalancers?.map((entry) => ({
      ...entry,
      targetGroupArn: entry.targetGroupArn ?? groups[0],
    })),
  };
}
