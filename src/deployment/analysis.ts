/**
 * Checks under way: what is due to be measured, what a measurement says, and what a gate's checks come to. Each gate
 * keeps a record of its own for every check it names; the one in the background is the gate `analysis`.
 */
import type {
  Ask,
  Check,
  ColourCounts,
  Condition,
  Measured,
  MetricQuery,
  TrafficMinute,
  TrafficSeen,
} from "./check.ts";
import type { Draft } from "./draft.ts";
import type { Reading, Seen } from "./observation.ts";
import type { Phase } from "./phases.ts";
import { type Deployment, elapsedMs, type GateRecord } from "./record.ts";
import { type AnalyzeStep, type Strategy, gateId } from "./strategy.ts";
import {
  conclude,
  freshVerdict,
  slowPercentile,
  suspect,
  takeMinutes,
  type VerdictState,
} from "./verdict/verdict.ts";
import { production, stepsOf } from "./view.ts";

export type Outcome = "good" | "bad" | "unclear";

/** What a check has come to within one gate. */
export interface CheckRecord {
  since: number;
  nextAt: number;
  /** When it would have been due, had no hint brought it forward. */
  hurriedFrom?: number;
  /** Measurements so far; `unclear` ones in a row. */
  good: number;
  bad: number;
  unclear: number;
  last?: { at: number; outcome: Outcome; what: string };
}

/** What the verdict of a deployment goes by. */
export interface TrafficRecord {
  state: VerdictState;
  /** Minutes before this moment have been taken. */
  takenTo: number;
  /** What counts as slow, from blue's history; null where that told nothing. */
  slowSeconds?: number | null;
}

/** The gate of the checks in the background. */
export const backgroundGate = "analysis";

/** Blue's answers before the deployment tell what is slow; the last of them appear late. */
const historyMs = { length: 3_600_000, askedFor: 600_000 } as const;

const minuteMs = 60_000;

/**
 * A minute's numbers appear one to three minutes after its end (AWS docs). Unless it is plain that all of them are
 * there, some may be to come until the last moment.
 */
const visibleMs = { early: minuteMs, late: 3 * minuteMs } as const;

/** How soon the next minute is looked for again while something speaks against green. */
const hurryMs = 20_000;

/** How far back the numbers of a minute are asked for, after a time without a worker. */
const minutesMax = 60;

interface UnderWay {
  gate: string;
  check: Check;
}

/** The checks that are to be measured in its phase: in the background, and in the present step unless it is paused. */
export function checksUnderWay(d: Deployment): UnderWay[] {
  const step = stepsOf(d)[d.step];
  const ofStep =
    (d.phase === "testing" || d.phase === "shifting") && step?.kind === "analyze" && d.hold?.kind !== "paused"
      ? named(d.strategy, step.checks, gateId(step, d.step))
      : [];
  const carries = production(d).length === 0 || production(d).some((route) => route.asked.green > 0);
  if (!carries || !backgroundPhases.has(d.phase)) return ofStep;
  const background = named(d.strategy, d.strategy.analysis, backgroundGate);
  // Once blue gets no more traffic there is nothing to compare with.
  const alone = d.phase === "retaining";
  return [...background.filter(({ check }) => !alone || check.source.kind !== "green-vs-blue"), ...ofStep];
}

const backgroundPhases = new Set<Phase>(["shifting", "baking", "retaining"]);

function named({ checks }: Strategy, names: readonly string[], gate: string): UnderWay[] {
  return names.flatMap((name) => (checks[name] ? [{ gate, check: checks[name] }] : []));
}

/** What is due to be measured, by the keys under which the answers come back. */
export function asksOf(d: Deployment, now: number): Record<string, Ask> | undefined {
  const due = checksUnderWay(d).flatMap(({ gate, check }) => {
    const record = d.gates[gate]?.checks?.[check.name];
    const ask = record && now < record.nextAt ? undefined : askOf(d, check, now);
    return ask ? [[keyOf(gate, check), ask] as const] : [];
  });
  return due.length > 0 ? Object.fromEntries(due) : undefined;
}

/** The verdict is one for the whole deployment, whichever gates ask for it: so its chance of a mistake is one, too. */
function keyOf(gate: string, check: Check): string {
  return check.source.kind === "green-vs-blue" ? check.name : `${gate}/${check.name}`;
}

