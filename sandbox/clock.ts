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
  /** Its place in the heap; -1 once it has run or was cancelled. */
  place: number;
}

/**
 * A clock that stands still until it is told to advance. What is due runs in
 * the order of its time and, at the same time, in the order it was asked for,
 * so that a run repeats exactly.
 */
export class SteppedClock implements Clock {
  #now: number;
  #order = 0;
  /** A binary heap, earliest first. What is cancelled leaves it at once: it may hold on to much. */
  readonly #heap: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fn, place: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    return () => this.#remove(timer);
  }

  /** Moves time on by `ms`, running all that falls due on the way, also what those callbacks ask for. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#remove(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = Math.max(this.#now, until);
  }

  /** When the next callback is due; undefined when nothing waits. Lets a simulation jump over idle time. */
  nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  #remove(timer: Timer): void {
    const last = timer.place < 0 ? undefined : this.#heap.pop();
    if (last !== undefined && last !== timer) {
      this.#put(last, timer.place);
      this.#rise(last);
      this.#sink(last);
    }
    timer.place = -1;
  }

  #rise(timer: Timer): void {
    while (timer.place > 0) {
      const above = this.#heap[(timer.place - 1) >> 1];
      if (above === undefined || before(above, timer)) return;
      this.#swap(above, timer);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#heap[2 * timer.place + 1];
      const right = this.#heap[2 * timer.place + 2];
      const below = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (below === undefined || before(timer, below)) return;
      this.#swap(timer, below);
    }
  }

  #swap(above: Timer, below: Timer): void {
    const place = above.place;
    this.#put(above, below.place);
    this.#put(below, place);
  }

  #put(timer: Timer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
