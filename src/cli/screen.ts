/** One deployment as a screen of text: calm, aligned, and with what the reader can do about it. Pure. */
import type { DeploymentView, EventView, RouteView, SetView } from "../api/contract.ts";
import {
  bar,
  clean,
  clockTime,
  type Colors,
  cut,
  lasting,
  length,
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
const widthMax = 96;
const labelWidth = 24;

/** @param events the newest last; as many are shown as there is room for */
export function drawDeployment(d: DeploymentView, events: readonly EventView[], frame: Frame): string[] {
  const { colors: c } = frame;
  const width = Math.max(widthMin, Math.min(frame.columns - 1, widthMax));
  const top = [
    ...title(d, width, c),
    "",
    ...state(d, width, c),
    "",
    ...steps(d, width, c),
    ...section(traffic(d, width, c)),
    ...section(tasks(d, width, c)),
  ];
  const bottom = hints(d, width, c);
  const room = Math.min(8, Math.max(3, frame.rows - top.length - bottom.length - 3));
  return [...top, ...section(history(events, room, width, c)), ...bottom];
}

/** An event on a line of its own. */
export function drawEvent(event: EventView, c: Colors, width = Infinity): string {
  const message = cut(clean(event.message), width - 10);
  return `${c.dim(clockTime(event.at))}  ${emphasis(event, c)(message)}`;
}

/** Why it did not succeed, for the end of `deploy` and for the screen. */
export function drawFailure(d: DeploymentView, c: Colors, width = Infinity): string[] {
  const said = (paint: (text: string) => string, text: string) => wrap(clean(text), width).map(paint);
  const others = d.problems.filter((problem) => problem.message !== d.cause?.message);
  return [
    ...(d.cause ? [...said(c.red, d.cause.message), ...said(c.dim, `→ ${d.cause.fix}`)] : []),
    ...others.flatMap(({ message, fix }) => [...said(c.red, `• ${message}`), ...said(c.dim, `  → ${fix}`)]),
  ];
}

export function phaseColor(d: Pick<DeploymentView, "phase" | "outcome" | "hold">, c: Colors) {
  if (d.hold) return c.yellow;
  if (d.outcome === "success") return c.green;
  if (d.outcome === "failure") return d.phase === "cancelled" ? c.dim : c.red;
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
  return [
    `${c.bold(d.service)}  ${c.dim(id)}${gap}${c.dim(time)}`,
    cut(
      `${from ? `${from} → ` : ""}${what || "current revision"}   by ${clean(d.actor.name)}${reason}`,
      width,
    ),
  ];
}

function state(d: DeploymentView, width: number, c: Colors): string[] {
  const paint = phaseColor(d, c);
  const name = d.phase.replace("_", " ").toUpperCase();
  const { full, rest } = bar(d.progressPercent, width - 7);
  const lines = [
    `${paint(c.bold(name))}  ${c.dim(cut(d.what, width - name.length - 2))}`,
    `${paint(full)}${c.dim(rest)} ${String(d.progressPercent).padStart(4)} %`,
    ...wrap(clean(d.note), width),
  ];
  if (d.hold) {
    const since = lasting(Date.parse(d.createdAt) + d.elapsedMs - Date.parse(d.hold.since));
    lines.push(
      ...wrap(`‖ ${d.hold.kind.toUpperCase()} for ${since}: ${clean(d.hold.reason)}`, width).map((line) =>
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

interface Stage {
  what: string;
  at: "done" | "current" | "to-come";
}

function later(what: string, ms: number, current: boolean, done: boolean): Stage[] {
  return ms > 0
    ? [{ what: `${what} ${length(ms)}`, at: current ? "current" : done ? "done" : "to-come" }]
    : [];
}

/** The strategy's steps, and what comes after them. */
function steps(d: DeploymentView, width: number, c: Colors): string[] {
  const { phase, strategy, outcome } = d;
  const green = outcome === "success";
  const stages: Stage[] = [
    ...d.steps.map(({ what, state: at }) => ({ what, at })),
    ...later("bake", strategy.bakeMs, phase === "baking", green || phase === "promoting"),
    ...later("retain blue", strategy.retainMs, phase === "retaining", green),
  ];
  const left = d.remainingMs === undefined ? "" : `${lasting(d.remainingMs)} left`;
  const draw = ({ what, at }: Stage) => {
    const name = cut(what, width - 24);
    if (at === "done") return `  ${c.green("✓")} ${name}`;
    if (at === "to-come") return `  ${c.dim("·")} ${c.dim(name)}`;
    return `  ${c.cyan("▸")} ${c.bold(name)}${left && c.cyan(`${" ".repeat(Math.max(2, 20 - name.length))}${left}`)}`;
  };
  return [heading(`Steps of ${strategy.name}`, c), ...stages.map(draw), ""];
}

function traffic(d: DeploymentView, width: number, c: Colors): string[] {
  if (d.routes.length === 0) return [];
  const share = Math.max(8, Math.floor((width - labelWidth - 24) / 2));
  const cell = (percent: number | undefined) => {
    if (percent === undefined) return c.dim(`${"·".repeat(share)}      –  `);
    const { full, rest } = bar(percent, share);
    return `${c.green(full)}${c.blue(rest)} ${String(percent).padStart(5)} %`;
  };
  const row = (route: RouteView) => {
    const name = cut(shortRoute(route.kind, route.arn), labelWidth - 2).padEnd(labelWidth);
    return route.gone
      ? `  ${name}${c.red("gone")}`
      : `  ${name}${cell(route.askedPercent)}   ${cell(route.observedPercent)}`;
  };
  const shown = d.routes.slice(0, 6);
  const head = `${"Traffic to green".padEnd(labelWidth + 2)}${"asked".padEnd(share + 11)}observed`;
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
  const age = d.observedAt ? Date.parse(d.createdAt) + d.elapsedMs - Date.parse(d.observedAt) : 0;
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
  if (events.length === 0) return [];
  return [
    heading("History", c),
    ...events.slice(-room).map((event) => `  ${drawEvent(event, c, width - 2)}`),
  ];
}

function hints(d: DeploymentView, width: number, c: Colors): string[] {
  if (d.commands.length === 0) return [];
  const first = d.commands[0] ?? "";
  const others = d.commands.slice(1);
  const line = `teal ${first} ${d.id}${others.length > 0 ? `   or ${others.join(", ")}` : ""}`;
  return [c.dim(cut(`You can: ${line}`, width))];
}

function heading(text: string, c: Colors): string {
  return c.dim(c.bold(text));
}

function section(lines: string[]): string[] {
  return lines.length > 0 ? [...lines, ""] : [];
}

function emphasis(event: EventView, c: Colors): (text: string) => string {
  if (event.type === "phase") return event.to === "rolling_back" || event.to === "failed" ? c.red : c.bold;
  if (event.type === "refused" || event.obeyed === false) return c.red;
  if (event.type === "hold" || event.type === "unknown") return c.yellow;
  if (event.type === "command") return c.cyan;
  return event.type === "effect" || event.type === "done" ? c.dim : String;
}