function askOf(d: Deployment, check: Check, now: number): Ask | undefined {
  const { source } = check;
  const fill = filling(d);
  switch (source.kind) {
    case "green-vs-blue":
      return trafficAsk(d, check.name, now);
    case "alarms":
      return { kind: "alarms", names: source.names.map(fill) };
    case "cloudwatch": {
      const queries = source.queries.map((query) => filled(query, fill));
      const longestMs = 1000 * Math.max(...queries.map((query) => query.periodSeconds));
      return { kind: "cloudwatch", queries, from: now - visibleMs.late - 2 * longestMs, to: now };
    }
    case "prometheus":
      return { ...source, url: fill(source.url), query: fill(source.query), at: now };
    case "http":
      return { ...source, url: fill(source.url) };
  }
}

/** Undefined where no load balancer counts answers by colour. */
function trafficAsk(d: Deployment, name: string, now: number): Ask | undefined {
  const { blue, green, loadBalancer } = dimensions(d);
  if (!blue || !green || !loadBalancer?.startsWith("app/")) return undefined;
  const traffic = d.verdicts[name];
  const to = Math.floor(now / minuteMs) * minuteMs;
  const from = Math.min(to, Math.max(traffic?.takenTo ?? to, to - minutesMax * minuteMs));
  const ask = { kind: "traffic", loadBalancer, blue, green, from, to } as const;
  const slow = traffic?.slowSeconds;
  if (slow !== undefined) return slow === null ? ask : { ...ask, slowSeconds: slow };
  const before = Math.floor(d.createdAt / minuteMs) * minuteMs;
  return { ...ask, history: { from: before - historyMs.length, to: before, percentile: slowPercentile } };
}

/** The alarms that the checks under way go by. */
export function watchedAlarms(d: Deployment): string[] {
  return checksUnderWay(d).flatMap(({ check }) => alarmsOf(d, check));
}

/** Has the checks that go by the alarm measured at once; says whether there are any. */
export function hurryAlarm(d: Deployment, alarm: string, now: number): boolean {
  const concerned = checksUnderWay(d).filter(({ check }) => alarmsOf(d, check).includes(alarm));
  for (const { gate, check } of concerned) {
    const record = d.gates[gate]?.checks?.[check.name];
    if (!record || record.nextAt <= now) continue;
    record.hurriedFrom ??= record.nextAt;
    record.nextAt = now;
  }
  return concerned.length > 0;
}

function alarmsOf(d: Deployment, { source }: Check): string[] {
  return source.kind === "alarms" ? source.names.map(filling(d)) : [];
}

/** Takes the measurements of a look over into the gates' records. */
export function noteMeasurements(draft: Draft, seen: Seen): void {
  const { d, now } = draft;
  for (const { gate, check } of checksUnderWay(d)) {
    const reading = seen.measured?.[keyOf(gate, check)];
    const uncountable = check.source.kind === "green-vs-blue" && !trafficAsk(d, check.name, now);
    if (!reading && !uncountable) continue;
    const record = opened(d, gate, check, now);
    const before = record.last?.outcome;
    const { outcome, what } =
      check.source.kind === "green-vs-blue"
        ? compare(d, check, check.source, reading, now)
        : judge(check, reading);
    record.last = { at: now, outcome, what };
    const { hurriedFrom = now } = record;
    delete record.hurriedFrom;
    // However often hints hurry it, a check is not over sooner for that: only bad news counts before its time.
    if (now < hurriedFrom && outcome !== "bad") record.nextAt = hurriedFrom;
    else {
      record.nextAt = dueAfter(d, check, now);
      tally(record, outcome);
    }
    if (outcome === before) continue;
    const dry = check.dryRun ? " (dry run: nothing follows)" : "";
    draft.record({ type: "check", gate, check: check.name, outcome }, `${check.name}: ${what}${dry}`);
  }
}

function tally(record: CheckRecord, outcome: Outcome): void {
  if (outcome === "unclear") record.unclear += 1;
  else {
    record[outcome] += 1;
    record.unclear = 0;
  }
}

/**
 * The verdict is due when the next minute may be complete, so that it loses no time to a rhythm of its own. That each
 * minute comes a little later than it may is borne, but not while something speaks against green.
 */
function dueAfter(d: Deployment, { name, source, intervalMs }: Check, now: number): number {
  const traffic = source.kind === "green-vs-blue" ? d.verdicts[name] : undefined;
  if (!traffic) return now + intervalMs;
  const pace = suspect(traffic.state) ? Math.min(intervalMs, hurryMs) : intervalMs;
  return Math.max(traffic.takenTo + minuteMs + visibleMs.early, now + pace);
}

function opened(d: Deployment, gate: string, check: Check, now: number): CheckRecord {
  const kept: GateRecord = (d.gates[gate] ??= {});
  const checks = (kept.checks ??= {});
  return (checks[check.name] ??= { since: now, nextAt: now, good: 0, bad: 0, unclear: 0 });
}

interface Judgement {
  outcome: Outcome;
  /** In words, with the numbers. */
  what: string;
}

