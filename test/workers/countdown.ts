/** A worker process that runs the counting engine, for tests that kill it. Its arguments come as one JSON text. */
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { createRecords } from "../../src/redis/records.ts";
import { createWakes } from "../../src/redis/wakes.ts";
import { consumeDeployments } from "../../workers/deployments.ts";
import { startSweep } from "../../workers/sweep.ts";
import { countingEngine } from "./counting.ts";

interface Arguments {
  url: string;
  prefix: string;
  turns: number;
  pauseMs: number;
  lockMs: number;
  stalledMs: number;
  /** No sweep where it is left out. */
  sweepMs?: number;
}

const { url, prefix, turns, pauseMs, lockMs, stalledMs, sweepMs }: Arguments = JSON.parse(
  process.argv[2] ?? "{}",
);
const log = { warn: console.warn, error: console.error };
const redis = connectRedis(url, "records", log);
await openRedis(redis);
const records = createRecords({ redis, subscriber: () => connectRedis(url, "subscriber", log), prefix });
const clock = { now: () => Date.now() };
const jobs = {
  connection: connectRedis(url, "jobs", log),
  prefix,
  records,
  wakes: createWakes({ redis, prefix, log }),
  clock,
  log,
  lockMs,
  stalledMs,
};
const onTurn = (step: number): void => void process.stdout.write(`step ${step}\n`);
consumeDeployments({
  ...jobs,
  engine: countingEngine({ records, clock, turns, pauseMs, onTurn }),
  concurrency: 10,
});
if (sweepMs !== undefined) startSweep({ ...jobs, everyMs: sweepMs });
process.stdout.write("consuming\n");
