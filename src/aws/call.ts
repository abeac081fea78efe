/** One call to AWS, bounded by an absolute deadline. */
import type { Clock } from "../engine/ports.ts";
import { CallFailed, faultOf } from "./faults.ts";

/** What hears of calls; a structural part of pino's logger. Neither requests nor answers are ever given to it. */
export interface CallLog {
  debug(fields: object, message: string): void;
}

/** What calls need of the world. */
export interface Calling {
  clock: Clock;
  /** Runs `fn` once, `ms` from now on `clock`; the answer cancels it. */
  after: (ms: number, fn: () => void) => () => void;
  log?: CallLog;
}

/** Timers of real time. */
export function realAfter(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, Math.min(ms, timerMsMax));
  return () => clearTimeout(timer);
}

export type Call = <T>(action: string, send: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * Makes calls that end by `deadline` (ms since the epoch), their repeats included, whatever the connection does.
 * A call that fails throws `CallFailed`. One that is late is told to stop, and nobody waits for it.
 */
export function callsUntil({ clock, after, log }: Calling, deadline: number): Call {
  return async (action, send) => {
    const startedAt = clock.now();
    const leftMs = deadline - startedAt;
    if (leftMs <= 0) throw late(action);
    const controller = new AbortController();
    let cancel: (() => void) | undefined;
    const deadlinePassed = new Promise<never>((_, reject) => {
      cancel = after(leftMs, () => {
        reject(late(action));
        controller.abort();
      });
    });
    try {
      const answer = await Promise.race([send(controller.signal), deadlinePassed]);
      log?.debug({ action, ms: clock.now() - startedAt }, "AWS answered");
      return answer;
    } catch (error) {
      const fault = faultOf(error, action);
      log?.debug({ ms: clock.now() - startedAt, ...fault }, "AWS call failed");
      throw error instanceof CallFailed ? error : new CallFailed(fault, error);
    } finally {
      cancel?.();
    }
  };
}

/** A longer timer fires at once (Node.js docs, setTimeout). */
const timerMsMax = 2 ** 31 - 1;

function late(action: string): CallFailed {
  return new CallFailed({
    class: "repeat",
    code: "Timeout",
    message: "no answer before the deadline",
    action,
  });
}
