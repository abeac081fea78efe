/**
 * Remembers how a state was, so that reads may lag behind writes. It is told
 * before each change and copies only when time has moved on since the last
 * one; while there is no lag it copies nothing.
 */
export class Lagged<S> {
  readonly #live: S;
  readonly #copy: (state: S) => S;
  readonly #lagMs: () => number;
  readonly #now: () => number;
  /** Each was true from its time until the next one's. */
  #past: Moment<S>[] = [];
  #changedAt = Number.NEGATIVE_INFINITY;
  #version = 0;

  constructor(live: S, copy: (state: S) => S, lagMs: () => number, now: () => number) {
    this.#live = live;
    this.#copy = copy;
    this.#lagMs = lagMs;
    this.#now = now;
  }

  /** Call before changing the live state. */
  willChange(): void {
    const version = this.#version++;
    const now = this.#now();
    if (now <= this.#changedAt) return;
    const lag = this.#lagMs();
    if (lag > 0) {
      this.#past.push({ from: this.#changedAt, version, state: this.#copy(this.#live) });
      const horizon = now - lag;
      while (this.#past[1] !== undefined && this.#past[1].from <= horizon) this.#past.shift();
    } else {
      this.#past = [];
    }
    this.#changedAt = now;
  }

  /** What a reader sees now. */
  seen(): S {
    return this.#moment()?.state ?? this.#live;
  }

  /** Which state a reader sees now: as long as the answer is the same, so is what he sees. */
  seenVersion(): number {
    return this.#moment()?.version ?? this.#version;
  }

  /** The past moment that a reader sees; undefined: the present. */
  #moment(): Moment<S> | undefined {
    const at = this.#now() - this.#lagMs();
    if (at >= this.#changedAt) return undefined;
    return this.#past.findLast((past) => past.from <= at) ?? this.#past[0];
  }
}

interface Moment<S> {
  from: number;
  version: number;
  state: S;
}

/** Copies a map of records whose fields are replaced, never changed inside. */
export function copyMap<V extends object>(map: ReadonlyMap<string, V>): Map<string, V> {
  const copy = new Map<string, V>();
  for (const [key, value] of map) copy.set(key, { ...value });
  return copy;
}
