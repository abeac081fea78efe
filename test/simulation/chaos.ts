/** What goes wrong in a world, all of it from one seed: how it is laid out, what hurts it, and when. */
import type { CommandKind } from "../../src/deployment/command.ts";
import type { Check } from "../../src/deployment/check.ts";
import type { Stage } from "../../src/deployment/hook.ts";
import {
  type HookStep,
  type Step,
  type Strategy,
  usualVerdict,
  type WaitStep,
} from "../../src/deployment/strategy.ts";
import { seededRandom } from "../../sandbox/random.ts";
import type { Behaviour } from "../../sandbox/model/behaviour.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import type { FaultRule } from "../../sandbox/faults.ts";
import { canary } from "../support/world.ts";
import type { Fate } from "./process.ts";

export interface Size {
  services: number;
  deployments: number;
}

export const small: Size = { services: 1, deployments: 2 };
export const large: Size = { services: 8, deployments: 5 };

/** Something done to the world at a moment, ms after the start. */
export type Happening = { at: number; service: number } & (
  | {
      kind: "deploy";
      version: number;
      strategy: Strategy;
      whenBusy: "queue" | "supersede" | "reject";
      build?: number;
      force?: boolean;
    }
  | { kind: "command"; command: CommandKind; full: boolean; gate?: string }
  /** Two people ask at the same moment. */
  | { kind: "commands"; commands: [CommandKind, CommandKind]; gate?: string }
  /** A promotion for later; `schedule`: asked for by a recurring one. */
  | { kind: "appointment"; ms: number; ifHealthy: boolean; full: boolean }
  | { kind: "schedule"; ifHealthy: boolean; full: boolean }
  /** Somebody wants back what the first deployment brought. */
  | { kind: "redeploy"; whenBusy: "rollback" | "reject" }
  /** The service has hours, for so long. */
  | { kind: "hours"; ms: number; hours: string }
  /** Nothing may start or gain traffic for so long. */
  | { kind: "freeze"; ms: number }
  | { kind: "drift"; route: "listener" | "rule"; green: number }
  /** Somebody does to the service what only Teal should. */
  | { kind: "meddle"; how: "promotes the other" | "scales blue" | "takes green out" | "deletes the rule" }
  /** Somebody protects a task from being taken away when others are. */
  | { kind: "protect"; ms: number }
  /** Somebody registers one of blue's tasks in the idle group. */
  | { kind: "leftover" }
  | { kind: "autoscale"; desired: number }
  | { kind: "kill" }
  | { kind: "duplicate" }
  | { kind: "stall"; ms: number }
  | { kind: "older"; ms: number }
  | { kind: "empty" }
  /** Redis's clock is set. */
  | { kind: "clock"; ms: number }
);

/** Something that happens, whenever and to whomever. */
export type Bare<H> = H extends Happening ? Omit<H, "at" | "service"> : never;

export interface Plan {
  seed: number;
  services: {
    desired: number;
    forward: "one" | "hundred" | "three" | "sticky";
    /** Two listeners of a network load balancer, instead of a listener and a rule. */
    network?: boolean;
    /** Requests a minute, which the balancer counts. */
    traffic?: number;
    /** Where a test route leads before anything begins. */
    test?: [number, number];
  }[];
  /** What measurements and hooks say while things go wrong, by chance. */
  outside: { bad: number; unclear: number; failing: number };
  /** How wrong the clocks of workers' hosts are at most, and how much too fast or slow. */
  hosts: { wrongMs: number; perMille: number };
  settings: Partial<Settings>;
  behaviours: Record<string, Behaviour>;
  faults: FaultRule[];
  happenings: Happening[];
  /** The disturbed time; after it everything must end. */
  disturbedMs: number;
  fate: (at: string) => Fate;
}

