/** What a deployment would do. */
import { z } from "zod";
import { moment, percent, phaseName, problemView } from "./words.ts";

/** Tasks are what the scale comes to, as ECS rounds it. */
const size = z.object({ scalePercent: z.number(), tasks: z.number() });
const route = z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() });

const plannedMoment = z.object({
  atMs: z.number().describe("Since the start."),
  phase: phaseName,
  step: z
    .object({ index: z.number(), what: z.string() })
    .optional()
    .describe("The step of the phase's list that it belongs to; `index` counts from 0."),
  what: z.string(),
  effect: z
    .object({ action: z.string(), route: route.optional() })
    .optional()
    .describe("The call that is made, as IAM names its action, or `hook`; `route` where weights change."),
  blue: size.optional().describe("What each colour is meant to have from then on."),
  green: size.optional(),
  weightPercent: percent.describe(
    "Green's share of the production traffic from then on; the greatest of all routes.",
  ),
  waitsFor: z
    .object({
      kind: z.enum([
        "approval",
        "person",
        "window",
        "freeze",
        "moment",
        "pause",
        "analysis",
        "bake",
        "retention",
        "hold",
        "start",
        "drain",
        "room",
        "other",
      ]),
      ms: z.number().describe("How long, by this plan: people are taken to answer at once."),
      atMostMs: z.number().optional().describe("How long at most, where it is given up then."),
      until: moment.optional().describe("When it ends, where a calendar says so."),
    })
    .optional(),
});
export type PlannedMoment = z.output<typeof plannedMoment>;

/** `untilPrimaryMs` is what CI waits for; absent where green is never PRIMARY. */
const lengths = z.object({ ms: z.number(), untilPrimaryMs: z.number().optional() });

export const planView = z
  .object({
    service: z.string(),
    strategy: z.string(),
    at: moment.describe("When it was made; the plan begins there."),
    ok: z.boolean().describe("It would be accepted, and succeeds where nothing goes wrong."),
    findings: z
      .array(problemView.extend({ fix: z.string() }))
      .describe("Why it would be refused: all of it."),
    warnings: z.array(z.string()).describe("What to know before."),
    blue: z
      .string()
      .optional()
      .describe("Task definitions; green's ends in `:next` where it is yet to be registered."),
    green: z.string().optional(),
    moments: z.array(plannedMoment),
    end: z
      .object({
        phase: phaseName,
        cause: z.object({ code: z.string(), message: z.string(), fix: z.string() }).optional(),
      })
      .describe("How the moments end."),
    calls: z
      .record(z.string(), z.number())
      .describe("Calls to AWS that change something, by their action as IAM names it."),
    headroom: z
      .object({
        taskSets: z
          .object({
            present: z.array(z.object({ id: z.string(), status: z.string(), of: z.string() })),
            atPeak: z.number(),
            limit: z.number(),
          })
          .describe("`of` says whose a set is, as far as anything tells."),
        tags: z.object({ used: z.number(), limit: z.number() }).describe("Of green."),
        routes: z
          .array(z.object({ route, weightSum: z.number(), finestPercent: z.number() }))
          .describe("The smallest step of green's share that each route's weights express."),
        tasks: z
          .object({ present: z.number(), atPeak: z.number(), more: z.number() })
          .describe("Of all task sets at once; there must be room for `more`."),
      })
      .optional()
      .describe("Absent where it would be refused."),
    least: lengths.describe("Where tasks start and stop in no time."),
    expected: lengths.describe("Where they take the time that is assumed."),
    assumed: z
      .object({ startMs: z.number(), drainMs: z.number(), startKnown: z.boolean() })
      .describe(
        "`startKnown`: by earlier deployments of the service. `drainMs` is the groups' deregistration delay.",
      ),
  })
  .meta({ id: "Plan" });
export type PlanView = z.output<typeof planView>;
