/**
 * The record and an observation put together: the questions that rules and guards ask. Everything is derived;
 * nothing here decides.
 */
import { doubtOf, mayBeLate } from "./doubt.ts";
import type { Weights } from "./effect.ts";
import type { Fault, Reading, RouteSeen, Seen, ServiceSeen, TaskSeen, TaskSetSeen } from "./observation.ts";
import type { Phase } from "./phases.ts";
import type { Deployment, RouteRecord } from "./record.ts";
import type { Step } from "./strategy.ts";
import { tagKeys } from "./target.ts";
import { greenShare, sameWeights, tasksFor } from "./traffic.ts";

/** How long a read may show what was before our own acknowledged write. (AWS gives no bound; a generous one.) */
export const lagMs = 30_000;

export interface View {
  d: Deployment;
  seen: Seen;
  now: number;
  service: ServiceSeen | undefined;
  primary: TaskSetSeen | undefined;
  blue: TaskSetSeen | undefined;
  green: TaskSetSeen | undefined;
}

export function view(d: Deployment, seen: Seen, now: number): View {
  const service = value(seen.service);
  const sets = service?.taskSets ?? [];
  return {
    d,
    seen,
    now,
    service,
    primary: sets.find((set) => set.status === "PRIMARY"),
    blue: sets.find((set) => set.arn === d.blue?.arn),
    green: greenAmong(sets, d),
  };
}

/**
 * The set that this deployment created. Once its deletion was committed, any other one that carries our tag was
 * made by a create that came late, and is green too: it must go as well.
 */
function greenAmong(sets: TaskSetSeen[], d: Deployment): TaskSetSeen | undefined {
  const known = sets.filter((set) => set.arn === d.green.arn);
  if (d.green.arn && !d.deleting.green) return known[0];
  const ours = [...known, ...sets.filter((set) => isOurs(set, d))];
  return ours.find((set) => set.status !== "DRAINING") ?? ours[0];
}

export function value<T>(reading: Reading<T> | undefined): T | undefined {
  return reading?.ok ? reading.value : undefined;
}

function isOurs(set: TaskSetSeen, d: Deployment): boolean {
  return set.spec.tags?.some((tag) => tag.key === tagKeys.deployment && tag.value === d.id) ?? false;
}

/** The pair's weights as read on a route; undefined where the route wasn't read or lacks one of the pair. */
export function weightsRead(v: View, route: RouteRecord): Weights | undefined {
  const read = value(v.seen.routes[route.ref.arn]);
  return read && v.d.pair ? pairWeights(read, v.d.pair) : undefined;
}

export function pairWeights(read: RouteSeen, pair: { blue: string; green: string }): Weights | undefined {
  const blue = read.weights[pair.blue];
  const green = read.weights[pair.green];
  return blue === undefined || green === undefined ? undefined : { blue, green };
}

/**
 * What a route's reading tells beside what was last asked of it:
 * - `as-asked`: it reads back.
 * - `lagging`: it reads what was asked earlier, and our last write is recent or may still be in flight.
 * - `behind`: it reads what we asked earlier, or a person took for granted, and our last write is not known to have
 *   happened: to be written again.
 * - `late`: it reads what a call may have made of it that nobody heard of, ours or of the deployment before.
 * - `drifted`: somebody else changed it, be it to weights that we had asked for once.
 * - `gone`: it does not exist, or no longer forwards to the pair.
 * - `unread`: no reading.
 */
export type RouteState = "as-asked" | "lagging" | "behind" | "late" | "drifted" | "gone" | "unread";

export function routeState(v: View, route: RouteRecord): RouteState {
  const reading = v.seen.routes[route.ref.arn];
  if (!reading) return "unread";
  if (!reading.ok) return reading.fault.class === "absent" ? "gone" : "unread";
  const weights = weightsRead(v, route);
  if (!weights) return "gone";
  if (reading.value.rest !== route.rest) return "drifted";
  if (sameWeights(weights, route.asked)) return "as-asked";
  const own = route.earlier.some((earlier) => sameWeights(earlier, weights));
  const late = mayBeLate(reading.value, doubtOf(v.d, v.now), v.now);
  if (own && v.now < v.d.unsureUntil) return "lagging";
  if ((own || late) && v.now - route.askedAt < lagMs) return "lagging";
  if (own && route.askedAt === 0) return "behind";
  return late ? "late" : "drifted";
}

