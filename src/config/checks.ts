/** `checks`: what tells a good version from a bad one by numbers. */
import { compile } from "json-p3";
import { z } from "zod";
import type { Check, Condition, MetricQuery, Source } from "../deployment/check.ts";
import { usualVerdict } from "../deployment/strategy.ts";
import { parseCondition } from "./condition.ts";
import { duration } from "./duration.ts";
import { headers, limits, name, noneTwice, text, toHeaders, url } from "./words.ts";

export const verdictName = usualVerdict.name;

/** Names in double braces that a check's texts may contain; see `Source` in src/deployment/check.ts. */
const placeholders = [
  "service",
  "deployment",
  "loadBalancer",
  "green.targetGroup",
  "blue.targetGroup",
  "green.taskSet",
  "blue.taskSet",
];
/** Those that only a service with routes has. */
const ofRoutes = /\{\{ *(loadBalancer|(green|blue)\.targetGroup) *\}\}/;

function filled(max: number) {
  return text(max).superRefine((written, context) => {
    for (const [whole, inner = ""] of written.matchAll(/\{\{(.*?)\}\}/g)) {
      if (!placeholders.includes(inner.trim())) {
        const message = `has the unknown placeholder ${whole}; there are ${placeholders.join(", ")}`;
        context.addIssue({ code: "custom", message });
      }
    }
  });
}

const condition = z.string().transform((written, context): Condition => {
  const { condition, fault } = parseCondition(written);
  if (condition) return condition;
  context.addIssue({ code: "custom", message: fault });
  return z.NEVER;
});

const period = duration({ min: "1s", max: "1d" })
  .refine((ms) => [1, 5, 10, 20, 30].includes(ms / 1000) || ms % 60_000 === 0, {
    error: "must be 1s, 5s, 10s, 20s, 30s or whole minutes, as CloudWatch has them",
  })
  .describe("Default 1m.");

const metric = {
  namespace: text().optional(),
  metric: text().optional().describe("The metric's name."),
  dimensions: z
    .record(text(), filled(1024))
    .refine((all) => Object.keys(all).length <= limits.dimensions, {
      error: `must be at most ${limits.dimensions} dimensions`,
    })
    .optional(),
  stat: z
    .string()
    .regex(/^[A-Za-z]{1,16}(\d{1,3}(\.\d{1,10})?|\([\d.%:]{1,40}\))?$/, {
      error: "must be a statistic of CloudWatch's, such as Sum, Average or p99",
    })
    .optional(),
  period: period.optional(),
};

const query = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z]\w{0,254}$/, { error: "must be letters and digits, the first a small letter" }),
    expression: filled(2048).optional(),
    ...metric,
    return: z.boolean().optional().describe("The one whose newest value counts."),
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    if (written.expression === undefined) completeMetric(written, context, "expression");
    else {
      for (const key of ["namespace", "metric", "dimensions", "stat"] as const) {
        if (written[key] !== undefined)
          wrong(context, [key], "must be left out where there is an expression");
      }
    }
  });

const cloudwatch = z
  .strictObject({ ...metric, queries: z.array(query).min(1).max(limits.queries).optional() })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    if (written.queries === undefined) {
      completeMetric(written, context, "queries");
      return;
    }
    for (const key of Object.keys(metric)) {
      if (Object.hasOwn(written, key)) wrong(context, [key], "must be left out where there are queries");
    }
    const ids = written.queries.map(({ id }) => id);
    ids.forEach((id, index) => {
      if (ids.indexOf(id) < index)
        wrong(context, ["queries", index, "id"], `is that of another query: ${id}`);
    });
    const returned = written.queries.filter((one) => one.return === true).length;
    if (returned !== 1) {
      wrong(context, ["queries"], `must have return: true at exactly one of them; it is at ${returned}`);
    }
  });

function completeMetric(
  written: { namespace?: string | undefined; metric?: string | undefined; stat?: string | undefined },
  context: z.core.$RefinementCtx,
  instead: string,
): void {
  for (const key of ["namespace", "metric", "stat"] as const) {
    if (written[key] === undefined) wrong(context, [key], `is missing; without ${instead} it must be a text`);
  }
}

const jsonPath = z
  .string()
  .max(500)
  .refine(compiles, { error: "must be a JSONPath (RFC 9535) such as $.status or $.checks[0].value" });

function compiles(path: string): boolean {
  try {
    compile(path);
    return true;
  } catch {
    return false;
  }
}

const whole = (min: number, max: number) => z.int().min(min).max(max);

const measuring = {
  count: whole(1, 1000)
    .optional()
    .describe("Measurements that make up the check in a step. Left out: as many as its time allows."),
  interval: duration({ min: "5s", max: "6h" }).optional().describe("Default 1m."),
  failureLimit: whole(0, 1000).optional().describe("Bad measurements that are borne. Default 0."),
  inconclusiveLimit: whole(0, 1000)
    .optional()
    .describe("Inconclusive measurements in a row that are borne, failed ones included. Default 3."),
  dryRun: z.boolean().optional().describe("Measured and told, and nothing follows from it."),
};

/** The keys that say where the numbers come from, with those that belong to each. */
const kinds = {
  prometheus: ["query", "headers", "success", "failure"],
  cloudwatch: ["success", "failure"],
  alarms: [],
  http: ["path", "headers", "success", "failure"],
} as const;
type Kind = keyof typeof kinds;
const kindNames = ["prometheus", "cloudwatch", "alarms", "http"] as const satisfies Kind[];

