import type { ServiceName } from "../model/aws.ts";

/** One call as it was met. */
export interface CallRecord {
  /** Ms since the epoch. */
  at: number;
  service: ServiceName;
  action: string;
  region: string;
  params: unknown;
  /** `ok`, an error's code, or `lost` when the caller got no answer. */
  outcome: string;
  /** What was answered, or would have been; undefined where nothing was performed. */
  result: unknown;
}

const recentMax = 2_000;

/** Counts every call and keeps the last ones. */
export class CallLog {
  #byAction = new Map<string, number>();
  #byOutcome = new Map<string, number>();
  #recent: CallRecord[] = [];
  readonly #ears = new Set<(call: CallRecord) => void>();

  add(call: CallRecord): void {
    const name = `${call.service}:${call.action}`;
    this.#byAction.set(name, (this.#byAction.get(name) ?? 0) + 1);
    const outcome = `${name} ${call.outcome}`;
    this.#byOutcome.set(outcome, (this.#byOutcome.get(outcome) ?? 0) + 1);
    this.#recent.push(call);
    if (this.#recent.length > 2 * recentMax) this.#recent = this.#recent.slice(-recentMax);
    for (const ear of this.#ears) ear(call);
  }

  /** Like `{ "ecs:CreateTaskSet": 1 }`. */
  byAction(): Record<string, number> {
    return Object.fromEntries(this.#byAction);
  }

  /** Like `{ "ecs:CreateTaskSet ok": 1 }`. */
  byOutcome(): Record<string, number> {
    return Object.fromEntries(this.#byOutcome);
  }

  /** The last calls, oldest first; at most 2000. */
  recent(): readonly CallRecord[] {
    return this.#recent.slice(-recentMax);
  }

  /** Hears every call from now on; the answer unsubscribes. */
  subscribe(fn: (call: CallRecord) => void): () => void {
    this.#ears.add(fn);
    return () => this.#ears.delete(fn);
  }

  reset(): void {
    this.#byAction.clear();
    this.#byOutcome.clear();
    this.#recent = [];
  }
}
