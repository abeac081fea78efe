/** Worlds in which clocks differ: AWS goes by one, the records by another, and hosts by what they like. */
import type { Look, Seen } from "../../src/deployment/observation.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import type { Clock, Cloud } from "../../src/engine/ports.ts";

type Looked = Omit<Seen, "slot" | "outcome">;

/** A way of looking that goes by `world`, as somebody sees it who goes by `own`. */
export function lookingBy(own: Clock, world: Clock, look: Cloud["look"]): Cloud["look"] {
  if (own === world) return look;
  return async (target: ServiceTarget, asked: Look, deadline: number) => {
    const aheadMs = own.now() - world.now();
    return moved(await look(target, asked, deadline - aheadMs), aheadMs);
  };
}

/** The same readings, each so much later. */
function moved(looked: Looked, ms: number): Looked {
  const { service, tasks, taskDefinition, registered, survey, routes, health } = looked;
  const later = <R extends { at: number }>(reading: R): R => ({ ...reading, at: reading.at + ms });
  const all = <R extends { at: number }>(readings: Record<string, R>): Record<string, R> =>
    Object.fromEntries(Object.entries(readings).map(([key, reading]) => [key, later(reading)]));
  return {
    ...looked,
    routes: all(routes),
    health: all(health),
    ...(service && { service: later(service) }),
    ...(tasks && { tasks: later(tasks) }),
    ...(taskDefinition && { taskDefinition: later(taskDefinition) }),
    ...(registered && { registered: later(registered) }),
    ...(survey && { survey: later(survey) }),
  };
}
