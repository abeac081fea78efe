/**
 * The weights in force over time, as the balancer follows them, and the shares of requests that came of them. A
 * change of weights takes a while to spread; what is measured begins once it has, and ends before the next one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { bounds } from "./chance.ts";
import { type Tally, tally } from "./load.ts";
import type { Sample } from "./load-thread.ts";
import type { Sandbox, State } from "./sandbox.ts";

/** A stretch of time in which the weights stayed as they are. Moments in ms since the epoch. */
export interface Stretch {
  /** Percent by version. */
  asked: Record<string, number>;
  from: number;
  to: number;
}

export interface Share {
  asked: Record<string, number>;
  lastedMs: number;
  requests: number;
  versions: {
    version: string;
    askedPercent: number;
    percent: number;
    least: number;
    most: number;
    ok: boolean;
  }[];
  ok: boolean;
}

export interface Watch {
  stretches: readonly Stretch[];
  /** Every task set that ever was. */
  taskSets: ReadonlySet<string>;
  stop(): Promise<void>;
}

const lookEveryMs = 100;

/** Looks again and again at one listener's default action; throws out of `stop` what kept it from looking. */
export function watchWeights(sandbox: Sandbox, listenerArn: string): Watch {
  const stretches: Stretch[] = [];
  const taskSets = new Set<string>();
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const askedAt = Date.now();
      const state = await sandbox.state();
      const answeredAt = Date.now();
      for (const set of state.taskSets) taskSets.add(set.arn);
      const asked = weightsInForce(state, listenerArn);
      const last = stretches.at(-1);
      // Between two equal looks nothing changed, so every request from the first answer to the last question counts.
      if (last && JSON.stringify(last.asked) === JSON.stringify(asked)) last.to = askedAt;
      else stretches.push({ asked, from: answeredAt, to: answeredAt });
      await sleep(lookEveryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  // The failure, if any, is for whoever stops it.
  watching.catch(() => undefined);
  return {
    stretches,
    taskSets,
    stop: () => {
      stopped.abort();
      return watching;
    },
  };
}

/** Percent by version: a version is the revision that the newest task set in a target group runs. */
export function weightsInForce(state: State, listenerArn: string): Record<string, number> {
  const action = state.inForce[listenerArn]?.at(-1)?.actions.at(-1);
  const groups = action?.ForwardConfig?.TargetGroups ?? [];
  const sum = groups.reduce((total, { Weight = 1 }) => total + Weight, 0);
  const shares: Record<string, number> = {};
  for (const { TargetGroupArn, Weight = 1 } of groups) {
    if (Weight === 0) continue;
    const set = state.taskSets
      .filter(({ loadBalancers }) => loadBalancers.some((entry) => entry.targetGroupArn === TargetGroupArn))
      .sort((a, b) => b.createdAt - a.createdAt)[0];
    const version = set?.taskDefinition.split(":").at(-1) ?? "none";
    shares[version] = (shares[version] ?? 0) + (100 * Weight) / sum;
  }
  return Object.fromEntries(Object.entries(shares).sort(([a], [b]) => a.localeCompare(b)));
}

/** What each version got in a stretch, beside what chance allows it. */
export function measure({ asked, from, to }: Stretch, samples: readonly Sample[]): Share {
  const counted: Tally = tally(samples, from, to);
  const answered = counted.requests - counted.failed;
  const versions = [...new Set([...Object.keys(asked), ...Object.keys(counted.versions)])]
    .sort()
    .map((version) => {
      const askedPercent = asked[version] ?? 0;
      const count = counted.versions[version] ?? 0;
      const { least, most } = bounds(answered, askedPercent / 100);
      const percentOf = (part: number) => (answered === 0 ? 0 : (100 * part) / answered);
      return {
        version,
        askedPercent,
        percent: percentOf(count),
        least: percentOf(least),
        most: percentOf(most),
        ok: answered > 0 && count >= least && count <= most,
      };
    });
  return {
    asked,
    lastedMs: to - from,
    requests: counted.requests,
    versions,
    ok: versions.every(({ ok }) => ok),
  };
}
