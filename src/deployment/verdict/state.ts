/** What the verdict keeps between two looks: plain JSON, below 2 KB, part of a deployment's record. */
import type { TrafficMinute } from "../check.ts";
import { type Evidence, noEvidence } from "./evidence.ts";
import type { Compared, Traffic } from "./ratios.ts";

/** What can speak against green: failed requests, slow answers, requests that don't reach it. */
export const signals = ["errors", "slow", "traffic"] as const;
export type Signal = (typeof signals)[number];

/** A closed minute with all that was counted in it. */
export type WeighedMinute = TrafficMinute & {
  /**
   * Green's share of the pair's weight, 0 to 1. Undefined while it changes, and where clients stick to a colour:
   * there requests don't follow the weights.
   */
  share?: number;
};

export interface ErrorCounts extends Compared {
  /** Those of green's failed requests that no target answered. */
  unanswered: number;
}

/** The evidence of a signal, and what was counted since it began to grow. */
export interface Trace<Counts> {
  evidence: Evidence;
  /** The log of the least that it ever was. */
  logLow: number;
  minutes: number;
  counts: Counts;
}

export interface VerdictState {
  /** The beginning of the last minute taken, ms since the epoch. */
  takenTo?: number;
  minutes: number;
  /** Since the beginning. */
  totals: { errors: ErrorCounts; slow: Compared };
  /** Requests of green without an answer that may still be under way. */
  open: number;
  errors: Trace<ErrorCounts>;
  slow: Trace<Compared>;
  traffic: Trace<Traffic>;
  /** The signal that decided. Nothing is taken in after that. */
  worse?: Signal;
}

export const noneCompared: Compared = { blue: 0, blueBad: 0, green: 0, greenBad: 0 };
export const noErrors: ErrorCounts = { ...noneCompared, unanswered: 0 };
export const noTraffic: Traffic = { blue: 0, green: 0, promised: 0 };

export const freshVerdict: VerdictState = {
  minutes: 0,
  totals: { errors: noErrors, slow: noneCompared },
  open: 0,
  errors: { evidence: noEvidence, logLow: 0, minutes: 0, counts: noErrors },
  slow: { evidence: noEvidence, logLow: 0, minutes: 0, counts: noneCompared },
  traffic: { evidence: noEvidence, logLow: 0, minutes: 0, counts: noTraffic },
};
