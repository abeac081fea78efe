/**
 * What a deployment leaves to whoever acts on the service after it: a change of weights or of a scale that nobody
 * heard of may still land, and only who knows what was asked can tell it from somebody else's doing.
 */
import { callLimitMs } from "./effect.ts";
import type { RouteSeen } from "./observation.ts";
import type { Deployment } from "./record.ts";

/** How long after its deadline a call may still take effect on AWS's side. */
export const lateMs = 5_000;

/** How long after that a change of weights is reckoned with all the same: whoever sent it may have stood still. */
export const lateCallMs = 120_000;

export interface Doubt {
  /** Until then such a call is expected to land; for `lateCallMs` more it is reckoned with. */
  until: number;
  /** What was asked of each route, by its ARN: weights by target group. */
  asked: Record<string, Record<string, number>[]>;
  /** A call that scales a task set is among them. */
  scales?: true;
}

/** What is in doubt of this deployment's own calls and of those before it; undefined where nothing is any more. */
export function doubtOf(d: Deployment, now: number): Doubt | undefined {
  const own = ownDoubt(d);
  const all = [own, d.doubt].filter((doubt) => doubt !== undefined && now < doubt.until + lateCallMs);
  const [first, second] = all;
  if (!first || !second) return first;
  const asked = { ...first.asked };
  for (const [arn, weights] of Object.entries(second.asked))
    asked[arn] = distinct([...(asked[arn] ?? []), ...weights]);
  const scales = first.scales ?? second.scales;
  return { until: Math.max(first.until, second.until), asked, ...(scales && { scales }) };
}

function ownDoubt({ pair, routes, weightsUnsureUntil, scalesUnsureUntil }: Deployment): Doubt | undefined {
  const until = Math.max(weightsUnsureUntil ?? 0, scalesUnsureUntil ?? 0);
  const scales = scalesUnsureUntil !== undefined && { scales: true as const };
  if (until === 0) return undefined;
  if (weightsUnsureUntil === undefined || !pair) return { until, asked: {}, ...scales };
  const asked = routes.map(({ ref, asked, earlier }) => {
    const all = [asked, ...earlier].map(({ blue, green }) => ({ [pair.blue]: blue, [pair.green]: green }));
    return [ref.arn, distinct(all)] as const;
  });
  return { until, asked: Object.fromEntries(asked), ...scales };
}

/** Takes it over, with nothing taken away before such a call is expected to have landed. Safe to repeat. */
export function inheritDoubt(d: Deployment, doubt: Doubt, now: number): void {
  // A moment further ahead than any call's: the clock was set back since.
  if (now >= doubt.until + lateCallMs || doubt.until > now + callLimitMs + lateMs) return;
  d.doubt = doubt;
  if (d.routes.length > 0) d.unsureUntil = Math.max(d.unsureUntil, doubt.until);
}

/** Whether a task set may have been scaled lately by a call that nobody heard of. */
export function mayBeScaled(doubt: Doubt | undefined, now: number): boolean {
  return doubt?.scales === true && now < doubt.until + lateCallMs;
}

/** Whether a route reads what a call that nobody heard of may have made of it lately. */
export function mayBeLate({ ref, weights }: RouteSeen, doubt: Doubt | undefined, now: number): boolean {
  if (!doubt || now >= doubt.until + lateCallMs) return false;
  return (doubt.asked[ref.arn] ?? []).some((asked) =>
    Object.entries(asked).every(([group, weight]) => weights[group] === weight),
  );
}

function distinct(all: Record<string, number>[]): Record<string, number>[] {
  return [
    ...new Map(
      all.map((one) => [JSON.stringify(Object.entries(one).toSorted(([a], [b]) => a.localeCompare(b))), one]),
    ).values(),
  ];
}
