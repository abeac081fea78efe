/** Back to what an earlier deployment brought, whatever came after it. */
import { undoing } from "../deployment/accept.ts";
import type { Command } from "../deployment/command.ts";
import { createdEvent } from "../deployment/event.ts";
import { isTerminal, type Phase } from "../deployment/phases.ts";
import type { Actor, Deployment } from "../deployment/record.ts";
import type { Strategy } from "../deployment/strategy.ts";
import type { ServiceTarget, TaskSetSpec } from "../deployment/target.ts";
import { TealError } from "../errors.ts";
import { newId, wakeOrLeave } from "./accepting.ts";
import type { Engine, EngineParts } from "./engine.ts";
import type { Records, Slot } from "./ports.ts";

export interface RedeployOrder {
  /** The service as it is configured now, and what to go by; the canary is left out. */
  target: ServiceTarget;
  strategy: Strategy;
  actor: Actor;
  reason?: string;
  /** While another deployment acts on the service: it goes back first, or this is refused. */
  whenBusy: "rollback" | "reject";
  idempotencyKey?: string;
}

export type Redeployed =
  | { kind: "started"; deployment: Deployment; existing: boolean }
  /** What came after it goes back: it still has what the earlier one brought, so this is faster. */
  | { kind: "rolls-back"; deployment: Deployment }
  /** There is nothing to do. */
  | { kind: "serves"; deployment: Deployment };

/** Phases in which green is PRIMARY, or was until the next one came. */
const served: Phase[] = ["retaining", "draining", "succeeded"];

/**
 * Deploys again what a deployment once brought. Throws `unknown-deployment`, `command-refused`, `busy`,
 * `idempotency-conflict`, `unavailable`. Safe to repeat with an idempotency key.
 */
export async function redeploy(
  id: string,
  order: RedeployOrder,
  parts: EngineParts,
  engine: Pick<Engine, "ask">,
): Promise<Redeployed> {
  const { records, clock } = parts;
  const earlier = await records.load(id);
  if (!earlier) throw new TealError("unknown-deployment", `there is no deployment ${id}`);
  const spec = broughtBy(earlier);
  const slot = await records.slot(earlier.service);
  const acting = slot.acting === undefined ? undefined : await records.load(slot.acting);
  if (acting && order.whenBusy === "reject") {
    throw new TealError("busy", `${acting.id} acts on ${earlier.service}`);
  }
  const newest = await lastPromoted(records, earlier.service);

  const holder = await holderOf(earlier, newest, slot, acting, records);
  if (holder) {
    const { actor, reason = `back to ${id}`, idempotencyKey: key } = order;
    await engine.ask(holder.id, {
      kind: "rollback",
      actor,
      reason,
      ...(key !== undefined && { commandId: key }),
    });
    return { kind: "rolls-back", deployment: holder };
  }
  if (newest?.id === id) return { kind: "serves", deployment: earlier };

  const now = clock.now();
  const made = undoing(newest ?? earlier, {
    ...order,
    id: newId(earlier.service, now, parts.random()),
    taskDefinition: spec.taskDefinition,
    spec,
    reason: order.reason ?? `back to ${id}`,
    now,
  });
  const same = await sameUnderWay(made, slot, records);
  if (same) return { kind: "started", deployment: same, existing: true };
  const first: Command = {
    id: `${made.id}-first`,
    kind: "rollback",
    actor: order.actor,
    at: now,
    reason: `${made.id} goes back to ${id}`,
  };
  const result = await records.create(made, [createdEvent(made)], {
    whenBusy: "queue",
    first,
    ...(order.idempotencyKey !== undefined && {
      idempotencyKey: order.idempotencyKey,
      fingerprint: JSON.stringify(["redeploy", id]),
    }),
  });
  switch (result.kind) {
    case "conflict":
      throw new TealError("idempotency-conflict", "This Idempotency-Key was used for another request.");
    case "busy":
    case "stale":
      throw new TealError(
        "internal",
        "one that waits before all others is neither refused nor told by a build",
      );
    case "created":
      if (result.asked) await wakeOrLeave(parts, result.asked);
      await wakeOrLeave(parts, made.id);
      return { kind: "started", deployment: made, existing: false };
    case "existing":
      await wakeOrLeave(parts, result.deployment.id);
      return { kind: "started", deployment: result.deployment, existing: true };
  }
}

/** What its green was created from. Throws `command-refused` where it never served, or nobody knows. */
function broughtBy(d: Deployment): TaskSetSpec & { taskDefinition: string } {
  if (!served.includes(d.phase)) {
    throw new TealError(
      "command-refused",
      `${d.id} is ${d.phase}: only one that succeeded can be gone back to`,
    );
  }
  const { taskDefinition } = d.green;
  if (taskDefinition === undefined) {
    throw new TealError("command-refused", `the record of ${d.id} does not tell what it brought`);
  }
  // One that took over a task set without a record knows the revision alone; the rest is inherited.
  if (!d.green.create) return { taskDefinition };
  const { cluster: _, service: __, clientToken: ___, scalePercent: ____, ...spec } = d.green.create;
  return { ...spec, taskDefinition };
}

/** So many of the latest are asked when they were promoted; no more ever overtake one that waits. */
const latestMax = 20;

/**
 * The one whose green was made PRIMARY last: what was accepted later may have been promoted before it. One that was
 * abandoned since counts as well: what it promoted is not what an earlier one brought.
 */
async function lastPromoted(records: Records, service: string): Promise<Deployment | undefined> {
  const phases: Phase[] = [...served, "abandoned"];
  const latest: Deployment[] = [];
  let before: string | undefined;
  do {
    const page = await records.list({ service, phases, limit: latestMax, ...(before && { before }) });
    latest.push(...page.deployments);
    before = page.next;
  } while (before && latest.length < latestMax);
  const promoted = latest.filter((d) => promotedAt(d) !== undefined);
  return promoted.toSorted((a, b) => (promotedAt(b) ?? 0) - (promotedAt(a) ?? 0))[0];
}

/** An older record doesn't tell; whatever came next was promoted after it had ended. */
function promotedAt(d: Deployment): number | undefined {
  return d.promotedAt ?? (served.includes(d.phase) ? (d.finishedAt ?? d.phaseSince) : undefined);
}

/** The deployment whose rollback leads to what the earlier one brought: its task set is still there, as blue. */
async function holderOf(
  earlier: Deployment,
  newest: Deployment | undefined,
  { retaining }: Slot,
  acting: Deployment | undefined,
  records: Records,
): Promise<Deployment | undefined> {
  if (acting && newest?.id === earlier.id) return acting;
  const kept = retaining === undefined ? undefined : await records.load(retaining);
  return [acting, kept].find(
    (d) =>
      d?.blue !== undefined && d.blue.arn === earlier.green.arn && !d.deleting.blue && !isTerminal(d.phase),
  );
}

/** One that was asked for before and does the same. */
async function sameUnderWay(made: Deployment, { acting, queue }: Slot, records: Records) {
  const wanted = whatOf(made);
  for (const id of acting === undefined ? queue : [acting, ...queue]) {
    const d = await records.load(id);
    if (d?.undoes && !isTerminal(d.phase) && d.phase !== "rolling_back" && whatOf(d) === wanted) return d;
  }
  return undefined;
}

function whatOf({ request: { taskDefinition, taskSet } }: Deployment): string {
  return JSON.stringify([taskDefinition, taskSet]);
}
