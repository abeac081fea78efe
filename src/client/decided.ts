/** Waiting until a deployment is decided. No dependencies: the GitHub Action runs it from its sources. */
import type { DeploymentView, EventView } from "../api/contract.ts";

/** An event, and the deployment as it is by now where the event may have moved it. */
export interface Told {
  event: EventView;
  now?: DeploymentView;
}

/**
 * The events until green is PRIMARY or will never be; with `toTheEnd` all of them. Where the deployment is further by
 * now, the events up to there are told first.
 */
export async function* untilDecided(
  events: AsyncIterable<EventView>,
  look: () => Promise<DeploymentView>,
  { toTheEnd = false }: { toTheEnd?: boolean } = {},
): AsyncGenerator<Told, void> {
  for await (const event of events) {
    if (!movesOn.has(event.type)) {
      yield { event };
      continue;
    }
    const now = await look();
    yield { event, now };
    if (!toTheEnd && now.decided && event.to === now.phase) return;
  }
}

/** After these it may be decided, or stand at a gate. */
const movesOn = new Set(["phase", "step", "gate"]);

/** Why it did not succeed, and what to do; the first is what it fails or goes back for. */
export function failuresOf(d: DeploymentView): { message: string; fix?: string }[] {
  const others = d.problems.filter(({ message }) => message !== d.cause?.message);
  // A rollback that somebody asked for asks for nothing more.
  const cause = d.cause?.code === "operator" ? { message: d.cause.message } : d.cause;
  return [...(cause ? [cause] : []), ...others];
}
