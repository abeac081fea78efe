/**
 * What preparing finds wrong, all of it at once; and what it writes down when nothing is. Each finding is
 * something that would otherwise fail, or hurt, half way.
 */
import type { ErrorCode, Problem } from "../errors.ts";
import type { Pair } from "./effect.ts";
import type { RouteSeen, TaskSetSeen } from "./observation.ts";
import type { RouteRecord } from "./record.ts";
import { isAlone, routesRead } from "./routes.ts";
import { weightPercents } from "./strategy.ts";
import { routesOf, tagsMax, taskSetsMax } from "./target.ts";
import { showWeights, sumFor } from "./traffic.ts";
import { greenTags } from "./inherit.ts";
import { countOf, pairWeights, readingFaults, value, type View } from "./view.ts";

/** Empty where the deployment can go on; undefined readings are not findings, they are waited for. */
export function findings(v: View): Problem[] {
  const { service, d } = v;
  const found: Problem[] = [];
  const add = (code: ErrorCode, message: string, path?: string) =>
    found.push({ code, message, ...(path && { path }) });
  const name = `${d.target.cluster}/${d.target.service}`;
  for (const fault of readingFaults(v.seen)) {
    if (fault.class === "refuse") add("aws-refused", `${fault.action}: ${fault.code}: ${fault.message}`);
  }
  if (v.seen.service?.ok === false && v.seen.service.fault.class === "absent") {
    add("service-missing", `${name} does not exist in ${d.target.region}: ${v.seen.service.fault.message}`);
  }
  if (!service) return found;

  if (service.status !== "ACTIVE") {
    add(
      "service-missing",
      `the ECS service ${name} is ${service.status.toLowerCase()} in ${d.target.region}`,
    );
    return found;
  }
  if (v.green) {
    add("record-older", `AWS already has the task set ${v.green.id} of this deployment: the record is older`);
  }
  if (service.controller !== "EXTERNAL") {
    add("not-external", `${name} uses the deployment controller ${service.controller}, not EXTERNAL`);
  }
  if (service.desiredCount === 0) add("desired-count-zero", `desiredCount of ${name} is 0`);
  if (!v.primary && !d.target.taskSet) {
    add("no-primary", `${name} has no PRIMARY task set, and teal.yaml describes no taskSet for it`);
  }
  const counting = service.taskSets.filter((set) => set.status !== "DRAINING").length;
  if (counting >= taskSetsMax && !v.seen.slot.retaining) {
    add("too-many-task-sets", `${name} has ${counting} task sets; ECS allows ${taskSetsMax}`);
  }
  const tags = greenTags(v).length;
  if (tags > tagsMax) add("too-many-tags", `green would carry ${tags} tags; ECS allows ${tagsMax}`);
  definitionFindings(v, add);
  if (d.target.targetGroups.length > 0) trafficFindings(v, add);
  return found;
}

/** The tail of an ARN, which tells people which one it is. */
function short(arn: string): string {
  return arn.split(":").at(-1) ?? arn;
}

type Add = (code: ErrorCode, message: string, path?: string) => void;

function definitionFindings(v: View, add: Add): void {
  const { request, green } = v.d;
  const reading = v.seen.taskDefinition;
  const asked = green.base ?? request.taskDefinition;
  if (!asked) {
    if (v.d.target.taskSet)
      add("unknown-revision", "neither the request nor taskSet names a task definition");
    return;
  }
  if (!reading) return;
  if (!reading.ok) {
    if (reading.fault.class === "absent")
      add("unknown-revision", `the task definition ${asked} does not exist`);
    return;
  }
  if (reading.value.status !== "ACTIVE") {
    add("unknown-revision", `the task definition ${reading.value.arn} is ${reading.value.status}`);
  }
  const names = reading.value.containers.map((container) => container.name);
  for (const container of Object.keys(request.images ?? {})) {
    if (names.includes(container)) continue;
    const message = `${asked} has no container ${container}; it has ${names.join(", ")}`;
    add("unknown-container", message, `images.${container}`);
  }
}

function trafficFindings(v: View, add: Add): void {
  const { d } = v;
  const survey = value(v.seen.survey);
  if (!survey) return;

  const existing = new Map(survey.groups.map((group) => [group.arn, group]));
  for (const arn of d.target.targetGroups) {
    const group = existing.get(arn);
    if (!group) add("group-missing", `the target group ${short(arn)} does not exist`);
    else if (group.loadBalancers.length === 0) {
      add("group-unattached", `the target group ${short(arn)} is in no listener or rule`);
    }
  }
  if (v.primary && !blueGroup(v)) {
    const groups =
      v.primary.spec.loadBalancers?.map((lb) => short(lb.targetGroupArn ?? "?")).join(", ") || "none";
    add("blue-elsewhere", `the PRIMARY task set uses the target group ${groups}, which is not of the pair`);
  }
  for (const ref of d.target.routes) routeFindings(v, ref.arn, add);
  for (const ref of d.target.testRoutes ?? []) testRouteFindings(v, ref.arn, add);
  const balancers = new Set([
    ...[...existing.values()].flatMap((group) => group.loadBalancers),
    ...Object.values(survey.loadBalancers),
  ]);
  if (balancers.size > 1) {
    add(
      "group-elsewhere",
      `groups and routes belong to ${balancers.size} load balancers: ${[...balancers].map(short).join(", ")}`,
    );
  }
  const configured = new Set(routesOf(d.target).map((route) => route.arn));
  for (const serving of survey.serving) {
    if (configured.has(serving.ref.arn)) continue;
    add(
      "unconfigured-route",
      `the ${serving.ref.kind} ${short(serving.ref.arn)} forwards to the pair but is no configured route`,
    );
  }
  leftoverFindings(v, add);
}

