/** The ways in: starting deployments, asking things of them, running their turns. */
import type { Command, CommandKind } from "../deployment/command.ts";
import { createdEvent } from "../deployment/event.ts";
import type { HookAnswer } from "../deployment/hook.ts";
import { isTerminal } from "../deployment/phases.ts";
import { findStrays, isRemoval, rebuild, type Stray, type Way } from "../deployment/recover.ts";
import { readingFaults } from "../deployment/view.ts";
import { newDeployment } from "../deployment/accept.ts";
import type { Plan } from "../deployment/plan/plan.ts";
import type { Actor, Deployment, DeployRequest } from "../deployment/record.ts";
import type { Strategy } from "../deployment/strategy.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import { TealError } from "../errors.ts";
import { busyWith, newId, staleBeside, wakeOrLeave } from "./accepting.ts";
import { type AwsHint, hint } from "./hints.ts";
import { planFor } from "./plan.ts";
import { redeploy, type Redeployed, type RedeployOrder } from "./redeploy.ts";
import { lookLimitMs, type Parts, type Rest, runTurns } from "./turn.ts";

export type { Redeployed, RedeployOrder } from "./redeploy.ts";
export type { AwsHint } from "./hints.ts";
export type { EngineLog, Rest } from "./turn.ts";

export interface Order {
  target: ServiceTarget;
  strategy: Strategy;
  request: DeployRequest;
  actor: Actor;
  /** What to do while another deployment acts on the service, or waits for it: `supersede` those that wait. */
  whenBusy: "queue" | "supersede" | "reject";
  /** Accept a build that is lower than the last accepted one. */
  force?: boolean;
  /** The same key with the same order gives the deployment that the first one made. */
  idempotencyKey?: string;
  /** The request that brought it, for the history. */
  requestId?: string;
}

export interface CommandOrder {
  kind: CommandKind;
  actor: Actor;
  requestId?: string;
  reason?: string;
  full?: boolean;
  promoteAt?: number;
  ifHealthy?: boolean;
  gate?: string;
  alarm?: string;
  attempt?: number;
  answer?: HookAnswer;
  /** Given by the caller to make asking safe to repeat. */
  commandId?: string;
}

export interface RecoverOrder {
  target: ServiceTarget;
  strategy: Strategy;
  /** The deployment by its tag, as `strays` tells it. */
  deployment: string;
  way: Way;
  actor: Actor;
}

export interface Engine {
  /**
   * What a deployment would do, were it started now. Only reads. Throws `unavailable` where AWS or the records can't
   * be read.
   */
  plan(order: Order): Promise<Plan>;
  /** Accepts a deployment and wakes it. Throws `busy`, `idempotency-conflict`, `unavailable`. */
  start(order: Order): Promise<{ deployment: Deployment; existing: boolean }>;
  /**
   * Puts a command into the deployment's inbox and wakes it; its answer is an event of type `command` with this
   * id. Throws `unknown-deployment`, `unavailable`. Safe to repeat with the same `commandId`.
   */
  ask(id: string, order: CommandOrder): Promise<Command>;
  /**
   * Goes back to what an earlier deployment brought: by a new one without a canary, which waits for nobody, or where
   * that is faster by a rollback of what came after. Throws `unknown-deployment`, `command-refused`, `busy`,
   * `idempotency-conflict`, `unavailable`. With an idempotency key it is safe to repeat.
   */
  redeploy(id: string, order: RedeployOrder): Promise<Redeployed>;
  /** Task sets of ours that no record answers for. Only reads. Throws `unavailable` where AWS can't be read. */
  strays(target: ServiceTarget): Promise<Stray[]>;
  /**
   * Takes a stray over: a new deployment goes on with it, puts everything back, or takes it away. Throws
   * `command-refused`, `busy`, `unavailable`. Safe to repeat: the one that took it over is given again.
   */
  recover(order: RecoverOrder): Promise<Deployment>;
  /**
   * Wakes the deployments of these services that an event of AWS concerns; gives their ids. Throws `unavailable`. Safe
   * to repeat.
   */
  hint(event: AwsHint, targets: readonly ServiceTarget[]): Promise<string[]>;
  /** Runs turns until there is nothing to do now; called by a worker's job. */
  run(id: string, signal: AbortSignal): Promise<Rest>;
}

export interface EngineParts extends Parts {
  /** Unpredictable lower-case hexadecimal characters, at least 16. */
  random: () => string;
}

