/** Where a command writes, and what the terminal can do. */
import pc from "picocolors";
import type { Failure } from "./exit.ts";
import { clean, type Colors } from "./text.ts";

export interface Terminal {
  /** Results go to standard output, one document or one line at a time. */
  out(line: string): void;
  json(value: unknown): void;
  colors: Colors;
  /** Whether a person watches, so that a screen may be redrawn. */
  live: boolean;
  size(): { columns: number; rows: number };
}

export function systemTerminal(): Terminal {
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    colors: pc.createColors(pc.isColorSupported && process.stdout.isTTY),
    live: process.stdout.isTTY,
    size: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
  };
}

/** What happened, all that is wrong, what to do, and the id that finds it in the server's log. */
export function describeFailure({ message, fix, body }: Failure, c: Colors): string {
  const lines = [`${c.red("teal:")} ${clean(message)}`];
  if (body && body.problems.length > 1)
    lines.push(...body.problems.map((problem) => `  • ${clean(problem.message)}`));
  if (fix) lines.push(`  ${c.dim("→")} ${clean(fix)}`);
  if (body) lines.push(c.dim(`  request ${body.requestId}`));
  return lines.join("\n");
}
