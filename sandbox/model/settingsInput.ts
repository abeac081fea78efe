import { z } from "zod";
import type { Behaviour } from "./behaviour.ts";
import type { Settings } from "./settings.ts";

/* Behaviours and settings as they come from outside: a world file or a control request. */

const ms = z.number().min(0);
const share = z.number().min(0).max(1);

export const behaviourInput = z.strictObject({
  startMs: ms.optional(),
  startsHealthyAfterMs: ms.optional(),
  failHealthChecks: z.boolean().optional(),
  exitAfterMs: ms.optional(),
  exitCode: z.number().int().min(0).max(255).optional(),
  cannotPull: z.boolean().optional(),
  neverStarts: z.boolean().optional(),
  slowMs: ms.optional(),
  failShare: share.optional(),
  tailShare: share.optional(),
  tailMs: ms.optional(),
  hangShare: share.optional(),
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
    metricDelayMs: ms,
    metricDelaySpreadMs: ms,
    clientTokenMs: ms,
    taskSetsPerService: z.number().int().min(1),
    describeTaskSetsWithoutIds: z.boolean(),
    severalGroupsPerTaskSet: z.boolean(),
    firstHealthCheckSuffices: z.boolean(),
    cookieHonouredAtWeightZero: z.boolean(),
  } satisfies Record<Exclude<keyof Settings, "behaviours">, z.ZodType>)
  .partial();
