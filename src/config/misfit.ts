/** Whether a strategy suits a service; asked of the file, and again of a request that names another strategy. */
import type { Strategy } from "../deployment/strategy.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import { needsRoutes } from "./checks.ts";

/**
 * Why a strategy does not suit a service; undefined where it does. A service without routes has no weights to shift
 * and no counts by colour; one with routes must end at 100 %; what is tested must be reached by test routes.
 */
export function misfitOf(
  { name, testing, steps, checks }: Strategy,
  service: Pick<ServiceTarget, "routes" | "testRoutes">,
): string | undefined {
  const weights = steps.filter((step) => step.kind === "weight");
  if (service.routes.length > 0 && weights.length === 0) {
    return `strategy ${name} has no weight steps, but the service has routes: its last weight must be 100`;
  }
  const tests = testing.find(
    (step) => step.kind === "analyze" || (step.kind === "hook" && step.stage?.includes("TEST_TRAFFIC")),
  );
  if (tests && !service.testRoutes?.length) {
    const what = tests.kind === "hook" ? tests.stage : "an analysis";
    return `strategy ${name} has ${what} while test routes lead to green, but the service has no testRoutes`;
  }
  if (service.routes.length > 0) return undefined;
  const partial = weights.find((step) => step.percent < 100);
  if (partial) {
    return `strategy ${name} asks for a weight of ${partial.percent} %, but the service has no routes to share traffic on; use scale steps`;
  }
  const check = Object.values(checks).find(needsRoutes);
  return (
    check &&
    `strategy ${name} has the check ${check.name}, which needs what a load balancer counts for each colour, but the service has no routes`
  );
}
