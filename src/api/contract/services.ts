/** A service: what is configured, who has it, and what no record answers for. */
import { z } from "zod";
import { moment } from "./words.ts";

export const serviceView = z.object({
  name: z.string(),
  region: z.string(),
  cluster: z.string(),
  service: z.string(),
  targetGroups: z.array(z.string()),
  routes: z.array(z.object({ kind: z.enum(["listener", "rule"]), arn: z.string() })),
  strategy: z.string(),
  whenBusy: z.enum(["queue", "supersede", "reject"]),
  /** Task sets of ours that no record answers for, when they were last looked for; absent where nobody looked. */
  strays: z.object({ deployments: z.array(z.string()), seenAt: moment }).optional(),
});
export type ServiceView = z.output<typeof serviceView>;
export const serviceList = z.object({ services: z.array(serviceView), strategies: z.array(z.string()) });

export type ServiceList = z.output<typeof serviceList>;

const strayedSet = z.object({
  arn: z.string(),
  id: z.string(),
  status: z.string(),
  scalePercent: z.number(),
  running: z.number(),
});
const pairWeights = z.object({ blue: z.number(), green: z.number() });

/** A task set of ours that no record answers for. */
export const strayView = z.object({
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
});
export type StrayView = z.output<typeof strayView>;
export const strayList = z.object({ service: z.string(), strays: z.array(strayView) });
export type StrayList = z.output<typeof strayList>;
