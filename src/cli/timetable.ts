/** A plan as lines of text: what happens when, then what it needs and how long it takes. Pure. */
import type { PlannedMoment, PlanView } from "../api/contract.ts";
import { clean, type Colors, lasting, length, plain, shortName, wrap } from "./text.ts";

/** A narrower terminal wraps lines. */
const widthMin = 64;
const widthMax = 100;

export function drawPlan(plan: PlanView, columns: number, c: Colors): string[] {
  const width = Math.max(widthMin, Math.min(columns - 1, widthMax));
  const findings = plan.findings.flatMap(({ message, fix }) => [
    ...labelled("•", plain(message), 1, width).map(c.red),
    ...labelled(" →", clean(fix), 2, width).map(c.dim),
  ]);
  const warnings = plan.warnings.flatMap((text) => labelled("!", plain(text), 1, width).map(c.yellow));
  const isPlayed = Object.keys(plan.calls).length > 0;
  const parts = [
    [title(plan, c)],
    ...(isPlayed ? [timetable(plan.moments, width, c), footer(plan, width, c)] : []),
    [...findings, ...warnings, verdict(plan, c)],
  ];
  return parts.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

function title({ service, strategy, blue, green }: PlanView, c: Colors): string {
  const from = blue ? `${shortName(blue)} → ` : "";
  const to = green?.endsWith(":next") ? "a new revision" : shortName(green ?? "");
  const what = to === "" ? "" : `${from}${to}  `;
  return `${c.bold(service)}  ${what}${c.dim(`strategy ${strategy}`)}`;
}

/** Text beside its label, wrapped. */
function labelled(label: string, text: string, labelWidth: number, width: number): string[] {
  const lines = wrap(text, width - labelWidth - 1);
  return lines.map((line, index) => `${(index === 0 ? label : "").padEnd(labelWidth)} ${line}`);
}

/** Columns of the table beside the text: the time, tasks of green and of blue, green's share of the traffic. */
const columnWidths = { time: 8, green: 7, blue: 6, traffic: 9 };
const margin = columnWidths.time + 2;

interface Row {
  atMs: number;
  text: string;
  /** Set for what begins a phase. */
  phase?: string;
  moment: PlannedMoment;
  /** It happens on so many routes at once. */
  routes: number;
}

function timetable(moments: readonly PlannedMoment[], width: number, c: Colors): string[] {
  const { time, green, blue, traffic } = columnWidths;
  const numbers = (a: string, b: string, share: string) =>
    `${a.padStart(green)}${b.padStart(blue)}${share.padStart(traffic)}`;
  const textWidth = width - margin - green - blue - traffic;
  const head = `${"after".padStart(time)}  ${"".padEnd(textWidth)}${numbers("green", "blue", "traffic")}`;
  let last = "";
  const lines = rowsOf(moments).flatMap(({ atMs, text, phase, moment, routes }) => {
    const now = lasting(atMs);
    const clock = now === last ? "" : now;
    last = now;
    const start = `${c.dim(clock.padStart(time))}  `;
    if (phase !== undefined) {
      const [first = "", ...rest] = text === "" ? [] : wrap(text, width - margin - phase.length - 2);
      const indent = " ".repeat(margin + phase.length + 2);
      return [`${start}${c.bold(phase)}  ${first}`.trimEnd(), ...rest.map((line) => `${indent}${line}`)];
    }
    const paint = moment.waitsFor ? (forPeople.has(moment.waitsFor.kind) ? c.cyan : c.dim) : String;
    const room = (moment.waitsFor ? width - margin : textWidth) - 2;
    const [first = "", ...rest] = wrap(routes > 1 ? `${text}, on ${routes} routes` : text, room);
    const counts = numbers(
      String(moment.green?.tasks ?? "–"),
      String(moment.blue?.tasks ?? "–"),
      `${Number(moment.weightPercent.toPrecision(4))} %`,
    );
    return [
      `${start}  ${moment.waitsFor ? paint(first) : `${first.padEnd(room)}${counts}`}`,
      ...rest.map((line) => `${" ".repeat(margin + 2)}${paint(line)}`),
    ];
  });
  return [c.dim(head), ...lines];
}

/** Why it begins is told of these phases; the others are told by what happens in them. */
const toldPhases = new Set<PlannedMoment["phase"]>(["rolling_back", "succeeded", "rolled_back", "failed"]);

function rowsOf(moments: readonly PlannedMoment[]): Row[] {
  const rows: Row[] = [];
  let phase: PlannedMoment["phase"] | undefined;
  for (const moment of moments) {
    const { atMs, what } = moment;
    const enters = moment.phase !== phase;
    const happens = moment.effect !== undefined || moment.waitsFor !== undefined;
    if (enters && (happens || toldPhases.has(moment.phase))) {
      phase = moment.phase;
      rows.push({
        atMs,
        text: happens ? "" : plain(what).replace(/^rolling back: /, ""),
        phase: phase.replace("_", " "),
        moment,
        routes: 1,
      });
    }
    if (!happens) continue;
    const before = rows.at(-1);
    const isSame = before?.phase === undefined && before?.atMs === atMs && before.moment.what === what;
    if (before && isSame && moment.effect?.route) before.routes += 1;
    else rows.push({ atMs, text: textOf(moment), moment, routes: 1 });
  }
  return rows;
}

const forPeople = new Set(["approval", "person"]);
/** What waits for these says itself how long, or nobody knows. */
const ownLength = new Set(["pause", ...forPeople]);

function textOf({ what, waitsFor }: PlannedMoment): string {
  if (!waitsFor) return plain(what);
  return `… ${plain(what)}${ownLength.has(waitsFor.kind) ? "" : ` (${length(waitsFor.ms)})`}`;
}

function footer(plan: PlanView, width: number, c: Colors): string[] {
  const { calls, headroom, assumed } = plan;
  const line = (label: string, text: string) =>
    labelled(label, text, 7, width).map((line) => `${c.dim(line.slice(0, 8))}${line.slice(8)}`);
  const start = assumed.startKnown ? "as in earlier deployments" : "at a guess";
  const made = Object.entries(calls).map(([action, count]) => {
    return `${count > 1 ? `${count}×` : ""}${action.split(":").at(-1)}`;
  });
  const people = plan.moments.flatMap(({ waitsFor, what }) => (waitsFor?.kind === "approval" ? [what] : []));
  return [
    ...line("Takes", took(plan.expected)),
    ...line("", `at the least ${took(plan.least)}`),
    ...line(
      "",
      `tasks start in ${length(assumed.startMs)} ${start}, and drain in ${length(assumed.drainMs)}, AWS's default`,
    ),
    ...(people.length > 0 ? line("", `and however long it waits for ${people.join("; ")}`) : []),
    ...line("Calls", made.join(", ")),
    ...(headroom ? roomLines(headroom).flatMap((text, index) => line(index === 0 ? "Room" : "", text)) : []),
  ];
}

function took({ ms, untilPrimaryMs }: PlanView["expected"]): string {
  const all = `${lasting(ms)} in all`;
  return untilPrimaryMs === undefined ? all : `${lasting(untilPrimaryMs)} until green is PRIMARY, ${all}`;
}

function roomLines({ tasks, taskSets, tags, routes }: NonNullable<PlanView["headroom"]>): string[] {
  const sets = taskSets.present.map(({ id, of }) => `${id} (${of})`).join(", ");
  const finest = Math.max(0, ...routes.map(({ finestPercent }) => finestPercent));
  return [
    `tasks: ${tasks.present} now, ${tasks.atPeak} at the peak; there must be room for ${tasks.more} more`,
    `task sets: ${taskSets.atPeak} of ${taskSets.limit} at the peak${sets === "" ? "" : `; now ${sets}`}`,
    `tags of green: ${tags.used} of ${tags.limit}${finest > 0 ? `; weights go in steps of ${finest} %` : ""}`,
  ];
}

function verdict({ ok, findings, end }: PlanView, c: Colors): string {
  if (ok) return c.green("✓ It would be accepted.");
  if (findings.length > 0) return c.red("✗ It would be refused.");
  return c.red(`✗ It would be accepted, and end ${end.phase.replace("_", " ")}.`);
}
