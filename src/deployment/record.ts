/**
 * The record of a deployment: everything that must outlive a worker. A turn replaces it as a whole, by
 * compare-and-set. JSON-plain; times are milliseconds since the epoch.
 */
import type { ErrorCode, Problem } from "../errors.ts";
import type { CheckRecord, TrafficRecord } from "./analysis.ts";
import type { Command } from "./command.ts";
import type { CreateTaskSetRequest, Pair, Pending, Weights } from "./effect.ts";
import type { Doubt } from "./doubt.ts";
import type { HookAnswer } from "./hook.ts";
import type { Fault } from "./observation.ts";
import type { Phase } from "./phases.ts";
import { type Strategy, strategyDefaults } from "./strategy.ts";
import type { RouteRef, ServiceTarget, TaskSetSpec } from "./target.ts";

export interface Actor {
  kind: "operator" | "ci" | "schedule" | "teal";
  name: string;
}

/** What was asked for: a task definition, or images for containers of the current one; and changes of the set. */
export interface DeployRequest {
  /** Family, family:revision or ARN. */
  taskDefinition?: string;
  /** Image by container name; a new revision of blue's (or the given) task definition is registered. */
  images?: Record<string, string>;
  /** Replaces what green would inherit from blue; target groups are always the pair's. */
  taskSet?: Partial<Omit<TaskSetSpec, "taskDefinition" | "loadBalancers">>;
  /** Grows from build to build; one that is lower than the last accepted one is stale. */
  build?: number;
  reason?: string;
  source?: Source;
}

/** Where the code is that is deployed, as GitHub vouched for it to whoever started this. */
export interface Source {
  /** `acme/checkout` */
  repository: string;
  commit: string;
  environment?: string;
  /** GitHub's own deployment that asked for this one. */
  deployment?: number;
  /** The page of the run that asked for it. */
  url?: string;
}

export interface Hold {
  kind: "paused" | "drift" | "waiting" | "window" | "freeze" | "stuck";
  since: number;
  reason: string;
  /** The gate that paused it, because it could not be passed: whoever lets it pass ends the pause. */
  gate?: string;
}

/** Why a deployment fails or goes back. */
export interface Cause {
  code: ErrorCode;
  message: string;
}

/** What keeps failing, and when it is tried again. */
export interface Trouble {
  class: Fault["class"];
  code: string;
  message: string;
  /** The API action, such as `ecs:CreateTaskSet`. */
  action: string;
  count: number;
  since: number;
  /** Not tried again before this moment. */
  nextAt: number;
}

/** What was last seen of a task set, for people. */
export interface SetCounts {
  desired: number;
  running: number;
  /** Healthy targets; absent where no load balancer tells. */
  healthy?: number;
}

export interface Observed {
  at: number;
  blue?: SetCounts;
  green?: SetCounts;
  routes: { arn: string; blue: number; green: number }[];
}

export interface RouteRecord {
  ref: RouteRef;
  /** A test route: no production traffic takes it. */
  test?: true;
  /** Clients stay with the group that they had, so weights are no shares. */
  sticky?: true;
  /** As read in preparing; where a rollback returns to. */
  before: Weights;
  /** What the pair's weights sum up to while traffic is shared. */
  sum: number;
  /** What was last asked of the route. */
  asked: Weights;
  askedAt: number;
  /** What we asked before that, newest first; a route that reads so lags or was written late. */
  earlier: Weights[];
  /** Digest of the rest of the route, as last accepted. */
  rest: string;
  /** How often weights that others changed were written again. */
  reapplied?: number;
  /** Set once a rollback has told that the route no longer exists or forwards to the pair. */
  gone?: boolean;
}

export interface BlueRecord {
  arn: string;
  id: string;
  taskDefinition: string;
  scalePercent: number;
  spec: TaskSetSpec;
}

export interface GreenRecord {
  /** The revision asked for, or blue's, that green runs or derives from. */
  base?: string;
  /** The revision that green runs, once known. */
  taskDefinition?: string;
  /** The create request, from the commit before it is first sent. */
  create?: CreateTaskSetRequest;
  /** A create was sent and its answer never came: a set may exist or still appear. */
  doubt?: boolean;
  arn?: string;
  id?: string;
  /** When AWS acknowledged green, or a look first found it. */
  createdAt?: number;
  /** How long it took from then until its tasks were steady and healthy, as far as nothing held it. */
  startMs?: number;
}

/** What is known of a gate, by its id; kept when it has passed. */
export interface GateRecord {
  /** Somebody let it pass. */
  passed?: { by: Actor; at: number; how: "approved" | "skipped" };
  hook?: HookRecord;
  /** By the name of the check. */
  checks?: Record<string, CheckRecord>;
}

export interface HookRecord {
  /** From 1; a new one begins only when a person asks for it. An answer to another one is refused. */
  attempt: number;
  /** Calls in a row that did not reach it. */
  failures: number;
  /** Not called again before this moment. */
  nextAt: number;
  answer?: HookAnswer & { at: number };
  /** Why it could not be asked, and whether asking again is of no use. */
  trouble?: { message: string; lasting: boolean };
}

/** A promotion that was asked for a later moment. */
export interface Appointment {
  at: number;
  full: boolean;
  /** Left out where green or a check is not well by then. */
  ifHealthy: boolean;
  commandId: string;
  actor: Actor;
}

