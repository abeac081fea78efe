/**
 * The language of `teal.yaml` as a whole; each noun has a file of its own. What a single value must look like stands
 * there; what must agree between several of them stands in `agreement.ts`.
 */
import { z } from "zod";
import { accessSchema } from "./access.ts";
import { freezesSchema } from "./calendars.ts";
import { checksSchema } from "./checks.ts";
import { githubSchema } from "./github.ts";
import { schedulesSchema } from "./schedules.ts";
import { serviceSchema, surroundings as ofServices } from "./services.ts";
import { strategySchema, surroundings as ofStrategies } from "./strategies.ts";
import { webhooksSchema } from "./webhooks.ts";
import { limits, name } from "./words.ts";

export const defaultsSchema = z
  .strictObject({ ...ofServices, ...ofStrategies })
  .describe("What services and strategies have where they don't say it themselves.");

/** The file as a whole. Its parts are read one by one, so that a fault in one hides none in another. */
export const fileSchema = z.strictObject({
  services: z
    .record(name, serviceSchema)
    .refine((services) => Object.keys(services).length <= limits.services, {
      error: `must be at most ${limits.services} services`,
    }),
  strategies: z
    .record(name, strategySchema)
    .refine((strategies) => Object.keys(strategies).length <= limits.strategies, {
      error: `must be at most ${limits.strategies} strategies`,
    })
    .optional(),
  checks: checksSchema.optional(),
  freezes: freezesSchema.optional(),
  schedules: schedulesSchema.optional(),
  access: accessSchema.optional(),
  github: githubSchema.optional(),
  webhooks: webhooksSchema.optional(),
  defaults: defaultsSchema.optional(),
});

export type FileContent = z.output<typeof fileSchema>;

/** What an editor needs to check and complete `teal.yaml` (draft 2020-12). */
export function editorSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(fileSchema, { io: "input" }),
    title: "teal.yaml",
    description: "The services that Teal may deploy, and the strategies to do it by.",
  };
}
