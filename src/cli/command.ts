/** `teal rollback | abort | pause | resume | promote | retry | release`. */
import { randomUUID } from "node:crypto";
import type { CommandName } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import { find, type Session } from "./session.ts";
import { clean } from "./text.ts";

const waitSeconds = 10;

export async function command(
  session: Session,
  name: CommandName,
  what: string,
  { full, reason }: { full?: boolean; reason?: string },
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const { id } = await find(session, what);
  const answer = await client.command(
    id,
    { command: name, ...(full && { full }), ...(reason !== undefined && { reason }) },
    waitSeconds,
    randomUUID(),
    session,
  );
  const { colors: c } = terminal;
  if (json) terminal.json(answer);
  else {
    const mark = answer.state === "obeyed" ? c.green("✓") : c.yellow("…");
    terminal.out(`${mark} ${c.bold(id)}  ${clean(answer.message)}`);
    if (answer.started) terminal.out(c.dim(`  teal watch ${answer.started}`));
  }
  return answer.state === "obeyed" ? exitCodes.success : exitCodes.timeout;
}
