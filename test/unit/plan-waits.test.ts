/** What a plan says of calendars, tasks that start, people and checks, and how long they take. */
import { describe, expect, it } from "vitest";
import type { Check } from "../../src/deployment/check.ts";
import type { Plan } from "../../src/deployment/plan/plan.ts";
import {
  type AnalyzeStep,
  type Step,
  strategyDefaults,
  usualVerdict,
} from "../../src/deployment/strategy.ts";
import { now } from "../support/fixtures.ts";
import { canary, firstLook, minute, planOf, steps, weight } from "../support/plans.ts";

/** The next office hours are those of tomorrow, from nine. */
const officeHours = (timeoutMs: number): Step => ({
  kind: "wait",
  id: "office",
  until: { kind: "window", window: { hours: "Mon-Fri 09:00-16:00", timezone: "Europe/Berlin" } },
  timeoutMs,
  onTimeout: "rollback",
});

describe("calendars", () => {
  const freeze = { id: "year-end", from: now - minute, to: now + 30 * minute, reason: "year end" };

  it("put off the start, by as much as they really do", () => {
    const plan = planOf({ calendar: { windows: [], freezes: [freeze] }, strategy: canary });
    expect(plan.ok).toBe(true);
    expect(plan.moments[0]).toMatchObject({
      phase: "queued",
      what: "frozen until 2026-06-01 12:30:00 UTC: year end",
      waitsFor: { kind: "freeze", ms: 30 * minute, until: freeze.to },
    });
    expect(plan.warnings).toEqual(["it does not start before 2026-06-01 12:30:00 UTC"]);
    expect(plan.least.ms).toBe(45 * minute);
  });

  it("put off a weight in the middle", () => {
    const windows = [{ hours: "11:00-12:05", timezone: "UTC" }];
    const plan = planOf({ calendar: { windows, freezes: [] }, strategy: canary });
    const held = plan.moments.filter(({ waitsFor }) => waitsFor?.kind === "window");
    expect(held).toMatchObject([
      { phase: "shifting", weightPercent: 10, waitsFor: { until: Date.UTC(2026, 5, 2, 11) } },
    ]);
    expect(plan.warnings).toEqual([]);
  });

  it("of a gate open when they really do, or too late", () => {
    const at = Date.UTC(2026, 5, 2, 7) - now;
    // It is two in the afternoon in Berlin; green is there after two hours.
    const startMs = 121 * minute;
    const deadlines = { ...strategyDefaults.deadlines, provisioningMs: 300 * minute };
    const open = planOf({
      strategy: steps([weight(10), officeHours(24 * 60 * minute), weight(100)], { deadlines }),
      startMs,
    });
    const waited = open.moments.find(({ waitsFor }) => waitsFor?.kind === "window")?.waitsFor;
    expect(waited).toMatchObject({ until: now + at, ms: at - startMs });
    const opened = open.moments.find(({ what }) => what.startsWith("green gets 100 %"));
    // And it takes as long again to be as large as it must be.
    expect(opened?.atMs).toBe(at + startMs);
    const late = planOf({
      strategy: steps([weight(10), officeHours(60 * minute), weight(100)], { deadlines }),
      startMs,
    });
    expect(late).toMatchObject({ ok: false, findings: [], end: { phase: "rolled_back" } });
    expect(late.warnings).toEqual([
      "where nothing changes it goes back: office was not passed within 60 min",
    ]);
  });
});

describe("how long it takes", () => {
  it("goes by what earlier deployments took, where they tell", () => {
    const plan = planOf({ strategy: steps([weight(100)]), startMs: 42_000 });
    // The hold time is the strategy's, and no task's; the drain is AWS's usual one.
    expect(plan.expected).toEqual({ ms: 42_000 + 32_000 + 300_000, untilPrimaryMs: 42_000 });
    expect(plan.least).toEqual({ ms: 32_000, untilPrimaryMs: 0 });
    expect(plan.assumed).toMatchObject({ startMs: 42_000, startKnown: true });
  });

  it("is not failed by a guess, but by what is known", () => {
    const deadlines = { ...strategyDefaults.deadlines, provisioningMs: minute };
    const short = steps([weight(100)], { deadlines });
    expect(planOf({ strategy: short })).toMatchObject({ ok: true, assumed: { startMs: 30_000 } });
    const known = planOf({ strategy: short, startMs: 2 * minute });
    expect(known).toMatchObject({ ok: false, end: { phase: "rolled_back", cause: { code: "deadline" } } });
  });
});

