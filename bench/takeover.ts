/** How long a deployment stands still when its worker is killed in the middle of a turn and another one stands by. */
import { setTimeout as pause } from "node:timers/promises";
import { type RunningProcess, startBuilt } from "../test/support/processes.ts";
import { type Figure, type Measurement, quantile } from "./figures.ts";
import { openStage, type Stage } from "./stage.ts";
import type { TakeoverArguments } from "./takeover-worker.ts";

export interface TakeoverSizes {
  kills: number;
  /** So many victims live side by side; the next ones start when those are dead. */
  atOnce: number;
  /** Between two kills, so that locks and checks are met at different moments. */
  everyMs: number;
  /** Each pair is measured with so many kills. */
  settings: readonly LockSettings[];
}

export interface LockSettings {
  lockMs: number;
  stalledMs: number;
}

export async function measureTakeover(url: string, sizes: TakeoverSizes): Promise<Measurement> {
  const figures: Figure[] = [];
  for (const settings of sizes.settings) {
    const took = await killAll(url, sizes, settings);
    figures.push(...figuresOf(took, settings));
  }
  return { name: "takeover", how: `${sizes.kills} workers killed in a turn, another one stands by`, figures };
}

function figuresOf(took: number[], { lockMs, stalledMs }: LockSettings): Figure[] {
  const shares = { least: 0, p50: 0.5, p99: 0.99, most: 1 };
  return Object.entries(shares).map(([name, share]) => ({
    what: `lock ${lockMs / 1000} s, check every ${stalledMs / 1000} s, ${name}`,
    value: quantile(took, share) / 1000,
    unit: "s",
    beside: { what: "lock + check", value: (lockMs + stalledMs) / 1000 },
  }));
}

/** From each kill until the standby looks at what the victim held, in ms. */
async function killAll(url: string, sizes: TakeoverSizes, settings: LockSettings): Promise<number[]> {
  const { kills, atOnce } = sizes;
  const prefix = `{takeover-${settings.lockMs}}`;
  const stage = await openStage({ url, prefix, wakeAt: () => undefined });
  const started: RunningProcess[] = [];
  const start = (name: string, more: { concurrency: number; hang: boolean }) => {
    const given: TakeoverArguments = { url, prefix, ...settings, ...more };
    const worker = startBuilt("bench/takeover-worker.js", [JSON.stringify(given)], { name });
    started.push(worker);
    return worker;
  };
  const took: number[] = [];
  try {
    for (let from = 0; from < kills; from += atOnce) {
      const count = Math.min(atOnce, kills - from);
      const ids = Array.from({ length: count }, (_, n) => `d${from + n}`);
      took.push(...(await killSome(stage, ids, sizes.everyMs, settings, start)));
      await Promise.all(started.splice(0).map((worker) => worker.kill()));
    }
    return took;
  } finally {
    await Promise.all(started.map((worker) => worker.kill()));
    await stage.close();
  }
}

async function killSome(
  stage: Stage,
  ids: string[],
  everyMs: number,
  { lockMs, stalledMs }: LockSettings,
  start: (name: string, more: { concurrency: number; hang: boolean }) => RunningProcess,
): Promise<number[]> {
  // One victim for each deployment; with a concurrency of one it takes no second.
  const victims = ids.map((id) => start(`victim of ${id}`, { concurrency: 1, hang: true }));
  await Promise.all(victims.map((worker) => worker.waitForLine(/^consuming$/, startMsMax)));
  for (const id of ids) {
    await stage.bake(id);
    await stage.wakes.wake(id);
  }
  const holds = await Promise.all(
    victims.map(async (victim) => (await victim.waitForLine(/^look /)).split(" ")[1] ?? ""),
  );
  const heir = start("heir", { concurrency: ids.length, hang: false });
  await heir.waitForLine(/^consuming$/, startMsMax);
  return await Promise.all(
    victims.map(async (victim, n) => {
      await pause(n * everyMs);
      const killedAt = Date.now();
      await victim.kill();
      const line = await heir.waitForLine(new RegExp(`^look ${holds[n]} `), lockMs + 5 * stalledMs + 5_000);
      return Number(line.split(" ")[2]) - killedAt;
    }),
  );
}

/** For many processes that start at once on a small machine. */
const startMsMax = 60_000;