export const checkSchema = z
  .strictObject({
    prometheus: url.pipe(filled(2048)).optional().describe("Address of a Prometheus."),
    query: filled(4096).optional().describe("PromQL whose answer is exactly one number."),
    cloudwatch: cloudwatch.optional().describe("A metric, or queries of which one returns the value."),
    alarms: z
      .array(filled(255))
      .min(1)
      .max(limits.alarms)
      .superRefine(noneTwice)
      .optional()
      .describe("Names of CloudWatch alarms; bad while one of them is in ALARM."),
    http: url.pipe(filled(2048)).optional().describe("An address that answers with JSON."),
    path: jsonPath.optional().describe("Where in the answer the value is."),
    headers: headers.optional(),
    success: condition.optional().describe("Good where it holds, such as value < 0.4."),
    failure: condition
      .optional()
      .describe("Bad where it holds; with success, neither of both is inconclusive."),
    ...measuring,
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    const [kind, more] = kindNames.filter((one) => written[one] !== undefined);
    if (kind === undefined || more !== undefined) {
      wrong(context, [], `must have exactly one of ${kindNames.join(", ")}`);
      return;
    }
    const own: readonly string[] = kinds[kind];
    for (const key of ["query", "path", "headers", "success", "failure"] as const) {
      if (written[key] !== undefined && !own.includes(key))
        wrong(context, [key], `doesn't belong to ${kind}`);
    }
    for (const key of ["query", "path"] as const) {
      if (written[key] === undefined && own.includes(key)) {
        wrong(context, [key], `is missing; ${kind} needs it`);
      }
    }
    if (own.includes("success") && !written.success && !written.failure) {
      wrong(context, [], "needs success, failure or both, such as success: value < 0.4");
    }
    if (kind === "prometheus" || kind === "cloudwatch") {
      for (const key of ["success", "failure"] as const) {
        const odd = written[key]?.terms.find(({ limit }) => typeof limit !== "number");
        if (odd) wrong(context, [key], `must compare with numbers: ${kind} measures nothing else`);
      }
    }
    const { count, failureLimit = 0 } = written;
    if (count !== undefined && failureLimit >= count) {
      wrong(context, ["failureLimit"], `must be below count, or it never fails: ${failureLimit} of ${count}`);
    }
  });

/** Other numbers for the built-in check. */
const verdict = z.strictObject({
  tolerance: z
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe("How much worse than blue green may be: 0.1 lets 1 % errors become 1.1 %."),
  alpha: z
    .number()
    .gt(0, { error: "must be above 0 and at most 0.1" })
    .lte(0.1, { error: "must be above 0 and at most 0.1" })
    .optional()
    .describe("The chance of a false alarm in a whole deployment."),
  leastRequests: whole(1, 10_000_000)
    .optional()
    .describe("Requests of each colour before green may be called fine."),
  interval: measuring.interval,
  dryRun: measuring.dryRun,
});

export const checksSchema = z
  .object({ [verdictName]: verdict.optional() })
  .catchall(checkSchema)
  .superRefine((checks, context) => {
    const names = Object.keys(checks);
    if (names.length > limits.checks) wrong(context, [], `must be at most ${limits.checks} checks`);
    for (const key of names) {
      const fault = name.safeParse(key).error?.issues[0]?.message;
      if (fault !== undefined) wrong(context, [key], fault);
    }
  });

/** The check as the core knows it; `written` is well-formed. */
export function toCheck(checkName: string, written: z.output<typeof checkSchema>): Check {
  return {
    name: checkName,
    source: toSource(written),
    ...(written.success && { success: written.success }),
    ...(written.failure && { failure: written.failure }),
    ...(written.count !== undefined && { count: written.count }),
    intervalMs: written.interval ?? 60_000,
    failureLimit: written.failureLimit ?? 0,
    inconclusiveLimit: written.inconclusiveLimit ?? 3,
    dryRun: written.dryRun ?? false,
  };
}

/** The built-in check, with the numbers that the file gives it. */
export function toVerdict({ interval, dryRun, ...numbers }: z.output<typeof verdict> = {}): Check {
  return {
    ...usualVerdict,
    source: { ...usualVerdict.source, ...numbers },
    intervalMs: interval ?? usualVerdict.intervalMs,
    dryRun: dryRun ?? usualVerdict.dryRun,
  };
}

function toSource(written: z.output<typeof checkSchema>): Source {
  const { prometheus, http, alarms, cloudwatch: watched, query: asked = "", path = "$" } = written;
  if (prometheus !== undefined) {
    return { kind: "prometheus", url: prometheus, query: asked, headers: toHeaders(written.headers) };
  }
  if (http !== undefined) return { kind: "http", url: http, path, headers: toHeaders(written.headers) };
  if (alarms) return { kind: "alarms", names: alarms };
  const { queries, ...one } = watched ?? {};
  return {
    kind: "cloudwatch",
    queries: queries?.map(toQuery) ?? [toQuery({ id: "value", ...one, return: true })],
  };
}

function toQuery(written: z.output<typeof query>): MetricQuery {
  const { id, expression, namespace = "", metric: named = "", dimensions = {}, stat = "" } = written;
  return {
    id,
    ...(expression === undefined ? { metric: { namespace, name: named, dimensions, stat } } : { expression }),
    periodSeconds: (written.period ?? 60_000) / 1000,
    returnData: written.return ?? false,
  };
}

/** Whether it can be measured only where a load balancer shares traffic over a pair. */
export function needsRoutes({ source }: Check): boolean {
  return source.kind === "green-vs-blue" || ofRoutes.test(JSON.stringify(source));
}

function wrong(context: z.core.$RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}
