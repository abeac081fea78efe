/** Words that requests and answers share, and the one form of a refusal. */
import { z } from "zod";

export const phaseNames = [
  "queued",
  "preparing",
  "provisioning",
  "testing",
  "shifting",
  "baking",
  "promoting",
  "retaining",
  "draining",
  "succeeded",
  "rolling_back",
  "rolled_back",
  "failed",
  "cancelled",
  "superseded",
  "abandoned",
] as const;
export const phaseName = z.enum(phaseNames);

/** `abort` is another word for `rollback`. */
export const commandNames = [
  "rollback",
  "abort",
  "pause",
  "resume",
  "promote",
  "approve",
  "skip",
  "override",
  "retry",
  "release",
] as const;
export const commandName = z.enum(commandNames);
export type CommandName = z.output<typeof commandName>;

export const serviceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, { error: "must be the name of a service in teal.yaml" });
export const deploymentId = z.string().regex(/^[\w-]{1,64}$/, { error: "must be the id of a deployment" });
/** The id of a gate, as the strategy has it. */
export const gateName = z.string().regex(/^[\w-]{1,64}$/, { error: "must be the id of a gate" });
export const moment = z.iso.datetime();
/** As people and programs write it: with any offset. */
export const writtenMoment = z.iso.datetime({
  offset: true,
  error: "must be a moment with its offset, such as 2026-06-02T09:00:00+02:00",
});
export const text = (max: number) => z.string().min(1).max(max);

/** A whole number in a query. */
export const whole = (min: number, max: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: `must be a whole number from ${min} to ${max}`, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .default(usual);

export const actorHeader = z
  .string()
  .regex(/^[\x20-\x7e]{1,64}$/, { error: "must be 1 to 64 printable ASCII characters" })
  .describe("Says who asks, for the history.");
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, { error: "must be 1 to 128 printable ASCII characters without spaces" })
  .describe(
    "The same request with the same key, sent again within 7 days, has no second effect and gets the same answer; another one is refused with `idempotency-conflict`.",
  );

export const bodyLimitBytes = 1_048_576;

export const problemView = z.object({ code: z.string(), message: z.string(), path: z.string().optional() });

export const problemMediaType = "application/problem+json";

/** Every answer that is no success: problem details as RFC 9457 has them, and what Teal adds. */
export const problemDetails = z
  .object({
    type: z.string().describe("Leads to what this server tells about the code."),
    title: z.string().describe("The same for each problem of its type."),
    status: z.int(),
    detail: z.string().describe("What happened, to what."),
    instance: z.string().describe("Names this very answer."),
    code: z.string().describe("One of docs/errors.md. It never changes: programs tell problems apart by it."),
    fix: z.string().describe("What to do next."),
    problems: z.array(problemView).describe("Everything that is wrong, each with its path."),
    requestId: z.string().describe("Stands in the server's logs too."),
  })
  .meta({ id: "ProblemDetails" });
export type ProblemDetails = z.output<typeof problemDetails>;

export const percent = z.number().min(0).max(100);
export const actor = z.object({ kind: z.enum(["operator", "ci", "schedule", "teal"]), name: z.string() });

export const health = z
  .object({ status: z.enum(["ok", "unavailable"]), message: z.string().optional() })
  .meta({ id: "Health" });
