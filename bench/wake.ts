/** How soon a command is obeyed: from asking to the commit that obeys it, beside BullMQ's own wake-up. */
import { type Measurement, quantile } from "./figures.ts";
import { openRawQueue } from "./raw.ts";
import { openStage } from "./stage.ts";

export interface WakeSizes {
  /** Asleep; asked in turn, so that none is asked while its job is still busy with the last command. */
  deployments: number;
  asks: number;
}

const limitMs = 5_000;
const sleepMs = 600_000;
const actor = { kind: "operator", name: "ada" } as const;

export async function measureWake(url: string, sizes: WakeSizes): Promise<Measurement> {
  const raw = await rawWakes(url, sizes);
  const teal = await tealWakes(url, sizes);
  const figure = (share: number) => ({
    what: `asked until obeyed, p${share * 100}`,
    value: quantile(teal, share),
    unit: "ms",
    beside: { what: "promoted until begun", value: quantile(raw, share) },
  });
  const how = `${sizes.asks} commands to ${sizes.deployments} sleeping deployments, one after the other`;
  return { name: "wake", how, figures: [figure(0.5), figure(0.99)] };
}

async function tealWakes(url: string, { deployments, asks }: WakeSizes): Promise<number[]> {
  const commits = waitingRoom();
  const stage = await openStage({
    url,
    prefix: "{wake-teal}",
    wakeAt: (_id, now) => now + sleepMs,
    onCommit: (id, commandIds) => {
      for (const key of [id, ...commandIds]) commits.came(key);
    },
  });
  try {
    const ids = Array.from({ length: deployments }, (_, n) => `d${n}`);
    const asleep = ids.map((id) => commits.waitFor(id));
    for (const id of ids) await stage.bake(id);
    stage.work({ concurrency: 50, lockMs: 30_000, stalledMs: 10_000 });
    for (const id of ids) await stage.wakes.wake(id);
    await Promise.all(asleep);
    const took: number[] = [];
    for (let n = 0; n < asks; n++) {
      const kind = Math.floor(n / deployments) % 2 === 0 ? "pause" : "resume";
      const obeyed = commits.waitFor(`c${n}`);
      const askedAt = performance.now();
      await stage.engine.ask(ids[n % deployments] ?? "", { kind, actor, commandId: `c${n}` });
      took.push((await obeyed) - askedAt);
    }
    return took;
  } finally {
    await stage.close();
  }
}

async function rawWakes(url: string, { deployments, asks }: WakeSizes): Promise<number[]> {
  const starts = waitingRoom();
  const queue = await openRawQueue(url, "{wake-raw}");
  try {
    const jobs = await Promise.all(
      Array.from({ length: deployments }, (_, n) => queue.add(`d${n}`, sleepMs)),
    );
    queue.work(50, async ({ data: { id } }) => {
      starts.came(id);
      return sleepMs;
    });
    const took: number[] = [];
    for (let n = 0; n < asks; n++) {
      const job = jobs[n % deployments];
      const begun = starts.waitFor(`d${n % deployments}`);
      const promotedAt = performance.now();
      await job?.promote();
      took.push((await begun) - promotedAt);
    }
    return took;
  } finally {
    await queue.close();
  }
}

/** Waits for what comes by its name; `waitFor` answers with the moment, and rejects past the limit. */
function waitingRoom() {
  const waiting = new Map<string, (at: number) => void>();
  return {
    came: (key: string): void => waiting.get(key)?.(performance.now()),
    waitFor: (key: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nothing came of ${key} within ${limitMs} ms`)),
          limitMs,
        );
        waiting.set(key, (at) => {
          clearTimeout(timer);
          waiting.delete(key);
          resolve(at);
        });
      }),
  };
}