export function routesIn(v: View, ...states: RouteState[]): RouteRecord[] {
  return v.d.routes.filter((route) => states.includes(routeState(v, route)));
}

/** The routes that production traffic takes. */
export function production(d: Deployment): RouteRecord[] {
  return d.routes.filter((route) => !route.test);
}

/** The greatest share that any route gives green, as read or as asked, in percent. */
export function greenPercent(v: View): number {
  const shares = production(v.d).map((route) =>
    Math.max(greenShare(weightsRead(v, route) ?? { blue: 1, green: 0 }), greenShare(route.asked)),
  );
  return 100 * Math.max(0, ...shares);
}

/**
 * The share by whose tasks green's health is judged. It hasn't fallen ill because others gave it more than that, which
 * is held as drift; where all of its traffic comes from others, a task will do.
 */
export function percentToBear(v: View): number {
  const asked = 100 * Math.max(0, ...production(v.d).map((route) => greenShare(route.asked)));
  return asked > 0 ? asked : Math.min(1, greenPercent(v));
}

/** Whether every route of production was read and gives this colour no weight. */
export function carriesNothing(v: View, colour: "blue" | "green"): boolean {
  return production(v.d).every((route) => weightOf(v, route, colour) === 0);
}

/**
 * The weight that a route gives this colour, as read, be it that the other one is no longer in it; a route that
 * does not exist gives none. Undefined where it wasn't read.
 */
export function weightOf(v: View, route: RouteRecord, colour: "blue" | "green"): number | undefined {
  const reading = v.seen.routes[route.ref.arn];
  if (!reading || !v.d.pair) return undefined;
  if (!reading.ok) return reading.fault.class === "absent" ? 0 : undefined;
  return reading.value.weights[v.d.pair[colour]] ?? 0;
}

/** Phases in which others' targets may be in green's group: there only those of its own tasks count. */
const unproved = new Set<Phase>(["provisioning", "testing", "shifting", "baking"]);

/** Healthy targets of a group that belong to tasks of this set; all healthy ones where it needn't be told apart. */
export function healthyTargets(v: View, group: string, setId?: string): number | undefined {
  const targets = value(v.seen.health[group]);
  if (!targets) return undefined;
  const healthy = targets.filter((target) => target.state === "healthy");
  if (setId === undefined || !(v.seen.tasks || unproved.has(v.d.phase))) return healthy.length;
  const tasks = value(v.seen.tasks);
  if (!tasks) return undefined;
  const own = new Set(
    tasks
      .filter((task) => task.startedBy === setId && task.lastStatus === "RUNNING")
      .flatMap((t) => t.addresses),
  );
  return healthy.filter((target) => own.has(target.address)).length;
}

/** Green's own tasks that can take traffic: healthy targets, or running tasks where nothing is routed. */
export function greenHealthy(v: View): number | undefined {
  if (!v.green) return v.service ? 0 : undefined;
  return v.d.pair ? healthyTargets(v, v.d.pair.green, v.green.id) : v.green.running;
}

export function blueHealthy(v: View): number | undefined {
  return v.d.pair ? healthyTargets(v, v.d.pair.blue) : v.blue?.running;
}

/** Tasks that green needs before it gets `percent`, whatever an autoscaler took away by mistake. */
export function tasksToBear(v: View, percent: number): number {
  // What undoes an earlier deployment can't wait for what may be a mistake.
  if (v.d.undoes) return tasksNeeded(v, percent);
  return Math.max(tasksNeeded(v, percent), Math.round(((v.d.desiredAlone ?? 0) * percent) / 100));
}

/** Tasks that green needs to carry `percent` of the traffic; at least one. */
export function tasksNeeded(v: View, percent: number): number {
  return Math.max(1, tasksFor(v.service?.desiredCount ?? v.d.desiredAtStart ?? 1, percent));
}

