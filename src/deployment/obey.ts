/**
 * Commands: what each does where it is allowed, and what is answered. A rollback outranks every other command
 * of the same commit; each command is answered exactly once.
 */
import type { Answer, Command } from "./command.ts";
import type { Draft } from "./draft.ts";
import type { Seen } from "./observation.ts";
import { isTerminal, mayAsk, phaseTable } from "./phases.ts";
import { type Deployment, recordSchema } from "./record.ts";
import { withoutCanary } from "./strategy.ts";
import { isPromotedUnknown, routesIn, value, view, weightsRead } from "./view.ts";

export function obey(draft: Draft, commands: Command[], seen: Seen): void {
  const ranked = [...commands].sort((a, b) => rank(a) - rank(b));
  for (const command of ranked) {
    const answer = mayAsk(draft.d.phase, command.kind)
      ? act(draft, command, seen)
      : refuse(unfit(draft.d, command));
    const { obeyed, message, deployment } = answer;
    draft.answers.push({ commandId: command.id, kind: command.kind, ...answer });
    draft.record(
      {
        type: "command",
        command: command.kind,
        commandId: command.id,
        actor: command.actor,
        obeyed,
        ...(command.reason && { reason: command.reason }),
        ...(deployment && { deployment }),
      },
      `${command.actor.name} asked for ${command.kind}: ${message}`,
    );
  }
}

type Outcome = Pick<Answer, "obeyed" | "message" | "deployment">;

const rank = (command: Command) => (command.kind === "rollback" ? 0 : 1);
const done = (message: string): Outcome => ({ obeyed: true, message });
const refuse = (message: string): Outcome => ({ obeyed: false, message });

function unfit(d: Deployment, command: Command): string {
  const fits = phaseTable[d.phase].commands.filter((kind) => kind !== "yield");
  const instead = fits.length > 0 ? `it can be asked to ${fits.join(", ")}` : "it can be asked nothing more";
  return `it is ${d.phase} and cannot ${command.kind}; ${instead}`;
}

function act(draft: Draft, command: Command, seen: Seen): Outcome {
  const { d } = draft;
  switch (command.kind) {
    case "rollback":
      return rollback(draft, command, seen);
    case "pause":
      if (d.hold?.kind === "paused") return done("it is paused already");
      draft.lift();
      draft.hold("paused", `${command.actor.name} paused it${command.reason ? `: ${command.reason}` : ""}`);
      return done("it stands still until it is resumed; a rollback stays possible");
    case "resume":
      return resume(draft, seen);
    case "promote":
      return promote(draft, command);
    case "retry":
      if (d.hold?.kind !== "stuck") return refuse("it is not stuck");
      d.trouble = {};
      draft.lift();
      return done("it tries again at once");
    case "release":
      if (d.hold?.kind !== "stuck")
        return refuse("only a stuck deployment can be released; ask for a rollback");
      if (d.phase === "preparing") return rollback(draft, command, seen);
      draft.enter("abandoned", `${command.actor.name} released it; left as it is: ${leftovers(draft, seen)}`);
      return done(`given up; left as it is: ${leftovers(draft, seen)}`);
    case "yield":
      if (isTerminal(d.phase)) return done("it has ended");
      d.strategy = { ...d.strategy, retainMs: 0 };
      return done("it ends its retention and takes the old task set away");
  }
}

function rollback(draft: Draft, command: Command, seen: Seen): Outcome {
  const { d } = draft;
  const message = `${command.actor.name} asked for it${command.reason ? `: ${command.reason}` : ""}`;
  switch (d.phase) {
    case "queued":
    case "preparing":
      draft.enter("cancelled", `cancelled before anything was touched: ${message}`, {
        code: "operator",
        message,
      });
      return done("cancelled; nothing had been touched");
    case "rolling_back":
      return done("it is rolling back already");
    case "retaining":
    case "draining":
      if (d.deleting.blue || !d.blue) return redeploy(draft, command, seen);
      // A pause must not hold up the way back.
      draft.lift();
      d.rollbackAsked = command;
      return done(
        seen.slot.acting && seen.slot.acting !== d.id
          ? `it rolls back as soon as ${seen.slot.acting}, which acts on the service, has rolled back`
          : "it rolls back",
      );
    case "succeeded":
      return redeploy(draft, command, seen);
    case "provisioning":
    case "shifting":
    case "baking":
    case "promoting":
      draft.enter("rolling_back", `rolling back: ${message}`, { code: "operator", message });
      return done("it rolls back");
    case "rolled_back":
    case "failed":
    case "cancelled":
    case "abandoned":
      return refuse(unfit(d, command));
  }
}

/** Blue is gone: the way back is a new deployment of what it ran, without the canary. */
function redeploy(draft: Draft, command: Command, seen: Seen): Outcome {
  const { d, now } = draft;
  if (!d.blue) return refuse("it was the first version of the service: there is nothing to go back to");
  const { acting, queue } = seen.slot;
  const earlier = d.undoneBy;
  if (earlier && (draft.spawn?.id === earlier || acting === earlier || queue.includes(earlier))) {
    return { obeyed: true, message: `${earlier} undoes it already`, deployment: earlier };
  }
  const id = redeploymentId(d, command);
  draft.spawn = redeployment(d, command, id, now);
  d.undoneBy = id;
  if (acting && acting !== d.id) {
    const first: Command = {
      ...command,
      id: `${command.id}-first`,
      actor: command.actor,
      reason: `${id} undoes ${d.id}`,
    };
    draft.tell.push({ deployment: acting, command: first });
    draft.record(
      { type: "told", deployment: acting, command: "rollback" },
      `${acting} was asked to roll back first`,
    );
  }
  return {
    obeyed: true,
    message: `the old task set is gone; ${id} deploys ${d.blue.taskDefinition} again, without a canary`,
    deployment: id,
  };
}

