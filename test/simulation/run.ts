/** `npm run simulate -- --seeds N --from S [--large] [--show]`: runs seeds, prints what broke and how to replay it. */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { large, small } from "./chaos.ts";
import { simulate, type Verdict } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    large: { type: "boolean", default: false },
    show: { type: "boolean", default: false },
  },
  args: isMainThread ? process.argv.slice(2) : (workerData as string[]),
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const threads = Math.max(1, Math.min(Number(values.threads), seeds));

if (isMainThread) await lead();
else await follow();

async function lead(): Promise<void> {
  const begun = Date.now();
  const failed: number[] = [];
  const ends: Record<string, number> = {};
  let turns = 0;
  const hear = (verdict: Verdict) => {
    turns += verdict.turns;
    for (const [phase, count] of Object.entries(verdict.ends)) ends[phase] = (ends[phase] ?? 0) + count;
    if (values.show) console.log(verdict.history.join("\n"));
    if (verdict.violations.length === 0) return;
    failed.push(verdict.seed);
    console.log(`\nseed ${verdict.seed} breaks a promise:`);
    for (const violation of verdict.violations) console.log(`  ${violation}`);
    const size = values.large ? " --large" : "";
    console.log(`  replay: npm run simulate -- --seeds 1 --from ${verdict.seed} --show${size}`);
  };
  if (threads === 1) for (let seed = from; seed < from + seeds; seed++) hear(await one(seed));
  else await Promise.all(Array.from({ length: threads }, (_, n) => thread(n, hear)));
  const seconds = (Date.now() - begun) / 1000;
  const summary = Object.entries(ends)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(", ");
  console.log(`\n${seeds} seeds, ${turns} runs of turns in ${seconds.toFixed(1)} s: ${summary}`);
  console.log(
    failed.length === 0 ? "every promise was kept" : `${failed.length} failed: ${failed.join(" ")}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** Every thread takes each `threads`-th seed. */
function thread(n: number, hear: (verdict: Verdict) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: process.argv.slice(2),
      env: { ...process.env, TEAL_THREAD: String(n) },
    });
    worker.on("message", hear);
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

async function follow(): Promise<void> {
  for (let seed = from + Number(process.env["TEAL_THREAD"]); seed < from + seeds; seed += threads) {
    parentPort?.postMessage(await one(seed));
  }
}

function one(seed: number): Promise<Verdict> {
  return simulate({ seed, size: values.large ? large : small });
}