/** What one measurement says by the check's conditions. */
export function judge(check: Check, reading: Reading<Measured> | undefined): Judgement {
  if (!reading) return { outcome: "unclear", what: "it can't be measured here" };
  if (!reading.ok) {
    const { action, code, message } = reading.fault;
    return { outcome: "unclear", what: `it could not be measured: ${action}: ${code}: ${message}` };
  }
  const measured = reading.value;
  switch (measured.kind) {
    case "nothing":
      return { outcome: "unclear", what: measured.why };
    case "traffic":
      return { outcome: "unclear", what: "it counts traffic, which has no conditions" };
    case "alarms": {
      const [firing] = measured.firing;
      if (firing) return { outcome: "bad", what: `the alarm ${firing.name} fires: ${firing.reason}` };
      const missing = measured.missing.join(", ");
      return missing
        ? { outcome: "unclear", what: `there is no alarm ${missing}` }
        : { outcome: "good", what: "no alarm fires" };
    }
    case "value":
      return judgeValue(check, measured.value);
  }
}

function judgeValue({ success, failure }: Check, value: number | string | boolean): Judgement {
  const shown = typeof value === "number" ? String(Number(value.toPrecision(6))) : JSON.stringify(value);
  const good = success && holds(success, value);
  const bad = failure && holds(failure, value);
  if (bad) return { outcome: "bad", what: `${shown}: ${failure.written}` };
  if (good) return { outcome: "good", what: `${shown}: ${success.written}` };
  if (success && !failure) return { outcome: "bad", what: `${shown}, not ${success.written}` };
  if (failure && !success) return { outcome: "good", what: `${shown}, not ${failure.written}` };
  return { outcome: "unclear", what: `${shown}: neither ${success?.written} nor ${failure?.written}` };
}

/** Values of another kind than the limit meet no comparison but `!=`. */
export function holds({ join, terms }: Condition, value: number | string | boolean): boolean {
  const each = terms.map(({ operator, limit }) => {
    if (operator === "==") return value === limit;
    if (operator === "!=") return value !== limit;
    if (typeof value !== "number" || typeof limit !== "number") return false;
    if (operator === "<") return value < limit;
    if (operator === "<=") return value <= limit;
    return operator === ">" ? value > limit : value >= limit;
  });
  return join === "and" ? each.every(Boolean) : each.some(Boolean);
}

type Verdict = Extract<Check["source"], { kind: "green-vs-blue" }>;

/** Takes the closed minutes, once, and concludes. */
function compare(
  d: Deployment,
  check: Check,
  source: Verdict,
  reading: Reading<Measured> | undefined,
  now: number,
): Judgement {
  if (!reading) {
    return { outcome: "unclear", what: "no load balancer counts the answers of each colour by itself" };
  }
  if (!reading.ok || reading.value.kind !== "traffic") return judge(check, reading);
  const seen = reading.value;
  const traffic: TrafficRecord = (d.verdicts[check.name] ??= {
    state: freshVerdict,
    takenTo: Math.ceil(now / minuteMs) * minuteMs,
  });
  const over = now - d.createdAt > historyMs.askedFor;
  const slowSeconds = traffic.slowSeconds ?? seen.historySeconds ?? (over ? null : undefined);
  if (slowSeconds !== undefined) traffic.slowSeconds = slowSeconds;
  const closed = closedTo(seen, traffic.takenTo, now);
  const minutes = seen.minutes.filter(({ at }) => at >= traffic.takenTo && at < closed);
  const options = { ...source, ...(traffic.slowSeconds && { slowSeconds: traffic.slowSeconds }) };
  traffic.state = takeMinutes(
    traffic.state,
    minutes.map((minute) => ({ ...minute, ...shareIn(d, minute) })),
    options,
  );
  traffic.takenTo = closed;
  const { verdict, sentence } = conclude(traffic.state, options);
  return { outcome: verdict === "worse" ? "bad" : verdict === "fine" ? "good" : "unclear", what: sentence };
}

/** Up to where the minutes are complete. */
function closedTo({ minutes }: TrafficSeen, takenTo: number, now: number): number {
  const complete = minutes.filter(
    ({ at, blue, green }) => now >= at + minuteMs + visibleMs.early && isWhole(blue) && isWhole(green),
  );
  const early = Math.max(takenTo, ...complete.map(({ at }) => at + minuteMs));
  return Math.max(early, Math.floor((now - visibleMs.late) / minuteMs) * minuteMs);
}

/** Each number of a minute may appear at its own time; where all requests have their answers none is missing. */
function isWhole({ requests, answered }: ColourCounts): boolean {
  return requests > 0 && answered >= requests - 1 - requests / 2_000;
}

