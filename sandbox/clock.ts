/**
 * Where the sandbox takes all its time from. Nothing in the model reads the
 * computer's clock: a test steps a clock by hand, the bin runs on a real one.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `fn` once, `ms` milliseconds from now; the answer cancels it and may be called more than once. */
  after(ms: number, fn: () => void): () => void;
}

/** The computer's own clock. Its timers keep the process alive until they ran or were cancelled. */
export function realClock(): Clock {
  return {
    now: () => Date.now(),
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
}

/**
 * A clock whose timers can all be taken back at once, so that what runs on it
 * leaves nothing behind. After `end` it still tells the time but starts no timer.
 */
export function endableClock(clock: Clock): Clock & { end(): void } {
  const cancels = new Set<() => void>();
  let ended = false;
  return {
    now: () => clock.now(),
    after(ms, fn) {
      if (ended) return () => undefined;
      const cancelTimer = clock.after(ms, () => {
        cancels.delete(cancel);
        fn();
      });
      const cancel = () => {
        cancels.delete(cancel);
        cancelTimer();
      };
      cancels.add(cancel);
      return cancel;
    },
    end() {
      ended = true;
      for (const cancel of cancels) cancel();
    },
  };
}

interface Timer {
  at: number;
  order: number;
  fn: () => void;
}

/**
 * A clock that stands still until it is told to advance. What is due runs in
 * the order of its time and, at the same time, in the order it was asked for,
 * so that a run repeats exactly.
 */
export class SteppedClock implements Clock {
  #now: number;
  #order = 0;
  /** A binary heap, earliest first. */
  readonly #heap: Timer[] = [];
  readonly #cancelled = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    this.#push(timer);
    let done = false;
    timer.fn = () => {
      done = true;
      fn();
    };
    return () => {
      if (!done) this.#cancelled.add(timer);
      done = true;
    };
  }

  /** Moves time on by `ms`, running all that falls due on the way, also what those callbacks ask for. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.nextAt(); next !== undefined && next <= until; next = this.nextAt()) {
      const timer = this.#pop();
      if (timer === undefined) break;
      this.#now = Math.max(this.#now, timer.at);
      timer.fn();
    }
    this.#now = Math.max(this.#now, until);
  }

  /** When the next callback is due; undefined when nothing waits. Lets a simulation jump over idle time. */
  nextAt(): number | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      if (!this.#cancelled.delete(top)) return top.at;
      this.#pop();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, timer)) break;
      heap[at] = above;
      heap[parent] = timer;
      at = parent;
    }
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child =
        right !== undefined && left !== undefined && before(right, left) ? 2 * at + 2 : 2 * at + 1;
      const below = heap[child];
      if (below === undefined || before(last, below)) return top;
      heap[at] = below;
      heap[child] = last;
      at = child;
    }
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
