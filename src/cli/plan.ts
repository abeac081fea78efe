/** `teal plan` and `teal deploy --dry-run`: what a deployment would do, were it started now. */
import type { DeployBody } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Session } from "./session.ts";
import { drawPlan } from "./timetable.ts";

/** Ends as refused where it would be, or could come to no good end. */
export async function plan(session: Session, body: DeployBody): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const found = await client.plan(body, session);
  if (json) terminal.json(found);
  else for (const line of drawPlan(found, terminal.size().columns, terminal.colors)) terminal.out(line);
  return found.ok ? exitCodes.success : exitCodes.refused;
}
