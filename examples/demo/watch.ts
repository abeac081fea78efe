/**
 * What a service looks like over time: the weights in force, as the balancer follows them, and whose tasks fail their
 * health checks. A change of weights takes a while to spread; a stretch begins once it has, and ends before the next
 * one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox, State } from "./sandbox.ts";

/** A stretch of time in which the weights stayed as they are. Moments in ms since the epoch. */
export interface Stretch {
  /** Percent by version. */
  asked: Record<string, number>;
  from: number;
  to: number;
}

export interface Watch {
  stretches: readonly Stretch[];
  /** Every task set that the service ever had. */
  taskSets: ReadonlySet<string>;
  /** The versions of which a task in service was seen to have failed its last health check. */
  unwell: ReadonlySet<string>;
  stop(): Promise<void>;
}

interface Place {
  listenerArn: string;
  targetGroups: string[];
}

/** Far shorter than any health check's interval in the demo's worlds. */
const lookEveryMs = 100;

/** Looks again and again at a service; throws out of `stop` what kept it from looking. */
export function watchService(sandbox: Sandbox, { listenerArn, targetGroups }: Place): Watch {
  const stretches: Stretch[] = [];
  const taskSets = new Set<string>();
  const unwell = new Set<string>();
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const askedAt = Date.now();
      const state = await sandbox.state();
      const answeredAt = Date.now();
      for (const group of targetGroups) {
        for (const { arn } of setsIn(state, group)) taskSets.add(arn);
        const failed = state.targets.some(
          ({ groupArn, health, lastPassed }) =>
            groupArn === group && health !== "draining" && lastPassed === false,
        );
        if (failed) unwell.add(versionIn(state, group));
      }
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
    unwell,
    stop: () => {
      stopped.abort();
      return watching;
    },
  };
}

/** Percent by version. */
function weightsInForce(state: State, listenerArn: string): Record<string, number> {
  const action = state.inForce[listenerArn]?.at(-1)?.actions.at(-1);
  const groups = action?.ForwardConfig?.TargetGroups ?? [];
  const sum = groups.reduce((total, { Weight = 1 }) => total + Weight, 0);
  const shares: Record<string, number> = {};
  for (const { TargetGroupArn = "", Weight = 1 } of groups) {
    if (Weight === 0) continue;
    const version = versionIn(state, TargetGroupArn);
    shares[version] = (shares[version] ?? 0) + (100 * Weight) / sum;
  }
  return Object.fromEntries(Object.entries(shares).sort(([a], [b]) => a.localeCompare(b)));
}

/** A version is the revision that the newest task set in a target group runs. */
function versionIn(state: State, group: string): string {
  const [set] = setsIn(state, group).sort((a, b) => b.createdAt - a.createdAt);
  return set?.taskDefinition.split(":").at(-1) ?? "none";
}

export function setsIn(state: State, group: string): State["taskSets"] {
  return state.taskSets.filter(({ loadBalancers }) =>
    loadBalancers.some((entry) => entry.targetGroupArn === group),
  );
}
