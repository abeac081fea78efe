/**
 * What must agree between the values of `teal.yaml`. Reads the raw content leniently, so that these findings
 * come together with those about single values.
 */
import { z } from "zod";
import { presets, type Strategy } from "../deployment/strategy.ts";
import type { Finding } from "./explain.ts";
import { arnPattern } from "./language.ts";

const maybe = z.string().optional().catch(undefined);
const many = <T extends z.ZodType>(item: T) => z.array(item).catch([]);
const route = z.object({ listener: maybe, rule: maybe }).catch({});

/** As much of a service as the checks below need; what is malformed reads as left out. */
const gist = z.object({
  region: maybe,
  cluster: maybe,
  service: maybe,
  strategy: maybe,
  targetGroups: many(z.string()),
  routes: many(route),
  taskSet: z
    .object({
      loadBalancers: many(z.object({ targetGroupArn: maybe })),
      serviceRegistries: many(z.object({ registryArn: maybe })),
    })
    .optional()
    .catch(undefined),
});
type Gist = z.output<typeof gist>;
const content = z.object({
  services: z.record(z.string(), gist.optional().catch(undefined)).catch({}),
  strategies: z.record(z.string(), z.unknown()).catch({}),
});

/**
 * @param raw the content of the file as YAML gives it
 * @param strategies the strategies that are well-formed, by name; presets excluded
 */
export function disagreements(raw: unknown, strategies: Readonly<Record<string, Strategy>>): Finding[] {
  const { services, strategies: written } = content.catch({ services: {}, strategies: {} }).parse(raw);
  const found: Finding[] = Object.keys(written)
    .filter((name) => Object.hasOwn(presets, name))
    .map((name) => ({ path: ["strategies", name], message: "is the name of a preset; choose another one" }));

  const groupOwner = new Map<string, string>();
  const serviceOwner = new Map<string, string>();
  for (const [name, service] of Object.entries(services)) {
    if (service === undefined) continue;
    const at = (...path: PropertyKey[]) => ["services", name, ...path];
    found.push(...regions(service, at), ...shape(service, at), ...strategyOf(service, at));

    service.targetGroups.forEach((arn, index) => {
      const owner = groupOwner.get(arn);
      if (owner === undefined) groupOwner.set(arn, name);
      else {
        const whose = owner === name ? "this service names it twice" : `it is service ${owner}'s already`;
        found.push({
          path: at("targetGroups", index),
          message: `must belong to one service alone; ${whose}`,
        });
      }
    });
    if (service.region && service.cluster && service.service) {
      const key = [service.region, service.cluster, service.service].join("/");
      const owner = serviceOwner.get(key);
      if (owner === undefined) serviceOwner.set(key, name);
      else found.push({ path: at("service"), message: `is the same ECS service as that of ${owner}` });
    }
  }
  return found;

  function strategyOf(service: Gist, at: (...path: PropertyKey[]) => PropertyKey[]): Finding[] {
    if (service.strategy === undefined) return [];
    if (!Object.hasOwn(presets, service.strategy) && !Object.hasOwn(written, service.strategy)) {
      const known = [...Object.keys(presets), ...Object.keys(written)].join(", ");
      return [{ path: at("strategy"), message: `names no strategy: there are ${known}` }];
    }
    const strategy = presets[service.strategy] ?? strategies[service.strategy];
    const misfit = strategy && misfitOf(strategy, service.routes.length);
    return misfit === undefined ? [] : [{ path: at("strategy"), message: misfit }];
  }
}

/**
 * Why a strategy does not suit a service with so many routes; undefined where it does. A service without routes
 * has no weights to shift; one with routes must end at 100 %.
 */
export function misfitOf(strategy: Strategy, routes: number): string | undefined {
  const weights = strategy.steps.filter((step) => step.kind === "weight");
  if (routes > 0 && weights.length === 0) {
    return `strategy ${strategy.name} has no weight steps, but the service has routes: its last weight must be 100`;
  }
  const partial = weights.find((step) => step.percent < 100);
  return routes === 0 && partial
    ? `strategy ${strategy.name} asks for a weight of ${partial.percent} %, but the service has no routes to share traffic on; use scale steps`
    : undefined;
}

function regions(service: Gist, at: (...path: PropertyKey[]) => PropertyKey[]): Finding[] {
  const named: [PropertyKey[], string | undefined][] = [
    [["cluster"], service.cluster],
    ...service.targetGroups.map((arn, index): [PropertyKey[], string] => [["targetGroups", index], arn]),
    ...service.routes.flatMap(({ listener, rule }, index): [PropertyKey[], string | undefined][] => [
      [["routes", index, "listener"], listener],
      [["routes", index, "rule"], rule],
    ]),
    ...(service.taskSet?.serviceRegistries ?? []).map(
      ({ registryArn }, index): [PropertyKey[], string | undefined] => [
        ["taskSet", "serviceRegistries", index, "registryArn"],
        registryArn,
      ],
    ),
  ];
  return named.flatMap(([path, arn]) => {
    const region = arn === undefined ? undefined : arnPattern.exec(arn)?.[2];
    return region && service.region && region !== service.region
      ? [{ path: at(...path), message: `is in region ${region}, but the service is in ${service.region}` }]
      : [];
  });
}

function shape(service: Gist, at: (...path: PropertyKey[]) => PropertyKey[]): Finding[] {
  const found: Finding[] = [];
  const { targetGroups: groups, routes, taskSet } = service;
  if (groups.length > 0 && routes.length === 0) {
    found.push({
      path: at("targetGroups"),
      message: "need at least one entry in routes that forwards to them",
    });
  }
  if (routes.length > 0 && groups.length === 0) {
    found.push({ path: at("routes"), message: "need the two targetGroups that they forward to" });
  }
  const seen = new Set<string>();
  routes.forEach(({ listener, rule }, index) => {
    const arn = listener ?? rule;
    if (arn !== undefined && seen.has(arn)) {
      found.push({ path: at("routes", index), message: "names the same route twice" });
    }
    if (arn !== undefined) seen.add(arn);
  });
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
