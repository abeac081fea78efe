import { copyMap } from "../lagged.ts";
import type { ActionInput, Condition, ElbTag } from "./shapes.ts";

/*
 * What ELBv2 knows in one region: the requested state. What the traffic
 * follows is kept apart (`routes.ts`), since it comes later. Records are
 * changed field by field, never inside a field's value.
 */

export interface LoadBalancer {
  arn: string;
  name: string;
  type: "application" | "network" | "gateway";
  scheme: string;
  subnets: string[];
  securityGroups: string[];
  ipAddressType: string;
  createdAt: number;
}

export interface TargetGroup {
  arn: string;
  name: string;
  protocol: string;
  protocolVersion: string | undefined;
  port: number;
  vpcId: string | undefined;
  targetType: "instance" | "ip" | "lambda" | "alb";
  healthCheckProtocol: string;
  healthCheckPort: string;
  healthCheckEnabled: boolean;
  healthCheckPath: string;
  healthCheckIntervalSeconds: number;
  healthCheckTimeoutSeconds: number;
  healthyThreshold: number;
  unhealthyThreshold: number;
  matcher: string;
  attributes: ReadonlyMap<string, string>;
}

export type Health = "initial" | "healthy" | "unhealthy" | "draining" | "unused";

export interface TargetRow {
  groupArn: string;
  address: string;
  port: number;
  /** Undefined for a target registered by hand. */
  taskArn: string | undefined;
  health: Health;
  reason: string | undefined;
  description: string | undefined;
  /** Outcome of the last health check, and how many in a row had it. */
  lastPassed: boolean | undefined;
  streak: number;
}

export interface Listener {
  arn: string;
  loadBalancerArn: string;
  protocol: string;
  port: number;
  sslPolicy: string | undefined;
  certificates: unknown[];
  alpnPolicy: string[];
  actions: StoredAction[];
  /** ARN of the default rule. */
  defaultRuleArn: string;
}

export interface Rule {
  arn: string;
  listenerArn: string;
  priority: number;
  conditions: Condition[];
  actions: StoredAction[];
}

/** An action as stored and given back: every forward has its ForwardConfig, no client secret is kept. */
export type StoredAction = ActionInput;

export interface ElbState {
  loadBalancers: Map<string, LoadBalancer>;
  groups: Map<string, TargetGroup>;
  /** By group ARN, address and port: `targetKey`. */
  targets: Map<string, TargetRow>;
  listeners: Map<string, Listener>;
  rules: Map<string, Rule>;
  tags: Map<string, ElbTag[]>;
}

export function newElbState(): ElbState {
  return {
    loadBalancers: new Map(),
    groups: new Map(),
    targets: new Map(),
    listeners: new Map(),
    rules: new Map(),
    tags: new Map(),
  };
}

export function copyElbState(state: ElbState): ElbState {
  return {
    loadBalancers: copyMap(state.loadBalancers),
    groups: copyMap(state.groups),
    targets: copyMap(state.targets),
    listeners: copyMap(state.listeners),
    rules: copyMap(state.rules),
    tags: state.tags,
  };
}

export function targetKey(groupArn: string, address: string, port: number): string {
  return `${groupArn} ${address}:${port}`;
}

export function targetsOf(state: ElbState, groupArn: string): TargetRow[] {
  return [...state.targets.values()].filter((target) => target.groupArn === groupArn);
}

/** The target groups that a list of actions forwards to, with their weights. */
export function forwardedGroups(actions: readonly StoredAction[]): { arn: string; weight: number }[] {
  return actions.flatMap((action) =>
    (action.ForwardConfig?.TargetGroups ?? []).map((group) => ({
      arn: group.TargetGroupArn,
      weight: group.Weight ?? 1,
    })),
  );
}

/** ARNs of the load balancers whose listeners or rules forward to a group, at any weight. */
export function loadBalancersOf(state: ElbState, groupArn: string): string[] {
  const found = new Set<string>();
  const has = (actions: readonly StoredAction[]) =>
    forwardedGroups(actions).some((group) => group.arn === groupArn);
  for (const listener of state.listeners.values())
    if (has(listener.actions)) found.add(listener.loadBalancerArn);
  for (const rule of state.rules.values()) {
    const listener = state.listeners.get(rule.listenerArn);
    if (listener !== undefined && has(rule.actions)) found.add(listener.loadBalancerArn);
  }
  return [...found];
}
