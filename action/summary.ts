/** The table below the job. Pure. */
import type { DeploymentView, EventView } from "../src/api/contract.ts";
import { failuresOf } from "../src/client/decided.ts";
import { clean } from "./workflow.ts";

/** Of a long history, the end tells more. */
const eventsMax = 100;

export function summaryOf(d: DeploymentView, events: readonly EventView[]): string {
  const images = Object.entries(d.request.images ?? {}).map(([container, image]) => `${container}=${image}`);
  const rows = [
    ["deployment", code(d.id)],
    ["phase", `${code(d.phase)}: ${cell(d.note)}`],
    ["from", d.blue.taskDefinition && code(shortName(d.blue.taskDefinition))],
    ["to", d.green.taskDefinition && code(shortName(d.green.taskDefinition))],
    ["images", images.length > 0 && images.map(code).join("<br>")],
    ["strategy", code(d.strategy.name)],
    ["time", lasting(d.elapsedMs)],
  ];
  const failures = failuresOf(d).flatMap(({ message, fix }) => [
    `> ${cell(message)}`,
    ...(fix === undefined ? [] : [`> → ${cell(fix)}`]),
    "",
  ]);
  const shown = events.slice(-eventsMax);
  const left = events.length - shown.length;
  return [
    `### ${mark(d)} ${cell(d.service)}: ${ending(d)}`,
    "",
    ...(d.outcome === "success" ? [] : failures),
    "| | |",
    "| --- | --- |",
    ...rows.flatMap(([name, value]) => (value ? [`| ${name} | ${value} |`] : [])),
    "",
    `<details><summary>What happened${left > 0 ? `, without the first ${left} events` : ""}</summary>`,
    "",
    "| | |",
    "| --- | --- |",
    ...shown.map(({ at, message }) => `| ${cell(at.slice(11, 19))} | ${cell(message)} |`),
    "",
    "</details>",
    "",
  ].join("\n");
}

/** What became of it, in a few words. */
export function ending(d: DeploymentView): string {
  if (d.outcome === "success") return `the new version serves, after ${lasting(d.elapsedMs)}`;
  if (d.outcome === "failure") return `${d.phase.replace("_", " ")}, after ${lasting(d.elapsedMs)}`;
  return d.phase;
}

export function mark(d: DeploymentView): string {
  return { success: "✓", failure: "✗", open: "▸" }[d.outcome];
}

/** Text of others can be neither Markdown nor HTML, nor end its cell. */
function cell(text: string): string {
  return clean(text).replaceAll(/[\\`*_{}[\]<>()#+\-!|~&@:]/g, (sign) => `&#${sign.codePointAt(0)};`);
}

function code(text: string): string {
  return `<code>${cell(text)}</code>`;
}

/** `web:42` of an ARN. */
function shortName(arn: string): string {
  return /:task-definition\/(.+)$/.exec(arn)?.[1] ?? arn;
}

/** `12s`, `4m 12s`, `2h 5m`. */
function lasting(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
