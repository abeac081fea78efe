/** The steps of a deployment as lines of text: what is done, and what it stands at with all that it waits for. Pure. */
import type { CheckView, DeploymentView, GateView, StepView } from "../api/contract.ts";
import { clean, type Colors, cut, lasting, length, shortMoment, wrap } from "./text.ts";

interface Stage {
  what: string;
  at: StepView["state"];
  /** Which part of the way it is of. */
  part: "before" | "test" | "shift" | "then";
  gate?: GateView | undefined;
}

const partOf = { provisioning: "before", testing: "test", shifting: "shift" } as const;
const gutter = 8;
/** Where the remark on the present step begins, at least. */
const nameWidth = 20;
const detailIndent = 4;

/** @param room lines for it; what is done and what is far ahead is told in a word where they are more */
export function drawSteps(d: DeploymentView, width: number, room: number, c: Colors): string[] {
  const stages = stagesOf(d);
  const present = stages.find(({ at }) => at === "current");
  const details = present?.gate ? detailsOf(d, present.gate, width, c) : [];
  const parts = new Set(stages.map(({ part }) => part));
  const label = parts.has("before") || parts.has("test") ? gutter : 0;
  const indent = 2 + label + detailIndent;
  let last: Stage["part"] | undefined;
  return shortened(stages, room - details.length).flatMap((stage) => {
    if (typeof stage === "string") return [`${" ".repeat(2 + label)}${c.dim(stage)}`];
    const named = label > 0 && stage.part !== last ? stage.part : "";
    last = stage.part;
    const line = `  ${c.dim(named.padEnd(label))}${draw(d, stage, width - label, c)}`;
    const more = stage === present ? details : [];
    return [line, ...more.map((detail) => `${" ".repeat(indent)}${detail}`)];
  });
}

/** The checks in the background, while they count. */
export function drawAnalysis(d: DeploymentView, width: number, c: Colors): string[] {
  return measuring.has(d.phase) ? d.analysis.flatMap((check) => drawCheck(d, check, width - 2, c)) : [];
}

const measuring = new Set<DeploymentView["phase"]>(["shifting", "baking", "promoting", "retaining"]);

function stagesOf(d: DeploymentView): Stage[] {
  const { phase, strategy, outcome } = d;
  const served = outcome === "success";
  return [
    ...d.steps.map(({ what, state: at, phase: part, gate }) => ({
      what,
      at,
      part: partOf[part],
      gate: d.gates.find(({ id }) => id === gate),
    })),
    ...later("bake", strategy.bakeMs, phase === "baking", served || phase === "promoting"),
    ...later("retain blue", strategy.retainMs, phase === "retaining", served),
  ];
}

function later(what: string, ms: number, current: boolean, done: boolean): Stage[] {
  const at = current ? "current" : done ? "done" : "to-come";
  return ms > 0 ? [{ what: `${what} ${length(ms)}`, at, part: "then" }] : [];
}

/** The present one with as many after it as there is room for; what is before and beyond is told in a line each. */
function shortened(stages: Stage[], room: number): (Stage | string)[] {
  const left = Math.max(room, 5);
  if (stages.length <= left) return stages;
  const here = stages.findIndex(({ at }) => at !== "done");
  const before = Math.max(0, (here < 0 ? stages.length : here) - 1);
  const from = before < 2 ? 0 : Math.min(before, stages.length - left + 1);
  const shown = stages.slice(from, from + left - (from > 0 ? 1 : 0));
  const more = stages.length - from - shown.length;
  return [
    ...(from > 0 ? [`✓ ${from} steps before`] : []),
    ...(more > 0 ? [...shown.slice(0, -1), `· ${more + 1} more`] : shown),
  ];
}

function draw(d: DeploymentView, { what, at, gate }: Stage, width: number, c: Colors): string {
  const name = cut(what, width - 24);
  if (at === "done")
    return `${c.green("✓")} ${name}${gate?.passed ? c.dim(passedBy(gate.passed, name)) : ""}`;
  if (at === "to-come") return `${c.dim("·")} ${c.dim(name)}`;
  const remark = remarkOn(d, gate);
  const space = " ".repeat(Math.max(2, nameWidth - name.length));
  return `${c.cyan("▸")} ${c.bold(name)}${remark && c.cyan(`${space}${remark}`)}`;
}

function passedBy({ by, how }: NonNullable<GateView["passed"]>, name: string): string {
  return `${" ".repeat(Math.max(2, nameWidth - name.length))}${how} by ${clean(by.name)}`;
}

const endings = { rollback: "then it rolls back", proceed: "then it goes on", pause: "then it pauses" };

