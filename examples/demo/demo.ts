/** The demo as one function: it sets the stage, plays the acts under load, and judges what became of them. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  abortHalfWay,
  type Act,
  type ActReport,
  badVersion,
  canary,
  canaryUnderFire,
  type Check,
} from "./acts.ts";
import { type Part, total } from "./least.ts";
import { tally } from "./load.ts";
import { measure, type Share, type Watch } from "./shares.ts";
import { setStage, type Stage } from "./stage.ts";
import type { Story } from "./story.ts";

export interface DemoOptions {
  story: Story;
  signal: AbortSignal;
  acts?: Act[];
  world?: string;
  strategies?: Record<string, object>;
  workers?: number;
  /** A worker's program below the built files; tests give a broken one, to see that it shows. */
  workerProgram?: string;
  workerEnv?: Record<string, string>;
  ratePerSecond?: number;
  /** Fewer requests than these prove nothing. */
  requestsMin?: number;
  seed?: number;
}

export interface Result {
  ok: boolean;
  checks: Check[];
  requests: number;
  failed: number;
  failures: Record<string, number>;
  versions: Record<string, number>;
  /** The longest that any client waited for its answer. */
  slowestMs: number;
  shares: Share[];
  deployments: {
    id: string;
    version: string;
    phase: string;
    cause?: string;
    tookMs: number;
    leastMs: number;
    least: Part[];
    note?: string;
  }[];
  /** AWS calls by action. */
  calls: Record<string, number>;
  tookMs: number;
}

/** Before the first deployment, so that there is something to compare with. */
const overtureMs = 1_500;

/**
 * Plays the demo. Throws what kept it from its end: a part that doesn't start, an act that hangs, the signal's
 * reason. Whatever happens, nothing that it started is left when it settles.
 */
export async function runDemo(options: DemoOptions): Promise<Result> {
  const { story, signal, acts = [canaryUnderFire, badVersion, abortHalfWay], ratePerSecond = 250 } = options;
  const startedAt = Date.now();
  const stage = await setStage({
    world: options.world ?? "examples/worlds/checkout.yaml",
    strategies: options.strategies ?? { canary },
    workers: options.workers ?? 2,
    workerProgram: options.workerProgram ?? "workers/main.js",
    workerEnv: options.workerEnv ?? {},
    ratePerSecond,
    seed: options.seed ?? startedAt % 1_000_000,
    signal,
  });
  try {
    story.line(
      `Redis, a local AWS, the API and ${stage.workers.length} workers run, each a process of its own`,
    );
    story.line(`${stage.service}: version 1 serves ${ratePerSecond} requests/s through the load balancer`);
    await sleep(overtureMs, undefined, { signal });
    const reports: ActReport[] = [];
    for (const act of acts) reports.push(await act(stage, story));
    await sleep(overtureMs, undefined, { signal });
    await stage.load.stop();
    await stage.weights.stop();
    return await judge(stage, reports, options.requestsMin ?? 10_000, startedAt);
  } finally {
    await stage.close();
  }
}

async function judge(
  stage: Stage,
  reports: ActReport[],
  requestsMin: number,
  startedAt: number,
): Promise<Result> {
  const { load, weights, sandbox } = stage;
  const { requests, failed, failures, versions } = tally(load.samples);
  const shares = weights.stretches.map((stretch) => measure(stretch, load.samples));
  const checks: Check[] = [
    { what: "no request failed", ok: failed === 0, detail: `${failed} of ${requests} failed` },
    {
      what: `at least ${requestsMin} requests`,
      ok: requests >= requestsMin,
      detail: `${requests} requests`,
    },
    {
      what: "every share is what was asked, within what chance allows",
      ok: shares.every(({ ok }) => ok),
      detail: `${shares.filter(({ ok }) => ok).length} of ${shares.length}`,
    },
    inOrder(weights, reports),
    ...reports.flatMap((report) => report.checks),
    {
      what: "one task set was created for each deployment",
      ok: weights.taskSets.size === 1 + reports.length,
      detail: `${weights.taskSets.size - 1} for ${reports.length} deployments`,
    },
    await atTheEnd(stage, reports),
  ];
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    requests,
    failed,
    failures,
    versions,
    slowestMs: load.samples.reduce((most, { sentAt, endedAt }) => Math.max(most, endedAt - sentAt), 0),
    shares,
    deployments: reports.map(({ deployment, version, least, note }) => ({
      id: deployment.id,
      version,
      phase: deployment.phase,
      ...(deployment.cause && { cause: deployment.cause.message }),
      tookMs: deployment.elapsedMs,
      leastMs: total(least),
      least,
      ...(note !== undefined && { note }),
    })),
    calls: await sandbox.calls(),
    tookMs: Date.now() - startedAt,
  };
}

/** The weights came into force as asked, none left out, none beside them. */
function inOrder({ stretches }: Watch, reports: ActReport[]): Check {
  const asked = [{ 1: 100 }, ...reports.flatMap(({ weights }) => weights)].map((one) => JSON.stringify(one));
  const found = stretches.map((stretch) => JSON.stringify(stretch.asked));
  return {
    what: "the weights came into force in the order asked, and no others",
    ok: JSON.stringify(asked) === JSON.stringify(found),
    detail: stretches.map(({ asked }) => show(asked)).join(" → "),
  };
}

function show(weights: Record<string, number>): string {
  return Object.entries(weights)
    .map(([version, percent]) => `${version}: ${percent} %`)
    .join(", ");
}

/** The last version that succeeded serves alone, and the pair's weights sum up to what they did at the start. */
async function atTheEnd({ sandbox, listenerArn, targetGroups }: Stage, reports: ActReport[]): Promise<Check> {
  const serving = reports.findLast(({ deployment }) => deployment.phase === "succeeded")?.version ?? "1";
  const state = await sandbox.state();
  const sets = state.taskSets.map(
    ({ status, taskDefinition, scalePercent }) =>
      `${status} ${taskDefinition.split(":").at(-1)} at ${scalePercent} %`,
  );
  const groups = state.listeners.find(({ arn }) => arn === listenerArn)?.actions.at(-1)
    ?.ForwardConfig?.TargetGroups;
  const holder = state.taskSets[0]?.loadBalancers[0]?.targetGroupArn;
  const kept = targetGroups.every((group) => {
    const weight = groups?.find(({ TargetGroupArn }) => TargetGroupArn === group)?.Weight;
    return weight === (group === holder ? 1 : 0);
  });
  return {
    what: `at the end version ${serving} serves alone, the pair's weights restored`,
    ok: kept && sets.length === 1 && sets[0] === `PRIMARY ${serving} at 100 %`,
    detail: `${sets.join(", ")}; weights ${groups?.map(({ Weight }) => Weight).join(":")}`,
  };
}
