/**
 * `npm run simulate -- --seeds N --from S [--large] [--show]`: runs seeds, prints what broke and how to replay it.
 * `npm run simulate -- --planted`: plants faults in Teal, one at a time, and counts the seeds until one is seen.
 */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { large, small } from "./chaos.ts";
import { type Caught, hunt } from "./hunt.ts";
import { plantedFaults } from "./planted.ts";
import { simulate, type Verdict } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
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
const threads = Math.max(1, Math.min(Number(values.threads), tasks));

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
  let turns = 0;
  await each((done) => {
    const verdict = done as Verdict;
    turns += verdict.turns;
    for (const [phase, count] of Object.entries(verdict.ends)) ends[phase] = (ends[phase] ?? 0) + count;
    if (values.show) console.log(verdict.history.join("\n"));
    if (verdict.violations.length === 0) return;
    failed.push(verdict.seed);
    console.log(`\nseed ${verdict.seed} breaks a promise:`);
    for (const violation of verdict.violations) console.log(`  ${violation}`);
    const size = values.large ? " --large" : "";
    console.log(`  replay: npm run simulate -- --seeds 1 --from ${verdict.seed} --show${size}`);
  });
  const seconds = (Date.now() - begun) / 1000;
  const ended = Object.entries(ends).map(([phase, count]) => `${count} ${phase}`);
  console.log(`\n${seeds} seeds, ${turns} runs of turns in ${seconds.toFixed(1)} s: ${ended.join(", ")}`);
  console.log(
    failed.length === 0 ? "every promise was kept" : `${failed.length} failed: ${failed.join(" ")}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
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

/** Does every task, on as many threads as asked for; each thread takes the next one when it is free. */
async function each(hear: (done: unknown) => void): Promise<void> {
  if (threads === 1) {
    for (let n = 0; n < tasks; n++) hear(await work(n));
    return;
  }
  let next = 0;
  await Promise.all(
    Array.from({ length: threads }, async () => {
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
