/** From a strategy as written to the steps that it comes to: gates get their ids, hooks their places. */
import type { Hook, Stage } from "../deployment/hook.ts";
import { type GateStep, type HookStep, isGate, type Step, type WaitStep } from "../deployment/strategy.ts";
import { looksLikeDate, momentOf } from "./moments.ts";
import type { WrittenStep, WrittenStrategy } from "./strategies.ts";
import { toHeaders } from "./words.ts";

/** A step, and where in the strategy it is written. */
export interface Placed<S extends Step = Step> {
  step: S;
  at: PropertyKey[];
  /** Of an analyze step: instead of the checks' own intervals. */
  everyMs?: number;
}

export interface Expanded {
  before: Placed<HookStep>[];
  testing: Placed[];
  steps: Placed[];
}

const dayMs = 86_400_000;
const approvalMs = 7 * dayMs;
const waitMs = 30 * dayMs;
const minuteMs = 60_000;

/** @param zone of hours and dates that name none */
export function expand(
  { steps, testing, hooks = [] }: Pick<WrittenStrategy, "steps" | "testing" | "hooks">,
  zone: string,
): Expanded {
  const counts = new Map<string, number>();
  const at = (stage: Stage, suffix = "") =>
    hooks.flatMap((written, index): Placed<HookStep>[] => {
      if (written.stage !== stage) return [];
      const usual = `${stage.toLowerCase().replaceAll("_", "-")}${suffix}`;
      const count = (counts.get(usual) ?? 0) + (written.id === undefined ? 1 : 0);
      counts.set(usual, count);
      const id =
        written.id === undefined ? `${usual}${count > 1 ? `-${count}` : ""}` : `${written.id}${suffix}`;
      return [{ step: { kind: "hook", id, stage, hook: toHook(written) }, at: ["hooks", index] }];
    });

  const tested = [...at("TEST_TRAFFIC_SHIFT"), ...place(testing ?? [], "testing", zone)];
  const after = at("POST_TEST_TRAFFIC_SHIFT");
  const tests = testing !== undefined || tested.length > 0 || after.length > 0;
  const shifting = place(steps, "steps", zone);
  const first = shifting.findIndex(({ step }) => step.kind === "weight");
  return {
    before: at("PRE_SCALE_UP"),
    testing: [
      ...at("POST_SCALE_UP"),
      ...(tests ? [{ step: { kind: "test" } as const, at: ["testing"] }] : []),
      ...tested,
      ...after,
    ],
    steps: [
      ...shifting.flatMap((placed, index) => [
        ...(index === first ? at("PRE_PRODUCTION_TRAFFIC_SHIFT") : []),
        placed,
        ...(placed.step.kind === "weight"
          ? at("PRODUCTION_TRAFFIC_SHIFT", suffixOf(placed.step.percent))
          : []),
      ]),
      ...at("POST_PRODUCTION_TRAFFIC_SHIFT"),
    ],
  };
}

/** All gates with their ids, in the order in which a deployment meets them. */
export function gatesOf({ before, testing, steps }: Expanded): Placed<GateStep>[] {
  return [...before, ...testing, ...steps].flatMap(({ step, at }) => (isGate(step) ? [{ step, at }] : []));
}

/** `-25`, `-12-5` */
function suffixOf(percent: number): string {
  return `-${String(percent).replace(".", "-")}`;
}

function place(written: readonly WrittenStep[], list: "testing" | "steps", zone: string): Placed[] {
  const prefix = list === "testing" ? "test-" : "";
  return written.map((one, index): Placed => {
    const usual = (kind: string) => `${prefix}${kind}-${index + 1}`;
    const everyMs = one.analyze?.every;
    return {
      step: toStep(one, usual, zone),
      at: [list, index],
      ...(everyMs !== undefined && { everyMs }),
    };
  });
}

function toStep(written: WrittenStep, usual: (kind: string) => string, zone: string): Step {
  const { scale, weight, pause, analyze, hook } = written;
  if (scale !== undefined) return { kind: "scale", percent: scale };
  if (weight !== undefined) return { kind: "weight", percent: weight };
  if (hook) return { kind: "hook", id: hook.id ?? usual("hook"), hook: toHook(hook) };
  if (analyze) {
    return {
      kind: "analyze",
      id: analyze.id ?? usual("analyze"),
      checks: analyze.checks,
      ms: analyze.for ?? 10 * minuteMs,
      onInconclusive: analyze.onInconclusive ?? "pause",
    };
  }
  return toWait(pause ?? { for: 0 }, usual("pause"), zone);
}

type WrittenPause = NonNullable<WrittenStep["pause"]>;

function toWait(written: WrittenPause, usual: string, zone: string): Step {
  const id = written.id ?? usual;
  if (written.until === undefined) return { kind: "pause", id, ms: written.for ?? 0 };
  const until = untilOf(written.until, written, zone);
  return {
    kind: "wait",
    id,
    until,
    timeoutMs: written.timeout ?? (until.kind === "approval" ? approvalMs : waitMs),
    onTimeout: written.onTimeout ?? "rollback",
  };
}

function untilOf(until: string, written: WrittenPause, zone: string): WaitStep["until"] {
  const { by, notStarter = false, timezone = zone } = written;
  if (until === "approval") return { kind: "approval", ...(by && { by }), notStarter };
  return looksLikeDate(until)
    ? { kind: "moment", at: momentOf(until, timezone) ?? 0 }
    : { kind: "window", window: { hours: until, timezone } };
}

function toHook(written: Omit<NonNullable<WrittenStep["hook"]>, "id">): Hook {
  return {
    url: written.url,
    headers: toHeaders(written.headers),
    timeoutMs: written.timeout ?? 15 * minuteMs,
    attemptsMax: written.attempts ?? 5,
    onFailure: written.onFailure ?? "rollback",
  };
}
