/** What became of it all: the counts, and whether everything is as it must be. */
import type { ActReport, Check } from "./act.ts";
import { bounds } from "./chance.ts";
import { type Part, total } from "./least.ts";
import { type Tally, tally } from "./load.ts";
import type { Sandbox } from "./sandbox.ts";
import { measure, type Share } from "./shares.ts";
import type { Stage } from "./stage.ts";
import { setsIn } from "./watch.ts";

export interface Result {
  ok: boolean;
  checks: Check[];
  requests: number;
  /** Requests that no version answered. */
  lost: number;
  services: ({ service: string } & Tally)[];
  /** The longest that any client waited for its answer. */
  slowestMs: number;
  shares: ({ service: string } & Share)[];
  deployments: {
    id: string;
    service: string;
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

/** What was played on a stage. */
export interface Played {
  stage: Stage;
  reports: ActReport[];
}

interface Demands {
  /** Fewer requests than these prove nothing. */
  requestsMin: number;
  startedAt: number;
}

export async function judge(
  played: readonly Played[],
  sandbox: Sandbox,
  { requestsMin, startedAt }: Demands,
): Promise<Result> {
  const services = played.map(({ stage }) => ({ service: stage.service, ...tally(stage.load.samples) }));
  const requests = services.reduce((sum, one) => sum + one.requests, 0);
  const lost = services.reduce((sum, one) => sum + one.lost, 0);
  const shares = played.flatMap(({ stage }) =>
    stage.watch.stretches.map((stretch) => ({
      service: stage.service,
      ...measure(stretch, stage.load.samples),
    })),
  );
  const checks: Check[] = [
    { what: "no request was lost", ok: lost === 0, detail: `${lost} of ${requests}` },
    { what: `at least ${requestsMin} requests`, ok: requests >= requestsMin, detail: `${requests}` },
    {
      what: "every share is what was asked, within what chance allows",
      ok: shares.every(({ ok }) => ok),
      detail: `${shares.filter(({ ok }) => ok).length} of ${shares.length}`,
    },
    await errorsTold(services, sandbox),
  ];
  for (const { stage, reports } of played) {
    const own = [
      inOrder(stage, reports),
      ...reports.flatMap((report) => report.checks),
      oneSetEach(stage, reports),
      await atTheEnd(stage, reports),
    ];
    checks.push(...own.map((check) => ({ ...check, what: `${stage.service}: ${check.what}` })));
  }
  const samples = played.flatMap(({ stage }) => [...stage.load.samples]);
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    requests,
    lost,
    services,
    slowestMs: samples.reduce((most, { sentAt, endedAt }) => Math.max(most, endedAt - sentAt), 0),
    shares,
    deployments: played.flatMap(({ stage, reports }) =>
      reports.map(({ deployment, version, least, note }) => ({
        id: deployment.id,
        service: stage.service,
        version,
        phase: deployment.phase,
        ...(deployment.cause && { cause: deployment.cause.message }),
        tookMs: deployment.elapsedMs,
        leastMs: total(least),
        least,
        ...(note !== undefined && { note }),
      })),
    ),
    calls: await sandbox.calls(),
    tookMs: Date.now() - startedAt,
  };
}

/** A version fails by itself as often as the world tells it to, and else never: what Teal spoils is no error of its own. */
async function errorsTold(services: Result["services"], sandbox: Sandbox): Promise<Check> {
  const { behaviours } = await sandbox.settings();
  const counted = services.flatMap(({ service, versions }) =>
    Object.entries(versions).map(([version, { answers, errors }]) => {
      const { least, most } = bounds(answers, behaviours[`demo/${service}:${version}`]?.failShare ?? 0);
      const ok = errors >= least && errors <= most;
      return { ok, errors, what: `${service} ${version} failed ${errors} of ${answers}` };
    }),
  );
  return {
    what: "each version failed as often by itself as it was told to, within what chance allows",
    ok: counted.every(({ ok }) => ok),
    detail:
      counted
        .filter(({ ok, errors }) => errors > 0 || !ok)
        .map(({ what }) => what)
        .join(", ") || "never",
  };
}

/** The weights came into force as asked, none left out, none beside them. */
function inOrder({ watch: { stretches } }: Stage, reports: ActReport[]): Check {
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

function oneSetEach({ watch: { taskSets } }: Stage, reports: ActReport[]): Check {
  return {
    what: "one task set was created for each deployment",
    ok: taskSets.size === 1 + reports.length,
    detail: `${taskSets.size - 1} for ${reports.length}`,
  };
}

/** The last version that succeeded serves alone, and the pair's weights sum up to what they did at the start. */
async function atTheEnd({ sandbox, listenerArn, targetGroups }: Stage, reports: ActReport[]): Promise<Check> {
  const serving = reports.findLast(({ deployment }) => deployment.phase === "succeeded")?.version ?? "1";
  const state = await sandbox.state();
  const taskSets = targetGroups.flatMap((group) => setsIn(state, group));
  const sets = taskSets.map(
    ({ status, taskDefinition, scalePercent }) =>
      `${status} ${taskDefinition.split(":").at(-1)} at ${scalePercent} %`,
  );
  const groups = state.listeners.find(({ arn }) => arn === listenerArn)?.actions.at(-1)
    ?.ForwardConfig?.TargetGroups;
  const holder = taskSets[0]?.loadBalancers[0]?.targetGroupArn;
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
