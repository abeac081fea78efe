/**
 * What AWS said when a turn looked. Each thing read carries its value and time, or the fault that reading met;
 * what was not asked for is absent. A decision is made on this and the record alone.
 */
import type { Closed } from "./calendar.ts";
import type { Ask, Measured } from "./check.ts";
import type { Doubt } from "./doubt.ts";
import type { HookAnswer } from "./hook.ts";
import type { RouteRef, Tag, TaskSetSpec } from "./target.ts";

/**
 * A refused or failed call, in the classes that decide what happens next:
 * - `repeat`: AWS's trouble (throttling, 5xx, a timeout): the same call may succeed later.
 * - `refuse`: AWS will never take this call as it is.
 * - `stuck`: a person must do something first (permission, quota), then the same call succeeds.
 * - `absent`: what the call names does not exist.
 */
export interface Fault {
  class: "repeat" | "refuse" | "stuck" | "absent";
  /** AWS's code, or `Timeout`, `Network`. */
  code: string;
  message: string;
  /** The API action, such as `ecs:CreateTaskSet`. */
  action: string;
  requestId?: string;
}

export type Reading<T> = { ok: true; value: T; at: number } | { ok: false; fault: Fault; at: number };

/** The outcome of the last effect. `unknown`: it may have happened, now or still to come. */
export type Outcome =
  | { kind: "done"; at: number; value: EffectValue; requestId?: string }
  | { kind: "refused"; at: number; fault: Fault }
  | { kind: "unknown"; at: number; fault: Fault };

/** What an effect gives back: the ARN of what it created, where it created something. */
export interface EffectValue {
  arn?: string;
  /** What a called hook said. */
  hook?: HookAnswer;
}

export interface ServiceSeen {
  arn: string;
  status: string;
  controller: string;
  desiredCount: number;
  healthCheckGraceSeconds: number;
  taskSets: TaskSetSeen[];
}

export interface TaskSetSeen {
  arn: string;
  /** The short id (`ecs-svc/…`), which the set's tasks carry as `startedBy`. */
  id: string;
  status: "PRIMARY" | "ACTIVE" | "DRAINING";
  steady: boolean;
  scalePercent: number;
  computedDesired: number;
  running: number;
  pending: number;
  createdAt: number;
  /** All that a new set would inherit, tags included. */
  spec: TaskSetSpec;
}

/** A task of the service, running or lately stopped. */
export interface TaskSeen {
  arn: string;
  /** The id of the task set that started it. */
  startedBy: string;
  lastStatus: string;
  desiredStatus: string;
  /** `address:port` pairs under which it is or was registered as a target. */
  addresses: string[];
  stopCode?: string;
  stoppedReason?: string;
  containers: { name: string; exitCode?: number; reason?: string; health?: string }[];
}

export interface TargetSeen {
  /** `address:port`, or `instance-id:port` for instance targets. */
  address: string;
  state: "initial" | "healthy" | "unhealthy" | "draining" | "unused" | "unavailable";
  reason?: string;
}

/** A listener's default action or a rule, as far as it concerns the pair. */
export interface RouteSeen {
  ref: RouteRef;
  /** Weights of the groups in its forward actions, as read; a group left out is not in it. */
  weights: Record<string, number>;
  /** Clients stay with the group that they had (group stickiness). */
  sticky?: boolean;
  /** A digest of everything of the route that is not a weight of the pair. */
  rest: string;
}

export interface TaskDefinitionSeen {
  arn: string;
  family: string;
  status: string;
  /** What `RegisterTaskDefinition` would take to register it again, as JSON-plain AWS shape. */
  registration: Record<string, unknown>;
  containers: { name: string; image: string }[];
  tags: Tag[];
}

export interface TargetGroupSeen {
  arn: string;
  targetType: string;
  protocol: string;
  loadBalancers: string[];
}

/** The survey of preparing: everything of the load balancers that could concern the pair. */
export interface SurveySeen {
  /** The configured groups that exist. */
  groups: TargetGroupSeen[];
  /** Every listener default action and rule of the groups' load balancers that forwards to one of the pair. */
  serving: { ref: RouteRef; weights: Record<string, number> }[];
  /** The load balancer of each configured route, by the route's ARN; absent where the route does not exist. */
  loadBalancers: Record<string, string>;
}

/** Who acts on the service, from the records. */
export interface SlotSeen {
  acting?: string;
  /** The deployment that keeps its blue warm or drains it, its way being free for the next. */
  retaining?: string;
  queue: string[];
  /** What was in doubt when somebody last let go of the service. */
  doubt?: Doubt;
}

export interface Seen {
  service?: Reading<ServiceSeen>;
  /** By ARN. */
  routes: Record<string, Reading<RouteSeen>>;
  /** By target group ARN. */
  health: Record<string, Reading<TargetSeen[]>>;
  tasks?: Reading<TaskSeen[]>;
  /** The requested revision, or blue's, that green derives from. */
  taskDefinition?: Reading<TaskDefinitionSeen>;
  /** A revision that carries this deployment's tag, if one was registered. */
  registered?: Reading<{ arn: string } | null>;
  survey?: Reading<SurveySeen>;
  /** Answers to the look's `measure`, by its keys. */
  measured?: Record<string, Reading<Measured>>;
  slot: SlotSeen;
  /** Why nothing may start or gain traffic now, by the present configuration; left out or empty: it may. */
  closed?: Closed[];
  outcome?: Outcome;
}

/** What a phase needs read, no more. */
export interface Look {
  service: boolean;
  routes: boolean;
  /** Target groups whose health is needed. */
  health: string[];
  /** Tasks of these task sets (short ids); none when empty. */
  tasks: string[];
  /** A task definition: family, family:revision or ARN. */
  taskDefinition?: string;
  /** Look for a revision of this family tagged with this deployment's id. */
  registered?: { family: string; deployment: string };
  survey: boolean;
  /** Measurements of checks that are due, by gate and check. */
  measure?: Record<string, Ask>;
}
