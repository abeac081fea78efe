import { seededRandom, type Random } from "./random.ts";

/** What goes wrong with one call. */
export type Fault =
  /** Refused as too fast, in the service's own words. Not performed. */
  | { kind: "throttle" }
  /** 500. Not performed. */
  | { kind: "serverError" }
  /** Refused with this code. Not performed. */
  | { kind: "error"; code: string; message?: string | undefined; status?: number | undefined }
  /** Performed, but the connection breaks before the answer. */
  | { kind: "loseAnswer" }
  /** The connection breaks and nothing was performed. */
  | { kind: "loseRequest" }
  /** Performed at once, answered this much later. */
  | { kind: "delayAnswer"; ms: number }
  /** Performed and answered this much later, also when the caller has gone by then: a late write. */
  | { kind: "delayRequest"; ms: number }
  /** Performed twice; the caller gets the first answer. */
  | { kind: "repeat" };

export interface FaultRule {
  fault: Fault;
  /** Like `CreateTaskSet`; left out: any action. */
  action?: string | undefined;
  /** Passes over so many matching calls first. */
  skip?: number | undefined;
  /** Ends after so many; left out: until it is removed. */
  times?: number | undefined;
  /** 0 to 1; left out: every matching call. */
  probability?: number | undefined;
}

interface Active extends FaultRule {
  id: number;
  seen: number;
  done: number;
}

/** The faults that are on. The first rule that applies to a call decides it. */
export class Faults {
  #nextId = 1;
  #rules: Active[] = [];
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Switches a fault on; the answer is its id. */
  add(rule: FaultRule): number {
    const id = this.#nextId++;
    this.#rules.push({ ...rule, id, seen: 0, done: 0 });
    return id;
  }

  remove(id: number): void {
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
  }

  clear(): void {
    this.#rules = [];
  }

  list(): readonly Readonly<Active>[] {
    return this.#rules;
  }

  /** The fault that this call meets. Counts the call: ask once for each. */
  meet(action: string): Fault | undefined {
    for (const rule of this.#rules) {
      if (rule.action !== undefined && rule.action !== action) continue;
      rule.seen++;
      if (rule.seen <= (rule.skip ?? 0)) continue;
      if (rule.probability !== undefined && this.#random() >= rule.probability) continue;
      rule.done++;
      if (rule.times !== undefined && rule.done >= rule.times) this.remove(rule.id);
      return rule.fault;
    }
    return undefined;
  }
}
