/** `webhooks`: which deliveries of others start a deployment, and of what. */
import { z } from "zod";
import { payloadPath, template } from "./template.ts";
import { limits, name } from "./words.ts";

/** Who delivers. */
export const webhookSources = ["github", "eventbridge", "generic"] as const;
export type WebhookSource = (typeof webhookSources)[number];

/** The variables with the keys by which they prove themselves to the API. */
export const webhookVariables = {
  github: "TEAL_GITHUB_SECRET",
  eventbridge: "TEAL_EVENTBRIDGE_KEY",
  generic: "TEAL_WEBHOOK_SECRET",
} as const satisfies Record<WebhookSource, string>;

export const githubEvents = ["deployment", "workflow_run", "release", "registry_package"] as const;
export type GithubEvent = (typeof githubEvents)[number];

export interface Webhook {
  name: string;
  from: WebhookSource;
  /** GitHub's event, or EventBridge's detail-type; a generic one has none. */
  on?: string;
  /** By path into the payload: the value must be like one of these, in which `*` stands for any characters. */
  when: Readonly<Record<string, readonly string[]>>;
  /** What is asked for, as texts with places for values of the payload. */
  deploy: WebhookRequest;
}

const fields = {
  service: template(200).describe("A service of this file; may be taken from the payload."),
  taskDefinition: template(1024).optional().describe("A family, family:revision or ARN."),
  images: z
    .record(z.string().regex(/^[\w-]{1,255}$/, { error: "must be the name of a container" }), template(1024))
    .refine((images) => Object.keys(images).length >= 1 && Object.keys(images).length <= 50, {
      error: "must name 1 to 50 containers",
    })
    .optional()
    .describe("Image by container name, such as ghcr.io/acme/checkout:{{ workflow_run.head_sha }}"),
  strategy: template(200).optional().describe("Instead of the service's own."),
  whenBusy: z
    .enum(["queue", "supersede", "reject"])
    .optional()
    .describe("Instead of the service's own onBusy."),
  build: template(200)
    .optional()
    .describe("A number that grows from build to build, such as {{ workflow_run.run_number }}"),
  committedAt: template(200)
    .optional()
    .describe("Instead of build: a moment, such as {{ workflow_run.head_commit.timestamp }}"),
  reason: template(500).optional().describe("For the history; cut at 500 characters."),
};
const deploy = z.strictObject(fields).superRefine((written, context) => {
  if (context.issues.length > 0) return;
  const wrong = (message: string) => context.addIssue({ code: "custom", message });
  if (written.taskDefinition === undefined && written.images === undefined)
    wrong("must have taskDefinition, images or both");
  if (written.build !== undefined && written.committedAt !== undefined)
    wrong("must have build or committedAt, not both");
});
export type WebhookRequest = z.output<typeof deploy>;

const scalar = z.union([z.string().min(1).max(500), z.number(), z.boolean()]);
/** As texts, be it one or several. */
const patterns = z
  .union([...scalar.options, z.array(scalar).min(1).max(limits.patterns)], {
    error: "must be a text, a number, true or false, or a list of these",
  })
  .transform((like) => [like].flat().map(String));

const when = z
  .record(payloadPath, patterns)
  .refine((all) => Object.keys(all).length >= 1 && Object.keys(all).length <= limits.conditions, {
    error: `must be 1 to ${limits.conditions} conditions`,
  })
  .describe(
    "By path into the payload, what its value must be like; of several, one. * stands for any characters.",
  );

/** Where it comes from; and that its owner must stand there in full, or a stranger's would do as well. */
const origins: Readonly<Record<string, RegExp>> = {
  "repository.full_name": /^[^/*]+\//,
  "registry_package.namespace": /^[^*]+$/,
};

/** Whoever has the secret in another repository must not start what was meant for this one. */
const ofOneOwner = when.superRefine((all, context) => {
  if (context.issues.length > 0) return;
  const named = Object.entries(origins).filter(([path]) => Object.hasOwn(all, path));
  if (named.length === 0) {
    const message =
      "must have repository.full_name (or, of packages without a repository, registry_package.namespace)";
    context.addIssue({ code: "custom", message });
  }
  for (const [path, form] of named) {
    if (all[path]?.every((pattern) => form.test(pattern))) continue;
    const message = "must name the owner in full, such as acme/*";
    context.addIssue({ code: "custom", path: [path], message });
  }
});

const webhook = z.discriminatedUnion(
  "from",
  [
    z.strictObject({ from: z.literal("github"), on: z.enum(githubEvents), when: ofOneOwner, deploy }),
    z.strictObject({
      from: z.literal("eventbridge"),
      on: z.string().min(1).max(128).describe("The detail-type, such as ECR Image Action"),
      when,
      deploy,
    }),
    z.strictObject({ from: z.literal("generic"), when, deploy }),
  ],
  { error: `must be ${webhookSources.join(" or ")}` },
);
type Written = z.output<typeof webhook>;

export const webhooksSchema = z
  .record(name, webhook)
  .refine((all) => Object.keys(all).length <= limits.webhooks, {
    error: `must be at most ${limits.webhooks} webhooks`,
  });

type Conditions = Record<string, readonly string[]>;

/** What an event must be unless `when` says otherwise: what nobody would deploy, or would deploy twice. */
const usual: Readonly<Record<string, Conditions>> = {
  deployment: { action: ["created"] },
  workflow_run: { action: ["completed"], "workflow_run.conclusion": ["success"] },
  release: { action: ["published"] },
  registry_package: { action: ["published"] },
  "ECR Image Action": { source: ["aws.ecr"], "detail.action-type": ["PUSH"], "detail.result": ["SUCCESS"] },
};

export function toWebhook(webhookName: string, written: Written): Webhook {
  const { from, when: own, deploy } = written;
  const on = written.from === "generic" ? undefined : written.on;
  return {
    name: webhookName,
    from,
    ...(on !== undefined && { on }),
    when: { ...(on !== undefined && usual[on]), ...(on === "workflow_run" && ofNoFork(own)), ...own },
    deploy,
  };
}

/** A pull request from a fork runs with the fork's branch, which may well be called main. */
function ofNoFork({ "repository.full_name": repositories }: Conditions): Conditions {
  return repositories ? { "workflow_run.head_repository.full_name": repositories } : {};
}
