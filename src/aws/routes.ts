/**
 * A route's actions, without I/O: what they say of the pair, a digest of everything else, and the same actions
 * with other weights. The forms that AWS treats alike are alike here: a forward action may name its one group
 * as `TargetGroupArn`, in `ForwardConfig`, or both, and a weight left out is 1 (API reference, Action).
 *
 * A route has one forward action (ELBv2 takes no more). Should several of one route ever name a group of the
 * pair, nobody could say which weights are meant: `pairForward` answers `ambiguous`, and the caller refuses.
 */
import { hash } from "node:crypto";
import type { Action, Rule, TargetGroupTuple } from "@aws-sdk/client-elastic-load-balancing-v2";

/** The groups of a forward action; of any other action none. */
export function groupsOf(action: Action): { arn: string; weight: number }[] {
  if (action.Type !== "forward") return [];
  const tuples = action.ForwardConfig?.TargetGroups ?? [];
  const named: TargetGroupTuple[] =
    tuples.length > 0 ? tuples : action.TargetGroupArn ? [{ TargetGroupArn: action.TargetGroupArn }] : [];
  return named.map((tuple) => ({ arn: tuple.TargetGroupArn ?? "", weight: tuple.Weight ?? 1 }));
}

export type PairForward = { kind: "one"; index: number } | { kind: "none" } | { kind: "ambiguous" };

/** Which of the actions shares traffic over groups of the pair. */
export function pairForward(actions: readonly Action[], pair: readonly string[]): PairForward {
  const found = actions.flatMap((action, index) =>
    groupsOf(action).some((group) => pair.includes(group.arn)) ? [index] : [],
  );
  const [index] = found;
  if (index === undefined) return { kind: "none" };
  return found.length > 1 ? { kind: "ambiguous" } : { kind: "one", index };
}

/** Weights of all groups that the actions forward to. */
export function weightsOf(actions: readonly Action[]): Record<string, number> {
  return Object.fromEntries(actions.flatMap(groupsOf).map((group) => [group.arn, group.weight]));
}

/**
 * The same actions, fit to be sent back, with other weights for some groups of action `index`. Order, other
 * actions, other groups and the group stickiness stay. A secret of `authenticate-oidc` is never described, so
 * the request says to keep the one in use; AWS refuses it otherwise.
 */
export function withWeights(
  actions: readonly Action[],
  index: number,
  weights: Readonly<Record<string, number>>,
): Action[] {
  return actions.map((action, at) => {
    if (action.AuthenticateOidcConfig) {
      const { ClientSecret: _, ...config } = action.AuthenticateOidcConfig;
      return { ...action, AuthenticateOidcConfig: { ...config, UseExistingClientSecret: true } };
    }
    if (at !== index) return action;
    const groups = groupsOf(action);
    // Beside more than one group, TargetGroupArn is refused.
    const { TargetGroupArn: single, ...rest } = action;
    return {
      ...rest,
      ...(groups.length === 1 && single && { TargetGroupArn: single }),
      ForwardConfig: {
        ...action.ForwardConfig,
        TargetGroups: groups.map(({ arn, weight }) => ({
          TargetGroupArn: arn,
          Weight: weights[arn] ?? weight,
        })),
      },
    };
  });
}

/**
 * A digest of everything of the route but the weights of the pair: all actions in their order and, of a rule,
 * its conditions, transforms and priority. A listener's ports and certificates are not part of a route.
 */
export function restOf(actions: readonly Action[], pair: readonly string[], rule?: Rule): string {
  const rest = {
    actions: actions.toSorted(byOrder).map((action) => normalAction(action, pair)),
    ...(rule && {
      priority: rule.Priority,
      conditions: (rule.Conditions ?? []).map(normalCondition).toSorted(),
      transforms: rule.Transforms ?? [],
    }),
  };
  return hash("sha256", stableJson(rest)).slice(0, 16);
}

/** Whether a client that was given a group stays with it (AWS docs, target group stickiness). */
export function isSticky(actions: readonly Action[]): boolean {
  return actions.some((action) => action.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true);
}

function byOrder(a: Action, b: Action): number {
  return (a.Order ?? 0) - (b.Order ?? 0);
}

function normalAction(action: Action, pair: readonly string[]): object {
  const { Order: _order, TargetGroupArn: _single, ForwardConfig: forward, ...other } = action;
  if (other.AuthenticateOidcConfig) {
    const { ClientSecret: _secret, UseExistingClientSecret: _use, ...config } = other.AuthenticateOidcConfig;
    return { ...other, AuthenticateOidcConfig: config };
  }
  if (action.Type !== "forward") return other;
  const stickiness = forward?.TargetGroupStickinessConfig;
  return {
    Type: "forward",
    groups: groupsOf(action)
      .map((group) => (pair.includes(group.arn) ? { arn: group.arn } : group))
      .toSorted((a, b) => (a.arn < b.arn ? -1 : 1)),
    sticky: stickiness?.Enabled ? (stickiness.DurationSeconds ?? 0) : false,
  };
}

/** A condition's values come in `Values`, in the config of its field, or in both. */
function normalCondition(condition: NonNullable<Rule["Conditions"]>[number]): string {
  const { Values: values, RegexValues: regexes, ...other } = condition;
  const field = condition.Field;
  if (field === "path-pattern" || field === "host-header") {
    const config = field === "path-pattern" ? other.PathPatternConfig : other.HostHeaderConfig;
    return stableJson({
      field,
      values: nonEmpty(config?.Values) ?? values ?? [],
      regexes: nonEmpty(config?.RegexValues) ?? regexes ?? [],
    });
  }
  return stableJson(other);
}

function nonEmpty<T>(list: T[] | undefined): T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

/** JSON with sorted keys and without what is undefined. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
