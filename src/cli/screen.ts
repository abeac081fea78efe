/** One deployment as a screen of text: calm, aligned, and with what the reader can do about it. Pure. */
import type { CommandName, DeploymentView, EventView, RouteView, SetView } from "../api/contract.ts";
import { failuresOf } from "../client/decided.ts";
import { drawAnalysis, drawSteps, nowOf } from "./steps.ts";
import {
  bar,
  clean,
  clockTime,
  type Colors,
  cut,
  lasting,
  plain,
  shortMoment,
  shortName,
  shortRoute,
  wrap,
} from "./text.ts";

export interface Frame {
  columns: number;
  rows: number;
  colors: Colors;
}

/** A narrower terminal wraps lines. */
const widthMin = 64;
const widthMax = 112;
const labelWidth = { least: 24, most: 32 };
const barMax = 72;
const eventsRoom = { least: 3, usual: 5, most: 8 };

/** @param events the newest last; as many are shown as there is room for */
export function drawDeployment(d: DeploymentView, events: readonly EventView[], frame: Frame): string[] {
  const { colors: c } = frame;
  const width = Math.max(widthMin, Math.min(frame.columns - 1, widthMax));
  const head = [...title(d, width, c), "", ...state(d, width, c), ...appointed(d, width, c)];
  const analysis = drawAnalysis(d, width, c);
  const background = analysis.length > 0 ? [heading("In the background", c), ...indented(analysis)] : [];
  const seen = [traffic(d, width, c), tasks(d, width, c)];
  const foot = hints(d, width, c);
  const bounded = frame.rows > 0;
  // The line after the last one is the cursor's.
  const rows = bounded ? frame.rows - 1 : Infinity;
  // For the steps and the history, each with a heading and an empty line before it.
  const room = rows - sectioned([head, background, ...seen, foot]).length - 4;
  const drawn = drawSteps(d, width, room - eventsRoom.least, c);
  const steps = [heading(`Steps of ${d.strategy.name}`, c), ...drawn];
  const eventsLeft = bounded ? room - drawn.length : eventsRoom.usual;
  const past = history(events, Math.min(eventsRoom.most, eventsLeft), width, c);
  const whole = sectioned([head, steps, background, ...seen, past, foot]);
  // Where the terminal is low, what matters least goes first.
  if (whole.length <= rows) return whole;
  const tight = [...head, ...steps, ...background, ...seen.flat(), ...foot];
  return tight.length <= rows ? tight : [...head, ...steps, ...seen.flat(), ...foot];
}

/** An event on a line of its own. */
export function drawEvent(event: EventView, c: Colors, width = Infinity): string {
  const message = cut(plain(event.message), width - 10);
  return `${c.dim(clockTime(event.at))}  ${emphasis(event, c)(message)}`;
}

/** Why it did not succeed, for the end of `deploy` and for the screen. */
export function drawFailure(d: DeploymentView, c: Colors, width = Infinity): string[] {
  const said = (paint: (text: string) => string, text: string) => wrap(plain(text), width).map(paint);
  return failuresOf(d).flatMap(({ message, fix }, index) => {
    const first = index === 0 && d.cause !== undefined;
    return [
      ...said(c.red, first ? message : `• ${message}`),
      ...(fix === undefined ? [] : said(c.dim, first ? `→ ${fix}` : `  → ${fix}`)),
    ];
  });
}

export function phaseColor(d: Pick<DeploymentView, "phase" | "outcome" | "hold">, c: Colors) {
  if (d.hold) return c.yellow;
  if (d.outcome === "success") return c.green;
  if (d.outcome === "failure") return d.phase === "cancelled" || d.phase === "superseded" ? c.dim : c.red;
  return d.phase === "rolling_back" ? c.magenta : c.cyan;
}