/** From the command's id, so that deciding twice names the same deployment. */
function redeploymentId(d: Deployment, command: Command): string {
  return `${d.service}-${command.id
    .replace(/[^a-z0-9]/gi, "")
    .slice(-12)
    .toLowerCase()}`;
}

function redeployment(d: Deployment, command: Command, id: string, now: number): Deployment {
  const { taskDefinition, loadBalancers: _, ...taskSet } = d.blue?.spec ?? {};
  return {
    ...newDeployment({
      id,
      target: d.target,
      strategy: withoutCanary(d.strategy),
      request: {
        taskDefinition: d.blue?.taskDefinition ?? taskDefinition ?? "",
        taskSet,
        reason: command.reason ?? `undoes ${d.id}`,
      },
      actor: command.actor,
      now,
    }),
    undoes: d.id,
    // Its `created` event is written together with it.
    events: 1,
  };
}

/** A deployment as it is accepted: nothing known, nothing touched. */
export function newDeployment(order: {
  id: string;
  target: Deployment["target"];
  strategy: Deployment["strategy"];
  request: Deployment["request"];
  actor: Deployment["actor"];
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
    settled: false,
    events: 0,
  };
}

function resume(draft: Draft, seen: Seen): Outcome {
  const { d } = draft;
  switch (d.hold?.kind) {
    case "paused":
      draft.lift();
      return done("it goes on");
    case "stuck":
      d.trouble = {};
      draft.lift();
      return done("it tries again at once");
    case "drift": {
      const gone = routesIn(view(d, seen, draft.now), "gone").map((route) => route.ref.arn);
      if (gone.length > 0)
        return refuse(
          `${gone.join(", ")} no longer forwards to the pair; put it back, or ask for a rollback`,
        );
      acceptDrift(draft, seen);
      draft.lift();
      return done("it takes what it finds for granted and goes on from there");
    }
    case "waiting":
    case undefined:
      return refuse("it is not held");
  }
}

/** What others changed is taken over as the present state; the steps then write on from there. */
function acceptDrift(draft: Draft, seen: Seen): void {
  const v = view(draft.d, seen, draft.now);
  // Nobody knows when others wrote, nor whether it is in force everywhere.
  draft.d.carriedAt = { blue: draft.now, green: draft.now };
  if (isPromotedUnknown(v)) {
    // Blue may be scaled down by now: what is PRIMARY gets the rest of the traffic and gives none back.
    draft.d.strategy = withoutCanary(draft.d.strategy);
    draft.d.step = 0;
    draft.d.stepSince = draft.now;
  }
  for (const route of routesIn(v, "drifted")) {
    const read = value(seen.routes[route.ref.arn]);
    const weights = weightsRead(v, route);
    if (!read || !weights) continue;
    route.rest = read.rest;
    if (weights.blue === route.asked.blue && weights.green === route.asked.green) continue;
    // It now counts as a value of ours that is behind, so that the phase's own percentage is written again.
    route.earlier = [weights, ...route.earlier];
    route.askedAt = 0;
  }
}

function promote(draft: Draft, command: Command): Outcome {
  const { d, now } = draft;
  if (d.phase === "baking") {
    d.strategy = { ...d.strategy, bakeMs: 0 };
    return done("it ends the bake and makes green PRIMARY");
  }
  if (d.phase === "retaining") {
    d.strategy = { ...d.strategy, retainMs: 0 };
    return done("it ends the retention and takes the old task set away");
  }
  const { steps } = d.strategy;
  if (command.full) {
    d.strategy = {
      ...d.strategy,
      steps: [...steps.slice(0, d.step), { kind: "weight", percent: 100 }],
      bakeMs: 0,
    };
    d.stepSince = now;
    return done("it goes to 100 % and then promotes, as soon as green is healthy enough");
  }
  if (steps[d.step]?.kind !== "pause") return refuse("it is not waiting at a step; it goes on by itself");
  draft.record(
    { type: "step", index: d.step, what: "pause ended" },
    `step ${d.step + 1} of ${steps.length} is ended`,
  );
  d.step += 1;
  d.stepSince = now;
  return done(`it goes on with step ${d.step + 1} of ${steps.length}`);
}

function leftovers(draft: Draft, seen: Seen): string {
  const { d } = draft;
  const v = view(d, seen, draft.now);
  const sets = [
    v.blue && `blue ${v.blue.id} (${v.blue.status}, ${v.blue.scalePercent} %)`,
    v.green && `green ${v.green.id} (${v.green.status}, ${v.green.scalePercent} %)`,
  ];
  const routes = d.routes.map((route) => {
    const read = weightsRead(v, route) ?? route.asked;
    return `${route.ref.kind} ${route.ref.arn.split("/").at(-1)} at ${read.blue}:${read.green}`;
  });
  return [...sets, ...routes].filter(Boolean).join(", ") || "nothing";
}