/** Steady, with something running: a set scaled to 0 is steady too. */
export function isSteady(set: TaskSetSeen | undefined): boolean {
  return set !== undefined && set.steady && set.computedDesired > 0;
}

/** Stopped for reasons that say nothing about the version (AWS docs, stopped tasks: stopCode). */
const innocentStops = new Set(["SpotInterruption", "TerminationNotice", "UserInitiated"]);

/** Tasks of green that failed: exited, could not start, or failed their health checks. */
export function failedTasks(v: View): TaskSeen[] {
  const id = v.green?.id ?? v.d.green.id;
  return (value(v.seen.tasks) ?? []).filter((task) => task.startedBy === id && hasFailed(task));
}

function hasFailed(task: TaskSeen): boolean {
  if (task.lastStatus !== "STOPPED" && task.desiredStatus !== "STOPPED") return false;
  if (task.stopCode && innocentStops.has(task.stopCode)) return false;
  if (task.stopCode === "EssentialContainerExited" || task.stopCode === "TaskFailedToStart") return true;
  return /health check|failed to start|CannotPull|ResourceInitialization|OutOfMemory/i.test(
    task.stoppedReason ?? "",
  );
}

/** Why tasks stopped, in AWS's words with exit codes and pull errors; each different reason once, most detailed. */
export function stopReasons(tasks: TaskSeen[]): string {
  const reasons = new Map<string, string>();
  for (const task of tasks) {
    // Task ids and ports differ from task to task; what people need is the reason.
    const why = (task.stoppedReason ?? task.stopCode ?? "stopped").replace(
      /\(?port \d+\)?|\b[0-9a-f]{32}\b/g,
      "…",
    );
    const told = [why, ...task.containers.flatMap(containerEnd)].join("; ");
    if (told.length > (reasons.get(why)?.length ?? 0)) reasons.set(why, told);
  }
  return [...reasons.values()].slice(0, 3).join(" | ");
}

function containerEnd({ name, exitCode, reason }: TaskSeen["containers"][number]): string[] {
  if (exitCode === undefined && !reason) return [];
  const exit = exitCode === undefined ? "" : ` exited with code ${exitCode}`;
  return [`${name}${exit}${reason ? `: ${reason}` : ""}`];
}

/** `1 task`, `2 tasks`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** When the earliest of these readings began; `now` where nothing was read. */
export function lookedAt(seen: Seen, now: number): number {
  const readings = [seen.service, seen.tasks, ...Object.values(seen.routes), ...Object.values(seen.health)];
  return Math.min(now, ...readings.flatMap((reading) => (reading ? [reading.at] : [])));
}

/** Readings that failed, for another reason than that the thing does not exist. */
export function readingFaults(seen: Omit<Seen, "slot">): Fault[] {
  const readings = [
    seen.service,
    seen.tasks,
    seen.taskDefinition,
    seen.registered,
    seen.survey,
    ...Object.values(seen.routes),
    ...Object.values(seen.health),
  ];
  return readings.flatMap((reading) =>
    reading && !reading.ok && reading.fault.class !== "absent" ? [reading.fault] : [],
  );
}

export function readingFault(seen: Seen): Fault | undefined {
  return readingFaults(seen)[0];
}

/** Whether green carries the tag that says it is being rolled back. */
export function isTaggedRollingBack(v: View): boolean {
  return v.green?.spec.tags?.some((tag) => tag.key === tagKeys.rollingBack) ?? false;
}

/** The list of steps of the phase that it is in. */
export function stepsOf(d: Deployment): Step[] {
  if (d.phase === "provisioning") return d.strategy.before;
  return d.phase === "testing" ? d.strategy.testing : d.strategy.steps;
}

/** Green is PRIMARY, but the steps that are still to come would give blue traffic again. */
export function isPromotedUnknown({ d, primary }: View): boolean {
  const done = stepsOf(d) === d.strategy.steps ? d.step : 0;
  const back = d.strategy.steps.slice(done).some((step) => step.kind === "weight" && step.percent < 100);
  return back && d.blue !== undefined && primary !== undefined && primary.arn === d.green.arn;
}