/** Green's share of the production traffic from a moment on, in percent; undefined while it changes. */
export interface Share {
  from: number;
  percent?: number;
}

/**
 * The version of what follows. It goes up with every change that an older Teal would read wrongly; `test/compat`
 * keeps an example of each, and every one stays readable.
 */
export const recordSchema = 2;

export interface Deployment {
  schema: typeof recordSchema;
  id: string;
  /** The configured service's name. */
  service: string;
  target: ServiceTarget;
  strategy: Strategy;
  request: DeployRequest;
  actor: Actor;
  createdAt: number;

  phase: Phase;
  /** Start of the phase's clock; moved forward by the length of each hold. */
  phaseSince: number;
  /** Steps of the phase's list before this index are done. */
  step: number;
  /** Start of the step's clock, moved like `phaseSince`. */
  stepSince: number;
  hold?: Hold;
  gates: Record<string, GateRecord>;
  /** Of green-vs-blue, by the name of its check. */
  verdicts: Record<string, TrafficRecord>;
  /** The latest ones, oldest first. */
  shares: Share[];
  appointment?: Appointment;
  /** Closures (see calendar.ts) that somebody overrode for this deployment. */
  overrides: string[];
  /** Those that wait before it make way for it. */
  supersedes?: boolean;
  /** When the last decision was made. */
  turnAt?: number;
  /** When that one said that the next would be due. */
  dueAt?: number;
  /** How many turns in a row began long after they were due; absent where the last one was on time. */
  lateTurns?: number;
  /** What it is doing or waiting for, in a sentence for people. */
  note: string;
  observed?: Observed;

  /** The service's desiredCount when preparing ended. */
  desiredAtStart?: number;
  /**
   * The desiredCount that one colour alone would need. Two at work share the load, and an autoscaler that goes by its
   * average takes tasks away, up to the part that green adds.
   */
  desiredAlone?: number;
  pair?: Pair;
  blue?: BlueRecord;
  green: GreenRecord;
  routes: RouteRecord[];
  /** When each colour last carried traffic, or may have; the hold time counts from here. */
  carriedAt: { blue: number; green: number };
  /** When all routes of production were last read, and to whom any of them led. */
  routesRead?: { at: number; blue: boolean; green: boolean };
  /** Since when green has had too few healthy tasks under traffic, having had enough before. */
  unhealthySince?: number;
  /** Since when it has had fewer than are wanted now, though enough for what was wanted before. */
  growingSince?: number;
  /** The desiredCount for which it last had enough. */
  sufficedFor?: number;
  /** `blue` once its deletion was committed: from then on there is no way back but a new deployment. */
  deleting: { blue?: boolean; green?: boolean };

  /** While it waits for room: tasks of the sets that are in its way, and since when there are so few. */
  crowd?: { tasks: number; since: number };
  /** When blue was last scaled down on its way out. */
  drainedAt?: number;
  /** Set once blue was scaled down: from then on it gets traffic back only where its health is seen. */
  blueShrunk?: boolean;

  pending?: Pending;
  /** Until then a call of ours that nobody heard of may still land: nothing is taken away before. */
  unsureUntil: number;
  /** The same of calls that change weights alone. */
  weightsUnsureUntil?: number;
  /** The same of calls that scale a task set. */
  scalesUnsureUntil?: number;
  /** What was in doubt of the deployments before this one. */
  doubt?: Doubt;
  /** The last effect that AWS acknowledged; until it shows, the same effect isn't sent again at once. */
  last?: { key: string; at: number };
  /** Consecutive failures by what was tried (an effect's key, or `look`); gone with the first success. */
  trouble: Record<string, Trouble>;

  cause?: Cause;
  problems: Problem[];
  /** A rollback asked for while another deployment acts: taken up as soon as the service is free. */
  rollbackAsked?: Command & { cause?: Cause };
  /** The deployment that this one asked to make room, so that it asks once. */
  told: string[];
  /** The deployment whose effect this one undoes by redeploying an earlier revision. */
  undoes?: string;
  /** The deployment that undoes this one so. */
  undoneBy?: string;
  /** The deployment whose task set this one took over, found by its tags when no record answered for it. */
  recovers?: string;
  /** For such a one: the phase that it goes on in once the service is free. */
  takeUp?: "provisioning" | "shifting" | "retaining" | "rolling_back";
  /** When its green was first seen to be PRIMARY. */
  promotedAt?: number;
  finishedAt?: number;
  /** Set once nothing of this deployment can be in flight any more and its service is free. */
  settled: boolean;
  /** When to look once more for a write that came late; absent when nothing was ever in doubt. */
  lastLookAt?: number;

  /** Number of events written so far; the next event has this number. */
  events: number;
}

export function elapsedMs(d: Deployment, since: number, now: number): number {
  return Math.max(0, (d.hold ? d.hold.since : now) - since);
}

/** A record of an earlier schema as this one has it. */
export function upgraded(d: Deployment): Deployment {
  if (d.schema === recordSchema) return d;
  return {
    ...d,
    schema: recordSchema,
    strategy: { ...strategyDefaults, ...d.strategy },
    gates: {},
    verdicts: {},
    shares: [],
    overrides: [],
  };
}
