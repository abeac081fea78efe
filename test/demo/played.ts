/** Demos as programs, for the tests that play them. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "../../examples/demo/judge.ts";
import { type RunningProcess, startBuilt } from "../support/processes.ts";

export function emptyDirectory(): string {
  return mkdtempSync(join(tmpdir(), "teal-demo-test-"));
}

/** Everything that the demo and its processes write goes to the directory. */
export function startDemo(
  path: string,
  args: string[],
  directory: string,
  redisUrl?: string,
): RunningProcess {
  return startBuilt(path, args, { env: { TMPDIR: directory, REDIS_URL: redisUrl } });
}

export async function ended(demo: RunningProcess): Promise<{ code: number | null; result: Result }> {
  const { code } = await demo.exited;
  const line = demo
    .output()
    .split("\n")
    .find((line) => line.startsWith('{"ok":'));
  if (line === undefined)
    throw new Error(`${demo.name} ended with code ${code} and no result:\n${demo.output()}`);
  const result: Result = JSON.parse(line);
  return { code, result };
}

export const failedChecks = ({ checks }: Result) => checks.filter(({ ok }) => !ok);
