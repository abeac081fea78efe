/**
 * What a deployment leaves to whoever acts on the service after it: a call that nobody heard of may still land, and
 * only who knows what it could have asked can tell it from somebody else's doing.
 */
import { callLimitMs, type Pair, type Weights } from "./effect.ts";
import type { Deployment } from "./record.ts";
import { sameWeights } from "./traffic.ts";
import { lateCallMs, lateMs } from "./view.ts";

export interface Doubt {
  /** Until then such a call is expected to land; for `lateCallMs` more it is reckoned with. */
  until: number;
  pair?: Pair;
  /** All that was asked of each route, by ARN. */
  asked: Record<string, Weights[]>;
}

/** Undefined where every call was answered, or so long ago that none can come any more. */
export function doubtOf(d: Deployment, now: number): Doubt | undefined {
  if (d.unsureUntil === 0 || now >= d.unsureUntil + lateCallMs) return undefined;
  const asked = d.routes.map(({ ref, asked, earlier }) => [ref.arn, distinct([asked, ...earlier])] as const);
  return { until: d.unsureUntil, ...(d.pair && { pair: d.pair }), asked: Object.fromEntries(asked) };
}

/** Takes it over as if the calls had been this deployment's own. Safe to repeat. */
export function inheritDoubt(d: Deployment, doubt: Doubt, now: number): void {
  const { until, pair, asked } = doubt;
  // A moment further ahead than any call's: the clock was set back since.
  if (now >= until + lateCallMs || until > now + callLimitMs + lateMs) return;
  d.unsureUntil = Math.max(d.unsureUntil, until);
  if (!pair || !d.pair) return;
  const swapped = pair.blue === d.pair.green && pair.green === d.pair.blue;
  if (!swapped && (pair.blue !== d.pair.blue || pair.green !== d.pair.green)) return;
  for (const route of d.routes) {
    const theirs = (asked[route.ref.arn] ?? []).map(({ blue, green }) =>
      swapped ? { blue: green, green: blue } : { blue, green },
    );
    route.earlier = distinct([...route.earlier, ...theirs]);
  }
}

function distinct(all: Weights[]): Weights[] {
  return all.filter((one, index) => all.findIndex((other) => sameWeights(other, one)) === index);
}
