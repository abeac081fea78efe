#!/usr/bin/env node
/** The worker process: read the configuration, then be a worker. */
import { loadConfig } from "../src/config/config.ts";
import { TealError } from "../src/errors.ts";
import { runWorker } from "./worker.ts";

async function main(): Promise<void> {
  await runWorker(loadConfig(process.env));
}

main().catch((error: unknown) => {
  const known = error instanceof TealError;
  const text = known
    ? `${error.message}\n${error.entry.fix}`
    : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`teal worker: ${text}\n`);
  process.exit(1);
});
