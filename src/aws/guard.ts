/**
 * The guard before every HTTP attempt of a mutating call, and the memory of what its attempts may have done.
 * It stands innermost, so that the SDK's own repeats pass it too.
 */
import type { Clock, Guard } from "../engine/ports.ts";
import { CallFailed, didNothing } from "./faults.ts";

/** Middleware that does not care what passes through it. */
type Middleware = <A, R>(next: (args: A) => Promise<R>) => (args: A) => Promise<R>;

/** Last before the request leaves, after the SDK's repeats, credentials and signing. */
const place = { step: "finalizeRequest", priority: "low", name: "tealGuard" } as const;

/** Any command of the SDK. */
interface Guardable {
  middlewareStack: { add(middleware: Middleware, options: typeof place): void };
}

export class Attempts {
  readonly #guard: Guard;
  readonly #clock: Clock;
  #underWay = 0;
  #maybeDone = false;
  #isOver = false;

  constructor(guard: Guard, clock: Clock) {
    this.#guard = guard;
    this.#clock = clock;
  }

  /**
   * No further attempt begins, whatever the clock says then. Tells whether one may have happened or may still: it has
   * no answer, or none that says it did nothing.
   */
  end(): { unsure: boolean } {
    this.#isOver = true;
    return { unsure: this.#maybeDone || this.#underWay > 0 };
  }

  /** Sets the guard before every attempt of this command. */
  watch<C extends Guardable>(command: C, action: string): C {
    command.middlewareStack.add(
      (next) => async (args) => {
        await this.#begin(action);
        try {
          return await next(args);
        } catch (error) {
          if (!didNothing(error)) this.#maybeDone = true;
          throw error;
        } finally {
          this.#underWay -= 1;
        }
      },
      place,
    );
    return command;
  }

  /** Counts the attempt in the same breath as it allows it, so that `end` misses none. */
  async #begin(action: string): Promise<void> {
    const holds = await this.#guard.allowed();
    if (!holds) throw forbidden("ClaimLost", "another worker has taken this deployment over", action);
    // Asked last: the question before may have taken long.
    if (this.#isOver || this.#clock.now() >= this.#guard.deadline) {
      throw forbidden("Expired", "the time to begin this call is over", action);
    }
    this.#underWay += 1;
  }
}

function forbidden(code: "ClaimLost" | "Expired", message: string, action: string): CallFailed {
  return new CallFailed({ class: "repeat", code, message, action });
}