export function createEngine(parts: EngineParts): Engine {
  const { records, clock } = parts;

  const engine: Engine = {
    plan: (order) => planFor(order, parts),

    async start(order) {
      const now = clock.now();
      const { request, force = false } = order;
      const deployment = newDeployment({
        ...order,
        id: newId(order.target.name, now, parts.random()),
        supersedes: order.whenBusy === "supersede",
        now,
      });
      const result = await records.create(
        { ...deployment, events: 1 },
        [createdEvent(deployment, order.requestId)],
        {
          whenBusy: order.whenBusy === "reject" ? "reject" : "queue",
          ...(request.build !== undefined && { build: { number: request.build, force } }),
          ...(order.idempotencyKey && {
            idempotencyKey: order.idempotencyKey,
            fingerprint: JSON.stringify([order.target.name, order.strategy.name, order.request]),
          }),
        },
      );
      switch (result.kind) {
        case "busy":
          throw new TealError("busy", busyWith(result.acting, order));
        case "stale":
          throw new TealError("stale-build", staleBeside(result.accepted, order));
        case "conflict":
          throw new TealError("idempotency-conflict", "This Idempotency-Key was used for another request.");
        case "created":
        case "existing":
          await wakeOrLeave(parts, result.deployment.id);
          return { deployment: result.deployment, existing: result.kind === "existing" };
      }
    },

    async ask(id, order) {
      const now = clock.now();
      const { commandId, ...asked } = order;
      const named = commandId ?? `c${now.toString(36)}${parts.random().slice(0, 8)}`;
      const command: Command = { ...asked, id: named, at: now };
      const posted = await records.post(id, command, now);
      if (posted === "absent") throw new TealError("unknown-deployment", `there is no deployment ${id}`);
      await wakeOrLeave(parts, id);
      return command;
    },

    redeploy: (id, order) => redeploy(id, order, parts, engine),

    hint: (event, targets) => hint(event, targets, parts, engine),

    strays: async (target) => (await lookForStrays(parts, target)).strays,

    async recover(order) {
      const { strays, seen, takers } = await lookForStrays(parts, order.target);
      const stray = strays.find((stray) => stray.deployment === order.deployment);
      if (!stray) {
        const taker = takers.find((d) => d.recovers === order.deployment && goes(d, order.way));
        if (taker) return taker;
        const message = `${order.target.name} has no task set of ${order.deployment} that needs to be taken over`;
        throw new TealError("command-refused", message);
      }
      const now = clock.now();
      const rebuilt = rebuild(stray, seen, {
        ...order,
        id: newId(order.target.name, now, parts.random()),
        now,
      });
      if ("code" in rebuilt) throw new TealError(rebuilt.code, rebuilt.message);
      const result = await records.create({ ...rebuilt, events: 1 }, [createdEvent(rebuilt)], {
        whenBusy: "reject",
      });
      if (result.kind === "busy")
        throw new TealError("busy", `${result.acting} acts on ${order.target.name}`);
      if (result.kind === "conflict" || result.kind === "stale")
        throw new TealError("internal", "a recovery carries neither an idempotency key nor a build");
      await wakeOrLeave(parts, result.deployment.id);
      return result.deployment;
    },

    run: (id, signal) => runTurns(id, parts, signal),
  };
  return engine;
}

/** What AWS has of ours on this service, less what living deployments answer for. */
async function lookForStrays({ records, cloud, clock }: Parts, target: ServiceTarget) {
  const look = { service: true, routes: true, health: [], tasks: [], survey: false };
  const seen = await cloud.look(target, look, clock.now() + lookLimitMs);
  const fault = readingFaults(seen)[0];
  if (fault) throw new TealError("unavailable", `${fault.action}: ${fault.message}`, { retryAfterMs: 5_000 });
  const living = new Set<string>();
  const takers: Deployment[] = [];
  let before: string | undefined;
  do {
    const page = await records.list({ service: target.name, limit: 100, ...(before && { before }) });
    for (const d of page.deployments) {
      // One that has not begun can't answer for a set that exists already.
      if (isTerminal(d.phase) || ((d.phase === "queued" || d.phase === "preparing") && !d.recovers)) continue;
      living.add(d.id);
      if (!d.recovers) continue;
      living.add(d.recovers);
      takers.push(d);
    }
    before = page.next;
  } while (before);
  return { strays: findStrays(target, seen, living), seen, takers };
}

/** Whether a deployment that took something over goes this way with it. */
function goes(d: Deployment, way: Way): boolean {
  if (d.takeUp !== "rolling_back") return way === "forward";
  return way === (isRemoval(d) ? "remove" : "back");
}
