/** A service: what is configured, who has it, and what no record answers for. */
import { z } from "zod";
import { actor, moment, phaseName } from "./words.ts";

const route = z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() });

export const serviceView = z
  .object({
    name: z.string(),
    region: z.string(),
    account: z
      .string()
      .optional()
      .describe("The number of its account, where that is another one than Teal's own."),
    cluster: z.string(),
    service: z.string(),
    targetGroups: z.array(z.string()),
    routes: z.array(route),
    testRoutes: z.array(route),
    strategy: z.string(),
    whenBusy: z.enum(["queue", "supersede", "reject"]),
    closed: z
      .object({
        kind: z.enum(["window", "freeze"]),
        id: z.string().describe("What an override names."),
        reason: z.string(),
        until: moment,
      })
      .optional()
      .describe("Why nothing may start or gain traffic now."),
    slot: z
      .object({
        acting: z.string().optional().describe("Changes the service now."),
        retaining: z.string().optional().describe("Keeps its old task set warm."),
        queue: z.array(z.string()).describe("The next one first."),
        build: z.number().optional().describe("The greatest build that was accepted."),
      })
      .optional()
      .describe(
        "Ids of the deployments that have the service or wait for it; absent where the records can't be read.",
      ),
    strays: z
      .object({ deployments: z.array(z.string()), seenAt: moment })
      .optional()
      .describe(
        "Task sets of ours that no record answers for, when they were last looked for; absent where nobody looked.",
      ),
  })
  .meta({ id: "Service" });
export type ServiceView = z.output<typeof serviceView>;
export const serviceList = z
  .object({ services: z.array(serviceView), strategies: z.array(z.string()) })
  .meta({ id: "ServiceList" });

export type ServiceList = z.output<typeof serviceList>;

/** A deployment that has the service or waits for it. */
const holderView = z.object({
  id: z.string(),
  phase: phaseName,
  note: z.string().describe("What it does or waits for just now."),
  what: z.string().describe("What was asked for, in a few words."),
  by: actor,
  build: z.number().optional(),
  createdAt: moment,
});
export type HolderView = z.output<typeof holderView>;

export const serviceDetail = serviceView
  .extend({
    acting: holderView.optional(),
    retaining: holderView.optional(),
    queue: z.array(holderView).describe("The next one first."),
    windows: z
      .array(z.object({ hours: z.string(), timezone: z.string() }))
      .describe("When it may start and gain traffic; none: always."),
    freezes: z
      .array(z.object({ id: z.string(), from: moment, to: moment, reason: z.string() }))
      .describe("Those in force and those ahead, the first one first."),
  })
  .meta({ id: "ServiceDetail" });
export type ServiceDetail = z.output<typeof serviceDetail>;

const strayedSet = z.object({
  arn: z.string(),
  id: z.string(),
  status: z.string(),
  scalePercent: z.number(),
  running: z.number(),
});
const pairWeights = z.object({ blue: z.number(), green: z.number() });

/** A task set of ours that no record answers for. */
export const strayView = z
  .object({
    deployment: z.string().describe("The deployment that made it, by its tag."),
    state: z
      .enum(["under-way", "promoted", "orphan"])
      .describe("`orphan`: another set is PRIMARY than the one that it came to replace."),
    set: strayedSet,
    blue: strayedSet.optional().describe("What it came to replace, where that is still there."),
    rollingBack: z.boolean(),
    routes: z
      .array(z.object({ arn: z.string(), now: pairWeights.optional(), before: pairWeights }))
      .describe("Weights of the pair; `now` is absent where the route doesn't forward to it."),
    ways: z.array(z.enum(["forward", "back", "remove"])).describe("What can be asked for it."),
  })
  .meta({ id: "Stray" });
export type StrayView = z.output<typeof strayView>;
export const strayList = z
  .object({ service: z.string(), strays: z.array(strayView) })
  .meta({ id: "StrayList" });
export type StrayList = z.output<typeof strayList>;
