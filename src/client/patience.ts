/** Repeating what may succeed a little later. No dependencies: the GitHub Action runs it from its sources. */
import { setTimeout as sleep } from "node:timers/promises";

const waitsMs = { first: 250, max: 5_000 };

/** From wait to wait: twice as long, up to a limit. */
export function createWaits(): { next(): number; reset(): void } {
  let ms = waitsMs.first;
  return {
    next: () => {
      const now = ms;
      ms = Math.min(2 * ms, waitsMs.max);
      return now;
    },
    reset: () => {
      ms = waitsMs.first;
    },
  };
}

export interface Patience {
  /** How long to repeat. */
  patienceMs: number;
  /** Ends it at once. */
  signal?: AbortSignal | undefined;
  isPassing: (error: unknown) => boolean;
  /** What the other side asks to wait at least. */
  leastWaitMs?: (error: unknown) => number | undefined;
  /** Told once, when it is about to be repeated. */
  onTrouble?: ((error: unknown) => void) | undefined;
}

/** Does it until it succeeds, what it throws is not passing, or `patienceMs` are over; then throws that. */
export async function patiently<T>(
  act: () => Promise<T>,
  { patienceMs, signal, isPassing, leastWaitMs, onTrouble }: Patience,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  const waits = createWaits();
  for (let told = false; ; told = true) {
    try {
      return await act();
    } catch (error) {
      const waitMs = Math.max(waits.next(), leastWaitMs?.(error) ?? 0);
      if (!isPassing(error) || Date.now() + waitMs > deadline) throw error;
      if (!told) onTrouble?.(error);
      await sleep(waitMs, undefined, { signal });
    }
  }
}
