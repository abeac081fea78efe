/** What a minute says about each signal, from what the load balancer counted. */
import type { ColourCounts, TrafficMinute } from "../check.ts";
import type { Compared, Traffic } from "./ratios.ts";
import { type ErrorCounts, noTraffic, noneCompared, type WeighedMinute } from "./state.ts";

/** For how long a request may be under way where nothing is known about it, and at the least. */
const secondsUnderWay = { unknown: 2, least: 1 };

/**
 * Failed are 5xx of targets and requests that no target answered. AWS doesn't say whether a request and its answer
 * are counted in the same minute. So of green's, as many as usually are under way may lack their answer, and some
 * more by chance (`open` are those of the minutes before); what goes beyond has failed. Blue gets no such credit,
 * which errs in green's favour.
 */
export function countErrors(
  { blue, green }: TrafficMinute,
  open: number,
  slowSeconds: number = secondsUnderWay.unknown,
): { errors: ErrorCounts; open: number } {
  const [b, g] = [readable(blue), readable(green)];
  const waiting = Math.max(0, open + g.requests - g.answered);
  const underWay = (g.requests * Math.max(secondsUnderWay.least, slowSeconds)) / 60;
  // A Poisson count goes beyond four deviations once in 30,000 times.
  const beyond = Math.max(0, waiting - underWay - 4 * Math.sqrt(underWay));
  const unanswered = Math.min(g.requests, Math.round(beyond));
  const errors = {
    blue: b.requests,
    blueBad: Math.min(b.requests, b.errors + Math.max(0, b.requests - b.answered)),
    green: g.requests,
    greenBad: Math.min(g.requests, g.errors + unanswered),
    unanswered,
  };
  return { errors, open: waiting - unanswered };
}

/** None where slow answers of either colour weren't counted. */
export function countSlow({ blue, green }: TrafficMinute): Compared {
  if (blue.slow === undefined || green.slow === undefined) return noneCompared;
  const [b, g] = [readable(blue), readable(green)];
  return {
    blue: b.answered,
    blueBad: Math.min(b.answered, b.slow),
    green: g.answered,
    greenBad: Math.min(g.answered, g.slow),
  };
}

/** None where green's share of the weights isn't known or is 0. */
export function countTraffic({ blue, green, share = 0 }: WeighedMinute): Traffic {
  if (!(share > 0)) return noTraffic;
  const [b, g] = [readable(blue).requests, readable(green).requests];
  return { blue: b, green: g, promised: Math.min(share, 1) * (b + g) };
}

export function sum<Key extends string>(a: Record<Key, number>, b: Record<Key, number>): Record<Key, number> {
  const both = { ...a };
  for (const key in both) both[key] += b[key];
  return both;
}

function readable({ requests, answered, errors, slow }: ColourCounts): Required<ColourCounts> {
  return { requests: count(requests), answered: count(answered), errors: count(errors), slow: count(slow) };
}

/** A count that isn't one is none. */
function count(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? Math.max(0, value) : 0;
}
