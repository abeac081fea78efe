/** `teal queue`: who acts on a service, who keeps an old task set, who waits in which order, and when it is closed. */
import type { HolderView, ServiceDetail } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, columnsOf, cut, lasting, shortMoment } from "./text.ts";

/** Freezes ahead that are told without being asked for more. */
const aheadMax = 3;

export async function queue(session: Session, name: string | undefined): Promise<ExitCode> {
  const { client, terminal, json } = session;
  if (name !== undefined) {
    const service = await client.service(name, session);
    if (json) terminal.json(service);
    else
      for (const line of drawQueue(service, Date.now(), terminal.size().columns, terminal.colors))
        terminal.out(line);
    return exitCodes.success;
  }
  const { services } = await client.services(session);
  const busy = services.filter(
    ({ slot, closed }) => slot?.acting || slot?.retaining || slot?.queue.length || closed,
  );
  const details: ServiceDetail[] = [];
  for (const one of busy) details.push(await client.service(one.name, session));
  if (json) terminal.json(details);
  else if (details.length === 0) terminal.out("Nothing acts and nothing waits.");
  for (const [index, one] of json ? [] : details.entries()) {
    if (index > 0) terminal.out("");
    for (const line of drawQueue(one, Date.now(), terminal.size().columns, terminal.colors))
      terminal.out(line);
  }
  return exitCodes.success;
}

/** Pure. */
export function drawQueue(service: ServiceDetail, now: number, columns: number, c: Colors): string[] {
  const { acting, retaining, closed, freezes } = service;
  const holders: [string, HolderView][] = [
    ...(acting ? [["acts", acting] as [string, HolderView]] : []),
    ...(retaining ? [["retains", retaining] as [string, HolderView]] : []),
    ...service.queue.map((one, index): [string, HolderView] => [`waits ${index + 1}`, one]),
  ];
  const rows = holders.map(([place, { id, phase, by, build, createdAt, what }]) => [
    place,
    id,
    phase,
    cut(clean(by.name), 16),
    build === undefined ? "" : `build ${build}`,
    lasting(now - Date.parse(createdAt)),
    clean(what),
  ]);
  const ahead = freezes.filter(({ id }) => id !== closed?.id);
  return [
    c.bold(service.name),
    ...(closed
      ? [c.yellow(cut(`  closed until ${shortMoment(closed.until)}: ${clean(closed.reason)}`, columns - 1))]
      : []),
    ...columnsOf(rows).map((row) => cut(`  ${row}`, columns - 1)),
    ...(holders.length === 0 ? [c.dim("  nobody acts and nobody waits")] : []),
    ...ahead
      .slice(0, aheadMax)
      .map(({ from, to, reason }) =>
        c.dim(cut(`  frozen ${shortMoment(from)} to ${shortMoment(to)}: ${clean(reason)}`, columns - 1)),
      ),
  ];
}
