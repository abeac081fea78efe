/** The small words of `teal.yaml` that several of its nouns use: names, ARNs, addresses, and how much of each. */
import { z } from "zod";
import type { HeaderValue } from "../deployment/check.ts";
import { windowFault } from "../deployment/hours.ts";
import { isTimezone } from "../deployment/zones.ts";

/** How many there may be. */
export const limits = {
  services: 1000,
  strategies: 200,
  steps: 100,
  /** Of a strategy, with its hooks in their places. */
  stepsInAll: 200,
  routes: 50,
  hooks: 20,
  headers: 20,
  approvers: 20,
  checks: 500,
  /** Of one step, and in the background. */
  checksAtOnce: 10,
  alarms: 100,
  queries: 20,
  dimensions: 30,
  windows: 20,
  freezes: 500,
  schedules: 200,
  webhooks: 200,
  /** Of one webhook, and what a single one may be like. */
  conditions: 20,
  patterns: 50,
} as const;

/** Names of services, strategies, checks and gates: they become parts of keys, URLs and tags. */
export const namePattern = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const name = z.string().regex(namePattern, {
  error: "must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
});

/** A strategy's name where it is used: CodeDeploy's have capitals and dots. */
export const strategyName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/, { error: "must be the name of a strategy" });

export const text = (max = 255) => z.string().min(1).max(max);

/** `arn:partition:service:region:account:resource` */
export const arnPattern = /^arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):(\d{12})?:(.+)$/;
export const region = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d+$/, { error: "must be a region such as eu-west-1" });

export const roleArn = z
  .string()
  .max(2048)
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, {
    error: "must be the ARN of a role, such as arn:aws:iam::123456789012:role/teal",
  });

function elbArn(resource: string, example: string) {
  return z
    .string()
    .max(1024)
    .regex(new RegExp(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\\d{12}:${resource}/[\\w./-]+$`), {
      error: `must be the ARN of a ${resource}, such as ${example}`,
    });
}

const prefix = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
export const targetGroupArn = elbArn("targetgroup", `${prefix}:targetgroup/checkout-a/73e2d6bc24d8a067`);
export const listenerArn = elbArn("listener", `${prefix}:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2`);
export const ruleArn = elbArn(
  "listener-rule",
  `${prefix}:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee`,
);

/** Fails unless exactly one of the keys is there; the editors' schema says the same by the number of keys. */
export function oneOf(value: Record<string, unknown>, context: z.core.$RefinementCtx) {
  if (context.issues.length === 0 && Object.keys(value).length !== 1) {
    context.addIssue({ code: "custom", message: "must have exactly one key", input: value });
  }
}

/** Tells of every entry that stands in the list before. */
export function noneTwice(list: readonly string[], context: z.core.$RefinementCtx) {
  list.forEach((entry, index) => {
    if (list.indexOf(entry) < index) {
      context.addIssue({ code: "custom", path: [index], message: `names ${entry} twice` });
    }
  });
}

export const timezone = z
  .string()
  .max(64)
  .refine((zone) => /^[A-Z]/i.test(zone) && isTimezone(zone), {
    error: "must be a time zone such as Europe/Berlin or UTC",
  });

export const hours = z.string().superRefine((written, context) => {
  const fault = windowFault({ hours: written, timezone: "UTC" });
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

/**
 * An address to call. Whether plain HTTP and private addresses will do is for the environment to say
 * (`TEAL_OUTBOUND_ALLOW`). A password in it would be one in the file.
 */
export const url = z
  .string()
  .max(2048)
  .superRefine((written, context) => {
    const fault = urlFault(written);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

function urlFault(written: string): string | undefined {
  if (!/^https?:\/\//.test(written) || !URL.canParse(written))
    return "must be a URL such as https://hooks.example";
  const { username, password, hash, host } = new URL(written);
  if (username || password) return "must not contain a user or password; name a secret in headers instead";
  if (hash) return "must not have a fragment, which no server would see";
  return /[{}]/.test(host) ? "must name its host itself, without a placeholder" : undefined;
}

/** Set by whoever calls. */
const reservedHeaders =
  /^(host|content-(length|type|encoding)|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|webhook-.*)$/i;
/** Headers whose values are secrets as a rule. */
const secretHeaders = /^(proxy-)?authorization$|^cookie$|token|secret|password|api-?key/i;

const headerValue = z.union(
  [
    z.string().regex(/^[\x20-\x7e]{1,1024}$/, { error: "must be 1 to 1024 printable ASCII characters" }),
    z.strictObject({
      secret: z
        .string()
        .regex(/^[A-Z][A-Z0-9_]{0,63}$/, { error: "must be the name of a secret, such as PROM_TOKEN" })
        .describe("PROM_TOKEN stands for the environment's TEAL_SECRET_PROM_TOKEN."),
    }),
  ],
  { error: "must be a text or { secret: NAME }" },
);

export const headers = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, { error: "must be the name of a header" }),
    headerValue,
  )
  .superRefine((all, context) => {
    const names = Object.keys(all);
    const wrong = (header: string, message: string) =>
      context.addIssue({ code: "custom", path: [header], message });
    if (names.length > limits.headers) {
      context.addIssue({ code: "custom", message: `must be at most ${limits.headers} headers` });
    }
    for (const [index, header] of names.entries()) {
      if (reservedHeaders.test(header)) wrong(header, "is set by Teal and must be left out");
      else if (typeof all[header] === "string" && secretHeaders.test(header)) {
        wrong(header, "must not stand in the file: write { secret: NAME }");
      }
      if (names.findIndex((other) => other.toLowerCase() === header.toLowerCase()) < index) {
        wrong(header, "is given twice; upper and lower case don't matter");
      }
    }
  });

export function toHeaders(written: z.output<typeof headers> = {}): Record<string, HeaderValue> {
  const all = Object.entries(written).map(([header, value]): [string, HeaderValue] => {
    return [header, typeof value === "string" ? { text: value } : value];
  });
  return Object.fromEntries(all);
}
