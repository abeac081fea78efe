/** How a service must look when everything about it has ended, and what must be written of its deployments. */
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import { isTerminal } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Region } from "../../sandbox/model/region.ts";
import type { Laid, World } from "../support/world.ts";

export interface Circumstances {
  /** Somebody else wrote to the routes, so that their weights are not ours to answer for. */
  drift: boolean;
  /** Somebody did to it what only Teal should: what a person gave up is left as it was. */
  meddled?: boolean;
  /** Redis came back older or empty: what ended last can't be told from the records. */
  lost: boolean;
  /** All of its routes but the pair's weights, as it was before, or as others left it: see `restOfRoutes`. */
  rest: string;
  /** When deployments ended, by the clock of the world, where that of the records was set. */
  endedAt?: ReadonlyMap<string, number>;
  /** Of the pair's weights, before anything began. */
  sum: number;
  /** What a test route gave the version that serves, and the idle one, before anything began. */
  test: [number, number] | undefined;
}

/** Everything of a service's routes but the weights of its pair, in an order of its own. */
export function restOfRoutes({ elb }: Pick<Region, "elb">, laid: Laid): string {
  const routes = [laid.listener, laid.rule, laid.testRule].map((arn = "") => {
    const actions = elb.rules.get(arn)?.actions ?? elb.listeners.get(arn)?.actions ?? [];
    return actions.map(({ ForwardConfig: forward, ...action }) => ({
      ...action,
      sticky: forward?.TargetGroupStickinessConfig?.Enabled ?? false,
      seconds: forward?.TargetGroupStickinessConfig?.DurationSeconds,
      groups: forward?.TargetGroups?.map(({ TargetGroupArn: group, Weight: weight }) =>
        laid.groups.includes(group) ? "ours" : `${group} ${weight}`,
      ),
    }));
  });
  return JSON.stringify(routes);
}

/** What a service breaks (promises 3, 6, 7 and 9), in words that begin with the promise's number. */
export function checkEnd(world: World, laid: Laid, ended: Deployment[], about: Circumstances): string[] {
  const found: string[] = [];
  const name = laid.target.name;
  if (about.meddled && ended.some((d) => d.phase === "abandoned")) return found;
  const sets = world.sets(name).filter((set) => set.status !== "DRAINING");
  const primaries = sets.filter((set) => set.status === "PRIMARY");
  // Somebody may have promoted the very set that was about to be deleted.
  if (about.meddled ? sets.length > 1 : sets.length !== 1 || primaries.length !== 1) {
    found.push(
      `3 ${name} is left with ${sets.map((set) => `${set.id} ${set.status}`).join(", ") || "no task set"}`,
    );
  }
  if (about.meddled) return found;
  const [primary] = primaries;
  if (primary && primary.scale?.value !== 100)
    found.push(`7 ${name} is left at scale ${String(primary.scale?.value)}`);

  const group = primary?.loadBalancers?.[0]?.targetGroupArn;
  const at = laid.groups.indexOf(group ?? "");
  if (!about.drift && ended.every((d) => d.phase !== "abandoned")) {
    for (const weights of world.weights(laid)) {
      if ((weights[at] ?? 0) <= 0)
        found.push(`7 ${name}: the serving group has weight ${String(weights[at])}: ${weights.join()}`);
      const sum = (weights[0] ?? 0) + (weights[1] ?? 0);
      if (sum !== about.sum && !about.lost)
        found.push(`7 ${name}: the weights ${weights.join()} no longer sum up to ${about.sum}`);
      if ((weights[1 - at] ?? 1) !== 0)
        found.push(`7 ${name}: the idle group has weight ${String(weights[1 - at])}: ${weights.join()}`);
    }
  }
  const rest = restOfRoutes(world.aws.region(laid.target.region), laid);
  if (rest !== about.rest)
    found.push(`9 ${name}: more than the pair's weights changed: ${rest}, before ${about.rest}`);
  if (about.lost) return found;
  if (about.test && at >= 0 && !about.drift && ended.every((d) => d.phase !== "abandoned")) {
    const weights = world.routeWeights(laid, laid.testRule);
    const given = [weights[at], weights[1 - at]].join(":");
    if (given !== about.test.join(":"))
      found.push(
        `7 ${name}: the test route gives who serves and who doesn't ${given}, before ${about.test.join(":")}`,
      );
  }
  // The set that serves is what the last deployment that succeeded made, or the first one.
  const endedAt = ({ id, finishedAt = 0 }: Deployment) => about.endedAt?.get(id) ?? finishedAt;
  const byEnd = ended.toSorted((a, b) => endedAt(a) - endedAt(b));
  const last = byEnd.findLast((d) => d.phase === "succeeded");
  if (last && primary && primary.taskSetArn !== last.green.arn) {
    found.push(`7 ${name} is served by ${primary.id}, not by the green of ${last.id}`);
  }
  if (!last && primary && !primary.taskDefinition?.endsWith(":1")) {
    found.push(`7 ${name} is served by ${primary.taskDefinition}, although nothing succeeded`);
  }
  return found;
}

/** What the record of a deployment breaks (promises 5, 6 and 8), in the same words; `commands`: ids of those asked of it. */
export function checkRecord(d: Deployment, events: DeploymentEvent[], commands: string[]): string[] {
  const found: string[] = [];
  if (events.some((event, n) => event.seq !== n) || events.length !== d.events)
    found.push(`5 ${d.id}: the events have holes`);
  const answered = events.flatMap((event) => (event.type === "command" ? [event.commandId] : []));
  for (const command of commands) {
    const count = answered.filter((id) => id === command).length;
    if (count !== 1) found.push(`8 ${d.id}: the command ${command} was answered ${count} times`);
  }
  if (!isTerminal(d.phase)) found.push(`6 ${d.id} is ${d.phase}`);
  return found;
}
