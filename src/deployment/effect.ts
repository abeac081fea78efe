/**
 * The things Teal does to the world, one call each. All are safe to repeat: the two that create carry a token or are
 * searched for first, the others set a state rather than change it by a step.
 */
import type { HookRequest } from "./hook.ts";
import type { RouteRef, Tag, TaskSetSpec } from "./target.ts";

/** The pair's weights on one route. */
export interface Weights {
  blue: number;
  green: number;
}

/** The pair, by who uses which group in this deployment. */
export interface Pair {
  blue: string;
  green: string;
}

/** The complete request of `CreateTaskSet`, kept in the record so that it can be repeated to the letter. */
export interface CreateTaskSetRequest extends TaskSetSpec {
  cluster: string;
  service: string;
  taskDefinition: string;
  clientToken: string;
  scalePercent: number;
}

export type Effect =
  | { kind: "registerTaskDefinition"; registration: Record<string, unknown>; tags: Tag[] }
  | { kind: "createTaskSet"; request: CreateTaskSetRequest }
  | { kind: "scaleTaskSet"; arn: string; scalePercent: number }
  /** Moves the pair's weights on one route; refused with `absent` or `drift` where the route isn't at `from`. */
  | {
      kind: "setWeights";
      route: RouteRef;
      pair: Pair;
      from: Weights;
      to: Weights;
      /** Somebody else had changed it since. */
      again?: true;
    }
  | { kind: "makePrimary"; arn: string }
  | { kind: "tagTaskSet"; arn: string; tags: Tag[] }
  | { kind: "deleteTaskSet"; arn: string; force: boolean }
  /** Calls a hook; the only one that isn't AWS's. */
  | { kind: "callHook"; gate: string; attempt: number; request: HookRequest };

/** Those that AWS carries out. */
export type AwsEffect = Exclude<Effect, { kind: "callHook" }>;

export type EffectKind = Effect["kind"];

const actions = {
  registerTaskDefinition: "ecs:RegisterTaskDefinition",
  createTaskSet: "ecs:CreateTaskSet",
  scaleTaskSet: "ecs:UpdateTaskSet",
  makePrimary: "ecs:UpdateServicePrimaryTaskSet",
  tagTaskSet: "ecs:TagResource",
  deleteTaskSet: "ecs:DeleteTaskSet",
} as const satisfies Record<Exclude<AwsEffect["kind"], "setWeights">, string>;

/** The one action of AWS's API that changes something for this effect, as IAM names it. */
export function actionOf(effect: AwsEffect): string {
  if (effect.kind !== "setWeights") return actions[effect.kind];
  const { kind } = effect.route;
  return kind === "listener" ? "elasticloadbalancing:ModifyListener" : "elasticloadbalancing:ModifyRule";
}

/**
 * An effect that has been written down and may have been sent. Memory, never an order: the next turn looks and
 * decides anew.
 */
export interface Pending {
  effect: Effect;
  /** Why, in a sentence that the audit shows. */
  reason: string;
  decidedAt: number;
  /** No attempt of the call starts after this moment, ms since the epoch. */
  deadline: number;
}

/** How long a call may take, its repeats included. */
export const callLimitMs = 15_000;

/** An effect that moves traffic forward expires this soon after the look it was decided on. */
export const forwardLimitMs = 5_000;
