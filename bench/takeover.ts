/** How long a deployment stands still when its worker is killed in the middle of a turn. */
import { setTimeout as pause } from "node:timers/promises";
import { type RunningProcess, startBuilt } from "../test/support/processes.ts";
import { type Measurement, quantile } from "./figures.ts";
import { openStage } from "./stage.ts";
import type { TakeoverArguments } from "./takeover-worker.ts";

export interface TakeoverSizes {
  kills: number;
  /** Between two kills, so that locks and checks are met at different moments. */
  everyMs: number;
  lockMs: number;
  stalledMs: number;
}

export async function measureTakeover(url: string, sizes: TakeoverSizes): Promise<Measurement> {
  const { kills, everyMs, lockMs, stalledMs } = sizes;
  const prefix = "{takeover}";
  const stage = await openStage({ url, prefix, wakeAt: () => undefined });
  const started: RunningProcess[] = [];
  const start = (name: string, more: { concurrency: number; hang: boolean }) => {
    const given: TakeoverArguments = { url, prefix, lockMs, stalledMs, ...more };
    const worker = startBuilt("bench/takeover-worker.js", [JSON.stringify(given)], { name });
    started.push(worker);
    return worker;
  };
  // One victim for each deployment; with a concurrency of one it takes no second.
  const victims = Array.from({ length: kills }, (_, n) =>
    start(`victim ${n}`, { concurrency: 1, hang: true }),
  );
  try {
    await Promise.all(victims.map((worker) => worker.waitForLine(/^consuming$/)));
    const ids = Array.from({ length: kills }, (_, n) => `d${n}`);
    for (const id of ids) {
      await stage.bake(id);
      await stage.wakes.wake(id);
    }
    const holds = await Promise.all(
      victims.map(async (victim) => (await victim.waitForLine(/^look /)).split(" ")[1] ?? ""),
    );
    const heir = start("heir", { concurrency: kills, hang: false });
    await heir.waitForLine(/^consuming$/);
    const took = await Promise.all(
      victims.map(async (victim, n) => {
        await pause(n * everyMs);
        const killedAt = Date.now();
        await victim.kill();
        const line = await heir.waitForLine(new RegExp(`^look ${holds[n]} `), lockMs + 5 * stalledMs + 5_000);
        return Number(line.split(" ")[2]) - killedAt;
      }),
    );
    const figure = (what: string, share: number) => ({
      what: `killed until looked at elsewhere, ${what}`,
      value: quantile(took, share) / 1000,
      unit: "s",
      beside: { what: "lock + stalled check", value: (lockMs + stalledMs) / 1000 },
    });
    const how = `${kills} workers killed in a turn, lock ${lockMs / 1000} s, check every ${stalledMs / 1000} s`;
    const figures = [figure("least", 0), figure("median", 0.5), figure("most", 1)];
    return { name: "takeover", how, figures };
  } finally {
    await Promise.all(started.map((worker) => worker.kill()));
    await stage.close();
  }
}
