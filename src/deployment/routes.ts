/** Routes as a deployment writes them down before it changes any: as it begins, or takes another one's over. */
import type { Pair, Weights } from "./effect.ts";
import type { RouteSeen, Seen } from "./observation.ts";
import type { RouteRecord } from "./record.ts";
import { type Strategy, weightPercents } from "./strategy.ts";
import { routesOf, type ServiceTarget } from "./target.ts";
import { sumFor } from "./traffic.ts";
import { pairWeights, value } from "./view.ts";

/** Every configured route that was read and forwards to the pair, those of production first; weights as read. */
export function routesRead(
  target: ServiceTarget,
  strategy: Strategy,
  pair: Pair,
  seen: Pick<Seen, "routes">,
): RouteRecord[] {
  const tests = new Set(target.testRoutes);
  return routesOf(target).flatMap((ref) => {
    const read = value(seen.routes[ref.arn]);
    const now = read && pairWeights(read, pair);
    if (!read || !now) return [];
    return [
      {
        ref,
        ...(tests.has(ref) && { test: true as const }),
        ...(read.sticky && { sticky: true as const }),
        before: now,
        sum: sumShared(strategy, now, read),
        asked: now,
        askedAt: 0,
        earlier: [],
        rest: read.rest,
      },
    ];
  });
}

/** What the pair's weights sum up to while traffic is shared, where they were `before`. */
export function sumShared(strategy: Strategy, before: Weights, read: RouteSeen): number {
  return sumFor(weightPercents(strategy), before, isAlone(read)) ?? before.blue + before.green;
}

/** No other group shares the action, so the sum of the pair's weights is its own business. */
export function isAlone(read: RouteSeen): boolean {
  return Object.keys(read.weights).length <= 2;
}
