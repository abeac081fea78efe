/**
 * What a deployment leaves to whoever acts on the service after it: a change of weights or of a scale that nobody
 * heard of may still land, and only who knows what was asked can tell it from somebody else's doing.
 */
import { callLimitMs } from "./effect.ts";
import type { RouteSeen } from "./observation.ts";
import type { Deployment } from "./record.ts";

/** How long after its deadline a call may still take effect on AWS's side. */
export const lateMs = 5_000;

/** How long after that a change of weights or of a scale is reckoned with all the same: whoever sent it may have stood still. */
export const lateCallMs = 120_000;

/** Each moment is the one until which such a call is expected to land; for `lateCallMs` more it is reckoned with. */
export interface Doubt {
  weightsUntil?: number;
  /** What was asked of each route, by its ARN: weights by target group. */
  asked: Record<string, Record<string, number>[]>;
  /** Of calls that scale a task set. */
  scalesUntil?: number;
}

/** What is in doubt of this deployment's own calls and of those before it; undefined where nothing is any more. */
export function doubtOf(d: Deployment, now: number): Doubt | undefined {
  const [own, inherited] = [alive(ownDoubt(d), now), alive(d.doubt, now)];
  if (!own || !inherited) return own ?? inherited;
  const asked = { ...own.asked };
  for (const [arn, weights] of Object.entries(inherited.asked))
    asked[arn] = distinct([...(asked[arn] ?? []), ...weights]);
  return doubt(
    later(own.weightsUntil, inherited.weightsUntil),
    asked,
    later(own.scalesUntil, inherited.scalesUntil),
  );
}

function later(one = 0, other = 0): number | undefined {
  return Math.max(one, other) || undefined;
}

function ownDoubt({ pair, routes, weightsUnsureUntil, scalesUnsureUntil }: Deployment): Doubt {
  if (weightsUnsureUntil === undefined || !pair) return doubt(undefined, {}, scalesUnsureUntil);
  const asked = routes.map(({ ref, asked, earlier }) => {
    const all = [asked, ...earlier].map(({ blue, green }) => ({ [pair.blue]: blue, [pair.green]: green }));
    return [ref.arn, distinct(all)] as const;
  });
  return doubt(weightsUnsureUntil, Object.fromEntries(asked), scalesUnsureUntil);
}

function doubt(
  weightsUntil: number | undefined,
  asked: Doubt["asked"],
  scalesUntil: number | undefined,
): Doubt {
  return {
    ...(weightsUntil !== undefined && { weightsUntil }),
    asked,
    ...(scalesUntil !== undefined && { scalesUntil }),
  };
}

/** What of it is still reckoned with. */
function alive(of: Doubt | undefined, now: number): Doubt | undefined {
  if (!of) return undefined;
  const isAlive = (until: number | undefined) => until !== undefined && now < until + lateCallMs;
  const [weights, scales] = [isAlive(of.weightsUntil), isAlive(of.scalesUntil)];
  if (!weights && !scales) return undefined;
  return doubt(
    weights ? of.weightsUntil : undefined,
    weights ? of.asked : {},
    scales ? of.scalesUntil : undefined,
  );
}

function lastMoment({ weightsUntil = 0, scalesUntil = 0 }: Doubt): number {
  return Math.max(weightsUntil, scalesUntil);
}

/** Calls of which no record tells, because Redis lost it, may still land. */
export function expectLostCalls(d: Deployment, now: number): void {
  const until = now + callLimitMs + lateMs;
  d.unsureUntil = until;
  d.weightsUnsureUntil = until;
  d.scalesUnsureUntil = until;
}

/** Takes it over, with nothing taken away before such a call is expected to have landed. Safe to repeat. */
export function inheritDoubt(d: Deployment, left: Doubt, now: number): void {
  const until = lastMoment(left);
  // A moment further ahead than any call's: the clock was set back since.
  if (now >= until + lateCallMs || until > now + callLimitMs + lateMs) return;
  d.doubt = left;
  if (d.routes.length > 0) d.unsureUntil = Math.max(d.unsureUntil, until);
}

/** The same, as a clock tells it that was set by so much, or has run on while nobody watched. */
export function shiftedDoubt({ weightsUntil, asked, scalesUntil }: Doubt, ms: number): Doubt {
  const shifted = (at: number | undefined) => (at === undefined ? undefined : at + ms);
  return doubt(shifted(weightsUntil), asked, shifted(scalesUntil));
}

/** Whether a task set may have been scaled lately by a call that nobody heard of. */
export function mayBeScaled(of: Doubt | undefined, now: number): boolean {
  return alive(of, now)?.scalesUntil !== undefined;
}

/** Whether a route reads what a call that nobody heard of may have made of it lately. */
export function mayBeLate({ ref, weights }: RouteSeen, of: Doubt | undefined, now: number): boolean {
  return (alive(of, now)?.asked[ref.arn] ?? []).some((asked) =>
    Object.entries(asked).every(([group, weight]) => weights[group] === weight),
  );
}

function distinct(all: Record<string, number>[]): Record<string, number>[] {
  return [...new Map(all.map((weights) => [keyOf(weights), weights])).values()];
}

function keyOf(weights: Record<string, number>): string {
  return JSON.stringify(Object.entries(weights).toSorted(([a], [b]) => a.localeCompare(b)));
}
