/**
 * Most looks see what the last one saw. What must be the same is answered from memory, part by part: the model says
 * whether anything has changed that the part shows. Where reads may meet faults, the adapters always read.
 */
import type { Look, Seen } from "../../src/deployment/observation.ts";
import { routesOf, type ServiceTarget } from "../../src/deployment/target.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import type { Region } from "../../sandbox/model/region.ts";
import type { LocalAws } from "../../sandbox/start.ts";

type Looked = Omit<Seen, "slot" | "outcome">;

/** What of a look goes by the same things. */
interface Part {
  name: string;
  look: Partial<Look>;
  /** What it shows, as the model has it: while this is the same, so is what is read. */
  shown(region: Region): unknown[];
  of(looked: Looked): Partial<Looked>;
}

const nothing: Look = { service: false, routes: false, health: [], tasks: [], survey: false };

export function rememberLooks(cloud: Cloud, { aws, faults }: LocalAws): Cloud {
  const last = new Map<string, { shown: unknown[]; looked: Partial<Looked> }>();
  return {
    perform: (target, effect, guard) => cloud.perform(target, effect, guard),
    look: async (target, look, deadline) => {
      const faulty = faults.list().some((rule) => rule.action === undefined);
      if (faulty || !isUsual(look)) return await cloud.look(target, look, deadline);
      const region = aws.region(target.region);
      const at = aws.clock.now();
      const parts = partsOf(target, look).map((part) => {
        const key = `${target.name} ${part.name}`;
        const shown = part.shown(region);
        const known = last.get(key);
        return {
          ...part,
          key,
          shown,
          known: same(known?.shown, shown) ? known?.looked : undefined,
          after: () => part.shown(region),
        };
      });
      const missing = parts.filter(({ known }) => known === undefined);
      const looked: Looked =
        missing.length > 0
          ? await cloud.look(
              target,
              Object.assign({ ...nothing }, ...missing.map((part) => part.look)),
              deadline,
            )
          : await aRoundOfEvents();
      // Reading takes a round of the event loop, in which time may pass; what changed meanwhile may be in it or not.
      const changed = parts.filter((part) => !same(part.shown, part.after()));
      if (changed.some(({ known }) => known)) return await cloud.look(target, look, deadline);
      for (const part of missing) {
        const read = part.of(looked);
        if (!changed.includes(part) && allRead(read)) last.set(part.key, { shown: part.shown, looked: read });
        else last.delete(part.key);
      }
      return Object.assign(looked, ...parts.map(({ known }) => known && readAt(known, at)));
    },
  };
}

function partsOf(target: ServiceTarget, { service, tasks, routes, health }: Look): Part[] {
  const parts: (Part | false)[] = [
    (service || tasks.length > 0) && {
      name: `service ${service} ${tasks.join()}`,
      look: { service, tasks },
      shown: (region) => [region.seenVersion()],
      of: ({ service: read, tasks: tasksRead }) => ({
        ...(read && { service: read }),
        ...(tasksRead && { tasks: tasksRead }),
      }),
    },
    routes && {
      name: "routes",
      look: { routes },
      shown: (region) => routesOf(target).flatMap(({ arn }) => shownOfRoute(region, arn)),
      of: ({ routes: read }) => ({ routes: read }),
    },
    health.length > 0 && {
      name: `health ${health.join()}`,
      look: { health },
      shown: (region) => shownOfTargets(region, health),
      of: ({ health: read }) => ({ health: read }),
    },
  ];
  return parts.filter((part) => part !== false);
}

/** Values are replaced, never changed inside. */
function shownOfRoute(region: Region, arn: string): unknown[] {
  const { listeners, rules } = region.seenElb();
  const rule = rules.get(arn);
  return [arn, listeners.get(arn)?.actions, rule?.actions, rule?.conditions, rule?.priority];
}

function shownOfTargets(region: Region, groups: string[]): unknown[] {
  const { targets, groups: known } = region.seenElb();
  return [
    ...groups.map((group) => known.has(group)),
    ...[...targets.values()]
      .filter(({ groupArn }) => groups.includes(groupArn))
      .flatMap(({ groupArn, address, port, health, reason }) => [groupArn, address, port, health, reason]),
  ];
}

function same(a: unknown[] | undefined, b: unknown[]): boolean {
  return a?.length === b.length && a.every((one, n) => one === b[n]);
}

async function aRoundOfEvents(): Promise<Looked> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  return { routes: {}, health: {} };
}

/** The looks of which there are many; others are few, and may ask for what is not followed here. */
function isUsual({ survey, registered, taskDefinition }: Look): boolean {
  return !survey && !registered && !taskDefinition;
}

function allRead({ service, tasks, routes, health }: Partial<Looked>): boolean {
  return [service, tasks, ...Object.values(routes ?? {}), ...Object.values(health ?? {})].every(
    (reading) => reading === undefined || reading.ok,
  );
}

/** The same answers, read now. */
function readAt({ service, tasks, routes, health }: Partial<Looked>, at: number): Partial<Looked> {
  return {
    ...(routes && { routes: mapped(routes, at) }),
    ...(health && { health: mapped(health, at) }),
    ...(service && { service: { ...service, at } }),
    ...(tasks && { tasks: { ...tasks, at } }),
  };
}

function mapped<R extends object>(readings: Record<string, R>, at: number): Record<string, R> {
  return Object.fromEntries(Object.entries(readings).map(([key, reading]) => [key, { ...reading, at }]));
}
