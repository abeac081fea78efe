/** What a well-formed file comes to: services with their strategies, calendars, schedules and webhooks, defaults filled in. */
import type { Calendar, Freeze } from "../deployment/calendar.ts";
import type { Check } from "../deployment/check.ts";
import type { Strategy } from "../deployment/strategy.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import { type AccessConfig, toAccess } from "./access.ts";
import { toFreezes, toWindows } from "./calendars.ts";
import { toCheck, toVerdict, verdictName } from "./checks.ts";
import { type GithubPlace, toGithub, toPlace } from "./github.ts";
import type { FileContent } from "./language.ts";
import { type Common, type Offer, presetOffers, suited, toOffer } from "./resolve.ts";
import { type Schedule, toSchedule } from "./schedules.ts";
import { toTarget } from "./services.ts";
import { toWebhook, type Webhook } from "./webhooks.ts";

export interface ConfiguredService {
  target: ServiceTarget;
  /** The strategy of a request that names none. */
  strategy: Strategy;
  /** All strategies by name, as this service would carry them out; `misfitOf` says which it can't. */
  strategies: Readonly<Record<string, Strategy>>;
  /** What becomes of a request that comes while another deployment acts and does not say. */
  whenBusy: "queue" | "supersede" | "reject";
  /** When it may start and gain traffic. */
  calendar: Calendar;
  /** Where its deployments are told of. */
  github?: GithubPlace;
}

export interface FileConfig {
  services: Readonly<Record<string, ConfiguredService>>;
  /** The configured strategies and the presets, as a service with routes and test routes has them. */
  strategies: Readonly<Record<string, Strategy>>;
  /** All that may be named, the built-in one included. */
  checks: Readonly<Record<string, Check>>;
  freezes: readonly Freeze[];
  schedules: Readonly<Record<string, Schedule>>;
  access: AccessConfig;
  github: { api: string };
  webhooks: Readonly<Record<string, Webhook>>;
}

/** The parts of a file that are well-formed each by itself, whatever the others are. */
export type Parts = Pick<FileContent, "strategies" | "checks" | "defaults">;

/** Everything that can be named as a strategy: the file's and the presets. */
export function offersOf(parts: Parts): Record<string, Offer> {
  const common = commonOf(parts);
  const own = Object.entries(parts.strategies ?? {}).map(([name, written]) => [
    name,
    toOffer(name, written, common),
  ]);
  return { ...Object.fromEntries(own), ...presetOffers(common) };
}

/** @param content what passed all checks */
export function configured(content: FileContent): FileConfig {
  const { defaults = {} } = content;
  const { checks, timezone } = commonOf(content);
  const offers = offersOf(content);
  const freezes = toFreezes(content.freezes ?? [], timezone);
  const strategiesFor = shared(offers);
  const services: Record<string, ConfiguredService> = {};
  for (const [name, written] of Object.entries(content.services)) {
    const {
      region = "",
      account = "own",
      cluster = "",
      strategy = "",
      onBusy = "reject",
      windows = [],
    } = { ...defaults, ...written };
    const target = toTarget(name, written, { region, cluster, ...(account !== "own" && { account }) });
    const strategies = strategiesFor(target);
    services[name] = {
      target,
      strategy: seen(strategies[strategy], `strategy ${strategy}`),
      strategies,
      whenBusy: onBusy,
      calendar: {
        windows: toWindows(windows, written.timezone ?? timezone),
        freezes: freezes.filter((freeze) => freeze.services?.includes(name) ?? true),
      },
      ...(written.github && { github: toPlace(written.github) }),
    };
  }
  const schedules = Object.entries(content.schedules ?? {}).map(([name, written]) => {
    const service = seen(services[written.service], `service ${written.service}`);
    const strategyOf = (named: string | undefined) =>
      named === undefined ? service.strategy : seen(service.strategies[named], `strategy ${named}`);
    return [name, toSchedule(name, written, timezone, strategyOf)] as const;
  });
  const webhooks = Object.entries(content.webhooks ?? {}).map(
    ([name, written]) => [name, toWebhook(name, written)] as const,
  );
  const strategies = Object.entries(offers).map(([name, { strategy }]) => [name, strategy] as const);
  return {
    services,
    strategies: Object.fromEntries(strategies),
    checks,
    freezes,
    schedules: Object.fromEntries(schedules),
    access: toAccess(content.access),
    github: toGithub(content.github),
    webhooks: Object.fromEntries(webhooks),
  };
}

function commonOf({ checks: written = {}, defaults = {} }: Parts): Common {
  const { [verdictName]: numbers, ...own } = written;
  const checks: Record<string, Check> = { [verdictName]: toVerdict(numbers) };
  for (const [name, check] of Object.entries(own)) checks[name] = toCheck(name, check);
  return { defaults, checks, timezone: defaults.timezone ?? "UTC" };
}

/** Services that have the same kinds of routes have the same strategies. */
function shared(offers: Record<string, Offer>): (service: ServiceTarget) => Record<string, Strategy> {
  const tables = new Map<string, Record<string, Strategy>>();
  return (service) => {
    const kind = [service.routes.length > 0, service.testRoutes !== undefined].join();
    const known = tables.get(kind);
    if (known) return known;
    const table = Object.entries(offers).map(([name, offer]) => [name, suited(offer, service)] as const);
    tables.set(kind, Object.fromEntries(table));
    return tables.get(kind) ?? {};
  };
}

function seen<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} passed the checks unseen`);
  return value;
}
