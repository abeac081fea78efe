/** Performing effects: each is one mutating call under the guard. */
import {
  CreateTaskSetCommand,
  DeleteTaskSetCommand,
  LaunchType,
  RegisterTaskDefinitionCommand,
  TagResourceCommand,
  UpdateServicePrimaryTaskSetCommand,
  UpdateTaskSetCommand,
  type CreateTaskSetCommandInput,
  type ECSClient,
  type RegisterTaskDefinitionCommandInput,
} from "@aws-sdk/client-ecs";
import { ModifyListenerCommand, ModifyRuleCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { actionOf, type AwsEffect, type CreateTaskSetRequest } from "../deployment/effect.ts";
import type { EffectValue, Outcome } from "../deployment/observation.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import type { Guard } from "../engine/ports.ts";
import { ambiguous, readActions } from "./balancers.ts";
import { callsUntil, type Call, type Calling } from "./call.ts";
import type { Clients } from "./clients.ts";
import { CallFailed, faultOf } from "./faults.ts";
import { Attempts } from "./guard.ts";
import { pairForward, weightsOf, withWeights } from "./routes.ts";

export interface Performing {
  clients: Clients;
  calling: Calling;
}

/**
 * Performs one effect; never throws. `refused` is said only where it is certain that nothing happened: every
 * attempt was answered with a refusal, or none was sent. The call ends by the guard's deadline.
 */
export async function perform(
  on: Performing,
  target: ServiceTarget,
  effect: AwsEffect,
  guard: Guard,
): Promise<Outcome> {
  const { clock } = on.calling;
  const attempts = new Attempts(guard, clock);
  const call = callsUntil(on.calling, guard.deadline);
  try {
    const { value = {}, requestId } = await act(
      { clients: on.clients, ecs: on.clients.ecsWriter(target), call, attempts, target },
      effect,
    );
    return { kind: "done", at: clock.now(), value, ...(requestId && { requestId }) };
  } catch (error) {
    const fault = faultOf(error, actionOf(effect));
    return { kind: attempts.end().unsure ? "unknown" : "refused", at: clock.now(), fault };
  }
}

interface Done {
  value?: EffectValue;
  requestId?: string;
}

interface Acting {
  clients: Clients;
  ecs: ECSClient;
  call: Call;
  attempts: Attempts;
  target: ServiceTarget;
}

type Of<K extends AwsEffect["kind"]> = Extract<AwsEffect, { kind: K }>;

function act(on: Acting, effect: AwsEffect): Promise<Done> {
  switch (effect.kind) {
    case "registerTaskDefinition":
      return registerTaskDefinition(on, effect);
    case "createTaskSet":
      return createTaskSet(on, effect);
    case "scaleTaskSet":
      return scaleTaskSet(on, effect);
    case "makePrimary":
      return makePrimary(on, effect);
    case "tagTaskSet":
      return tagTaskSet(on, effect);
    case "deleteTaskSet":
      return deleteTaskSet(on, effect);
    case "setWeights":
      return setWeights(on, effect);
  }
}

/** It has no token: a repeat that the caller does not know of would make a second revision. */
async function registerTaskDefinition(on: Acting, effect: Of<"registerTaskDefinition">): Promise<Done> {
  const action = actionOf(effect);
  const command = on.attempts.watch(new RegisterTaskDefinitionCommand(registerInput(effect)), action);
  const ecs = on.clients.ecsOnce(on.target);
  const answer = await on.call(action, (abortSignal) => ecs.send(command, { abortSignal }));
  return done(answer, answer.taskDefinition?.taskDefinitionArn);
}

async function createTaskSet(on: Acting, effect: Of<"createTaskSet">): Promise<Done> {
  const action = actionOf(effect);
  const command = on.attempts.watch(new CreateTaskSetCommand(createInput(effect.request)), action);
  const answer = await on.call(action, (abortSignal) => on.ecs.send(command, { abortSignal }));
  return done(answer, answer.taskSet?.taskSetArn);
}

async function scaleTaskSet(on: Acting, effect: Of<"scaleTaskSet">): Promise<Done> {
  const { cluster, service } = on.target;
  const action = actionOf(effect);
  const scale = { value: effect.scalePercent, unit: "PERCENT" } as const;
  const input = { cluster, service, taskSet: effect.arn, scale };
  const command = on.attempts.watch(new UpdateTaskSetCommand(input), action);
  return done(await on.call(action, (abortSignal) => on.ecs.send(command, { abortSignal })));
}

async function makePrimary(on: Acting, effect: Of<"makePrimary">): Promise<Done> {
  const { cluster, service } = on.target;
  const action = actionOf(effect);
  const input = { cluster, service, primaryTaskSet: effect.arn };
  const command = on.attempts.watch(new UpdateServicePrimaryTaskSetCommand(input), action);
  return done(await on.call(action, (abortSignal) => on.ecs.send(command, { abortSignal })));
}

async function tagTaskSet(on: Acting, effect: Of<"tagTaskSet">): Promise<Done> {
  const action = actionOf(effect);
  const input = { resourceArn: effect.arn, tags: effect.tags };
  const command = on.attempts.watch(new TagResourceCommand(input), action);
  return done(await on.call(action, (abortSignal) => on.ecs.send(command, { abortSignal })));
}

/** A set that does not exist is deleted, whoever deleted it. */
async function deleteTaskSet(on: Acting, effect: Of<"deleteTaskSet">): Promise<Done> {
  const { cluster, service } = on.target;
  const action = actionOf(effect);
  const input = { cluster, service, taskSet: effect.arn, force: effect.force };
  const command = on.attempts.watch(new DeleteTaskSetCommand(input), action);
  try {
    return done(await on.call(action, (abortSignal) => on.ecs.send(command, { abortSignal })));
  } catch (error) {
    if (error instanceof CallFailed && error.fault.code === "TaskSetNotFoundException") return {};
    throw error;
  }
}

/**
 * Changes the pair's weights in the actions as they are now. The route must stand at `from`: what anybody else
 * wrote meanwhile is never overwritten. Between this read and the write nothing can be locked (ELBv2 has no
 * concurrency token); the next turn reads back.
 */
async function setWeights(on: Acting, effect: Of<"setWeights">): Promise<Done> {
  const { route, pair, from, to } = effect;
  const elb = on.clients.elbWriter(on.target);
  const action = actionOf(effect);
  const { actions: now } = await readActions({ elb, call: on.call }, route);
  const forward = pairForward(now, [pair.blue, pair.green]);
  if (forward.kind === "ambiguous") throw ambiguous(route);
  const weights = weightsOf(now);
  const blue = weights[pair.blue];
  const green = weights[pair.green];
  if (blue === to.blue && green === to.green) return {};
  if (forward.kind === "none" || blue !== from.blue || green !== from.green) {
    throw new CallFailed({
      class: "repeat",
      code: "Drift",
      message:
        `${route.arn} should be at blue ${from.blue}, green ${from.green} ` +
        `but is at blue ${blue ?? "none"}, green ${green ?? "none"}; nothing was written`,
      action,
    });
  }
  const changed = withWeights(now, forward.index, { [pair.blue]: to.blue, [pair.green]: to.green });
  if (route.kind === "listener") {
    const input = { ListenerArn: route.arn, DefaultActions: changed };
    const command = on.attempts.watch(new ModifyListenerCommand(input), action);
    return done(await on.call(action, (abortSignal) => elb.send(command, { abortSignal })));
  }
  const command = on.attempts.watch(new ModifyRuleCommand({ RuleArn: route.arn, Actions: changed }), action);
  return done(await on.call(action, (abortSignal) => elb.send(command, { abortSignal })));
}

function done(answer: { $metadata: { requestId?: string } }, arn?: string): Done {
  return { ...(arn && { value: { arn } }), requestId: answer.$metadata.requestId };
}

function registerInput(effect: Of<"registerTaskDefinition">): RegisterTaskDefinitionCommandInput {
  const { registration, tags } = effect;
  if (!isRegistration(registration)) {
    throw unsendable(actionOf(effect), "the registration has no family or no containerDefinitions");
  }
  // ECS refuses an empty list of tags.
  return { ...registration, ...(tags.length > 0 && { tags }) };
}

/** The registration was read from AWS in this shape and is kept as JSON in between. */
function isRegistration(
  value: Record<string, unknown>,
): value is Record<string, unknown> & RegisterTaskDefinitionCommandInput {
  return typeof value["family"] === "string" && Array.isArray(value["containerDefinitions"]);
}

function createInput(request: CreateTaskSetRequest): CreateTaskSetCommandInput {
  const { scalePercent, launchType, tags, ...carried } = request;
  if (launchType !== undefined && !isLaunchType(launchType)) {
    const known = Object.values(LaunchType).join(", ");
    throw unsendable("ecs:CreateTaskSet", `${launchType} is not a launch type; known are ${known}`);
  }
  return {
    ...carried,
    scale: { value: scalePercent, unit: "PERCENT" },
    ...(launchType && { launchType }),
    ...(tags && tags.length > 0 && { tags }),
  };
}

function isLaunchType(name: string): name is LaunchType {
  return Object.values<string>(LaunchType).includes(name);
}

function unsendable(action: string, message: string): CallFailed {
  return new CallFailed({ class: "refuse", code: "NotSendable", message, action });
}
