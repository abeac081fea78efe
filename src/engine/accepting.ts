/** What all ways in have in common: a name for what is accepted, a wake-up for it, and the words of a refusal. */
import type { EngineParts, Order } from "./engine.ts";

export function busyWith(acting: string, { target }: Order): string {
  return `${acting} acts on ${target.name}`;
}

export function staleBeside(accepted: number, { target, request }: Order): string {
  return `build ${request.build} of ${target.name} is older than build ${accepted}, which was accepted before`;
}

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