export function planOf(seed: number, size: Size): Plan {
  const random = seededRandom(seed);
  const chance = (p: number) => random() < p;
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];

  const disturbedMs = between(60, 240) * 1_000;
  const services = Array.from({ length: size.services }, (): Plan["services"][number] => {
    const desired = pick([1, 2, 3, 4, 4, 7] as const);
    const forward = pick(["one", "one", "hundred", "three", "sticky"] as const);
    const network = chance(0.12);
    const test = pick<[number, number] | undefined>([
      undefined,
      undefined,
      undefined,
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    return {
      desired,
      forward: network && forward !== "hundred" ? "one" : forward,
      ...(network ? { network } : test && { test }),
      ...(chance(0.08) && { traffic: pick([60, 6_000] as const) }),
    };
  });
  const outside = {
    bad: pick([0, 0, 0.1, 0.5] as const),
    unclear: pick([0, 0, 0.2] as const),
    failing: pick([0, 0, 0.3] as const),
  };

  const hosts = {
    wrongMs: pick([0, 1_000, 60_000, 5_000_000] as const),
    perMille: pick([0, 0.2, 1] as const),
  };
  /** What NTP puts right at once, or a clock that somebody sets; see "Clocks" in docs/simulation.md. */
  const jump = () => (chance(0.5) ? 1 : -1) * pick([1, 300, 1_000, between(60, 3_900) * 1_000] as const);

  const behaviours: Record<string, Behaviour> = {};
  if (chance(0.25)) {
    behaviours["3"] = pick<Behaviour>([
      { failHealthChecks: true },
      { exitAfterMs: 1_500, exitCode: 1 },
      { cannotPull: true },
      { neverStarts: true },
    ]);
  }

  const settings: Partial<Settings> = {
    propagationMs: pick([0, 500, 2_000, 4_000] as const),
    ecsReadLagMs: pick([0, 0, 1_000, 4_000] as const),
    elbReadLagMs: pick([0, 0, 500, 2_000] as const),
    healthCheckIntervalMs: pick([500, 1_500, 3_000] as const),
    deregistrationDelayMs: pick([500, 2_000, 10_000] as const),
    taskStartMs: pick([500, 2_000, 8_000] as const),
  };

  const actions = [
    "CreateTaskSet",
    "UpdateTaskSet",
    "DeleteTaskSet",
    "UpdateServicePrimaryTaskSet",
    "ModifyRule",
    "ModifyListener",
    "RegisterTaskDefinition",
    "TagResource",
    "any",
  ] as const;
  const kinds: (() => FaultRule["fault"])[] = [
    () => ({ kind: "throttle" }),
    () => ({ kind: "serverError" }),
    () => ({ kind: "loseAnswer" }),
    () => ({ kind: "loseRequest" }),
    () => ({ kind: "repeat" }),
    () => ({ kind: "delayAnswer", ms: between(500, 9_000) }),
    () => ({ kind: "delayRequest", ms: between(500, 25_000) }),
  ];
  const faults: FaultRule[] = Array.from({ length: between(0, 4) }, () => ({
    fault: (kinds[Math.floor(random() * kinds.length)] ?? kinds[0])?.() ?? { kind: "throttle" },
    ...((action) => (action === "any" ? {} : { action }))(pick(actions)),
    probability: pick([0.05, 0.2, 0.5] as const),
  }));

  const happenings: Happening[] = [];
  for (let service = 0; service < size.services; service++) {
    let at = between(0, 5_000);
    for (let n = 0; n < between(1, size.deployments); n++) {
      happenings.push({
        at,
        service,
        kind: "deploy",
        version: pick([2, 3, 4] as const),
        strategy: strategyFrom(services[service]?.test !== undefined),
        whenBusy: pick(["queue", "queue", "reject", "supersede"] as const),
        ...(chance(0.3) && { build: between(1, 3), ...(chance(0.3) && { force: true }) }),
      });
      at += between(5, 90) * 1_000;
    }
    const extra = (make: () => Omit<Happening, "at" | "service">, until = disturbedMs) =>
      happenings.push({ at: between(500, until), service, ...make() } as Happening);
    for (let n = between(0, 4); n > 0; n--) {
      if (chance(0.2)) {
        const gate = chance(0.5) ? `gate-${between(0, 2)}` : undefined;
        const commands = pick<[CommandKind, CommandKind]>([
          ["approve", "approve"],
          ["rollback", "promote"],
          ["promote", "rollback"],
          ["pause", "resume"],
          ["skip", "approve"],
        ]);
        extra(() => ({ kind: "commands", commands, ...(gate !== undefined && { gate }) }));
        continue;
      }
      const command = pick<CommandKind>([
        "rollback",
        "rollback",
        "promote",
        "promote",
        "pause",
        "resume",
        "retry",
        "approve",
        "skip",
        "override",
        "answer",
      ]);
      extra(() => ({ kind: "command", command, full: chance(0.3) }), chance(0.3) ? 8_000 : disturbedMs);
    }
    if (chance(0.2))
      extra(() => ({ kind: "drift", route: pick(["listener", "rule"] as const), green: between(0, 60) }));
    if (chance(0.08))
      extra(() => ({
        kind: "meddle",
        how: pick(["promotes the other", "scales blue", "takes green out", "deletes the rule"] as const),
      }));
    if (chance(0.1)) extra(() => ({ kind: "protect", ms: between(10, 400) * 1_000 }));
    if (chance(0.1))
      extra(() => ({
        kind: "appointment",
        ms: between(1, 60) * 1_000,
        ifHealthy: chance(0.5),
        full: chance(0.3),
      }));
    if (chance(0.1)) extra(() => ({ kind: "schedule", ifHealthy: chance(0.5), full: chance(0.3) }));
    if (chance(0.1)) extra(() => ({ kind: "redeploy", whenBusy: pick(["rollback", "reject"] as const) }));
    if (chance(0.08)) extra(() => ({ kind: "hours", ms: between(10, 120) * 1_000, hours: pick(windows) }));
    if (chance(0.15)) extra(() => ({ kind: "freeze", ms: between(5, 120) * 1_000 }));
    if (chance(0.2)) extra(() => ({ kind: "autoscale", desired: between(1, 8) }));
    if (chance(0.3)) extra(() => ({ kind: "kill" }));
    if (chance(0.3)) extra(() => ({ kind: "duplicate" }));
    if (chance(0.15)) extra(() => ({ kind: "leftover" }));
    if (chance(0.12)) extra(() => ({ kind: "older", ms: between(1, 60) * 1_000 }));
    if (chance(0.06)) extra(() => ({ kind: "empty" }));
    if (chance(0.15)) extra(() => ({ kind: "clock", ms: jump() }));
    if (chance(0.2)) extra(() => ({ kind: "stall", ms: between(10, 300) * 1_000 }));
  }
  happenings.sort((a, b) => a.at - b.at);

  const crash = pick([0, 0.002, 0.01, 0.03] as const);
  const freeze = pick([0, 0, 0.002, 0.01] as const);
  const lose = pick([0, 0, 0.005, 0.02] as const);
  const slow = pick([0, 0, 0.05, 0.2] as const);
  const fate = (at: string): Fate => {
    const roll = random();
    if (roll < crash) return { kind: "crash" };
    if (roll < crash + freeze) return { kind: "freeze", ms: between(1, 90) * 1_000 };
    if (roll < crash + freeze + lose) return { kind: chance(0.5) ? "unheard" : "unsent" };
    // Slow is not late: what has passed the guard is sent.
    if (roll > 1 - slow && !at.includes("send")) return { kind: "freeze", ms: between(50, 2_500) };
    return { kind: "go" };
  };

  return { seed, services, outside, hosts, settings, behaviours, faults, happenings, disturbedMs, fate };

  function strategyFrom(tested: boolean): Strategy {
    let gates = 0;
    const gate = (): Step[] => {
      const id = `gate-${gates++}`;
      const timeoutMs = between(10, 120) * 1_000;
      const onTimeout = pick(["rollback", "proceed", "proceed"] as const);
      const roll = random();
      if (roll > 0.45) return roll > 0.75 ? [] : [{ kind: "pause", id, ms: between(1, 20) * 1_000 }];
      if (roll < 0.1) return [hookStep(id)];
      if (roll < 0.13) {
        const window = { hours: pick(windows), timezone: "Europe/Berlin" };
        return [{ kind: "wait", id, until: { kind: "window", window }, timeoutMs, onTimeout }];
      }
      if (roll < 0.25) {
        const ms = between(2, 30) * 1_000;
        const onInconclusive = pick(["pause", "proceed"] as const);
        const checks = [pick(["numbers", "numbers", "thrice", "traffic"] as const)];
        return [{ kind: "analyze", id, checks, ms, onInconclusive }];
      }
      const until: WaitStep["until"] =
        roll < 0.38
          ? { kind: "approval", notStarter: false }
          : { kind: "moment", at: begin + between(10, 200) * 1_000 };
      return [{ kind: "wait", id, until, timeoutMs, onTimeout }];
    };
    const steps: Step[] = chance(0.05) ? [hookStep("first", "PRE_PRODUCTION_TRAFFIC_SHIFT")] : [];
    if (chance(0.3)) steps.push({ kind: "scale", percent: pick([25, 50, 100] as const) });
    for (const percent of [5, 10, 25, 50]) {
      if (!chance(0.4)) continue;
      steps.push({ kind: "weight", percent }, ...gate());
    }
    steps.push({ kind: "weight", percent: 100 });
    if (chance(0.05)) steps.push(hookStep("last", "POST_PRODUCTION_TRAFFIC_SHIFT"));
    const testing: Step[] = [
      ...(chance(0.05) ? [hookStep("scaled", "POST_SCALE_UP")] : []),
      ...(tested && chance(0.7) ? [{ kind: "test" } as const] : []),
      ...(chance(0.3) ? gate() : []),
    ];
    return canary(steps, {
      before: chance(0.1) ? [hookStep("before", "PRE_SCALE_UP")] : [],
      testing,
      checks: { numbers, alarms, thrice, told, traffic: usualVerdict },
      analysis: [
        ...(chance(0.3) ? ["alarms"] : []),
        ...(chance(0.1) ? ["told"] : []),
        ...(chance(0.15) ? ["traffic"] : []),
      ],
      onDrift: pick(["hold", "hold", "reapply"] as const),
      ...(chance(0.25) && {
        drain: { by: pick([{ tasks: 1 }, { percent: 30 }] as const), everyMs: between(1, 8) * 1_000 },
      }),
      bakeMs: pick([0, 0, 10_000] as const),
      retainMs: pick([0, 0, 30_000, 600_000] as const),
      holdMs: 6_000,
      deadlines: {
        preparingMs: 60_000,
        provisioningMs: 180_000,
        shiftingMs: 180_000,
        unhealthyMs: 60_000,
        drainingMs: 300_000,
        rollingBackMs: 300_000,
      },
    });
  }

  function hookStep(id: string, stage?: Stage): HookStep {
    const onFailure = pick(["rollback", "pause", "proceed"] as const);
    const timeoutMs = between(20, 120) * 1_000;
    return {
      kind: "hook",
      id,
      ...(stage && { stage }),
      hook: { url: `https://h/${id}`, headers: {}, timeoutMs, attemptsMax: 3, onFailure },
    };
  }
}

/** When every world begins. */
export const begin = Date.UTC(2026, 5, 1, 12);

const numbers: Check = {
  name: "numbers",
  source: { kind: "http", url: "https://n", path: "$.value", headers: {} },
  success: { written: "value < 1", join: "and", terms: [{ operator: "<", limit: 1 }] },
  intervalMs: 3_000,
  failureLimit: 1,
  inconclusiveLimit: 2,
  dryRun: false,
};

const thrice: Check = { ...numbers, name: "thrice", count: 3 };

/** Measured and told, never acted on. */
const told: Check = { ...numbers, name: "told", dryRun: true, failureLimit: 0 };

/** It is noon in Berlin's winter and two in the afternoon in its summer when worlds begin. */
const windows: [string, ...string[]] = ["14:00-14:02", "14:01-15:00", "00:00-23:59", "15:00-15:10"];

const alarms: Check = {
  ...numbers,
  name: "alarms",
  source: { kind: "alarms", names: ["{{service}}-5xx"] },
  failureLimit: 0,
};
