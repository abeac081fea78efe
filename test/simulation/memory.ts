/**
 * Most looks see what the last one saw. One that must is answered from memory: the model says whether anything
 * that can be read has changed since. Where reads may meet faults, the adapters always read.
 */
import type { Look, Seen } from "../../src/deployment/observation.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import type { LocalAws } from "../../sandbox/start.ts";

type Looked = Omit<Seen, "slot" | "outcome">;

export function rememberLooks(cloud: Cloud, { aws, faults }: LocalAws): Cloud {
  const last = new Map<string, { version: string; looked: Looked }>();
  return {
    perform: (target, effect, guard) => cloud.perform(target, effect, guard),
    look: async (target, look, deadline) => {
      const faulty = faults.list().some((rule) => rule.action === undefined);
      if (faulty || !isUsual(look)) return await cloud.look(target, look, deadline);
      const region = aws.region(target.region);
      const { measure: _measured, ...read } = look;
      const key = `${target.name} ${JSON.stringify(read)}`;
      const version = region.seenVersion();
      const known = last.get(key);
      if (known?.version === version) {
        const at = aws.clock.now();
        // Reading takes a round of the event loop, in which time may pass.
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (region.seenVersion() === version) return readAt(known.looked, at);
      }
      const looked = await cloud.look(target, look, deadline);
      // What changed while it was read may be in it or not.
      if (region.seenVersion() === version && allRead(looked)) last.set(key, { version, looked });
      else last.delete(key);
      return looked;
    },
  };
}

/** The looks of which there are many; others are few, and may ask for what the model's version doesn't tell of. */
function isUsual({ survey, registered, taskDefinition }: Look): boolean {
  return !survey && !registered && !taskDefinition;
}

function allRead(looked: Looked): boolean {
  const { service, tasks, routes, health } = looked;
  return [service, tasks, ...Object.values(routes), ...Object.values(health)].every(
    (reading) => reading === undefined || reading.ok,
  );
}

/** The same answers, read now. */
function readAt({ service, tasks, routes, health }: Looked, at: number): Looked {
  return {
    routes: mapped(routes, at),
    health: mapped(health, at),
    ...(service && { service: { ...service, at } }),
    ...(tasks && { tasks: { ...tasks, at } }),
  };
}

function mapped<R extends object>(readings: Record<string, R>, at: number): Record<string, R> {
  return Object.fromEntries(Object.entries(readings).map(([key, reading]) => [key, { ...reading, at }]));
}
