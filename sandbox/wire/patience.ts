import type { Clock } from "../clock.ts";

/** How long a caller waits for an answer. */
export interface Patience {
  abortSignal?: AbortSignal | undefined;
  /** 0 or left out: as long as it takes. */
  timeoutMs?: number | undefined;
}

/**
 * Waits as a socket would. Rejects with ECONNRESET where `answer` cuts the connection, with a TimeoutError after
 * `timeoutMs` on the clock, with an AbortError when the caller gives up; what was asked goes on all the same.
 */
export function patiently<T>(
  clock: Clock,
  { abortSignal, timeoutMs = 0 }: Patience,
  answer: (cut: () => never) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancelTimeout: (() => void) | undefined;
    const abort = () => settle(() => reject(named("AbortError", "Request aborted")));
    const settle = (end: () => void) => {
      cancelTimeout?.();
      abortSignal?.removeEventListener("abort", abort);
      end();
    };
    if (abortSignal?.aborted === true) return abort();
    abortSignal?.addEventListener("abort", abort);
    if (timeoutMs > 0)
      cancelTimeout = clock.after(timeoutMs, () =>
        settle(() => reject(named("TimeoutError", `No answer within ${timeoutMs} ms`))),
      );
    answer(hangUp).then(
      (value) => settle(() => resolve(value)),
      (cause: unknown) => settle(() => reject(cause instanceof Error ? cause : new Error(String(cause)))),
    );
  });
}

function hangUp(): never {
  throw Object.assign(named("Error", "socket hang up"), { code: "ECONNRESET" });
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
