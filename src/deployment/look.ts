/** What each phase needs read, no more. */
import { asksOf } from "./analysis.ts";
import type { Look } from "./observation.ts";
import type { Deployment } from "./record.ts";

const nothing: Look = { service: false, routes: false, health: [], tasks: [], survey: false };

export function look(d: Deployment, now: number): Look {
  const measure = asksOf(d, now);
  return { ...reads(d), ...(measure && { measure }) };
}

function reads(d: Deployment): Look {
  const both = d.pair ? [d.pair.blue, d.pair.green] : [];
  const greenTasks = d.green.id ? [d.green.id] : [];
  switch (d.phase) {
    case "queued":
      return nothing;
    case "preparing":
      return {
        ...nothing,
        service: true,
        routes: true,
        survey: d.target.targetGroups.length > 0,
        health: [...d.target.targetGroups],
        ...(d.green.base && { taskDefinition: d.green.base }),
      };
    case "provisioning": {
      // Searching a family takes many calls: not while there is no room for green anyway.
      const needed = d.request.images && !d.green.taskDefinition && d.hold?.kind !== "waiting";
      const family = needed ? familyOf(d.green.base) : undefined;
      return {
        ...nothing,
        service: true,
        routes: true,
        health: both,
        tasks: greenTasks,
        ...(family &&
          d.green.base && { registered: { family, deployment: d.id }, taskDefinition: d.green.base }),
      };
    }
    case "testing":
    case "shifting":
    case "baking":
      return { ...nothing, service: true, routes: true, health: both, tasks: greenTasks };
    case "promoting":
    case "retaining":
    case "draining":
    case "rolling_back":
      // The group was empty before green, so its health tells of green alone; who failed no longer matters.
      return { ...nothing, service: true, routes: true, health: both };
    case "succeeded":
    case "rolled_back":
    case "failed":
    case "cancelled":
    case "superseded":
    case "abandoned":
      return touched(d) ? { ...nothing, service: true, routes: true } : nothing;
  }
}

/** Whether this deployment ever wrote to AWS; if not, nothing of it can come late. */
export function touched(d: Deployment): boolean {
  return d.green.create !== undefined || d.routes.some((route) => route.earlier.length > 0);
}

/** The family of a task definition named by family, family:revision or ARN. */
export function familyOf(taskDefinition: string | undefined): string | undefined {
  return taskDefinition?.split("/").at(-1)?.split(":")[0];
}
