/**
 * What must agree between the values of `teal.yaml`. Reads the raw content leniently, so that these findings
 * come together with those about single values.
 */
import { z } from "zod";
import { presets } from "../deployment/strategy.ts";
import { verdictName } from "./checks.ts";
import type { Finding } from "./explain.ts";
import { misfitOf } from "./misfit.ts";
import { type Offer, suited } from "./resolve.ts";
import { hasPlaces } from "./template.ts";
import { arnPattern } from "./words.ts";

const maybe = z.string().optional().catch(undefined);
const many = <T extends z.ZodType>(item: T) => z.array(item).catch([]);
const table = <T extends z.ZodType>(item: T) =>
  z.record(z.string(), item.optional().catch(undefined)).catch({});
const route = z.object({ listener: maybe, rule: maybe }).catch({});

const account = z
  .union([z.literal("own"), z.object({ roleArn: z.string() })])
  .optional()
  .catch(undefined);

/** As much of a service as the checks below need; what is malformed reads as left out. */
const gist = z.object({
  region: maybe,
  account,
  cluster: maybe,
  service: maybe,
  strategy: maybe,
  targetGroups: many(z.string()),
  routes: many(route),
  testRoutes: many(route),
  taskSet: z
    .object({
      taskDefinition: maybe,
      loadBalancers: many(z.object({ targetGroupArn: maybe })),
      serviceRegistries: many(z.object({ registryArn: maybe })),
    })
    .optional()
    .catch(undefined),
});
type Gist = z.output<typeof gist>;

const step = z.object({ analyze: z.union([z.string(), z.object({ checks: many(z.string()) })]) });
const steps = many(step.optional().catch(undefined));
const strategy = z.object({ analysis: many(z.string()), steps, testing: steps });
const schedule = z.object({
  service: maybe,
  deploy: z.object({ strategy: maybe, taskDefinition: maybe }).optional().catch(undefined),
});
/** What a webhook takes from its payload can't be looked at here, and reads as left out. */
const literal = maybe.transform((written) => (written && hasPlaces(written) ? undefined : written));
const webhook = z.object({
  deploy: z.object({ service: literal, strategy: literal, taskDefinition: literal }),
});

const grant = z.object({ services: many(z.string()) }).catch({ services: [] });

const content = z
  .object({
    services: table(gist),
    strategies: table(strategy.or(z.string())),
    checks: table(z.unknown()),
    freezes: many(z.object({ services: many(z.string()) }).catch({ services: [] })),
    schedules: table(schedule),
    access: z
      .object({ oidc: many(z.object({ grants: many(grant) }).catch({ grants: [] })) })
      .catch({ oidc: [] }),
    webhooks: table(webhook),
    defaults: z
      .object({ region: maybe, account, cluster: maybe, strategy: maybe, analysis: many(z.string()) })
      .catch({ analysis: [] }),
  })
  .catch({
    services: {},
    strategies: {},
    checks: {},
    freezes: [],
    schedules: {},
    access: { oidc: [] },
    webhooks: {},
    defaults: { analysis: [] },
  });
type Content = z.output<typeof content>;

/** A path within one service. */
type At = (...path: PropertyKey[]) => PropertyKey[];

/**
 * @param raw the content of the file as YAML gives it
 * @param offers the strategies that are well-formed, by name; presets included
 */
export function disagreements(raw: unknown, offers: Readonly<Record<string, Offer>>): Finding[] {
  const file = content.parse(raw);
  const strategies = [...new Set([...Object.keys(file.strategies), ...Object.keys(presets)])];
  const found: Finding[] = Object.keys(file.strategies)
    .filter((name) => Object.hasOwn(presets, name))
    .map((name) => ({ path: ["strategies", name], message: "is the name of a preset; choose another one" }));

  const owners = new Map<string, string>();
  let home: { id: string; service: string } | undefined;
  for (const [name, written] of Object.entries(file.services)) {
    if (written === undefined) continue;
    const at: At = (...path) => ["services", name, ...path];
    const service = { ...written, account: written.account ?? file.defaults.account };
    for (const key of ["region", "cluster", "strategy"] as const) {
      service[key] ??= file.defaults[key];
      if (!given(raw, ["services", name, key]) && !given(raw, ["defaults", key])) {
        found.push({ path: at(key), message: "is missing; it must be given here or in defaults" });
      }
    }
    const own = typeof service.account === "object" ? undefined : accountOf(service);
    home ??= own && { id: own.id, service: name };
    if (own && home && own.id !== home.id) {
      const message = `must name a role: ${own.by} is in ${own.id}, but Teal's own account is ${home.id} by service ${home.service}`;
      found.push({ path: at("account"), message });
    }
    found.push(...places(service, at), ...shape(service, at), ...shared(name, service, at, owners));
    found.push(...fitting(service.strategy, at("strategy"), service, strategies, offers));
  }
  return [...found, ...checksNamed(file), ...servicesNamed(file), ...ordered(file, strategies, offers)];
}

