/** Remembers signed deliveries that had their answer, so that none has an effect a second time. */
export interface Deliveries {
  /** Whether the delivery had its answer. Throws `unavailable`. */
  isSpent(key: string): Promise<boolean>;
  /** Remembers it for so long. Safe to repeat. Throws `unavailable`. */
  spend(key: string, ttlMs: number): Promise<void>;
}
