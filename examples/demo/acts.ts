/** The acts of the demo: what is done to Teal, and what must come of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DeploymentView } from "../../src/api/contract.ts";
import { followEvents } from "../../src/cli/follow.ts";
import { drainOf, failureOf, type Part, startOf } from "./least.ts";
import type { DemoWorker, Stage } from "./stage.ts";
import type { Story } from "./story.ts";

/** Something that must be so; `detail` says what was found. */
export interface Check {
  what: string;
  ok: boolean;
  detail: string;
}

export interface ActReport {
  version: string;
  deployment: DeploymentView;
  /** The weights that it must bring into force, one after the other, in percent by version. */
  weights: Record<string, number>[];
  least: Part[];
  /** What else took time. */
  note?: string;
  checks: Check[];
}

export type Act = (stage: Stage, story: Story) => Promise<ActReport>;

/** The canary that all acts deploy by. */
export const pace = { pauseMs: 8_000, bakeMs: 5_000, holdMs: 3_000, failedTasks: 2 } as const;

export const canary = {
  steps: [
    { weight: 10 },
    { pause: `${pace.pauseMs / 1000}s` },
    { weight: 50 },
    { pause: `${pace.pauseMs / 1000}s` },
    { weight: 100 },
  ],
  bake: `${pace.bakeMs / 1000}s`,
  hold: `${pace.holdMs / 1000}s`,
  failedTasks: pace.failedTasks,
};

/** What each deployment must bring into force, in percent by version. */
const canaryWeights: Record<string, number>[] = [{ 1: 90, 2: 10 }, { 1: 50, 2: 50 }, { 2: 100 }];
const abortWeights: Record<string, number>[] = [{ 2: 90, 4: 10 }, { 2: 50, 4: 50 }, { 2: 100 }];

/** How long the audience may look at the half-way point before the abort. */
const lookMs = 3_000;

/** How long anything that must happen is waited for. */
const waitMsMax = 90_000;

export const canaryUnderFire: Act = async (stage, story) => {
  story.act("Version 2, by canary: 10 %, 50 %, 100 % – and a worker dies on the way");
  let lost: { worker: DemoWorker; at: number } | undefined;
  let costMs = 0;
  const deployed = await deploy(stage, story, "2", async (id) => {
    const holder = await whoSays(stage, id, /green gets 50 %/);
    lost = { worker: holder, at: Date.now() };
    await holder.process.kill();
    story.stress(`${holder.name}, which was changing the weights, was killed (SIGKILL)`);
    const by = await whoSays(stage, id, /./, lost.at);
    const tookMs = firstSaid(by, id, lost.at) - lost.at;
    story.stress(
      `${by.name} has taken over after ${(tookMs / 1000).toFixed(1)} s, with the traffic as it was`,
    );
    await whoSays(stage, id, /is done: weight 50 %/, lost.at);
    costMs = Date.now() - lost.at;
  });
  const settings = await stage.sandbox.settings();
  const { phase } = deployed.deployment;
  const wentOn = stage.workers.find(
    (worker) =>
      lost && worker !== lost.worker && firstSaid(worker, deployed.deployment.id, lost.at) < Infinity,
  );
  return {
    version: "2",
    deployment: deployed.deployment,
    weights: canaryWeights,
    least: [
      startOf(settings, "1 task"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "1 more"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "2 more"),
      // The hold time passes while it bakes.
      { what: "bake", ms: Math.max(pace.bakeMs, pace.holdMs) },
      drainOf(settings, await deregistrationMs(stage), "version 1"),
    ],
    note: `and ${(costMs / 1000).toFixed(1)} s from the kill until its step was done: a change of weights that may be on its way is looked for before it is made again`,
    checks: [
      { what: "version 2 was deployed", ok: phase === "succeeded", detail: phase },
      exited("2", deployed.exitCode, 0),
      {
        what: "a killed worker's deployment goes on",
        ok: wentOn !== undefined,
        detail: wentOn ? `${lost?.worker.name} was killed, ${wentOn.name} went on` : "nobody went on",
      },
    ],
  };
};

export const badVersion: Act = async (stage, story) => {
  story.act("Version 3, whose tasks never pass their health check");
  const { deployment, exitCode } = await deploy(stage, story, "3");
  const settings = await stage.sandbox.settings();
  const { services } = await stage.sandbox.state();
  const graceMs = 1_000 * (services[0]?.healthCheckGracePeriodSeconds ?? 0);
  return {
    version: "3",
    deployment,
    weights: [],
    least: [
      failureOf(settings, graceMs, "a task fails"),
      failureOf(settings, graceMs, "another one fails"),
      drainOf(settings, await deregistrationMs(stage), "version 3"),
    ],
    checks: [
      {
        what: "version 3 was turned back by itself",
        ok: deployment.phase === "rolled_back" && deployment.cause?.code === "green-failing",
        detail: `${deployment.phase}: ${deployment.cause?.message ?? "without a cause"}`,
      },
      exited("3", exitCode, 1),
    ],
  };
};

