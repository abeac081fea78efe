/** `schedules`: what is asked of a service at recurring times. */
import { z } from "zod";
import { nextOf } from "../deployment/calendar.ts";
import type { DeployRequest } from "../deployment/record.ts";
import type { Strategy } from "../deployment/strategy.ts";
import { limits, name, strategyName, text, timezone } from "./words.ts";

/** What is asked of a service whenever the cron expression says so, in local time of the zone. */
export interface Schedule {
  name: string;
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  cron: string;
  timezone: string;
  service: string;
  asks:
    /** Of the deployment that acts then; `full`: all the way, rather than to the next step. */
    | { kind: "promote"; full: boolean; ifHealthy: boolean }
    | { kind: "deploy"; strategy: Strategy; request: DeployRequest };
}

/** In a few words: `promote fully, if healthy`. */
export function describeAsked({ asks }: Schedule): string {
  if (asks.kind === "deploy") return `deploy by ${asks.strategy.name}`;
  return `promote ${asks.full ? "fully" : "to the next step"}${asks.ifHealthy ? ", if healthy" : ""}`;
}

/** Minute, hour, day, month, weekday: numbers, names, ranges and steps. Without cron-parser's chance (`H`). */
const field = String.raw`(?:\*|\d{1,2}|[A-Z]{3})(?:-(?:\d{1,2}|[A-Z]{3}))?(?:/\d{1,2})?`;
const fields = new RegExp(`^${field}(?:,${field})*(?: ${field}(?:,${field})*){4}$`, "i");

const cron = z
  .string()
  .max(200)
  .transform((written) => written.trim().replaceAll(/\s+/g, " "))
  .superRefine((written, context) => {
    if (!fields.test(written)) {
      const message = "must have five fields (minute, hour, day, month, weekday), such as 0 9 * * Mon-Fri";
      context.addIssue({ code: "custom", message });
    } else if (!everComes(written)) {
      context.addIssue({ code: "custom", message: "names a time that never comes" });
    }
  });

function everComes(expression: string): boolean {
  try {
    return nextOf(expression, "UTC", 0) > 0;
  } catch {
    return false;
  }
}

const deploy = z
  .strictObject({
    taskDefinition: z
      .string()
      .regex(/^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition\/)?[\w-]{1,255}(:\d{1,9})?$/, {
        error: "must be a family, family:revision or the ARN of a task definition",
      })
      .optional()
      .describe("A family alone stands for its newest revision at that time."),
    images: z
      .record(
        z.string().regex(/^[\w-]{1,255}$/, { error: "must be the name of a container" }),
        z.string().regex(/^\S{1,1024}$/, { error: "must be an image without spaces" }),
      )
      .refine((images) => Object.keys(images).length >= 1 && Object.keys(images).length <= 50, {
        error: "must name 1 to 50 containers",
      })
      .optional(),
    strategy: strategyName.optional().describe("Instead of the service's own."),
    reason: text(500).optional(),
  })
  .superRefine(({ taskDefinition, images }, context) => {
    if (context.issues.length > 0 || taskDefinition !== undefined || images !== undefined) return;
    context.addIssue({ code: "custom", message: "must have taskDefinition, images or both" });
  });

const schedule = z
  .strictObject({
    cron: cron.describe("Minute, hour, day of the month, month, weekday; such as 0 9 * * Mon-Fri."),
    timezone: timezone.optional().describe("Default: that of defaults, or UTC."),
    service: name,
    promote: z.enum(["full", "next"]).optional().describe("All the way to 100 %, or to the next step."),
    ifHealthy: z
      .boolean()
      .optional()
      .describe("Of promote: only where green and its checks are well then. Default true."),
    deploy: deploy.optional(),
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    if ((written.promote === undefined) === (written.deploy === undefined)) {
      context.addIssue({ code: "custom", message: "must have either promote or deploy" });
    } else if (written.ifHealthy !== undefined && written.promote === undefined) {
      context.addIssue({ code: "custom", path: ["ifHealthy"], message: "doesn't belong to deploy" });
    }
  });

export const schedulesSchema = z
  .record(name, schedule)
  .refine((all) => Object.keys(all).length <= limits.schedules, {
    error: `must be at most ${limits.schedules} schedules`,
  });

/** @param strategyOf the strategy by its name, or the service's own */
export function toSchedule(
  scheduleName: string,
  written: z.output<typeof schedule>,
  zone: string,
  strategyOf: (named: string | undefined) => Strategy,
): Schedule {
  const { deploy: asked } = written;
  const request = {
    ...(asked?.taskDefinition !== undefined && { taskDefinition: asked.taskDefinition }),
    ...(asked?.images && { images: asked.images }),
    reason: asked?.reason ?? `schedule ${scheduleName}`,
  };
  return {
    name: scheduleName,
    cron: written.cron,
    timezone: written.timezone ?? zone,
    service: written.service,
    asks: asked
      ? { kind: "deploy", strategy: strategyOf(asked.strategy), request }
      : { kind: "promote", full: written.promote === "full", ifHealthy: written.ifHealthy ?? true },
  };
}
