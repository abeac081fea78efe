/**
 * The least time that a deployment can take, whoever carries it out: AWS's own waits, from the settings of the
 * local AWS, and the waits that were asked for. The first health check of a task falls anywhere in its interval,
 * so it counts as nothing.
 */
import type { Settings } from "../../sandbox/model/settings.ts";

/** A wait that can't be avoided. */
export interface Part {
  what: string;
  ms: number;
}

export function startOf(settings: Settings, what: string): Part {
  const { schedulerDelayMs, taskStartMs, steadyDelayMs } = settings;
  return { what: `start ${what}`, ms: schedulerDelayMs + taskStartMs + steadyDelayMs };
}

/** From the moment when nothing reaches a set any more until it is gone. */
export function drainOf(settings: Settings, deregistrationMs: number, what: string): Part {
  const { schedulerDelayMs, taskStopMs } = settings;
  return { what: `drain ${what}`, ms: schedulerDelayMs + deregistrationMs + taskStopMs };
}

/** A task that never gets healthy is given the grace period before it counts as failed. */
export function failureOf(settings: Settings, graceMs: number, what: string): Part {
  return { what, ms: settings.schedulerDelayMs + settings.taskStartMs + graceMs };
}

export function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { ms }) => sum + ms, 0);
}
