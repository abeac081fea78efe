/** `teal schedules`: what is asked of services at recurring times, the next one first. */
import type { ScheduleView } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, columnsOf, cut, lasting } from "./text.ts";
import { inZone } from "./when.ts";

export async function schedules(session: Session): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const { schedules: found } = await client.schedules(session);
  if (json) terminal.json(found);
  else if (found.length === 0) terminal.out("teal.yaml has no schedules.");
  else
    for (const line of drawSchedules(found, Date.now())) terminal.out(cut(line, terminal.size().columns - 1));
  return exitCodes.success;
}

/** Pure. */
export function drawSchedules(schedules: readonly ScheduleView[], now: number): string[] {
  return columnsOf(
    schedules.map(({ name, service, what, timezone, nextAt }) => {
      const at = Date.parse(nextAt);
      return [name, service, clean(what), inZone(at, timezone), `in ${lasting(at - now)}`];
    }),
  );
}
