/** How a service must look when everything about it has ended (promises 3, 6 and 7). */
import type { Deployment } from "../../src/deployment/record.ts";
import type { Laid, World } from "../support/world.ts";

/**
 * Violations, in words. `disturbed`: somebody else wrote to the routes, so that their weights are not ours to
 * answer for.
 */
export function checkEnd(world: World, laid: Laid, ended: Deployment[], disturbed: boolean): string[] {
  const found: string[] = [];
  const name = laid.target.name;
  const sets = world.sets(name).filter((set) => set.status !== "DRAINING");
  const primaries = sets.filter((set) => set.status === "PRIMARY");
  if (sets.length !== 1 || primaries.length !== 1) {
    found.push(
      `3 ${name} is left with ${sets.map((set) => `${set.id} ${set.status}`).join(", ") || "no task set"}`,
    );
  }
  const [primary] = primaries;
  if (primary && primary.scale?.value !== 100)
    found.push(`7 ${name} is left at scale ${primary.scale?.value}`);

  const group = primary?.loadBalancers?.[0]?.targetGroupArn;
  const at = laid.groups.indexOf(group ?? "");
  if (!disturbed && ended.every((d) => d.phase !== "abandoned")) {
    for (const weights of world.weights(laid)) {
      if ((weights[at] ?? 0) <= 0)
        found.push(`7 ${name}: the serving group has weight ${weights[at]}: ${weights}`);
      if ((weights[1 - at] ?? 1) !== 0)
        found.push(`7 ${name}: the idle group has weight ${weights[1 - at]}: ${weights}`);
    }
  }
  // The set that serves is what the last deployment that succeeded made, or the first one.
  const byEnd = ended.toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
  const last = byEnd.findLast((d) => d.phase === "succeeded");
  if (last && primary && primary.taskSetArn !== last.green.arn) {
    found.push(`7 ${name} is served by ${primary.id}, not by the green of ${last.id}`);
  }
  if (!last && primary && !primary.taskDefinition?.endsWith(":1")) {
    found.push(`7 ${name} is served by ${primary.taskDefinition}, although nothing succeeded`);
  }
  return found;
}
