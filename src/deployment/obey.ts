/**
 * Commands: what each does where it is allowed, and what is answered. A rollback outranks every other command
 * of the same commit; each command is answered exactly once.
 */
import { redeployment } from "./accept.ts";
import { hurryAlarm } from "./analysis.ts";
import { standing } from "./audit.ts";
import type { Answer, Command, CommandKind } from "./command.ts";
import type { Draft } from "./draft.ts";
import type { Seen } from "./observation.ts";
import { isTerminal, mayAsk, phaseTable } from "./phases.ts";
import type { Deployment } from "./record.ts";
import { mayNotPass, promoteNow, unwell } from "./promote.ts";
import { currentGate } from "./rules/gates.ts";
import { clock } from "./rules/rule.ts";
import { withoutCanary } from "./strategy.ts";
import { isPromotedUnknown, routesIn, stepsOf, value, view, weightsRead } from "./view.ts";

export function obey(draft: Draft, commands: Command[], seen: Seen): void {
  const ranked = [...commands].sort((a, b) => rank(a) - rank(b));
  for (const command of ranked) {
    const before = standing(draft.d);
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
        ...(command.gate && { gate: command.gate }),
        before,
        after: standing(draft.d),
        ...(command.requestId && { requestId: command.requestId }),
      },
      `${command.actor.name} asked for ${command.kind}: ${message}`,
    );
  }
}

type Outcome = Pick<Answer, "obeyed" | "message" | "deployment">;

const rank = (command: Command) => (command.kind === "rollback" ? 0 : 1);
const done = (message: string): Outcome => ({ obeyed: true, message });
const refuse = (message: string): Outcome => ({ obeyed: false, message });

/** What only deployments, hooks and AWS say. */
const internal = new Set<CommandKind>(["yield", "supersede", "answer", "look"]);

function unfit(d: Deployment, command: Command): string {
  const fits = phaseTable[d.phase].commands.filter((kind) => !internal.has(kind));
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
      return promote(draft, command, seen);
    case "approve":
      return approve(draft, command);
    case "skip":
      return skip(draft, command);
    case "override":
      return override(draft, command, seen);
    case "answer":
      return takeAnswer(draft, command);
    case "look":
      if (!hurryAlarm(d, command.alarm ?? "", draft.now))
        return refuse("none of its checks goes by that alarm now");
      draft.lookAgain();
      return done(`the alarm ${command.alarm} changed: it is measured at once`);
    case "supersede":
      if (d.undoes || d.takeUp) return refuse("it puts something right, and so is not superseded");
      draft.enter("superseded", `superseded by ${command.actor.name} before anything was touched`);
      return done("it made way");
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

/** The gate that it stands at, where that is the one meant; else what to answer. */
function gateMeant(d: Deployment, command: Command): string | Outcome {
  const gate = currentGate(d);
  if (gate === undefined) return refuse("it does not wait at a gate");
  if (command.gate === undefined || command.gate === gate) return gate;
  return refuse(`it waits at ${gate}, not at ${command.gate}`);
}

function approve(draft: Draft, command: Command): Outcome {
  const { d } = draft;
  const gate = gateMeant(d, command);
  if (typeof gate !== "string") return gate;
  const step = stepsOf(d)[d.step];
  if (step?.kind !== "wait" || step.until.kind !== "approval") {
    return refuse(`${gate} waits for no approval; skip lets it pass`);
  }
  return letPass(draft, gate, command, "approved");
}

function skip(draft: Draft, command: Command): Outcome {
  const gate = gateMeant(draft.d, command);
  return typeof gate === "string" ? letPass(draft, gate, command, "skipped") : gate;
}

function letPass(draft: Draft, gate: string, command: Command, how: "approved" | "skipped"): Outcome {
  const reason = mayNotPass(draft.d, stepsOf(draft.d)[draft.d.step], command.actor);
  if (reason) return refuse(reason);
  if (draft.d.hold?.gate === gate) draft.lift();
  const { d, now } = draft;
  d.gates[gate] = { ...d.gates[gate], passed: { by: command.actor, at: now, how } };
  const held = d.hold ? ` once it is no longer held: ${d.hold.reason}` : "";
  return done(`${gate} is ${how}; it goes on${held}`);
}

/** For this deployment alone, and for what is closed now. */
function override(draft: Draft, command: Command, seen: Seen): Outcome {
  const { overrides } = draft.d;
  const [closed, next] = (seen.closed ?? []).filter(({ id }) => !overrides.includes(id));
  if (!closed) return refuse("nothing is closed that could be overridden");
  if (!command.reason) return refuse("an override needs a reason");
  overrides.push(closed.id);
  const still = next ? `; still closed: ${next.reason}` : "";
  return done(`it goes on in spite of: ${closed.reason}${still}`);
}

/** A hook says in the end what it came to. */
function takeAnswer({ d, now }: Draft, { attempt, answer, ...command }: Command): Outcome {
  const gate = command.gate ?? currentGate(d) ?? "";
  const reason = unawaited(d, gate, attempt);
  const hook = d.gates[gate]?.hook;
  if (reason !== undefined || !hook || !answer) return refuse(reason ?? `${gate} was not called yet`);
  hook.answer = { ...answer, at: now };
  delete hook.trouble;
  hook.nextAt = now + (answer.callBackMs ?? 0);
  return done(`${gate}: ${answer.status}`);
}

/** Why nobody waits for an answer of this gate to this attempt any more, or yet. */
export function unawaited(d: Deployment, gate: string, attempt: number | undefined): string | undefined {
  const current = currentGate(d);
  if (current === undefined) return "it does not wait at a gate";
  if (current !== gate) return `it waits at ${current}, not at ${gate}`;
  const hook = d.gates[gate]?.hook;
  if (!hook) return `${gate} was not called yet`;
  if (attempt !== hook.attempt)
    return `${gate} is at attempt ${hook.attempt}; this is an answer to attempt ${attempt}`;
  const status = hook.answer?.status;
  return status && status !== "IN_PROGRESS"
    ? `attempt ${hook.attempt} of ${gate} has ${status} already`
    : undefined;
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
    case "testing":
    case "shifting":
    case "baking":
    case "promoting":
      draft.enter("rolling_back", `rolling back: ${message}`, { code: "operator", message });
      return done("it rolls back");
    case "rolled_back":
    case "failed":
    case "cancelled":
    case "superseded":
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
  draft.spawn = redeployment(d, command, now);
  const { id } = draft.spawn;
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
      if (d.phase !== "shifting") return refuse("it waits for room, and goes on by itself");
      delete d.desiredAlone;
      draft.lift();
      return done("it takes the present desiredCount for enough");
    case "window":
    case "freeze":
      return refuse(`${d.hold.reason}; override it, with a reason`);
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
  for (const route of routesIn(v, "drifted", "late")) {
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

function promote(draft: Draft, command: Command, seen: Seen): Outcome {
  const { d, now } = draft;
  const { promoteAt: at, full = false, ifHealthy = false } = command;
  if (at === undefined || at <= now) {
    const reason = ifHealthy ? unwell(view(d, seen, now)) : undefined;
    return reason === undefined ? promoteNow(draft, full, command.actor) : refuse(reason);
  }
  if (d.phase === "retaining") return refuse("it is promoted already; only its retention is left");
  d.appointment = { at, full, ifHealthy, commandId: command.id, actor: command.actor };
  return done(`it promotes at ${clock(at)}${ifHealthy ? ", if it is healthy then" : ""}`);
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