/**
 * Green's share of the pair in a minute; left out where it changed, had not yet spread everywhere, or where clients
 * stay with the group they had.
 */
function shareIn({ shares, strategy, routes }: Deployment, { at }: TrafficMinute): { share?: number } {
  if (routes.some((route) => route.sticky)) return {};
  const index = shares.findLastIndex(({ from }) => from + strategy.holdMs <= at);
  const next = shares[index + 1];
  const percent = shares[index]?.percent;
  return percent === undefined || (next && next.from < at + minuteMs) ? {} : { share: percent / 100 };
}

export type GateOutcome =
  | { kind: "open" }
  | { kind: "passed"; what: string }
  | { kind: "failed"; what: string }
  | { kind: "unclear"; what: string };

/** When the next measurement is due, ms since the epoch; Infinity where none is. */
export function nextMeasureAt(d: Deployment): number {
  const times = checksUnderWay(d).map(({ gate, check }) => d.gates[gate]?.checks?.[check.name]?.nextAt);
  return Math.min(...times.map((at) => at ?? Infinity));
}

/** What the checks in the background come to: only bad ones count, for there is no end at which to judge. */
export function backgroundOutcome(d: Deployment): GateOutcome {
  return failedIn(d, backgroundGate) ?? { kind: "open" };
}

/** What the checks of an analyze step come to by now. */
export function stepOutcome(d: Deployment, step: AnalyzeStep, now: number): GateOutcome {
  const gate = gateId(step, d.step);
  const failed = failedIn(d, gate);
  if (failed) return failed;
  const over = elapsedMs(d, d.stepSince, now) >= step.ms;
  const said: string[] = [];
  for (const { check } of named(d.strategy, step.checks, gate)) {
    const record = d.gates[gate]?.checks?.[check.name];
    const last = record?.last;
    const measured = record ? record.good + record.bad : 0;
    const done = check.count === undefined ? over : measured >= check.count;
    const verdict = check.source.kind === "green-vs-blue";
    const unclear = !verdict && (record?.unclear ?? 0) > check.inconclusiveLimit;
    if (unclear && !check.dryRun) return { kind: "unclear", what: `${check.name}: ${last?.what}` };
    if (!done && !unclear) return { kind: "open" };
    if (check.dryRun) continue;
    if (measured === 0 || (verdict && last?.outcome === "unclear")) {
      return { kind: "unclear", what: `${check.name}: ${last?.what ?? "it was never measured"}` };
    }
    said.push(`${check.name}: ${last?.what}`);
  }
  return { kind: "passed", what: said.join("; ") || "nothing to check" };
}

function failedIn(d: Deployment, gate: string): GateOutcome | undefined {
  for (const { gate: its, check } of checksUnderWay(d)) {
    const record = d.gates[gate]?.checks?.[check.name];
    if (its !== gate || !record || check.dryRun) continue;
    // The verdict has weighed the chance of a mistake already; one is enough.
    const borne = check.source.kind === "green-vs-blue" ? 0 : check.failureLimit;
    if (record.bad <= borne) continue;
    const times = borne > 0 ? ` (${record.bad} times)` : "";
    return { kind: "failed", what: `${check.name}: ${record.last?.what}${times}` };
  }
  return undefined;
}

/** Placeholders of a check's texts, as CloudWatch's dimensions and Teal's words have them. */
function filling(d: Deployment): (text: string) => string {
  const { blue, green, loadBalancer } = dimensions(d);
  const values: Record<string, string | undefined> = {
    service: d.service,
    deployment: d.id,
    loadBalancer,
    "green.targetGroup": green,
    "blue.targetGroup": blue,
    "green.taskSet": d.green.id,
    "blue.taskSet": d.blue?.id,
  };
  return (text) => text.replace(/\{\{ *([\w.]+) *\}\}/g, (whole, name: string) => values[name] ?? whole);
}

/** What AWS calls the full name in dimensions. */
function tail(arn: string | undefined): string | undefined {
  return arn?.split(":").at(-1);
}

function dimensions(d: Deployment) {
  // `listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2`, or a rule's, which goes on.
  const balancer = tail(d.routes[0]?.ref.arn)?.split("/").slice(1, 4).join("/");
  return { blue: tail(d.pair?.blue), green: tail(d.pair?.green), loadBalancer: balancer };
}

function filled(query: MetricQuery, fill: (text: string) => string): MetricQuery {
  const { metric, expression } = query;
  const dimensions = Object.entries(metric?.dimensions ?? {}).map(([name, text]) => [name, fill(text)]);
  return {
    ...query,
    ...(expression !== undefined && { expression: fill(expression) }),
    ...(metric && { metric: { ...metric, dimensions: Object.fromEntries(dimensions) } }),
  };
}
