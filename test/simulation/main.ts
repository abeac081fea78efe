/**
 * `npm run simulate -- --seeds N --from S [--jobs J] [--large] [--show]`: runs seeds, prints what broke and how to
 * replay it. `npm run simulate -- --planted`: plants faults in Teal, one at a time, and counts the seeds until one
 * is seen. A seed's run is the same however many jobs share the seeds.
 */
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { large, small } from "./chaos.ts";
import { type Caught, hunt } from "./hunt.ts";
import { noOccasions } from "./occasions.ts";
import { plantedFaults } from "./planted.ts";
import { turnsMax } from "./ending.ts";
import { simulate } from "./simulation.ts";
import type { Verdict } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    /** Threads; as many as there are cores where left out. */
    jobs: { type: "string", default: String(availableParallelism()) },
    /** Seeds until a planted fault must have been caught. */
    limit: { type: "string", default: "300" },
    planted: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
    show: { type: "boolean", default: false },
  },
  args: isMainThread ? process.argv.slice(2) : (workerData as string[]),
});
const [seeds, from, limit] = [Number(values.seeds), Number(values.from), Number(values.limit)];
const tasks = values.planted ? plantedFaults.length : seeds;
const jobs = Math.max(1, Math.min(Number(values.jobs), tasks));

/** Of a seed that breaks a promise; all of it with --show. */
const historyShown = 40;

/** A long run says how far it has come after so many seeds. */
const tellEvery = 5_000;

/** One thing to do, by its number; the answer is plain data. */
const work = values.planted
  ? async (n: number) => hunt(plantedFaults[n], limit)
  : async (n: number) => simulate({ seed: from + n, size: values.large ? large : small });

if (!isMainThread) parentPort?.on("message", (n: number) => void answer(n));
else if (values.planted) await plant();
else await runSeeds();

async function runSeeds(): Promise<void> {
  const begun = Date.now();
  const failed: number[] = [];
  const ends: Record<string, number> = {};
  const tally: Record<string, number> = noOccasions();
  const digests: string[] = [];
  let [done, turns, calmTurns] = [0, 0, 0];
  await each((answered) => {
    const verdict = answered as Verdict;
    turns += verdict.turns;
    calmTurns = Math.max(calmTurns, verdict.calmTurns);
    add(ends, verdict.ends);
    add(tally, verdict.occasions);
    digests[verdict.seed - from] = verdict.digest;
    if (++done % tellEvery === 0) console.log(`${done} seeds, ${failed.length} failed, ${pace(done, begun)}`);
    if (values.show) console.log(verdict.history.join("\n"));
    if (verdict.violations.length === 0) return;
    failed.push(verdict.seed);
    console.log(`\nseed ${verdict.seed} breaks a promise:`);
    for (const violation of verdict.violations) console.log(`  ${violation}`);
    if (!values.show) for (const line of verdict.history.slice(-historyShown)) console.log(`    ${line}`);
    const size = values.large ? " --large" : "";
    console.log(`  replay: npm run simulate -- --seeds 1 --from ${verdict.seed} --show${size}`);
  });
  const seconds = (Date.now() - begun) / 1000;
  const ended = Object.entries(ends).map(([phase, count]) => `${count} ${phase}`);
  console.log(
    `\n${seeds} seeds, ${turns} runs of turns in ${seconds.toFixed(1)} s (${pace(seeds, begun)}): ${ended.join(", ")}`,
  );
  console.log(`once calm, a deployment took ${calmTurns} runs at most, of ${turnsMax}`);
  for (const [occasion, count] of Object.entries(tally)) console.log(`  ${occasion}: ${count}`);
  console.log(`histories: ${createHash("sha256").update(digests.join()).digest("hex").slice(0, 16)}`);
  console.log(
    failed.length === 0 ? "every promise was kept" : `${failed.length} failed: ${failed.join(" ")}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function pace(count: number, begun: number): string {
  return `${((1000 * count) / (Date.now() - begun)).toFixed(1)} seeds a second`;
}

function add(to: Record<string, number>, more: Record<string, number>): void {
  for (const [key, count] of Object.entries(more)) to[key] = (to[key] ?? 0) + count;
}

async function plant(): Promise<void> {
  const caught: Caught[] = [];
  await each((one) => caught.push(one as Caught));
  for (const { name } of plantedFaults) {
    const one = caught.find((found) => found.name === name);
    console.log(`| ${name} | ${one?.promise ?? "-"} | ${one?.seeds ?? `not within ${limit}`} |`);
  }
  process.exitCode = caught.every((one) => one.seeds !== undefined) ? 0 : 1;
}

async function answer(n: number): Promise<void> {
  parentPort?.postMessage(await work(n));
}

/** Does every task, in as many threads as asked for; each thread takes the next one when it is free. */
async function each(hear: (done: unknown) => void): Promise<void> {
  if (jobs === 1) {
    for (let n = 0; n < tasks; n++) hear(await work(n));
    return;
  }
  let next = 0;
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const thread = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) });
      try {
        while (next < tasks) hear(await ask(thread, next++));
      } finally {
        await thread.terminate();
      }
    }),
  );
}

function ask(thread: Worker, n: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("message", (done: unknown) => {
      thread.off("error", reject);
      resolve(done);
    });
    thread.postMessage(n);
  });
}
