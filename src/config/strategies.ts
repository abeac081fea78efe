/** `strategies`: steps, and what surrounds them. What they come to is in `expand.ts`. */
import { z } from "zod";
import { stages } from "../deployment/hook.ts";
import { windowFault } from "../deployment/hours.ts";
import { duration as describeMs } from "../deployment/strategy.ts";
import { duration } from "./duration.ts";
import { expand, gatesOf } from "./expand.ts";
import { looksLikeDate, momentForms, momentOf } from "./moments.ts";
import { headers, limits, name, noneTwice, oneOf, timezone, url } from "./words.ts";

/** What nobody ends goes on for no longer. */
const waitMax = "30d";

const id = name
  .optional()
  .describe("What approvals and skips name. Left out, it follows from kind and place, such as pause-3.");

const untilForms = `must be approval, hours such as "Mon-Fri 09:00-16:00", or ${momentForms}`;

const wait = z
  .strictObject({
    for: duration({ min: "1s", max: "7d" }).optional(),
    until: z.string().optional().describe("approval, hours such as Mon-Fri 09:00-16:00, a date or a moment."),
    timezone: timezone.optional().describe("Of the hours or the date."),
    timeout: duration({ min: "1m", max: waitMax })
      .optional()
      .describe("The longest wait. Default 7d for an approval, 30d otherwise."),
    onTimeout: z.enum(["rollback", "proceed"]).optional().describe("Default rollback."),
    by: z
      .array(z.string().regex(/^[\x20-\x7e]{1,64}$/, { error: "must be 1 to 64 printable ASCII characters" }))
      .min(1)
      .max(limits.approvers)
      .superRefine(noneTwice)
      .optional()
      .describe("Who may approve. Left out: whoever may approve at all."),
    notStarter: z.boolean().optional().describe("Not who started the deployment."),
    id,
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    const wrong = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if ((written.for === undefined) === (written.until === undefined)) {
      return wrong([], "must have either for, such as 10m, or until");
    }
    const fault = written.until === undefined ? undefined : untilFault(written.until);
    if (fault !== undefined) return wrong(["until"], fault);
    const approval = written.until === "approval";
    const fitting =
      written.until === undefined
        ? ["for", "id"]
        : ["until", "id", "timeout", "onTimeout", ...(approval ? ["by", "notStarter"] : ["timezone"])];
    for (const key of Object.keys(written)) {
      if (!fitting.includes(key)) wrong([key], `doesn't belong here; allowed are ${fitting.join(", ")}`);
    }
  });

function untilFault(until: string): string | undefined {
  if (until === "approval") return undefined;
  const well = looksLikeDate(until)
    ? momentOf(until, "UTC") !== undefined
    : windowFault({ hours: until, timezone: "UTC" }) === undefined;
  return well ? undefined : untilForms;
}

const pauseLength = duration({ min: "1s", max: "7d" });
const pause = z.union([pauseLength.transform((ms): z.output<typeof wait> => ({ for: ms })), wait], {
  error: "must be a duration such as 10m, or a mapping with for or until",
});

const checkNames = z.array(name).max(limits.checksAtOnce).superRefine(noneTwice);

const analysis = z
  .strictObject({
    checks: checkNames.min(1),
    for: duration({ min: "10s", max: "7d" })
      .optional()
      .describe("How long checks without a count are repeated. Default 10m."),
    every: duration({ min: "5s", max: "6h" }).optional().describe("Instead of the checks' own intervals."),
    onInconclusive: z
      .enum(["pause", "proceed"])
      .optional()
      .describe("What follows where a check can't tell. Default pause."),
    id,
  })
  .superRefine(({ for: length, every }, context) => {
    if (context.issues.length > 0 || length === undefined || every === undefined || every <= length) return;
    const message = `must not be longer than for: ${describeMs(every)} is longer than ${describeMs(length)}`;
    context.addIssue({ code: "custom", path: ["every"], message });
  });

const analyze = z.union(
  [name.transform((check): z.output<typeof analysis> => ({ checks: [check] })), analysis],
  { error: "must be the name of a check, or a mapping with checks" },
);

const hookUrl = url.refine((written) => !written.includes("{{"), {
  error: "must not have placeholders: what a hook is about is in its body",
});

const hook = {
  url: hookUrl,
  headers: headers.optional(),
  timeout: duration({ min: "1s", max: "24h" }).optional().describe("Until its final answer. Default 15m."),
  attempts: z.int().min(1).max(20).optional().describe("To reach it at all. Default 5."),
  onFailure: z.enum(["rollback", "pause", "proceed"]).optional().describe("Default rollback."),
  id,
};

const gates = {
  pause: pause.optional().describe("Time to wait, or what to wait for, before the next step."),
  analyze: analyze.optional().describe("Checks that must pass."),
  hook: z.strictObject(hook).optional().describe("A signed call that must be answered with SUCCEEDED."),
};

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
    ...gates,
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .superRefine(oneOf);
export type WrittenStep = z.output<typeof step>;

const stepList = z
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

