/** What an act is: something done to Teal under load, and what must come of it; and what acts are made of. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DeploymentView } from "../../src/api/contract.ts";
import { followEvents } from "../../src/cli/follow.ts";
import type { Part } from "./least.ts";
import type { DemoWorker } from "./house.ts";
import type { Stage } from "./stage.ts";
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

/** @param cue to be called when the plot beside this one may begin; at its end at the latest it does */
export type Act = (stage: Stage, story: Story, cue: () => void) => Promise<ActReport>;

/** What is played with one service, under its own load: its acts, one after the other. */
export interface Plot {
  /** In the world a listener has this name, and the pair's groups are called `NAME-a` and `NAME-b`. */
  service: string;
  /** As `teal.yaml` has it. */
  strategy: string | object;
  ratePerSecond: number;
  acts: Act[];
}

/** How long anything that must happen is waited for. */
const waitMsMax = 90_000;

export function exited(version: string, code: number | null, wanted: number): Check {
  return {
    what: `teal deploy of version ${version} ended with code ${wanted}`,
    ok: code === wanted,
    detail: `code ${code}`,
  };
}

/**
 * Deploys through the command line, tells the history and waits until it is over; `meanwhile` runs beside it.
 * Throws when that takes longer than `limitMs`.
 */
export async function deploy(
  stage: Stage,
  story: Story,
  version: string,
  meanwhile?: (id: string) => Promise<void> | undefined,
  limitMs = waitMsMax,
): Promise<{ deployment: DeploymentView; exitCode: number | null }> {
  const { service, client, signal } = stage;
  const revision = `${service}:${version}`;
  story.typed(`teal deploy ${service} --task-definition ${revision}`);
  const command = stage.teal("deploy", service, "--task-definition", revision);
  const line = await command.waitForLine(new RegExp(`^${service}-\\S+ `));
  const id = line.split(" ")[0] ?? "";
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
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
  const now = () => JSON.stringify(stage.watch.stretches.at(-1)?.asked);
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

export function firstSaid(worker: DemoWorker, id: string, since: number): number {
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

export async function deregistrationMs({ sandbox, targetGroups: [own] }: Stage): Promise<number> {
  const { targetGroups } = await sandbox.state();
  const { deregistrationDelayMs } = await sandbox.settings();
  const group = targetGroups.find(({ arn }) => arn === own);
  const seconds = Number(group?.attributes["deregistration_delay.timeout_seconds"] ?? 300);
  return deregistrationDelayMs ?? seconds * 1_000;
}