describe("people", () => {
  it("are named where an approval waits for them, and take no time", () => {
    const until = { kind: "approval" as const, by: ["bob", "carol"], notStarter: true };
    const gate: Step = { kind: "wait", id: "release", until, timeoutMs: 720 * minute, onTimeout: "rollback" };
    const plan = planOf({ strategy: steps([weight(10), gate, weight(100)]) });
    expect(plan.moments.filter(({ waitsFor }) => waitsFor?.kind === "approval")).toMatchObject([
      {
        what: "approval of release by bob or carol, at most 12h",
        waitsFor: { kind: "approval", ms: 0, atMostMs: 720 * minute },
      },
    ]);
    expect(plan.ok).toBe(true);
  });

  it("are told of an approval that nobody may give", () => {
    const until = { kind: "approval" as const, by: ["ada"], notStarter: true };
    const gate: Step = { kind: "wait", id: "release", until, timeoutMs: minute, onTimeout: "rollback" };
    const plan = planOf({ strategy: steps([weight(10), gate, weight(100)]) });
    expect(plan).toMatchObject({
      ok: false,
      end: { phase: "rolled_back", cause: { code: "gate-timed-out" } },
    });
    expect(plan.warnings[0]).toBe("ada asked for this deployment; somebody else must approve release");
  });
});

const term = (operator: "<" | ">" | ">=" | "<=" | "==" | "!=", limit: number | string | boolean) => ({
  operator,
  limit,
});

const lengthOf = ({ moments }: Plan) =>
  moments.find(({ waitsFor }) => waitsFor?.kind === "analysis")?.waitsFor?.ms;

describe("checks", () => {
  const check: Check = {
    name: "latency",
    source: { kind: "prometheus", url: "https://p", query: "q", headers: {} },
    intervalMs: minute,
    failureLimit: 0,
    inconclusiveLimit: 0,
    dryRun: false,
  };
  const prove: AnalyzeStep = {
    kind: "analyze",
    id: "prove",
    checks: ["latency"],
    ms: 10 * minute,
    onInconclusive: "pause",
  };
  const is = (...terms: ReturnType<typeof term>[]) => ({ written: "it", join: "and" as const, terms });
  const analyzed = (more: Partial<Check>, own: Partial<AnalyzeStep> = {}, first = firstLook()) => {
    const checks = { latency: { ...check, ...more } };
    return planOf({ first, strategy: steps([weight(10), { ...prove, ...own }, weight(100)], { checks }) });
  };

  it.each<[string, Partial<Check>]>([
    ["a value below", { success: is(term("<", 0.4)) }],
    ["a value above", { success: is(term(">", 0.4)) }],
    ["a value between", { success: is(term(">=", 0.1), term("<", 0.2)) }],
    ["a value that is not bad", { failure: is(term(">", -3)) }],
    ["a word", { success: is(term("==", "ready")) }],
    ["another word", { success: is(term("!=", "down")) }],
    ["no alarm", { source: { kind: "alarms", names: ["a"] } }],
  ])("are good: %s", (_, more) => {
    const plan = analyzed(more);
    expect(plan).toMatchObject({ ok: true, warnings: [] });
    expect(lengthOf(plan)).toBe(10 * minute);
  });

  it("of so many measurements take only those", () => {
    expect(lengthOf(analyzed({ success: is(term("<", 1)), count: 4 }))).toBe(3 * minute);
  });

  it("that no value passes need a person", () => {
    const plan = analyzed({ success: is(term(">", 2), term("<", 1)) });
    expect(plan.warnings).toEqual([expect.stringMatching(/^it needs a person: .*no value would be good/)]);
    expect(plan.ok).toBe(true);
  });

  const verdict: Partial<Check> = { source: usualVerdict.source };

  it("by traffic take as long as its numbers take to show", () => {
    expect(analyzed(verdict)).toMatchObject({ ok: true, warnings: [] });
    const [needsPerson] = analyzed(verdict, { ms: minute }).warnings;
    expect(needsPerson).toMatch(/^it needs a person: the analysis can't tell/);
    expect(analyzed(verdict, { ms: minute, onInconclusive: "proceed" })).toMatchObject({
      ok: true,
      warnings: [],
    });
  });
});
