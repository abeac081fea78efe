/** How much a deployment uses of what is limited: AWS's quotas, and room for tasks. */
import type { TaskSetSeen } from "../observation.ts";
import type { Deployment } from "../record.ts";
import { type RouteRef, tagKeys, tagsMax, taskSetsMax } from "../target.ts";
import { production } from "../view.ts";

export interface Headroom {
  /** Task sets of the service as they are; `atPeak` counts green and those that are still draining. */
  taskSets: { present: { id: string; status: string; of: string }[]; atPeak: number; limit: number };
  /** Tags of green. */
  tags: { used: number; limit: number };
  /** What each production route can express: shares in steps of `finestPercent`. */
  routes: { route: RouteRef; weightSum: number; finestPercent: number }[];
  /** Tasks of all sets; people must have room for `more`. */
  tasks: { present: number; atPeak: number; more: number };
}

/** Tasks and sets that there were at once. */
export interface Counts {
  tasks: number;
  taskSets: number;
}

/** @param d as it is at the end; undefined where preparing never came to an end */
export function headroomOf(d: Deployment, sets: readonly TaskSetSeen[], peak: Counts): Headroom | undefined {
  if (d.desiredAtStart === undefined) return undefined;
  const present = tasksOf(sets);
  return {
    taskSets: {
      present: sets.map((set) => ({ id: set.id, status: set.status, of: ownerOf(set, d) })),
      atPeak: peak.taskSets,
      limit: taskSetsMax,
    },
    tags: { used: d.green.create?.tags?.length ?? 0, limit: tagsMax },
    routes: production(d).map(({ ref, sum }) => ({
      route: ref,
      weightSum: sum,
      finestPercent: Number((100 / sum).toPrecision(3)),
    })),
    tasks: { present, atPeak: peak.tasks, more: Math.max(0, peak.tasks - present) },
  };
}

/** Tasks of these sets, those that start and those that stop included. */
export function tasksOf(sets: readonly TaskSetSeen[]): number {
  return sets.reduce((sum, { running, computedDesired }) => sum + Math.max(running, computedDesired), 0);
}

/** Whose set it is, as far as anything tells. */
function ownerOf(set: TaskSetSeen, d: Deployment): string {
  const maker = set.spec.tags?.find(({ key }) => key === tagKeys.deployment)?.value;
  const made = maker === undefined ? "" : `, by ${maker}`;
  return `${set.arn === d.blue?.arn ? "blue" : set.status === "DRAINING" ? "drains" : "another"}${made}`;
}
