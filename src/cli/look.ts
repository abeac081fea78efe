/** `teal status`, `list` and `events`: looks, changes nothing. */
import Table from "cli-table3";
import { type DeploymentView, phaseNames } from "../api/contract.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import { followEvents } from "./follow.ts";
import { drawDeployment, drawEvent, phaseColor } from "./screen.ts";
import { find, type Session, strayNews } from "./session.ts";
import { approvalAt } from "./steps.ts";
import { clean, type Colors, cut, lasting, shortName } from "./text.ts";

const over = new Set(["succeeded", "rolled_back", "failed", "cancelled", "superseded", "abandoned"]);
const underWay = phaseNames.filter((phase) => !over.has(phase)).join(",");

/** One deployment in full; without a name all that are under way. */
export async function status(session: Session, what: string | undefined): Promise<ExitCode> {
  const { client, terminal, json } = session;
  if (what === undefined) return list(session, undefined, { phase: underWay, limit: "100" });
  const d = await find(session, what);
  if (json) terminal.json(d);
  else {
    const { events } = await client.events(d.id, Math.max(0, d.events - 5), session);
    const frame = { ...terminal.size(), rows: 0, colors: terminal.colors };
    for (const line of drawDeployment(d, events, frame)) terminal.out(line);
    await tellStrays(session, d.service);
  }
  return exitCodes.success;
}

export async function list(
  session: Session,
  service: string | undefined,
  { phase, limit }: { phase?: string; limit: string },
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const page = await client.list({ limit, ...(service && { service }), ...(phase && { phase }) }, session);
  if (json) terminal.json(page);
  else if (page.deployments.length === 0) terminal.out(phase ? "Nothing is under way." : "No deployments.");
  else terminal.out(table(page.deployments, terminal.size().columns, terminal.colors));
  if (!json) await tellStrays(session, service);
  return exitCodes.success;
}

/** What the last look for task sets without a record found; silent where there is nothing. */
async function tellStrays(session: Session, service: string | undefined): Promise<void> {
  const { terminal } = session;
  for (const line of await strayNews(session, service)) terminal.out(terminal.colors.yellow(line));
}

/** The whole history, a line per event; with `follow` also what comes. */
export async function events(
  session: Session,
  what: string,
  { follow }: { follow?: boolean },
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const { id } = await find(session, what);
  const show = (event: Parameters<typeof drawEvent>[0]) =>
    json ? terminal.json(event) : terminal.out(drawEvent(event, terminal.colors));
  if (follow) {
    for await (const event of followEvents(client, id, session)) show(event);
    return exitCodes.success;
  }
  for (let from = 0; ;) {
    const page = await client.events(id, from, session);
    page.events.forEach(show);
    if (page.events.length === 0) return exitCodes.success;
    from = page.next;
  }
}

/** No lines around or between the cells. */
const borders = "top,top-mid,top-left,top-right,bottom,bottom-mid,bottom-left,bottom-right,left,left-mid,mid";
const plain = {
  ...Object.fromEntries([...borders.split(","), "mid-mid", "right", "right-mid"].map((name) => [name, ""])),
  middle: "  ",
};

function table(deployments: DeploymentView[], columns: number, c: Colors): string {
  const rows = deployments.map((d) => ({
    id: d.id,
    phase: `${d.phase}${waitingFor(d)}`,
    progress: `${d.progressPercent} %`,
    what: cut(whatOf(d), Math.max(12, columns - 90)),
    by: cut(clean(d.actor.name), 16),
    took: lasting(d.elapsedMs),
    paint: phaseColor(d, c),
  }));
  const grid = new Table({
    head: ["deployment", "phase", "progress", "deploys", "asked by", "for"].map((text) => c.dim(text)),
    chars: plain,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: ["left", "left", "right", "left", "left", "right"],
  });
  for (const row of rows) {
    grid.push([row.id, row.paint(row.phase), row.progress, row.what, row.by, row.took]);
  }
  return grid
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** What a person may have to do something about. */
function waitingFor(d: DeploymentView): string {
  if (d.hold) return ` (${d.hold.kind})`;
  return approvalAt(d) ? " (approval)" : "";
}

function whatOf({ request, green }: DeploymentView): string {
  const images = Object.values(request.images ?? {});
  if (images.length > 0) return images.join(", ");
  return shortName(request.taskDefinition ?? green.taskDefinition ?? "current revision");
}