/** The route as read, where it exists and forwards to the pair. */
function pairFindings(v: View, arn: string, add: Add): RouteSeen | undefined {
  const reading = v.seen.routes[arn];
  if (!reading) return undefined;
  if (!reading.ok) {
    if (reading.fault.class === "absent") add("route-missing", `the route ${short(arn)} does not exist`);
    return undefined;
  }
  const { weights } = reading.value;
  const missing = v.d.target.targetGroups.filter((group) => weights[group] === undefined);
  if (missing.length > 0) {
    add(
      "route-without-pair",
      `the route ${short(arn)} does not forward to ${missing.map(short).join(" and ")}`,
    );
    return undefined;
  }
  return reading.value;
}

function routeFindings(v: View, arn: string, add: Add): void {
  const { d } = v;
  const route = pairFindings(v, arn, add);
  if (!route) return;
  const pair = pairOf(v);
  const pairRead = pair && pairWeights(route, pair);
  if (!pair || !pairRead) return;
  if (v.primary && pairRead.green > 0) {
    add(
      "green-has-weight",
      `the idle group has weight on ${short(arn)}: blue:green is ${showWeights(pairRead)}`,
    );
  }
  const percents = weightPercents(d.strategy);
  if (sumFor(percents, pairRead, isAlone(route)) === undefined) {
    add(
      "weight-inexpressible",
      `${percents.join(" %, ")} % cannot be expressed by the pair's weights ${showWeights(pairRead)} on ${short(arn)}` +
        (isAlone(route) ? "" : ", which other groups share"),
    );
  }
}

/** Tests that reach another group now and then prove nothing of green. */
function testRouteFindings(v: View, arn: string, add: Add): void {
  const route = pairFindings(v, arn, add);
  if (!route || !v.d.strategy.testing.some((step) => step.kind === "test")) return;
  const pair: string[] = v.d.target.targetGroups;
  const others = Object.entries(route.weights).filter(
    ([group, weight]) => weight > 0 && !pair.includes(group),
  );
  if (others.length === 0) return;
  const names = others.map(([group, weight]) => `${short(group)} (weight ${weight})`);
  add(
    "weight-inexpressible",
    `test traffic cannot be led to green alone on ${short(arn)}, which also forwards to ${names.join(" and ")}`,
  );
}

/** Targets and task sets in the idle group that belong to nobody whose end is awaited. */
function leftoverFindings(v: View, add: Add): void {
  const pair = pairOf(v);
  if (!pair || v.seen.slot.retaining) return;
  const targets = value(v.seen.health[pair.green]) ?? [];
  const left = targets.filter((target) => target.state !== "draining");
  // Tasks under scale-in protection stay registered while their set is DRAINING, and then go: room is waited for.
  const leaving = usersOf(v, pair.green, "DRAINING").reduce((sum, set) => sum + set.running, 0);
  if (left.length > leaving) {
    const addresses = left.slice(0, 5).map((target) => target.address);
    add(
      "green-has-targets",
      `the idle group ${short(pair.green)} has ${countOf(left.length, "target")}: ${addresses.join(", ")}`,
    );
  }
  // Without targets too: its tasks may only be failing for now.
  for (const set of setsIn(v, pair.green)) {
    add("green-has-targets", `the idle group ${short(pair.green)} is used by the task set ${set.id}`);
  }
}

/** Living task sets, blue aside, that register their tasks in this group. */
export function setsIn(v: View, group: string): TaskSetSeen[] {
  return usersOf(v, group, "ACTIVE").filter((set) => set !== v.green);
}

function usersOf(v: View, group: string, status: TaskSetSeen["status"]): TaskSetSeen[] {
  return (v.service?.taskSets ?? []).filter(
    (set) =>
      set.status === status && (set.spec.loadBalancers ?? []).some((lb) => lb.targetGroupArn === group),
  );
}

function blueGroup(v: View): string | undefined {
  const groups = v.primary?.spec.loadBalancers?.map((lb) => lb.targetGroupArn) ?? [];
  return v.d.target.targetGroups.find((group) => groups.includes(group));
}

/**
 * The pair by reading, never by what was configured first: blue's group is the PRIMARY set's. Without a PRIMARY
 * set, green takes the group that has no weight, if there is one.
 */
export function pairOf(v: View): Pair | undefined {
  const [a, b] = v.d.target.targetGroups;
  if (a === undefined || b === undefined) return undefined;
  const blue = v.primary ? blueGroup(v) : weightless(v, a) && !weightless(v, b) ? b : a;
  if (!blue) return undefined;
  return { blue, green: blue === a ? b : a };
}

function weightless(v: View, group: string): boolean {
  return v.d.target.routes.every(({ arn }) => !value(v.seen.routes[arn])?.weights[group]);
}

/** The routes as they are before anything is changed. */
export function preparedRoutes(v: View): RouteRecord[] {
  const pair = pairOf(v);
  return pair ? routesRead(v.d.target, v.d.strategy, pair, v.seen) : [];
}
