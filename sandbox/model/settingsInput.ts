import { z } from "zod";
import type { Behaviour } from "./behaviour.ts";
import type { Settings } from "./settings.ts";

/* Behaviours and settings as they come from outside: a world file or a control request. */

const ms = z.number().min(0);

export const behaviourInput = z.strictObject({
  startMs: ms.optional(),
  startsHealthyAfterMs: ms.optional(),
  failHealthChecks: z.boolean().optional(),
  exitAfterMs: ms.optional(),
  exitCode: z.number().int().min(0).max(255).optional(),
  cannotPull: z.boolean().optional(),
  neverStarts: z.boolean().optional(),
  slowMs: ms.optional(),
  failShare: z.number().min(0).max(1).optional(),
  stopMs: ms.optional(),
} satisfies Record<keyof Behaviour, z.ZodType>);

/** Any of the settings but the behaviours, which have a place of their own. */
export const settingsInput = z
  .strictObject({
    taskStartMs: ms,
    taskStopMs: ms,
    schedulerDelayMs: ms,
    steadyDelayMs: ms,
    exitNoticeMs: ms,
    startBackoffMs: ms,
    stoppedTaskRetentionMs: ms,
    healthCheckIntervalMs: ms.min(1),
    deregistrationDelayMs: ms,
    propagationMs: ms,
    ecsReadLagMs: ms,
    elbReadLagMs: ms,
    clientTokenMs: ms,
    taskSetsPerService: z.number().int().min(1),
    describeTaskSetsWithoutIds: z.boolean(),
    severalGroupsPerTaskSet: z.boolean(),
    firstHealthCheckSuffices: z.boolean(),
    cookieHonouredAtWeightZero: z.boolean(),
  } satisfies Record<Exclude<keyof Settings, "behaviours">, z.ZodType>)
  .partial();
