/**
 * The audit: who asked for what, and which calls changed AWS, with what was before and after. It is a view of the
 * events; only where they stand among those of all deployments is kept beside them.
 */
import type { Effect } from "./effect.ts";
import type { DeploymentEvent } from "./event.ts";
import type { Seen } from "./observation.ts";
import type { Deployment } from "./record.ts";
import { value } from "./view.ts";

/** A part of a state, as people compare it. */
export type Facts = Readonly<Record<string, string | number>>;

type Audited = Extract<DeploymentEvent, { type: "created" | "command" | "effect" }>;
type Outcome = Extract<DeploymentEvent, { type: "done" | "refused" | "unknown" }>;

export interface AuditLine {
  deployment: string;
  service: string;
  event: Audited;
  /** Of a call, once it has one. */
  outcome?: Outcome;
}

/** Whether the event is a line of the audit; the others tell what came of these, or of the deployment's own course. */
export function isAudited(event: DeploymentEvent): event is Audited {
  return event.type === "created" || event.type === "command" || event.type === "effect";
}

/** How many events after its own the outcome of a call is looked for. */
export const outcomeWithin = 20;

/**
 * The line of the first event; undefined where that is none of the audit.
 * @param events those from it on, at least `outcomeWithin` of them where there are so many
 */
export function auditLine(
  of: Pick<Deployment, "id" | "service">,
  events: readonly DeploymentEvent[],
): AuditLine | undefined {
  const [event, ...later] = events;
  if (!event || !isAudited(event)) return undefined;
  const line = { deployment: of.id, service: of.service, event };
  if (event.type !== "effect") return line;
  const { kind } = event.effect;
  const end = later.findIndex(({ type }) => type === "effect");
  const outcome = later
    .slice(0, end < 0 ? outcomeWithin : end)
    .find(
      (one): one is Outcome =>
        (one.type === "done" || one.type === "refused" || one.type === "unknown") && one.effect === kind,
    );
  return { ...line, ...(outcome && { outcome }) };
}

/** What an effect will change, as it was last seen; undefined where it makes something new, or nobody looked. */
export function factsBefore(effect: Effect, seen: Seen): Facts | undefined {
  const sets = value(seen.service)?.taskSets ?? [];
  switch (effect.kind) {
    case "setWeights":
      return { ...effect.from };
    case "scaleTaskSet": {
      const set = sets.find(({ arn }) => arn === effect.arn);
      return set && { scalePercent: set.scalePercent };
    }
    case "makePrimary": {
      const primary = sets.find(({ status }) => status === "PRIMARY");
      return primary && { primary: primary.arn };
    }
    case "deleteTaskSet": {
      const set = sets.find(({ arn }) => arn === effect.arn);
      return set && { status: set.status, scalePercent: set.scalePercent };
    }
    case "createTaskSet":
    case "registerTaskDefinition":
    case "tagTaskSet":
    case "callHook":
      return undefined;
  }
}

/** What it is to be. */
export function factsAfter(effect: Effect): Facts | undefined {
  switch (effect.kind) {
    case "setWeights":
      return { ...effect.to };
    case "scaleTaskSet":
      return { scalePercent: effect.scalePercent };
    case "makePrimary":
      return { primary: effect.arn };
    case "deleteTaskSet":
      return { status: "DRAINING" };
    case "createTaskSet":
      return { taskDefinition: effect.request.taskDefinition, scalePercent: effect.request.scalePercent };
    case "tagTaskSet":
      return Object.fromEntries(effect.tags.map(({ key, value }) => [key, value]));
    case "registerTaskDefinition":
    case "callHook":
      return undefined;
  }
}

/** Where a deployment stands, for what a command changes. */
export function standing({ phase, hold }: Pick<Deployment, "phase" | "hold">): Facts {
  return { phase, ...(hold && { hold: hold.kind }) };
}
