/**
 * What a `teal.yaml` comes to, in words: strategies step by step, when services are open, what the environment must
 * give. It asks nobody, neither Teal nor AWS.
 */
import { parse } from "yaml";
import { closuresAt, nextOf } from "../deployment/calendar.ts";
import { duration, gateId, isGate, type Step, type Strategy } from "../deployment/strategy.ts";
import { accountIdOf, type ServiceTarget } from "../deployment/target.ts";
import type { Source } from "../deployment/check.ts";
import type { Issuer } from "./access.ts";
import type { ConfiguredService, FileConfig } from "./configured.ts";
import { readConfigText } from "./file.ts";
import { needsOf } from "./outside.ts";
import { describeAsked, type Schedule } from "./schedules.ts";
import { type Webhook, webhookVariables } from "./webhooks.ts";

export interface Review {
  file: string;
  /** All that is wrong: `path` is `file:line:column`. With any, the rest is empty. */
  problems: { path: string; message: string }[];
  services: ReviewedService[];
  /** Those of the file, and the presets that it uses. */
  strategies: ReviewedStrategy[];
  /** Names of the file's checks. */
  checks: string[];
  /** Moments are ISO 8601 in UTC. */
  freezes: { id: string; from: string; to: string; reason: string; services?: string[] }[];
  schedules: { name: string; service: string; what: string; cron: string; timezone: string; next: string }[];
  /** Grants to tokens of issuers. */
  access: { issuer: string; audiences: string[]; when: string[]; role: string; services: string[] }[];
  /** `when`: every condition, those that hold unless the file says otherwise among them. */
  webhooks: { name: string; from: string; on?: string; service: string; when: string[] }[];
  /** Variables of the environment that a worker needs for it, and that the API does. */
  needs: string[];
  apiNeeds: string[];
}

export interface ReviewedService {
  name: string;
  region: string;
  /** The number of its account, where that is another one than Teal's own. */
  account?: string;
  cluster: string;
  service: string;
  routes: number;
  testRoutes: number;
  strategy: string;
  whenBusy: string;
  /** As written, with their zones. */
  windows: string[];
  /** Why it is closed now and until when; absent while it is open. */
  closed?: { reason: string; until: string };
  /** Checks of its strategy that it has no routes for, and so goes without. */
  without: string[];
}

export interface ReviewedStrategy {
  name: string;
  preset: boolean;
  /** Before green is created. */
  before: ReviewedStep[];
  /** Before any production traffic. */
  testing: ReviewedStep[];
  steps: ReviewedStep[];
  /** Checks in the background. */
  analysis: string[];
  /** Bake, retention and so on, in words. */
  surroundings: string[];
}

export interface ReviewedStep {
  /** Of a gate: what approvals and skips name. */
  id?: string;
  what: string;
}

/** The services of a file, and where the checks of the strategies that each may be deployed by have their numbers from. */
export function deployablesOf(
  text: string,
  file: string,
): { problems: Review["problems"]; services: { target: ServiceTarget; sources: Set<Source["kind"]> }[] } {
  const { config, problems } = readConfigText(text, file);
  const services = Object.values(config?.services ?? {}).map(({ target, strategies }) => {
    const checks = Object.values(strategies).flatMap((strategy) => Object.values(strategy.checks));
    return { target, sources: new Set(checks.map(({ source }) => source.kind)) };
  });
  return { problems: problems.map(({ path = file, message }) => ({ path, message })), services };
}

/** @param now ms since the epoch: for what is open now and comes next */
export function review(text: string, file: string, now: number): Review {
  const { config, problems } = readConfigText(text, file);
  const nothing = {
    services: [],
    strategies: [],
    checks: [],
    freezes: [],
    schedules: [],
    access: [],
    webhooks: [],
    needs: [],
    apiNeeds: [],
  };
  if (!config) {
    return { file, problems: problems.map(({ path = file, message }) => ({ path, message })), ...nothing };
  }
  const { services, strategies, checks, freezes, schedules, access, webhooks } = config;
  const written: unknown = parse(text, { logLevel: "silent" });
  return {
    file,
    problems: [],
    services: Object.values(services).map((service) => serviceOf(service, strategies, now)),
    strategies: reviewed(config, written),
    checks: Object.keys(checks),
    freezes: freezes.map(({ id, from, to, reason, services: some }) => ({
      id,
      from: iso(from),
      to: iso(to),
      reason,
      ...(some && { services: some }),
    })),
    schedules: Object.values(schedules).map((schedule) => scheduleOf(schedule, now)),
    access: access.oidc.flatMap(grantsOf),
    webhooks: Object.values(webhooks).map(webhookOf),
    needs: needed(written),
    apiNeeds: [...new Set(Object.values(webhooks).map(({ from }) => webhookVariables[from]))].sort(),
  };
}

function reviewedStep(step: Step, index: number): ReviewedStep {
  return { ...(isGate(step) && { id: gateId(step, index) }), what: tellStep(step) };
}