const pace = /^(?:canary (\d{1,2}(?:\.\d{1,3})?)% for|linear (\d{1,2}(?:\.\d{1,3})?)% every) (\S+)$/;
const paceForms = 'must be a list of steps, "canary 10% for 5m" or "linear 10% every 1m"';

const paceText = z
  .string()
  .meta({ pattern: String.raw`^\s*(canary|linear)\s`, examples: ["canary 10% for 5m"] });

/** `canary 10% for 5m` or `linear 10% every 1m`, as the steps that it stands for. */
const shorthand = paceText.transform((written, context): WrittenStep[] => {
  const [, canary, linear, length] = pace.exec(written.trim().replace(/\s+/g, " ")) ?? [];
  const percent = Number(canary ?? linear ?? 0);
  const least = canary === undefined ? 2 : 0;
  const lasting = pauseLength.safeParse(length ?? "10m");
  const fault =
    percent === 0
      ? paceForms
      : percent < least
        ? `must grow by at least ${least} % at a time`
        : lasting.error?.issues[0]?.message;
  if (fault !== undefined || !lasting.success) {
    context.addIssue({ code: "custom", message: fault ?? paceForms });
    return z.NEVER;
  }
  const between: WrittenStep = { pause: { for: lasting.data } };
  const count = canary === undefined ? Math.ceil(100 / percent) - 1 : 1;
  const weights = Array.from({ length: count }, (_, n) => Math.round((n + 1) * percent * 1000) / 1000);
  return [...weights.flatMap((weight) => [{ weight }, between]), { weight: 100 }];
});

const deadline = duration({ min: "1s", max: "7d" });

/** What the file's `defaults` may say for all strategies, too. */
export const surroundings = {
  analysis: checkNames
    .optional()
    .describe(
      "Checks in the background, from the first weight until green is PRIMARY. Default green-vs-blue.",
    ),
  bake: duration({ min: "0s", max: "7d" })
    .optional()
    .describe("How long all traffic stays on green, blue at full scale, before green becomes PRIMARY."),
  retain: duration({ min: "0s", max: "30d" })
    .optional()
    .describe("How long blue is kept warm afterwards; a rollback is then one change of weights."),
  hold: duration({ min: "1s", max: "1h" })
    .optional()
    .describe("Least time after the last weight change before anything is taken away. Default 30s."),
  drain: z
    .strictObject({
      tasks: z.int().min(1).max(10_000).optional(),
      percent: z
        .number()
        .gt(0, { error: "must be above 0 and at most 100 (percent)" })
        .lte(100, { error: "must be above 0 and at most 100 (percent)" })
        .optional(),
      every: duration({ min: "1s", max: "1h" }),
    })
    .superRefine(({ tasks, percent }, context) => {
      if (context.issues.length > 0 || (tasks === undefined) !== (percent === undefined)) return;
      context.addIssue({ code: "custom", message: "must have either tasks or percent" });
    })
    .optional()
    .describe("How blue is taken away, so much at a time. Left out: all at once."),
  onDrift: z
    .enum(["hold", "reapply"])
    .optional()
    .describe("Weights that others changed hold the deployment, or are written again. Default hold."),
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
};

const whole = z
  .strictObject({
    steps: z
      .union([stepList, shorthand], { error: paceForms })
      .describe("What happens between a steady green and all traffic on it, in this order."),
    testing: z
      .array(z.strictObject(gates).meta({ minProperties: 1, maxProperties: 1 }).superRefine(oneOf))
      .max(limits.steps)
      .optional()
      .describe("What happens while the test routes lead to green, before any production traffic."),
    hooks: z
      .array(z.strictObject({ stage: z.enum(stages), ...hook }))
      .max(limits.hooks)
      .optional()
      .describe("Hooks at ECS's lifecycle stages."),
    ...surroundings,
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    const wrong = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const weighs = written.steps.some(({ weight }) => weight !== undefined);
    written.hooks?.forEach(({ stage }, index) => {
      if (weighs || !/^(PRE_)?PRODUCTION/.test(stage)) return;
      wrong(
        ["hooks", index, "stage"],
        `would never come: the strategy has no weight steps, and ${stage} goes with them`,
      );
    });
    const expanded = expand(written, "UTC");
    const count = expanded.before.length + expanded.testing.length + expanded.steps.length;
    if (count > limits.stepsInAll) {
      wrong(["hooks"], `make it ${count} steps in all; it must be at most ${limits.stepsInAll}`);
    }
    const placed = gatesOf(expanded);
    placed.forEach(({ step, at }, index) => {
      if (step.id === "analysis") wrong(at, "must not be called analysis, which stands for the background");
      const same = placed.findIndex((other) => other.step.id === step.id);
      if (same < index)
        wrong(at, `has the id ${step.id}, as another gate of the strategy has; give one an id of its own`);
    });
  });

export const strategySchema = z.union([shorthand.transform((steps) => ({ steps })), whole], {
  error: 'must be a mapping with steps, "canary 10% for 5m" or "linear 10% every 1m"',
});

export type WrittenStrategy = z.output<typeof whole>;
export type Surroundings = Omit<WrittenStrategy, "steps" | "testing" | "hooks">;