function given(raw: unknown, path: readonly string[]): boolean {
  let here: unknown = raw;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return false;
    here = Object.entries(here).find(([name]) => name === key)?.[1];
  }
  return here !== undefined && here !== null;
}

/** What belongs to one service alone: its ECS service, its groups, its routes. */
function shared(name: string, service: Gist, at: At, owners: Map<string, string>): Finding[] {
  const found: Finding[] = [];
  const own = (key: string, path: PropertyKey[], message: (owner: string) => string) => {
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    else found.push({ path, message: message(owner) });
  };
  service.targetGroups.forEach((arn, index) => {
    own(arn, at("targetGroups", index), (owner) => {
      const whose = owner === name ? "this service names it twice" : `it is service ${owner}'s already`;
      return `must belong to one service alone; ${whose}`;
    });
  });
  for (const list of ["routes", "testRoutes"] as const) {
    service[list].forEach(({ listener, rule }, index) => {
      const arn = listener ?? rule;
      if (arn === undefined) return;
      own(arn, at(list, index), (owner) => {
        if (owner !== name) return `must belong to one service alone; it is service ${owner}'s already`;
        const twice = "names the same route twice";
        return list === "routes" ? twice : `${twice}: a test route can't be one of routes too`;
      });
    });
  }
  if (service.region && service.cluster && service.service) {
    const cluster = service.cluster.replace(/^arn:.*:cluster\//, "");
    const key = [service.region, accountOf(service)?.id, cluster, service.service].join("/");
    own(key, at("service"), (owner) => `is the same ECS service as that of ${owner}`);
  }
  return found;
}

/** Whether there is such a strategy, and whether it suits the service, where that is known. */
function fitting(
  name: string | undefined,
  path: PropertyKey[],
  service: Gist | undefined,
  strategies: readonly string[],
  offers: Readonly<Record<string, Offer>>,
): Finding[] {
  if (name === undefined) return [];
  if (!strategies.includes(name)) return [{ path, message: `names no strategy: ${thereAre(strategies)}` }];
  const offer = offers[name];
  if (!service) return [];
  const refs = (list: Gist["routes"]) =>
    list.map(({ listener, rule }) => ({ kind: "rule" as const, arn: listener ?? rule ?? "" }));
  const place = { routes: refs(service.routes), testRoutes: refs(service.testRoutes) };
  const misfit = offer && misfitOf(suited(offer, place), place);
  return misfit === undefined ? [] : [{ path, message: misfit }];
}

function checksNamed({ strategies, checks, defaults }: Content): Finding[] {
  const known = [...new Set([verdictName, ...Object.keys(checks)])];
  const named: [PropertyKey[], string][] = defaults.analysis.map((name, index) => [
    ["defaults", "analysis", index],
    name,
  ]);
  for (const [name, written] of Object.entries(strategies)) {
    if (typeof written !== "object") continue;
    const at: At = (...path) => ["strategies", name, ...path];
    written.analysis.forEach((check, index) => named.push([at("analysis", index), check]));
    for (const list of ["steps", "testing"] as const) {
      written[list].forEach((one, index) => {
        if (typeof one?.analyze === "string") named.push([at(list, index, "analyze"), one.analyze]);
        else
          one?.analyze.checks.forEach((check, n) =>
            named.push([at(list, index, "analyze", "checks", n), check]),
          );
      });
    }
  }
  return named
    .filter(([, check]) => !known.includes(check))
    .map(([path, check]) => ({ path, message: `names no check: there is no ${check}; ${thereAre(known)}` }));
}

function servicesNamed({ services, freezes, schedules, access, webhooks }: Content): Finding[] {
  const known = Object.keys(services);
  const named: [PropertyKey[], string | undefined][] = [
    ...freezes.flatMap((freeze, index) =>
      freeze.services.map((name, n): [PropertyKey[], string] => [["freezes", index, "services", n], name]),
    ),
    ...Object.entries(schedules).map(([name, written]): [PropertyKey[], string | undefined] => [
      ["schedules", name, "service"],
      written?.service,
    ]),
    ...access.oidc.flatMap(({ grants }, index) =>
      grants.flatMap((grant, n) =>
        grant.services.flatMap((name, m): [PropertyKey[], string][] =>
          name.includes("*") ? [] : [[["access", "oidc", index, "grants", n, "services", m], name]],
        ),
      ),
    ),
    ...Object.entries(webhooks).map(([name, written]): [PropertyKey[], string | undefined] => [
      ["webhooks", name, "deploy", "service"],
      written?.deploy.service,
    ]),
  ];
  return named.flatMap(([path, name]) =>
    name === undefined || known.includes(name)
      ? []
      : [{ path, message: `names no service: there is no ${name}; ${thereAre(known)}` }],
  );
}

/** What schedules and webhooks deploy. */
function ordered(
  { services, schedules, webhooks, defaults }: Content,
  strategies: readonly string[],
  offers: Readonly<Record<string, Offer>>,
): Finding[] {
  const orders = [
    ...Object.entries(schedules).map(([name, written]) => {
      return { of: ["schedules", name], service: written?.service, deploy: written?.deploy };
    }),
    ...Object.entries(webhooks).map(([name, written]) => {
      return { of: ["webhooks", name], service: written?.deploy.service, deploy: written?.deploy };
    }),
  ];
  return orders.flatMap(({ of, service: named, deploy }) => {
    const service = named === undefined ? undefined : services[named];
    if (!deploy) return [];
    const at: At = (...path) => [...of, "deploy", ...path];
    const found = fitting(deploy.strategy, at("strategy"), service, strategies, offers);
    const { region, account } = defaults;
    const its = {
      targetGroups: [],
      ...service,
      region: service?.region ?? region,
      account: service?.account ?? account,
    };
    return [...found, ...elsewhere(at("taskDefinition"), deploy.taskDefinition, its)];
  });
}

function places(service: Gist, at: At): Finding[] {
  const named: [PropertyKey[], string | undefined][] = [
    [["cluster"], service.cluster],
    ...service.targetGroups.map((arn, index): [PropertyKey[], string] => [["targetGroups", index], arn]),
    ...(["routes", "testRoutes"] as const).flatMap((list) =>
      service[list].flatMap(({ listener, rule }, index): [PropertyKey[], string | undefined][] => [
        [[list, index, "listener"], listener],
        [[list, index, "rule"], rule],
      ]),
    ),
    [["taskSet", "taskDefinition"], service.taskSet?.taskDefinition],
  ];
  // A namespace may be shared with other accounts.
  const anyAccount = { region: service.region, targetGroups: [] };
  const registries = (service.taskSet?.serviceRegistries ?? []).flatMap(({ registryArn }, index) =>
    elsewhere(at("taskSet", "serviceRegistries", index, "registryArn"), registryArn, anyAccount),
  );
  return [...named.flatMap(([path, arn]) => elsewhere(at(...path), arn, service)), ...registries];
}

/** Whether something that is named by its ARN can't be reached where the service is. */
function elsewhere(
  path: PropertyKey[],
  arn: string | undefined,
  service: Pick<Gist, "region" | "account" | "cluster" | "targetGroups">,
): Finding[] {
  const [, , region, account] = arnPattern.exec(arn ?? "") ?? [];
  const found: Finding[] = [];
  if (region && service.region && region !== service.region) {
    found.push({ path, message: `is in region ${region}, but the service is in ${service.region}` });
  }
  const its = accountOf(service);
  if (account && its && account !== its.id) {
    found.push({ path, message: `is in account ${account}, but ${its.by} is in ${its.id}` });
  }
  return found;
}

/** The number of the service's account, and what tells it: its role, else the first of its ARNs. */
function accountOf({
  account,
  cluster,
  targetGroups,
}: Pick<Gist, "account" | "cluster" | "targetGroups">): { id: string; by: string } | undefined {
  const role = typeof account === "object" ? account.roleArn : undefined;
  const named = [
    { arn: role, by: "the service's role" },
    { arn: cluster, by: "its cluster" },
    ...targetGroups.map((arn) => ({ arn, by: "its first target group" })),
  ];
  for (const { arn, by } of named) {
    const id = arnPattern.exec(arn ?? "")?.[3];
    if (id) return { id, by };
  }
  return undefined;
}

function shape(service: Gist, at: At): Finding[] {
  const found: Finding[] = [];
  const { targetGroups: groups, routes, testRoutes, taskSet } = service;
  if (groups.length > 0 && routes.length === 0) {
    found.push({
      path: at("targetGroups"),
      message: "need at least one entry in routes that forwards to them",
    });
  }
  if (routes.length > 0 && groups.length === 0) {
    found.push({ path: at("routes"), message: "need the two targetGroups that they forward to" });
  }
  if (testRoutes.length > 0 && routes.length === 0) {
    found.push({ path: at("testRoutes"), message: "need routes beside them, for production traffic" });
  }
  if (taskSet && groups.length > 0 && taskSet.loadBalancers.length === 0) {
    found.push({
      path: at("taskSet"),
      message: "needs loadBalancers with containerName and containerPort, as the service has targetGroups",
    });
  }
  if (taskSet && groups.length === 0 && taskSet.loadBalancers.length > 0) {
    found.push({ path: at("taskSet", "loadBalancers"), message: "must be left out where targetGroups are" });
  }
  taskSet?.loadBalancers.forEach(({ targetGroupArn: arn }, index) => {
    if (arn !== undefined && groups.length > 0 && !groups.includes(arn)) {
      const path = at("taskSet", "loadBalancers", index, "targetGroupArn");
      found.push({ path, message: "must be one of targetGroups" });
    }
  });
  return found;
}

const namedMax = 20;

function thereAre(names: readonly string[]): string {
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : "";
  return `there are ${names.length === 0 ? "none" : names.slice(0, namedMax).join(", ")}${more}`;
}