/** A step in full: what it waits for, how long at most, and what follows then. */
export function tellStep(step: Step): string {
  switch (step.kind) {
    case "scale":
    case "weight":
      return `${step.kind} ${step.percent} %`;
    case "test":
      return "test routes lead to green";
    case "pause":
      return `pause ${duration(step.ms)}`;
    case "wait": {
      const { until, timeoutMs, onTimeout } = step;
      return `wait for ${tellUntil(until)}; at most ${duration(timeoutMs)}, then ${onTimeout}`;
    }
    case "analyze":
      return `analyze ${step.checks.join(", ")} for ${duration(step.ms)}; where it can't tell, ${step.onInconclusive}`;
    case "hook": {
      const { url, timeoutMs, onFailure } = step.hook;
      const stage = step.stage ? `${step.stage} ` : "";
      return `hook ${stage}${url}; at most ${duration(timeoutMs)}, failed: ${onFailure}`;
    }
  }
}

function tellUntil(until: Extract<Step, { kind: "wait" }>["until"]): string {
  switch (until.kind) {
    case "approval": {
      const by = until.by ? ` by ${until.by.join(" or ")}` : "";
      return `approval${by}${until.notStarter ? ", not by who started it" : ""}`;
    }
    case "moment":
      return iso(until.at);
    case "window":
      return `${until.window.hours} ${until.window.timezone}`;
  }
}

function serviceOf(
  { target, strategy, whenBusy, calendar }: ConfiguredService,
  strategies: FileConfig["strategies"],
  now: number,
): ReviewedService {
  const [closed] = closuresAt(calendar, target.name, now);
  const offered = strategies[strategy.name]?.analysis ?? [];
  return {
    name: target.name,
    region: target.region,
    ...(target.account && { account: accountIdOf(target) }),
    cluster: target.cluster,
    service: target.service,
    routes: target.routes.length,
    testRoutes: target.testRoutes?.length ?? 0,
    strategy: strategy.name,
    whenBusy,
    windows: calendar.windows.map(({ hours, timezone }) => `${hours} ${timezone}`),
    ...(closed && { closed: { reason: closed.reason, until: iso(closed.until) } }),
    without: offered.filter((check) => !strategy.analysis.includes(check)),
  };
}

function reviewed({ services, strategies, schedules }: FileConfig, written: unknown): ReviewedStrategy[] {
  const own = isTable(written) && isTable(written["strategies"]) ? Object.keys(written["strategies"]) : [];
  const used = [
    ...Object.values(services).map(({ strategy }) => strategy.name),
    ...Object.values(schedules).flatMap(({ asks }) => (asks.kind === "deploy" ? [asks.strategy.name] : [])),
  ];
  return Object.values(strategies)
    .filter(({ name }) => own.includes(name) || used.includes(name))
    .map((strategy) => ({ ...strategyOf(strategy), preset: !own.includes(strategy.name) }));
}

function strategyOf(strategy: Strategy): Omit<ReviewedStrategy, "preset"> {
  const { name, before, testing, steps, analysis, bakeMs, retainMs, holdMs, drain, onDrift } = strategy;
  const pace = drain && ("tasks" in drain.by ? `${drain.by.tasks} tasks` : `${drain.by.percent} %`);
  return {
    name,
    before: before.map(reviewedStep),
    testing: testing.map(reviewedStep),
    steps: steps.map(reviewedStep),
    analysis,
    surroundings: [
      `bake ${duration(bakeMs)}`,
      `retain ${duration(retainMs)}`,
      `hold ${duration(holdMs)}`,
      drain && pace ? `drain ${pace} every ${duration(drain.everyMs)}` : "drain all at once",
      `on drift ${onDrift}`,
    ],
  };
}

function scheduleOf(schedule: Schedule, now: number): Review["schedules"][number] {
  const { name, cron, timezone, service } = schedule;
  const what = describeAsked(schedule);
  return { name, service, what, cron, timezone, next: iso(nextOf(cron, timezone, now)) };
}

function grantsOf({ issuer, audiences, grants }: Issuer): Review["access"] {
  return grants.map(({ claims, gives: { role, actions, services } }) => ({
    issuer,
    audiences: [...audiences],
    when: Object.entries(claims).map(([claim, patterns]) => `${claim} is ${patterns.join(" or ")}`),
    role: actions ? `${role}, only ${actions.join(", ")}` : role,
    services: [...services],
  }));
}

function webhookOf({ name, from, on, when, deploy }: Webhook): Review["webhooks"][number] {
  const conditions = Object.entries(when).map(([path, like]) => `${path} is ${like.join(" or ")}`);
  return { name, from, ...(on !== undefined && { on }), service: deploy.service, when: conditions };
}

function needed(written: unknown): string[] {
  const needs = needsOf(written).map(({ kind, name }) => {
    if (kind === "secret") return `TEAL_SECRET_${name}`;
    return kind === "signature" ? "TEAL_HOOK_SECRET" : `TEAL_OUTBOUND_ALLOW with ${name}`;
  });
  return [...new Set(needs)].sort();
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
