/** A worker process that runs the counting engine, for tests that kill it. Its arguments come as one JSON text. */
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import { createRecords } from "../../src/redis/records.ts";
import { createWakes } from "../../src/redis/wakes.ts";
import { consumeDeployments } from "../../workers/deployments.ts";
import { countingEngine } from "./counting.ts";

interface Arguments {
  url: string;
  prefix: string;
  turns: number;
  pauseMs: number;
  lockMs: number;
  stalledMs: number;
}

const { url, prefix, turns, pauseMs, lockMs, stalledMs }: Arguments = JSON.parse(process.argv[2] ?? "{}");
const log = { warn: console.warn, error: console.error };
const redis = connectRedis(url, "records", log);
await openRedis(redis);
const records = createRecords({ redis, subscriber: () => connectRedis(url, "subscriber", log), prefix });
const clock = { now: () => Date.now() };
consumeDeployments({
  connection: connectRedis(url, "jobs", log),
  prefix,
  engine: countingEngine({
    records,
    clock,
    turns,
    pauseMs,
    onTurn: (step) => process.stdout.write(`step ${step}\n`),
  }),
  records,
  wakes: createWakes({ redis, prefix, log }),
  clock,
  log,
  concurrency: 10,
  lockMs,
  stalledMs,
});
process.stdout.write("consuming\n");
