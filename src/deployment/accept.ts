/** A deployment as it is accepted: by request, or to undo an earlier one. */
import type { Command } from "./command.ts";
import { type Deployment, recordSchema } from "./record.ts";
import { type Strategy, withoutCanary } from "./strategy.ts";
import type { TaskSetSpec } from "./target.ts";

/** A deployment as it is accepted: nothing known, nothing touched. */
export function newDeployment(order: {
  id: string;
  target: Deployment["target"];
  strategy: Deployment["strategy"];
  request: Deployment["request"];
  actor: Deployment["actor"];
  supersedes?: boolean;
  now: number;
}): Deployment {
  const { now } = order;
  return {
    schema: recordSchema,
    id: order.id,
    service: order.target.name,
    target: order.target,
    strategy: order.strategy,
    request: order.request,
    actor: order.actor,
    createdAt: now,
    ...(order.supersedes && { supersedes: true }),
    phase: "queued",
    phaseSince: now,
    step: 0,
    stepSince: now,
    note: "accepted",
    green: {},
    routes: [],
    carriedAt: { blue: 0, green: 0 },
    deleting: {},
    unsureUntil: 0,
    trouble: {},
    problems: [],
    told: [],
    gates: {},
    verdicts: {},
    shares: [],
    overrides: [],
    settled: false,
    events: 0,
  };
}

/** The way back to what blue of this deployment ran: a new one, without the canary. Blue must be known. */
export function redeployment(d: Deployment, command: Command, now: number): Deployment {
  return undoing(d, {
    id: redeploymentId(d, command),
    taskDefinition: d.blue?.taskDefinition ?? "",
    spec: d.blue?.spec ?? {},
    strategy: d.strategy,
    actor: command.actor,
    reason: command.reason ?? `undoes ${d.id}`,
    now,
  });
}

/** From the command's id, so that deciding twice names the same deployment. */
function redeploymentId(d: Deployment, command: Command): string {
  const tail = command.id.replace(/[^a-z0-9]/gi, "").slice(-12);
  return `${d.service}-${tail.toLowerCase()}`;
}

/** What an earlier deployment brought, deployed again in place of `d`. */
export function undoing(
  d: Deployment,
  order: {
    id: string;
    taskDefinition: string;
    spec: TaskSetSpec;
    /** As it is configured now; left out, as it was for `d`. */
    target?: Deployment["target"];
    strategy: Strategy;
    actor: Deployment["actor"];
    reason: string;
    now: number;
  },
): Deployment {
  const { taskDefinition: _, loadBalancers: __, ...taskSet } = order.spec;
  const { taskDefinition, reason } = order;
  return {
    ...newDeployment({
      id: order.id,
      target: order.target ?? d.target,
      strategy: withoutCanary(order.strategy),
      request: { taskDefinition, taskSet, reason },
      actor: order.actor,
      now: order.now,
    }),
    undoes: d.id,
    // Its `created` event is written together with it.
    events: 1,
  };
}