function remarkOn(d: DeploymentView, gate: GateView | undefined): string {
  if (gate?.kind === "window" || gate?.kind === "moment") return `goes on in ${until(d, gate.passesAt)}`;
  if (d.hold) return "held";
  if (gate?.timeoutAt !== undefined) {
    return `${until(d, gate.timeoutAt)} left, ${endings[gate.onTimeout ?? "rollback"]}`;
  }
  return d.remainingMs === undefined ? "" : `${lasting(d.remainingMs)} left`;
}

function detailsOf(d: DeploymentView, gate: GateView, width: number, c: Colors): string[] {
  const room = width - gutter - detailIndent - 2;
  switch (gate.kind) {
    case "pause":
      return [];
    case "moment":
    case "window":
      return gate.passesAt === undefined ? [] : [c.dim(`${gate.id}: at ${shortMoment(gate.passesAt)}`)];
    case "approval":
      return wrap(`${gate.id}: ${approvers(d, gate)}`, room).map((line) => c.cyan(line));
    case "hook":
      return wrap(`${gate.id} at ${gate.hook?.host}: ${saidBy(d, gate)}`, room);
    case "analyze":
      return (gate.checks ?? []).flatMap((check) => drawCheck(d, check, room, c));
  }
}

/** The approval that it stands at. */
export function approvalAt(d: DeploymentView): GateView | undefined {
  return d.gates.find(({ kind, state }) => kind === "approval" && state === "current");
}

/** For whoever waits for the deployment and wonders why it doesn't go on. */
export function drawApproval(d: DeploymentView, gate: GateView): string[] {
  return [
    `          waits for approval of ${gate.id}, ${approvers(d, gate)}; ${until(d, gate.timeoutAt)} left`,
    `          teal approve ${d.id} ${gate.id}`,
  ];
}

function approvers(d: DeploymentView, { approval }: GateView): string {
  const who = approval?.by ? `by ${approval.by.join(" or ")}` : "by whoever may";
  return approval?.notStarter ? `${who}, not by ${clean(d.actor.name)} who asked for it` : who;
}

function saidBy(d: DeploymentView, { hook }: GateView): string {
  if (!hook || hook.attempt === 0) return "not called yet";
  const { attempt, failures, answer, nextAt } = hook;
  const parts = [
    `attempt ${attempt}`,
    ...(failures > 0 ? [`not reached ${failures === 1 ? "once" : `${failures} times`}`] : []),
    ...(answer ? [`${answer.status}${answer.message ? `: ${clean(answer.message)}` : ""}`] : []),
    ...(nextAt === undefined ? [] : [`called again in ${until(d, nextAt)}`]),
  ];
  return parts.join(", ");
}

/** Its mark, name and counts, and on the next lines what it said last. */
function drawCheck(d: DeploymentView, check: CheckView, width: number, c: Colors): string[] {
  const { name, last, nextAt, dryRun } = check;
  const [mark, paint] =
    last === undefined
      ? [c.dim("·"), c.dim]
      : last.outcome === "good"
        ? [c.green("✓"), c.dim]
        : last.outcome === "unclear"
          ? [c.yellow("?"), c.dim]
          : dryRun
            ? [c.yellow("✗"), c.yellow]
            : [c.red("✗"), c.red];
  const counts = [
    ...countsOf(check),
    ...(nextAt === undefined ? [] : [`next ${until(d, nextAt) === "0s" ? "now" : `in ${until(d, nextAt)}`}`]),
    ...(dryRun ? ["dry run"] : []),
  ].join(", ");
  return [
    `${mark} ${c.bold(name)}  ${c.dim(cut(counts, width - name.length - 4))}`,
    ...(last ? wrap(clean(last.what), width - 2).map((line) => `  ${paint(line)}`) : []),
  ];
}

function countsOf({ good, bad, unclear, failureLimit, count, last }: CheckView): string[] {
  if (!last) return ["not measured yet"];
  const of = count === undefined ? "" : ` of ${count}`;
  return [
    `${good}${of} good`,
    ...(bad > 0 ? [`${bad} bad${failureLimit > 0 ? ` (${failureLimit} borne)` : ""}`] : []),
    ...(unclear > 0 ? [`${unclear} unclear`] : []),
  ];
}

/** From the server's now on. */
function until(d: DeploymentView, moment: string | undefined): string {
  return lasting(moment === undefined ? 0 : Date.parse(moment) - nowOf(d));
}

/** The server's clock when it showed this. */
export function nowOf({ createdAt, elapsedMs }: DeploymentView): number {
  return Date.parse(createdAt) + elapsedMs;
}