export const abortHalfWay: Act = async (stage, story) => {
  story.act("Version 4, aborted half way");
  const { deployment, exitCode } = await deploy(stage, story, "4", async () => {
    await inForce(stage, { 2: 50, 4: 50 });
    await sleep(lookMs, undefined, { signal: stage.signal });
    const why = "the audience has seen enough";
    story.typed(`teal abort ${stage.service} --reason '${why}'`);
    await stage.teal("abort", stage.service, "--reason", why).exited;
  });
  const settings = await stage.sandbox.settings();
  return {
    version: "4",
    deployment,
    weights: abortWeights,
    least: [
      startOf(settings, "1 task"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "1 more"),
      { what: "half way", ms: settings.propagationMs + lookMs },
      { what: "hold", ms: pace.holdMs },
      drainOf(settings, await deregistrationMs(stage), "version 4"),
    ],
    checks: [
      {
        what: "version 4 was turned back on request",
        ok: deployment.phase === "rolled_back" && deployment.cause?.code === "operator",
        detail: `${deployment.phase}: ${deployment.cause?.message ?? "without a cause"}`,
      },
      exited("4", exitCode, 1),
    ],
  };
};

function exited(version: string, code: number | null, wanted: number): Check {
  return {
    what: `teal deploy of version ${version} ended with code ${wanted}`,
    ok: code === wanted,
    detail: `code ${code}`,
  };
}

/**
 * Deploys through the command line, tells the history and waits until it is over; `meanwhile` runs beside it.
 */
export async function deploy(
  stage: Stage,
  story: Story,
  version: string,
  meanwhile?: (id: string) => Promise<void> | undefined,
): Promise<{ deployment: DeploymentView; exitCode: number | null }> {
  const { service, client, signal } = stage;
  const revision = `${service}:${version}`;
  story.typed(`teal deploy ${service} --task-definition ${revision}`);
  const command = stage.teal("deploy", service, "--task-definition", revision);
  const line = await command.waitForLine(new RegExp(`^${service}-\\S+ `));
  const id = line.split(" ")[0] ?? "";
  const limit = AbortSignal.any([signal, AbortSignal.timeout(waitMsMax)]);
  const telling = (async () => {
    for await (const event of followEvents(client, id, { patienceMs: 30_000, signal: limit })) {
      const step = event.type === "step" && event.message.includes("weight");
      if (event.type === "phase" || step) story.line(event.message);
      if (event.type === "phase" && isOver(event.to)) return;
    }
  })();
  const [, , exit] = await Promise.all([telling, meanwhile?.(id), command.exited]);
  return { deployment: await client.get(id, { patienceMs: 5_000, signal }), exitCode: exit.code };
}

function isOver(phase: string | undefined): boolean {
  return ["succeeded", "rolled_back", "failed", "cancelled", "abandoned"].includes(phase ?? "");
}

/** Waits until these weights, and no others, are what the traffic follows. */
export async function inForce(stage: Stage, weights: Record<string, number>): Promise<void> {
  const wanted = JSON.stringify(weights);
  const now = () => JSON.stringify(stage.weights.stretches.at(-1)?.asked);
  await eventually(stage, `weights ${wanted}`, () => (now() === wanted ? true : undefined));
}

/** The worker that wrote such a line about a deployment, at a time or later. */
export async function whoSays(stage: Stage, id: string, text: RegExp, since = 0): Promise<DemoWorker> {
  return eventually(stage, `a worker that says ${text}`, () =>
    stage.workers.find(({ process }) =>
      linesOf(process.output(), id).some(({ at, message }) => at >= since && text.test(message)),
    ),
  );
}

function firstSaid(worker: DemoWorker, id: string, since: number): number {
  const times = linesOf(worker.process.output(), id).map(({ at }) => at);
  return Math.min(...times.filter((at) => at > since));
}

function linesOf(output: string, id: string): { at: number; message: string }[] {
  return output
    .split("\n")
    .filter((line) => line.includes(`"deploymentId":"${id}"`) && line.endsWith("}"))
    .map((line) => {
      const { time, msg }: { time: string; msg: string } = JSON.parse(line);
      return { at: Date.parse(time), message: msg };
    });
}

async function eventually<T>(stage: Stage, what: string, look: () => T | undefined): Promise<T> {
  const deadline = Date.now() + waitMsMax;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`no sign of ${what} within ${waitMsMax / 1000} s`);
    await sleep(10, undefined, { signal: stage.signal });
  }
}

async function deregistrationMs({ sandbox }: Stage): Promise<number> {
  const { targetGroups } = await sandbox.state();
  const { deregistrationDelayMs } = await sandbox.settings();
  const own = Number(targetGroups[0]?.attributes["deregistration_delay.timeout_seconds"] ?? 300);
  return deregistrationDelayMs ?? own * 1_000;
}
