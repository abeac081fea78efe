/** `teal watch`: a screen that keeps up with a deployment; plain lines where nobody watches a terminal. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import type { DeploymentView, EventView } from "../api/contract.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import { followEvents } from "./follow.ts";
import { drawDeployment, drawEvent } from "./screen.ts";
import { find, type Session } from "./session.ts";
import { cut, lasting } from "./text.ts";

const refreshMs = 1_000;
const eventsMax = 20;

/** Ends when nothing more happens to the deployment by itself. Ctrl-C leaves it to go on alone. */
export async function watch(session: Session, what: string): Promise<ExitCode> {
  const found = await find(session, what);
  const last =
    session.terminal.live && !session.json ? await screen(session, found) : await lines(session, found.id);
  return last.outcome === "failure" ? exitCodes.failed : exitCodes.success;
}

async function lines(session: Session, id: string): Promise<DeploymentView> {
  const { client, terminal, json } = session;
  for await (const event of followEvents(client, id, session)) {
    if (json) terminal.json(event);
    else terminal.out(drawEvent(event, terminal.colors));
  }
  return client.get(id, session);
}

async function screen(session: Session, first: DeploymentView): Promise<DeploymentView> {
  const { client, terminal, signal, patienceMs } = session;
  const update = createLogUpdate(process.stdout, { showCursor: false });
  const once = { patienceMs: 0, signal };
  let d = first;
  let events: EventView[] = [];
  let next = Math.max(0, d.events - eventsMax);
  let heardAt = Date.now();
  try {
    for (;;) {
      let lost: Failure | undefined;
      try {
        d = await client.get(d.id, once);
        const page = await client.events(d.id, next, once);
        events = [...events, ...page.events].slice(-eventsMax);
        next = page.next;
        heardAt = Date.now();
      } catch (error) {
        if (!(error instanceof Failure) || error.exitCode !== exitCodes.unavailable) throw error;
        if (Date.now() - heardAt > patienceMs) throw error;
        lost = error;
      }
      const size = terminal.size();
      const drawn = drawDeployment(d, events, { ...size, colors: terminal.colors });
      update([...drawn, ...(lost ? notice(lost, Date.now() - heardAt, session) : [])].join("\n"));
      if (d.settled && next >= d.events) return d;
      await sleep(refreshMs, undefined, { signal });
    }
  } finally {
    // What was last seen stays on the terminal.
    update.done();
  }
}

function notice(lost: Failure, forMs: number, { terminal }: Session): string[] {
  const { colors: c } = terminal;
  const { columns } = terminal.size();
  return [
    "",
    c.yellow(cut(`Shown as of ${lasting(forMs)} ago: ${lost.message}. Trying again.`, columns - 1)),
  ];
}
