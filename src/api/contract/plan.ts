/** What a deployment would do. */
import { z } from "zod";
import { moment, percent, phaseName, problemView } from "./words.ts";

/** Tasks are what the scale comes to, as ECS rounds it. */
const size = z.object({ scalePercent: z.number(), tasks: z.number() });
const route = z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() });

const plannedMoment = z.object({
  /** Since the start. */
  atMs: z.number(),
  phase: phaseName,
  /** The step of the phase's list that it belongs to; `index` counts from 0. */
  step: z.object({ index: z.number(), what: z.string() }).optional(),
  what: z.string(),
  /** The call that is made, as IAM names its action, or `hook`; `route` where weights change. */
  effect: z.object({ action: z.string(), route: route.optional() }).optional(),
  /** What each colour is meant to have from then on. */
  blue: size.optional(),
  green: size.optional(),
  /** Green's share of the production traffic from then on; the greatest of all routes. */
  weightPercent: percent,
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
      /** How long, by this plan: people are taken to answer at once. */
      ms: z.number(),
      /** How long at most, where it is given up then. */
      atMostMs: z.number().optional(),
      /** When it ends, where a calendar says so. */
      until: moment.optional(),
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
    /** When it was made; the plan begins there. */
    at: moment,
    /** It would be accepted, and succeeds where nothing goes wrong. */
    ok: z.boolean(),
    /** Why it would be refused: all of it. */
    findings: z.array(problemView.extend({ fix: z.string() })),
    /** What to know before. */
    warnings: z.array(z.string()),
    /** Task definitions; green's ends in `:next` where it is yet to be registered. */
    blue: z.string().optional(),
    green: z.string().optional(),
    moments: z.array(plannedMoment),
    /** How the moments end. */
    end: z.object({
      phase: phaseName,
      cause: z.object({ code: z.string(), message: z.string(), fix: z.string() }).optional(),
    }),
    /** Calls to AWS that change something, by their action as IAM names it. */
    calls: z.record(z.string(), z.number()),
    /** Absent where it would be refused. */
    headroom: z
      .object({
        /** `of` says whose a set is, as far as anything tells. */
        taskSets: z.object({
          present: z.array(z.object({ id: z.string(), status: z.string(), of: z.string() })),
          atPeak: z.number(),
          limit: z.number(),
        }),
        /** Of green. */
        tags: z.object({ used: z.number(), limit: z.number() }),
        /** The smallest step of green's share that each route's weights express. */
        routes: z.array(z.object({ route, weightSum: z.number(), finestPercent: z.number() })),
        /** Of all task sets at once; there must be room for `more`. */
        tasks: z.object({ present: z.number(), atPeak: z.number(), more: z.number() }),
      })
      .optional(),
    /** Where tasks start and stop in no time. */
    least: lengths,
    /** Where they take the time that is assumed. */
    expected: lengths,
    /** `startKnown`: by earlier deployments of the service. `drainMs` is the groups' deregistration delay. */
    assumed: z.object({ startMs: z.number(), drainMs: z.number(), startKnown: z.boolean() }),
  })
  .meta({ id: "Plan" });
export type PlanView = z.output<typeof planView>;