function title(d: DeploymentView, width: number, c: Colors): string[] {
  const time = lasting(d.elapsedMs);
  const id = cut(d.id, width - d.service.length - time.length - 4);
  const gap = " ".repeat(Math.max(2, width - d.service.length - id.length - time.length - 2));
  const from = d.blue.taskDefinition ? shortName(d.blue.taskDefinition) : undefined;
  const images = Object.entries(d.request.images ?? {}).map(([name, image]) => `${name}=${image}`);
  const to = d.green.taskDefinition ?? d.request.taskDefinition;
  const what = [to && shortName(to), ...images].filter((part) => part !== undefined).join(", ");
  const reason = d.request.reason ? `: ${clean(d.request.reason)}` : "";
  const build = d.build === undefined ? "" : `build ${d.build} `;
  const change = cut(`${from ? `${from} → ` : ""}${what || "current revision"}`, width);
  const asked = cut(`${build}by ${clean(d.actor.name)}${reason}`, width);
  const line = `${change}   ${asked}`;
  return [
    `${c.bold(d.service)}  ${c.dim(id)}${gap}${c.dim(time)}`,
    ...(line.length <= width ? [line] : [change, asked]),
  ];
}

function state(d: DeploymentView, width: number, c: Colors): string[] {
  const paint = phaseColor(d, c);
  const name = d.phase.replace("_", " ").toUpperCase();
  const { full, rest } = bar(d.progressPercent, Math.min(barMax, width - 7));
  const lines = [
    `${paint(c.bold(name))}  ${c.dim(cut(d.what, width - name.length - 2))}`,
    `${paint(full)}${c.dim(rest)} ${String(d.progressPercent).padStart(4)} %`,
    ...(isSaidElsewhere(d) ? [] : wrap(plain(d.note), width)),
  ];
  if (d.hold) {
    const since = lasting(nowOf(d) - Date.parse(d.hold.since));
    lines.push(
      ...wrap(`‖ ${d.hold.kind.toUpperCase()} for ${since}: ${plain(d.hold.reason)}`, width).map((line) =>
        c.yellow(line),
      ),
    );
  }
  for (const trouble of d.troubles.slice(0, 3)) {
    const times = trouble.count === 1 ? "once" : `${trouble.count} times`;
    const line = `! ${trouble.action} failed ${times}: ${trouble.code}, ${clean(trouble.message)}`;
    lines.push(...wrap(line, width).map((part) => c.yellow(part)));
  }
  return [...lines, ...drawFailure(d, c, width)];
}

/** By the hold, with how long it has lasted; or by the gate, among the steps. */
function isSaidElsewhere({ hold, note, gates }: DeploymentView): boolean {
  const gate = gates.find(({ state }) => state === "current");
  if (hold) return hold.reason === note;
  return gate !== undefined && gate.kind !== "pause";
}

/** What was asked for a later moment. */
function appointed(d: DeploymentView, width: number, c: Colors): string[] {
  if (!d.appointment) return [];
  const { at, full, ifHealthy, by } = d.appointment;
  const what = `promotes${full ? " all the way" : ""} at ${shortMoment(at)}`;
  const inTime = `in ${lasting(Date.parse(at) - nowOf(d))}`;
  const text = `◷ ${what}, ${inTime}${ifHealthy ? ", if healthy" : ""} (${clean(by.name)})`;
  return wrap(text, width).map((line) => c.cyan(line));
}

