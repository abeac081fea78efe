/** The demo as one function: it opens the house, plays all plots side by side, and has judged what became of them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ActReport, Plot } from "./act.ts";
import { openHouse } from "./house.ts";
import { judge, type Played, type Result } from "./judge.ts";
import type { Stage } from "./stage.ts";
import type { Story } from "./story.ts";

export interface DemoOptions {
  story: Story;
  signal: AbortSignal;
  /** Each begins on its predecessor's cue. */
  plots: Plot[];
  world?: string;
  workers?: number;
  /** A worker's program below the built files; tests give a broken one, to see that it shows. */
  workerProgram?: string;
  workerEnv?: Record<string, string>;
  /** Fewer requests than these prove nothing. */
  requestsMin?: number;
  seed?: number;
}

/** Before the first deployment, so that there is something to compare with. */
const overtureMs = 1_500;

/**
 * Plays the demo. Throws what kept it from its end: a part that doesn't start, an act that hangs, the signal's
 * reason. Whatever happens, nothing that it started is left when it settles.
 */
export async function runDemo(options: DemoOptions): Promise<Result> {
  const { story, signal, plots } = options;
  const startedAt = Date.now();
  const house = await openHouse({
    world: options.world ?? "examples/worlds/demo.yaml",
    plots,
    workers: options.workers ?? 2,
    workerProgram: options.workerProgram ?? "workers/main.js",
    workerEnv: options.workerEnv ?? {},
    seed: options.seed ?? startedAt % 1_000_000,
    signal,
  });
  try {
    story.line(
      `Redis, a local AWS, the API and ${house.workers.length} workers run, each a process of its own`,
    );
    for (const { service, ratePerSecond } of plots) {
      story.of(service).line(`version 1 serves ${ratePerSecond} requests/s through the load balancer`);
    }
    await sleep(overtureMs, undefined, { signal });
    const played = await playAll(house.stages, plots, story);
    await sleep(overtureMs, undefined, { signal });
    for (const { load } of house.stages) await load.stop();
    for (const { watch } of house.stages) await watch.stop();
    return await judge(played, house.sandbox, { requestsMin: options.requestsMin ?? 10_000, startedAt });
  } finally {
    await house.close();
  }
}

/** Side by side, each from its predecessor's cue on. */
async function playAll(stages: readonly Stage[], plots: readonly Plot[], story: Story): Promise<Played[]> {
  const playing: Promise<Played>[] = [];
  const open = new Set(stages);
  const playOn = async (stage: Stage, acts: Plot["acts"], cue: () => void): Promise<Played> => {
    const own = story.of(stage.service);
    const reports: ActReport[] = [];
    for (const act of acts) reports.push(await act(stage, own, cue));
    open.delete(stage);
    if (open.size > 0)
      own.line(`that was all; ${[...open].map(({ service }) => service).join(", ")} goes on`);
    return { stage, reports };
  };
  for (const [index, stage] of stages.entries()) {
    await new Promise<void>((cue) => {
      const one = playOn(stage, plots[index]?.acts ?? [], cue).finally(cue);
      // Thrown below, once the others have had their cue.
      one.catch(() => undefined);
      playing.push(one);
    });
  }
  return Promise.all(playing);
}
