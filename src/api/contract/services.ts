/** A service: what is configured, who has it, and what no record answers for. */
import { z } from "zod";
import { actor, moment, phaseName } from "./words.ts";

const route = z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() });

export const serviceView = z
  .object({
    name: z.string(),
    region: z.string(),
    cluster: z.string(),
    service: z.string(),
    targetGroups: z.array(z.string()),
    routes: z.array(route),
    testRoutes: z.array(route),
    strategy: z.string(),
    whenBusy: z.enum(["queue", "supersede", "reject"]),
    /** Why nothing may start or gain traffic now. */
    closed: z
      .object({
        kind: z.enum(["window", "freeze"]),
        /** What an override names. */
        id: z.string(),
        reason: z.string(),
        until: moment,
      })
      .optional(),
    /** Ids of the deployments that have the service or wait for it; absent where the records can't be read. */
    slot: z
      .object({
        /** Changes the service now. */
        acting: z.string().optional(),
        /** Keeps its old task set warm. */
        retaining: z.string().optional(),
        /** The next one first. */
        queue: z.array(z.string()),
        /** The greatest build that was accepted. */
        build: z.number().optional(),
      })
      .optional(),
    /** Task sets of ours that no record answers for, when they were last looked for; absent where nobody looked. */
    strays: z.object({ deployments: z.array(z.string()), seenAt: moment }).optional(),
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
  /** What it does or waits for just now. */
  note: z.string(),
  /** What was asked for, in a few words. */
  what: z.string(),
  by: actor,
  build: z.number().optional(),
  createdAt: moment,
});
export type HolderView = z.output<typeof holderView>;

export const serviceDetail = serviceView
  .extend({
    acting: holderView.optional(),
    retaining: holderView.optional(),
    /** The next one first. */
    queue: z.array(holderView),
    /** When it may start and gain traffic; none: always. */
    windows: z.array(z.object({ hours: z.string(), timezone: z.string() })),
    /** Those in force and those ahead, the first one first. */
    freezes: z.array(z.object({ id: z.string(), from: moment, to: moment, reason: z.string() })),
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
    /** The deployment that made it, by its tag. */
    deployment: z.string(),
    /** `orphan`: another set is PRIMARY than the one that it came to replace. */
    state: z.enum(["under-way", "promoted", "orphan"]),
    set: strayedSet,
    /** What it came to replace, where that is still there. */
    blue: strayedSet.optional(),
    rollingBack: z.boolean(),
    /** Weights of the pair; `now` is absent where the route doesn't forward to it. */
    routes: z.array(z.object({ arn: z.string(), now: pairWeights.optional(), before: pairWeights })),
    /** What can be asked for it. */
    ways: z.array(z.enum(["forward", "back", "remove"])),
  })
  .meta({ id: "Stray" });
export type StrayView = z.output<typeof strayView>;
export const strayList = z
  .object({ service: z.string(), strays: z.array(strayView) })
  .meta({ id: "StrayList" });
export type StrayList = z.output<typeof strayList>;
