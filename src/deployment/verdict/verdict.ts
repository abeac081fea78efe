/**
 * The verdict green-vs-blue: whether green is worse than blue by what the load balancer counts for both, minute by
 * minute. docs/verdict.md says what it assumes, what it guarantees and how soon it finds what.
 */
import { countErrors, countSlow, countTraffic, sum } from "./counts.ts";
import { logEvidence, logStart, weigh } from "./evidence.ts";
import { againstRates, againstShare, type Compared, type Traffic } from "./ratios.ts";
import { explain } from "./sentence.ts";
import {
  type ErrorCounts,
  noErrors,
  noneCompared,
  noTraffic,
  type Signal,
  signals,
  type Trace,
  type VerdictState,
  type WeighedMinute,
} from "./state.ts";

export { freshVerdict, type Signal, type VerdictState, type WeighedMinute } from "./state.ts";

export interface VerdictOptions {
  /** How much worse than blue green may be, as a fraction: 0.1 lets 1 % errors become 1.1 %. */
  tolerance: number;
  /** The chance of a false alarm, over all signals and all the time, however often it is looked at. */
  alpha: number;
  /** Requests of each colour before green may be called fine. */
  leastRequests: number;
  /** The time above which answers were counted as slow. It also tells how long requests may be under way. */
  slowSeconds?: number;
}

/** Why these: docs/verdict.md. */
export const verdictDefaults = { tolerance: 0.1, alpha: 0.01, leastRequests: 500 } as const;

/**
 * The percentile of blue's response times, in the hour before the comparison, above which an answer of
 * either colour is slow. One in twenty is then slow: often enough to see within minutes that there are more, and
 * rare enough to be the tail.
 */
export const slowPercentile = 95;

/** A new task set has cold caches and few tasks: slow answers may be half as many again, whatever the tolerance. */
const slowTolerance = 0.5;
/** Differences that are no reason to turn back: one request in 10,000; one answer in 200. */
const floors = { errors: 0.0001, slow: 0.005 };

export interface Conclusion {
  verdict: "worse" | "fine" | "inconclusive";
  /** One sentence with its numbers, without a full stop. */
  sentence: string;
  /** Minutes taken, and what was counted in them. */
  minutes: number;
  errors: ErrorCounts;
  slow: Compared;
  /**
   * For each signal, how often chance alone comes to such evidence: in at most this share of all deployments, all
   * signals and every moment of looking included. 1 where nothing speaks against green.
   */
  chance: Record<Signal, number>;
}

/**
 * Takes in minutes in the order of their time, whatever that of the list. Those at or before the last one taken are
 * skipped, so it is safe to repeat; a minute must be complete when it is first given. Nothing is taken in any more
 * once a signal has decided.
 */
export function takeMinutes(
  state: VerdictState,
  minutes: readonly WeighedMinute[],
  options: VerdictOptions,
): VerdictState {
  return minutes
    .toSorted((a, b) => a.at - b.at)
    .reduce((before, minute) => takeMinute(before, minute, options), state);
}

export function conclude(state: VerdictState, { leastRequests }: VerdictOptions): Conclusion {
  const { errors, slow } = state.totals;
  const enough = Math.min(errors.blue, errors.green) >= leastRequests;
  const chance = {
    errors: chanceOf(state.errors),
    slow: chanceOf(state.slow),
    traffic: chanceOf(state.traffic),
  };
  return {
    verdict: state.worse ? "worse" : enough ? "fine" : "inconclusive",
    sentence: explain(state, suspect(state), chance, leastRequests),
    minutes: state.minutes,
    errors,
    slow,
    chance,
  };
}

/** The signal that speaks most against green, as long as one does: evidence that hasn't been enough so far, or has. */
export function suspect(state: VerdictState): Signal | undefined {
  const [first] = signals
    .map((signal) => ({ signal, chance: chanceOf(state[signal]) }))
    .filter(({ chance }) => chance < 1)
    .toSorted((a, b) => a.chance - b.chance);
  return state.worse ?? first?.signal;
}

function takeMinute(state: VerdictState, minute: WeighedMinute, options: VerdictOptions): VerdictState {
  if (state.worse || (state.takenTo !== undefined && minute.at <= state.takenTo)) return state;
  const { errors, open } = countErrors(minute, state.open, options.slowSeconds);
  const slow = countSlow(minute);
  const traffic = countTraffic(minute);
  // Each signal has its part of alpha. Two minutes alone never are enough, however bad: each counts for at most the
  // root of it.
  const enough = Math.log(signals.length / options.alpha);
  const logCap = enough / 2;

  const next: VerdictState = {
    takenTo: minute.at,
    minutes: state.minutes + 1,
    totals: { errors: sum(state.totals.errors, errors), slow: sum(state.totals.slow, slow) },
    open,
    errors: follow(state.errors, errors, noErrors, errorRatios(errors, options), logCap),
    slow: follow(state.slow, slow, noneCompared, slowRatios(slow, options), logCap),
    traffic: follow(state.traffic, traffic, noTraffic, trafficRatios(traffic), logCap),
  };
  const worse = signals.find((signal) => logEvidence(next[signal].evidence) >= enough);
  return worse ? { ...next, worse } : next;
}

function errorRatios(counts: Compared, { tolerance }: VerdictOptions): number[] | undefined {
  return comparable(counts)
    ? againstRates(counts, { factor: 1 + tolerance, floor: floors.errors })
    : undefined;
}

function slowRatios(counts: Compared, { tolerance }: VerdictOptions): number[] | undefined {
  const factor = 1 + Math.max(tolerance, slowTolerance);
  return comparable(counts) ? againstRates(counts, { factor, floor: floors.slow }) : undefined;
}

function trafficRatios(counts: Traffic): number[] | undefined {
  return counts.promised > 0 ? againstShare(counts) : undefined;
}

/** A colour without traffic says nothing about the other. */
function comparable(counts: Compared): boolean {
  return counts.blue > 0 && counts.green > 0;
}

function follow<Key extends string>(
  trace: Trace<Record<Key, number>>,
  counts: Record<Key, number>,
  zero: Record<Key, number>,
  logRatios: number[] | undefined,
  logCap: number,
): Trace<Record<Key, number>> {
  if (!logRatios) return trace;
  const evidence = weigh(trace.evidence, logRatios, logCap);
  const log = logEvidence(evidence);
  const logLow = Math.min(trace.logLow, log);
  // Hardly more than ever, or than trouble that begins now would have: nothing so far speaks against green.
  const quiet = log <= Math.max(logLow, logStart(evidence.minutes)) + 1;
  return quiet
    ? { evidence, logLow, minutes: 0, counts: zero }
    : { evidence, logLow, minutes: trace.minutes + 1, counts: sum(trace.counts, counts) };
}

/** A signal has a third of alpha, so its chance counts three times. */
function chanceOf({ evidence }: Trace<unknown>): number {
  return Math.min(1, signals.length * Math.exp(-logEvidence(evidence)));
}
