/** What all ways in have in common: a name for what is accepted, and a wake-up for it. */
import type { EngineParts } from "./engine.ts";

/** What was accepted is kept; a wake-up that fails is made up for by the sweep. */
export async function wakeOrLeave({ wakes, log }: EngineParts, id: string): Promise<void> {
  try {
    await wakes.wake(id);
  } catch (error) {
    log.warn({ deploymentId: id, err: error }, "could not wake the deployment at once; the sweep will");
  }
}

/**
 * `checkout-1wqk7j2-4f9a03`: the service, the second it was asked for (so that names sort by time), and chance.
 * No colon and never only digits, as BullMQ wants of a job's id.
 */
export function newId(service: string, now: number, random: string): string {
  return `${service}-${Math.floor(now / 1000).toString(36)}-${random.slice(0, 6)}`;
}
