/** The service as it was before the deployment that acts on it now: nobody knows yet what that one will leave. */
import type { Deployment } from "../record.ts";
import { tasksFor } from "../traffic.ts";
import type { FirstLook } from "./world.ts";

/** Its green is gone, its blue PRIMARY at its scale, and the routes are at their weights of before. */
export function asBefore(first: FirstLook, acting: Deployment): FirstLook {
  const { pair, blue, green } = acting;
  const routes = { ...first.routes };
  const health = { ...first.health };
  for (const { ref, before } of acting.routes) {
    const read = routes[ref.arn];
    if (!pair || !read?.ok) continue;
    const weights = { ...read.value.weights, [pair.blue]: before.blue, [pair.green]: before.green };
    routes[ref.arn] = { ...read, value: { ...read.value, weights } };
  }
  const idle = pair && health[pair.green];
  if (pair && idle?.ok && green.arn) health[pair.green] = { ...idle, value: [] };
  if (!first.service?.ok) return { ...first, routes, health };
  const service = first.service.value;
  const taskSets = service.taskSets
    .filter(({ arn }) => arn !== green.arn)
    .map((set) => {
      if (set.arn !== blue?.arn) return set;
      const { scalePercent } = blue;
      const tasks = tasksFor(service.desiredCount, scalePercent);
      return { ...set, status: "PRIMARY" as const, scalePercent, computedDesired: tasks, running: tasks };
    });
  return { ...first, routes, health, service: { ...first.service, value: { ...service, taskSets } } };
}