function traffic(d: DeploymentView, width: number, c: Colors): string[] {
  if (d.routes.length === 0) return [];
  const names = new Map(
    d.routes.map((route) => [route, `${route.test ? "test " : ""}${shortRoute(route.kind, route.arn)}`]),
  );
  const longest = Math.max(...[...names.values()].map((name) => name.length + 2));
  const label = Math.min(labelWidth.most, Math.max(labelWidth.least, longest));
  const share = Math.max(8, Math.min(24, Math.floor((width - label - 24) / 2)));
  const cell = (percent: number | undefined) => {
    if (percent === undefined) return c.dim(`${"·".repeat(share)}      –  `);
    const { full, rest } = bar(percent, share);
    return `${c.green(full)}${c.blue(rest)} ${String(percent).padStart(5)} %`;
  };
  const row = (route: RouteView) => {
    const name = cut(names.get(route) ?? "", label - 2).padEnd(label);
    return route.gone
      ? `  ${name}${c.red("gone")}`
      : `  ${name}${cell(route.askedPercent)}   ${cell(route.observedPercent)}`;
  };
  const shown = d.routes.slice(0, 6);
  const head = `${"Traffic to green".padEnd(label + 2)}${"asked".padEnd(share + 11)}observed`;
  const more = d.routes.length - shown.length;
  return [heading(head, c), ...shown.map(row), ...(more > 0 ? [c.dim(`  and ${more} more`)] : [])];
}

function tasks(d: DeploymentView, width: number, c: Colors): string[] {
  if (!d.blue.arn && !d.green.arn && !d.green.counts && !d.blue.counts) return [];
  const row = (label: string, paint: (text: string) => string, set: SetView) => {
    const { desired, running, healthy } = set.counts ?? {};
    const name = set.taskDefinition ? shortName(set.taskDefinition) : "";
    const short = healthy !== undefined && desired !== undefined && healthy < desired;
    const health = short ? c.yellow(number(healthy)) : number(healthy);
    return `  ${paint("■")} ${label.padEnd(8)}${number(desired)}${number(running)}${health}   ${c.dim(cut(name, width - 44))}`;
  };
  const age = d.observedAt ? nowOf(d) - Date.parse(d.observedAt) : 0;
  const seen = age > 15_000 && !d.settled ? `   seen ${lasting(age)} ago` : "";
  return [
    heading(`Tasks${" ".repeat(7)}  desired  running  healthy${seen}`, c),
    row("blue", c.blue, d.blue),
    row("green", c.green, d.green),
  ];
}

function number(value: number | undefined): string {
  return String(value ?? "–").padStart(9);
}

function history(events: readonly EventView[], room: number, width: number, c: Colors): string[] {
  // What was done says what was begun.
  const ended = events.filter(
    ({ type, message }) =>
      type !== "effect" || !events.some((later) => later.message.startsWith(`${message}:`)),
  );
  if (ended.length === 0 || room < 1) return [];
  return [heading("History", c), ...ended.slice(-room).map((event) => `  ${drawEvent(event, c, width - 2)}`)];
}

/** What it waits for comes first, then the way back. */
const urgent: CommandName[] = ["approve", "override", "retry", "resume", "rollback"];

function hints(d: DeploymentView, width: number, c: Colors): string[] {
  const back = d.wayBack ? wrap(`Way back: ${clean(d.wayBack.what)}`, width) : [];
  const [first, ...others] = [
    ...urgent.filter((name) => d.commands.includes(name)),
    ...d.commands.filter((name) => !urgent.includes(name)),
  ];
  const why = first === "override" ? ' -r "why"' : "";
  const line = `You can: teal ${first} ${d.id}${why}${others.length > 0 ? `   or ${others.join(", ")}` : ""}`;
  return [...back, ...(first === undefined ? [] : wrap(line, width))].map((text) => c.dim(text));
}

function heading(text: string, c: Colors): string {
  return c.dim(c.bold(text));
}

function indented(lines: string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** With an empty line between those that have something to say. */
function sectioned(sections: string[][]): string[] {
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, index) => (index > 0 ? ["", ...lines] : lines));
}

function emphasis(event: EventView, c: Colors): (text: string) => string {
  if (event.type === "phase") return event.to === "rolling_back" || event.to === "failed" ? c.red : c.bold;
  if (event.type === "refused" || event.obeyed === false) return c.red;
  if (event.type === "hold" || event.type === "unknown") return c.yellow;
  if (event.type === "command") return c.cyan;
  return event.type === "effect" || event.type === "done" ? c.dim : String;
}
