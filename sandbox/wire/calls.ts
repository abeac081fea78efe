import type { ServiceName } from "../model/aws.ts";

/** One call as it was met. */
export interface CallRecord {
  /** Ms since the epoch. */
  at: number;
  service: ServiceName;
  action: string;
  /** The caller's. */
  account: string;
  region: string;
  params: unknown;
  /** `ok`, an error's code, or `lost` when the caller got no answer. */
  outcome: string;
  /** What was answered, or would have been; undefined where nothing was performed. */
  result: unknown;
}

/** A call that is about to be performed. */
export interface CallBegun {
  service: ServiceName;
  action: string;
  /** The caller's. */
  account: string;
  region: string;
  params: unknown;
  /** When its request arrived, ms since the epoch; a delayed one is performed later. */
  receivedAt: number;
}

const recentMax = 2_000;

/** Counts every call and keeps the last ones. */
export class CallLog {
  #byAction = new Map<string, number>();
  #byOutcome = new Map<string, number>();
  #recent: CallRecord[] = [];
  readonly #ears = new Set<(call: CallRecord) => void>();
  readonly #watchers = new Set<(call: CallBegun) => () => void>();

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

  /**
   * Is there when a call is performed: called just before, its answer just after, both in the same moment. A
   * call that is performed twice is watched twice. The answer unsubscribes.
   */
  watch(fn: (call: CallBegun) => () => void): () => void {
    this.#watchers.add(fn);
    return () => this.#watchers.delete(fn);
  }

  /** Tells the watchers; call the answer when the call has been performed. */
  begin(call: CallBegun): () => void {
    const ends = [...this.#watchers].map((watch) => watch(call));
    return () => {
      for (const end of ends) end();
    };
  }

  reset(): void {
    this.#byAction.clear();
    this.#byOutcome.clear();
    this.#recent = [];
  }
}
