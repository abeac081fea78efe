/**
 * A worker like any other, but for one promise that it breaks: to see that breaking it shows. Nothing but a test
 * starts it; `TEAL_SABOTAGE` names what is broken.
 */
import { randomUUID } from "node:crypto";
import { runWorker } from "../../workers/worker.ts";
import type { Instead } from "../../src/build.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { TrafficMinute } from "../../src/deployment/check.ts";
import { type Decide, decide, machine, rules } from "../../src/deployment/decide.ts";
import type { RouteSeen, Seen, ServiceSeen } from "../../src/deployment/observation.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Cloud } from "../../src/engine/ports.ts";

const unguarded = machine(rules, () => undefined);

/** Takes blue away at once, while old weights still send it traffic. */
const holdZero: Decide = (before, seen, commands, now) =>
  decide({ ...before, strategy: { ...before.strategy, holdMs: 0 } }, seen, commands, now);

/** Takes what was asked of the routes for what they are: blue goes before they were read back. */
const notReadBack: Decide = (before, seen, commands, now) =>
  unguarded(before, { ...seen, routes: asAsked(before, seen) }, commands, now);

function asAsked({ routes, pair }: Deployment, seen: Seen): Seen["routes"] {
  if (!pair) return seen.routes;
  return Object.fromEntries(
    Object.entries(seen.routes).map(([arn, reading]) => {
      const asked = routes.find((route) => route.ref.arn === arn)?.asked;
      if (!reading.ok || !asked) return [arn, reading];
      const weights = { ...reading.value.weights, [pair.blue]: asked.blue, [pair.green]: asked.green };
      const value: RouteSeen = { ...reading.value, weights };
      return [arn, { ...reading, value }];
    }),
  );
}

/** Sees every target as healthy and every set that runs as steady. */
function blindToHealth(cloud: Cloud): Cloud {
  return {
    perform: cloud.perform.bind(cloud),
    look: async (...args) => {
      const seen = await cloud.look(...args);
      const health = Object.entries(seen.health).map(([group, reading]) => [
        group,
        reading.ok
          ? { ...reading, value: reading.value.map((target) => ({ ...target, state: "healthy" as const })) }
          : reading,
      ]);
      return {
        ...seen,
        health: Object.fromEntries(health),
        ...(seen.service?.ok && { service: { ...seen.service, value: steady(seen.service.value) } }),
      };
    },
  };
}

function steady(service: ServiceSeen): ServiceSeen {
  const taskSets = service.taskSets.map((set) => ({ ...set, steady: set.running === set.computedDesired }));
  return { ...service, taskSets };
}

/** Reads each route once and again only after its own writes: what others change it never sees. */
function staleRoutes(cloud: Cloud): Cloud {
  const copies = new Map<string, Seen["routes"][string]>();
  return {
    perform: (target, effect, guard) => {
      if (effect.kind === "setWeights") copies.clear();
      return cloud.perform(target, effect, guard);
    },
    look: async (...args) => {
      const seen = await cloud.look(...args);
      for (const [arn, reading] of Object.entries(seen.routes)) {
        if (!copies.has(arn)) copies.set(arn, reading);
      }
      const routes = Object.entries(seen.routes).map(([arn, reading]) => [arn, copies.get(arn) ?? reading]);
      return { ...seen, routes: Object.fromEntries(routes) };
    },
  };
}

/** Repeats a creation with another token each time, so that AWS takes it for another one. */
function forgetfulOfTokens(cloud: Cloud): Cloud {
  return {
    look: cloud.look.bind(cloud),
    perform: (target, effect, guard) => {
      if (effect.kind !== "createTaskSet") return cloud.perform(target, effect, guard);
      const request = { ...effect.request, clientToken: randomUUID() };
      return cloud.perform(target, { ...effect, request }, guard);
    },
  };
}

/** Takes every answer of green for a good one. */
const errorsUnseen: Decide = (before, seen, commands, now) => {
  const measured = Object.entries(seen.measured ?? {}).map(([key, reading]) => [
    key,
    reading.ok && reading.value.kind === "traffic"
      ? { ...reading, value: { ...reading.value, minutes: reading.value.minutes.map(flattering) } }
      : reading,
  ]);
  return decide(before, { ...seen, measured: Object.fromEntries(measured) }, commands, now);
};

const flattering = (minute: TrafficMinute): TrafficMinute => ({
  ...minute,
  green: { ...minute.green, errors: 0 },
});

export const sabotages = {
  "hold-zero": { decide: holdZero },
  "health-ignored": { cloud: blindToHealth },
  "not-read-back": { decide: notReadBack },
  "stale-routes": { cloud: staleRoutes },
  "tokens-forgotten": { cloud: forgetfulOfTokens },
  "errors-unseen": { decide: errorsUnseen },
} satisfies Record<string, Instead>;

const name = process.env["TEAL_SABOTAGE"] ?? "";
const chosen = Object.entries(sabotages).find(([key]) => key === name);
if (!chosen)
  throw new Error(`TEAL_SABOTAGE is "${name}"; it must be one of ${Object.keys(sabotages).join(", ")}`);
await runWorker(loadConfig(process.env), chosen[1]);
