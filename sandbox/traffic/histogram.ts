/*
 * Times in a bounded space: buckets that grow by 5 %, so that any percentile
 * is right within 5 % whatever the number of samples.
 */
const growth = Math.log(1.05);
const smallestMs = 0.1;
const buckets = 340;

/** Response times in milliseconds, up to about half an hour; longer ones count as the longest. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets);
  #count = 0;
  #sumMs = 0;
  #minMs = Infinity;
  #maxMs = 0;

  /** Adds so many samples of one time. */
  add(ms: number, times = 1): void {
    if (times === 0) return;
    const index = ms <= smallestMs ? 0 : Math.ceil(Math.log(ms / smallestMs) / growth);
    const slot = Math.min(index, buckets - 1);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + times;
    this.#count += times;
    this.#sumMs += ms * times;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** 0 while there is no sample. */
  get minMs(): number {
    return this.#count === 0 ? 0 : this.#minMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** The time that `percent` of the samples don't exceed; undefined while there is none. */
  percentileMs(percent: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.max(1, Math.ceil((this.#count * percent) / 100));
    let seen = 0;
    for (let slot = 0; slot < buckets; slot++) {
      seen += this.#counts[slot] ?? 0;
      if (seen >= rank) return Math.min(Math.max(upperMs(slot), this.minMs), this.#maxMs);
    }
    return this.#maxMs;
  }

  /** How many samples are at most `ms`, a bucket being counted as its upper bound. */
  countUpTo(ms: number): number {
    if (ms >= this.#maxMs) return this.#count;
    let seen = 0;
    for (let slot = 0; slot < buckets && upperMs(slot) <= ms; slot++) seen += this.#counts[slot] ?? 0;
    return seen;
  }

  /** The samples as times and how many there are of each, ascending; a bucket is told as its upper bound. */
  samples(): [ms: number, times: number][] {
    const found: [number, number][] = [];
    for (let slot = 0; slot < buckets; slot++) {
      const times = this.#counts[slot] ?? 0;
      if (times > 0) found.push([Math.min(Math.max(upperMs(slot), this.#minMs), this.#maxMs), times]);
    }
    return found;
  }

  /** Adds all samples of another one. */
  merge(other: Histogram): void {
    for (let slot = 0; slot < buckets; slot++) {
      this.#counts[slot] = (this.#counts[slot] ?? 0) + (other.#counts[slot] ?? 0);
    }
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#minMs = Math.min(this.#minMs, other.#minMs);
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }
}

function upperMs(slot: number): number {
  return smallestMs * Math.exp(slot * growth);
}
