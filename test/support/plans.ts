/** Plans of the deployment of `fixtures.ts`, and of others like it. */
import { newDeployment } from "../../src/deployment/accept.ts";
import { type Calendar, closuresAt } from "../../src/deployment/calendar.ts";
import { type Circumstances, plan, type Plan } from "../../src/deployment/plan/plan.ts";
import type { FirstLook } from "../../src/deployment/plan/world.ts";
import { type Step, type Strategy, strategyDefaults } from "../../src/deployment/strategy.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import { heal, now, type Scene, scene, serviceOf, setOf, strategy, target } from "./fixtures.ts";

export const minute = 60_000;

export function firstLook(change: (scene: Scene) => void = () => {}): FirstLook {
  const made = scene("preparing");
  change(made);
  const { service, routes, health, survey, taskDefinition } = made.seen;
  return { service, routes, health, ...(survey && { survey }), ...(taskDefinition && { taskDefinition }) };
}

export interface Given extends Partial<Circumstances> {
  strategy?: Strategy;
  target?: Partial<ServiceTarget>;
  supersedes?: boolean;
  calendar?: Calendar;
}

export function planOf({ calendar = { windows: [], freezes: [] }, ...given }: Given = {}): Plan {
  const fresh = newDeployment({
    id: "checkout-plan",
    target: { ...target, ...given.target },
    strategy: given.strategy ?? strategy,
    request: { taskDefinition: "checkout:2" },
    actor: { kind: "operator", name: "ada" },
    ...(given.supersedes && { supersedes: true }),
    now,
  });
  return plan(fresh, {
    first: firstLook(),
    slot: { queue: [] },
    refusals: [],
    closed: (at) => closuresAt(calendar, "checkout", at),
    ...given,
  });
}

export function steps(list: Step[], more: Partial<Strategy> = {}): Strategy {
  return { name: "some", ...strategyDefaults, steps: list, ...more };
}

export const weight = (percent: number): Step => ({ kind: "weight", percent });

export function desired(count: number) {
  return firstLook((made) => {
    serviceOf(made).desiredCount = count;
    Object.assign(setOf(made, "blue"), { computedDesired: count, running: count });
    heal(made, "blue", count);
  });
}

/** A line a moment. */
export function told({ moments }: Plan): string[] {
  return moments.map(({ atMs, what, green, blue, weightPercent, waitsFor }) =>
    [
      `${atMs / 1000}s`,
      waitsFor ? `${waitsFor.kind}, ${waitsFor.ms / 1000}s` : what,
      `${green?.tasks ?? "-"}/${blue?.tasks ?? "-"}`,
      `${weightPercent} %`,
    ].join(" | "),
  );
}

export const canary = steps([weight(10), { kind: "pause", ms: 10 * minute }, weight(50), weight(100)], {
  bakeMs: 5 * minute,
});
