import type { Random } from "../random.ts";
import type { Answer, Target, WeightedGroup } from "../model/traffic.ts";
import { groupCookie, readCookie, setCookie, targetCookie } from "./cookie.ts";

/** Where a request goes, and what its client is told to remember. */
export interface Choice {
  group: WeightedGroup;
  /** Undefined: the group has no target that takes new requests. */
  target: Target | undefined;
  /** `Set-Cookie` values. */
  cookies: string[];
}

export interface ChooserOptions {
  random: Random;
  now: () => number;
  /** Whether a cookie still leads to a group whose weight is 0 by now. */
  cookieHonouredAtWeightZero: () => boolean;
}

/**
 * Chooses as an Application Load Balancer does: the group by weight and chance,
 * a target of it in turn. It never looks at a group's health when choosing the
 * group: there is no failover from one to another.
 */
export class Chooser {
  readonly #options: ChooserOptions;
  /** Whose turn it is, by group. */
  readonly #turns = new Map<string, number>();

  constructor(options: ChooserOptions) {
    this.#options = options;
  }

  /** Undefined when no group has any weight. `cookies` is the request's Cookie header. */
  choose(answer: Extract<Answer, { kind: "forward" }>, cookies: string | undefined): Choice | undefined {
    const now = this.#options.now();
    const set: string[] = [];
    const group = this.#remembered(answer, cookies, now) ?? this.#byWeight(answer.groups);
    if (group === undefined) return undefined;
    if (answer.groupStickiness !== undefined) {
      set.push(setCookie(groupCookie, group.arn, now, answer.groupStickiness.durationSeconds));
    }
    let target: Target | undefined;
    if (group.stickyTarget !== undefined) {
      const remembered = readCookie(cookies, targetCookie, now);
      target = group.targets.find(
        (it) => `${group.arn} ${it.address}:${it.port}` === remembered && it.health === "healthy",
      );
    }
    target ??= this.#inTurn(group);
    if (group.stickyTarget !== undefined && target !== undefined) {
      const value = `${group.arn} ${target.address}:${target.port}`;
      set.push(setCookie(targetCookie, value, now, group.stickyTarget.durationSeconds));
    }
    return { group, target, cookies: set };
  }

  #remembered(
    answer: Extract<Answer, { kind: "forward" }>,
    cookies: string | undefined,
    now: number,
  ): WeightedGroup | undefined {
    if (answer.groupStickiness === undefined || cookies === undefined) return undefined;
    const arn = readCookie(cookies, groupCookie, now);
    const group = answer.groups.find((it) => it.arn === arn);
    if (group?.weight === 0 && !this.#options.cookieHonouredAtWeightZero()) return undefined;
    return group;
  }

  #byWeight(groups: readonly WeightedGroup[]): WeightedGroup | undefined {
    let sum = 0;
    for (const group of groups) sum += group.weight;
    let point = this.#options.random() * sum;
    for (const group of groups) {
      if (point < group.weight) return group;
      point -= group.weight;
    }
    return undefined;
  }

  /** Round robin over the healthy targets; over all that aren't leaving when none is healthy (fail open). */
  #inTurn(group: WeightedGroup): Target | undefined {
    const turn = this.#turns.get(group.arn) ?? 0;
    this.#turns.set(group.arn, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return nth(group.targets, turn, isHealthy) ?? nth(group.targets, turn, isRegistered);
  }
}

/** The target whose turn it is among those that qualify. No list is built: this runs for every request. */
function nth(
  targets: readonly Target[],
  turn: number,
  qualifies: (target: Target) => boolean,
): Target | undefined {
  let count = 0;
  for (const target of targets) if (qualifies(target)) count++;
  if (count === 0) return undefined;
  let left = turn % count;
  for (const target of targets) if (qualifies(target) && left-- === 0) return target;
  return undefined;
}

function isHealthy(target: Target): boolean {
  return target.health === "healthy";
}

function isRegistered(target: Target): boolean {
  return target.health === "initial" || target.health === "unhealthy";
}
