/**
 * Evidence that may be looked at after every minute. Each minute brings, for each of several alternatives, a
 * likelihood ratio whose mean is at most 1 as long as nothing is wrong. Their running products are bets at fair
 * odds or worse: the chance that their weighted sum ever reaches 1/alpha is at most alpha, however long and however
 * often one looks (Ville's inequality).
 *
 * The bets are spread over alternatives and over the minute in which the trouble begins, so that a version that goes
 * bad after hours of health is found too. What is kept is one number for each alternative.
 */
export interface Evidence {
  /** Minutes weighed so far. */
  minutes: number;
  /** For each alternative the log of its part of the evidence, rounded down; none before the first minute. */
  logParts: number[];
}

export const noEvidence: Evidence = { minutes: 0, logParts: [] };

/**
 * Takes a minute in. `logRatios` has one number for each alternative, always as many. No minute counts for more than
 * e^`logCap`: cutting a bet's win never makes it better than fair.
 */
export function weigh(evidence: Evidence, logRatios: readonly number[], logCap: number): Evidence {
  const minutes = evidence.minutes + 1;
  const logBegin = logStart(minutes) - Math.log(logRatios.length);
  // Parts of another set of alternatives can't go on. Forgetting them only loses evidence.
  const before = evidence.logParts.length === logRatios.length ? evidence.logParts : [];
  const logParts = logRatios.map((logRatio, index) =>
    roundDown(logSum([before[index] ?? -Infinity, logBegin]) + Math.min(logRatio, logCap)),
  );
  return { minutes, logParts };
}

/** The log of the evidence; -Infinity where there is none. */
export function logEvidence(evidence: Evidence): number {
  return logSum(evidence.logParts);
}

/**
 * The log of what is staked on trouble that begins in this minute, counted from 1. The stakes add up to 1 over all
 * time: four tenths on the first minute, about 1 / (m × ln² m) on minute m.
 */
export function logStart(minute: number): number {
  return Math.log(1 / (1 + Math.log(minute)) - 1 / (1 + Math.log(minute + 1)));
}

function logSum(logs: readonly number[]): number {
  const most = Math.max(...logs);
  if (most === -Infinity) return -Infinity;
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}

/** Short in JSON, and never more than it was. */
function roundDown(log: number): number {
  return Math.floor(log * 1e4) / 1e4;
}
