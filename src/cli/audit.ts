/** `teal audit`: who asked for what, and what was changed in AWS. With `--json` a line each, for a file or a pipe. */
import ms, { type StringValue } from "ms";
import type { AuditLineView } from "../api/contract.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, plain, shortMoment } from "./text.ts";

export interface AuditOptions {
  actor?: string;
  kind?: string;
  deployment?: string;
  since?: string;
  until?: string;
  limit: string;
}

const pageMax = 100;

export async function audit(
  session: Session,
  service: string | undefined,
  options: AuditOptions,
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const { limit, since, until, ...same } = options;
  const now = Date.now();
  const query: Record<string, string> = {
    ...same,
    ...(service !== undefined && { service }),
    ...(since !== undefined && { since: momentIn(since, now) }),
    ...(until !== undefined && { until: momentIn(until, now) }),
  };
  let left = limit === "all" ? Infinity : Number(limit);
  if (!(left > 0)) throw new Failure(exitCodes.usage, `--limit ${limit} is neither a number nor all`);
  for (let cursor: string | undefined; left > 0;) {
    const page = await client.audit(
      { ...query, limit: String(Math.min(left, pageMax)), ...(cursor !== undefined && { cursor }) },
      session,
    );
    for (const line of page.lines) {
      if (json) terminal.json(line);
      else for (const text of drawLine(line, terminal.colors)) terminal.out(text);
    }
    left -= page.lines.length;
    if (page.next === undefined) break;
    cursor = page.next;
  }
  return exitCodes.success;
}

/** `24h` ago, or a moment. */
function momentIn(written: string, now: number): string {
  if (isLength(written)) return new Date(now - ms(written)).toISOString();
  const at = Date.parse(written);
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new Failure(exitCodes.usage, `${written} is no moment`, {
    fix: "Write it like 24h (ago), 7d, or 2026-06-02T09:00:00+02:00.",
  });
}

function isLength(text: string): text is StringValue {
  return /^\d{1,6}(m|h|d)$/.test(text);
}

/** Pure. */
export function drawLine(line: AuditLineView, c: Colors): string[] {
  const { at, deployment, actor, what, result, code, before, after, requestId, message } = line;
  const paint =
    result === "refused" ? c.red : result === "unknown" || result === "pending" ? c.yellow : c.green;
  const outcome = code === undefined ? result : `${result}: ${code}`;
  const change = changeOf(before, after);
  return [
    `${c.dim(shortMoment(at))}  ${clean(actor.name)}  ${c.bold(clean(what))}  ${deployment}  ${paint(clean(outcome))}`,
    `    ${plain(message)}`,
    ...(change === "" ? [] : [`    ${plain(change)}`]),
    ...(requestId === undefined ? [] : [c.dim(`    request ${clean(requestId)}`)]),
  ];
}

/** `blue 100 → 90, green 0 → 10`; what stays as it was is left out. */
function changeOf(before: AuditLineView["before"] = {}, after: AuditLineView["after"] = {}): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => before[name] !== after[name]);
  return changed.map((name) => `${name} ${before[name] ?? "–"} → ${after[name] ?? "–"}`).join(", ");
}
