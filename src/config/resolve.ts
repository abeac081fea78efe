/** From strategies as written, with the file's defaults and checks, to those that a service carries out. */
import type { Check } from "../deployment/check.ts";
import { duration, presets, type Step, type Strategy, strategyDefaults } from "../deployment/strategy.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import { needsRoutes, verdictName } from "./checks.ts";
import { expand, type Placed } from "./expand.ts";
import type { Surroundings, WrittenStrategy } from "./strategies.ts";

/** A strategy before it is known which service it is for. */
export interface Offer {
  strategy: Strategy;
  /** It names its background checks itself; otherwise those that a service can't have are left out for it. */
  chosen: boolean;
}

/** What the file says for all of them. */
export interface Common {
  defaults: Surroundings;
  /** All of the file's, the built-in one included. */
  checks: Readonly<Record<string, Check>>;
  timezone: string;
}

/** A strategy of the file. Checks that aren't defined are left out; `agreement.ts` tells of them. */
export function toOffer(name: string, written: WrittenStrategy, common: Common): Offer {
  const used: Record<string, Check> = {};
  const use = (check: string, everyMs?: number): string => {
    const found = common.checks[check];
    if (!found) return check;
    // A deployment has one verdict, whoever asks, and it counts by the minute.
    const as = everyMs === undefined || found.source.kind === "green-vs-blue" ? undefined : everyMs;
    const own =
      as === undefined ? found : { ...found, name: `${check} every ${duration(as)}`, intervalMs: as };
    used[own.name] = own;
    return own.name;
  };
  const resolved = ({ step, everyMs }: Placed): Step => {
    return step.kind === "analyze"
      ? { ...step, checks: step.checks.map((check) => use(check, everyMs)) }
      : step;
  };
  const { before, testing, steps } = expand(written, common.timezone);
  return {
    chosen: written.analysis !== undefined,
    strategy: {
      name,
      before: before.map(({ step }) => step),
      testing: testing.map(resolved),
      steps: steps.map(resolved),
      ...surroundingsOf({
        ...common.defaults,
        ...written,
        deadlines: { ...common.defaults.deadlines, ...written.deadlines },
      }),
      analysis: (written.analysis ?? common.defaults.analysis ?? [verdictName]).map((check) => use(check)),
      checks: used,
    },
  };
}

/** The presets, with the file's defaults around their steps. */
export function presetOffers(common: Common): Record<string, Offer> {
  const usual = toOffer("", { steps: [] }, common).strategy;
  return Object.fromEntries(
    Object.values(presets).map(({ name, steps }) => [
      name,
      { chosen: false, strategy: { ...usual, name, steps } },
    ]),
  );
}

/** The strategy as this service carries it out: without what it has no routes for, where that wasn't asked for. */
export function suited(
  { strategy, chosen }: Offer,
  service: Pick<ServiceTarget, "routes" | "testRoutes">,
): Strategy {
  const { checks } = strategy;
  const measurable = (name: string) => checks[name] === undefined || !needsRoutes(checks[name]);
  const analysis =
    chosen || service.routes.length > 0 ? strategy.analysis : strategy.analysis.filter(measurable);
  const testing = service.testRoutes?.length
    ? strategy.testing
    : strategy.testing.filter(({ kind }) => kind !== "test");
  const named = new Set([...analysis, ...[...testing, ...strategy.steps].flatMap(checksOf)]);
  return {
    ...strategy,
    testing,
    analysis,
    checks: Object.fromEntries(Object.entries(checks).filter(([name]) => named.has(name))),
  };
}

export function checksOf(step: Step): string[] {
  return step.kind === "analyze" ? step.checks : [];
}

function surroundingsOf(
  written: Surroundings,
): Omit<Strategy, "name" | "before" | "testing" | "steps" | "checks" | "analysis"> {
  const { deadlines: own = {}, drain } = written;
  const usual = strategyDefaults.deadlines;
  return {
    bakeMs: written.bake ?? strategyDefaults.bakeMs,
    retainMs: written.retain ?? strategyDefaults.retainMs,
    holdMs: written.hold ?? strategyDefaults.holdMs,
    ...(drain && {
      drain: {
        by: drain.tasks === undefined ? { percent: drain.percent ?? 100 } : { tasks: drain.tasks },
        everyMs: drain.every,
      },
    }),
    onDrift: written.onDrift ?? strategyDefaults.onDrift,
    failedTasksMax: written.failedTasks ?? strategyDefaults.failedTasksMax,
    deadlines: {
      preparingMs: own.preparing ?? usual.preparingMs,
      provisioningMs: own.provisioning ?? usual.provisioningMs,
      shiftingMs: own.shifting ?? usual.shiftingMs,
      unhealthyMs: own.unhealthy ?? usual.unhealthyMs,
      drainingMs: own.draining ?? usual.drainingMs,
      rollingBackMs: own.rollingBack ?? usual.rollingBackMs,
    },
  };
}
