import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import { badMarker, loadBalancer } from "./loadBalancers.ts";
import type * as shapes from "./shapes.ts";
import { loadBalancersOf, type ElbState, type TargetGroup } from "./state.ts";

type Attributes = readonly (readonly [string, string])[];

const layer7Attributes: Attributes = [
  ["deregistration_delay.timeout_seconds", "300"],
  ["stickiness.enabled", "false"],
  ["stickiness.type", "lb_cookie"],
  ["stickiness.lb_cookie.duration_seconds", "86400"],
  ["slow_start.duration_seconds", "0"],
  ["load_balancing.algorithm.type", "round_robin"],
  ["load_balancing.cross_zone.enabled", "use_load_balancer_configuration"],
];

const layer4Attributes: Attributes = [
  ["deregistration_delay.timeout_seconds", "300"],
  ["deregistration_delay.connection_termination.enabled", "false"],
  ["stickiness.enabled", "false"],
  ["stickiness.type", "source_ip"],
  ["proxy_protocol_v2.enabled", "false"],
  ["preserve_client_ip.enabled", "false"],
  ["load_balancing.cross_zone.enabled", "use_load_balancer_configuration"],
];

/** Bounds of the attributes that are numbers. */
const attributeBounds: Record<string, readonly [number, number]> = {
  "deregistration_delay.timeout_seconds": [0, 3600],
  "stickiness.lb_cookie.duration_seconds": [1, 604_800],
  "slow_start.duration_seconds": [0, 900],
};

/** The group of an ARN, or TargetGroupNotFound. */
export function targetGroup(state: ElbState, arn: string): TargetGroup {
  const found = state.groups.get(arn);
  if (found === undefined)
    throw new AwsError("TargetGroupNotFound", `One or more target groups not found: '${arn}'`);
  return found;
}

/** Safe to repeat with the same protocol and port, as on AWS. */
export function createTargetGroup(region: Region, input: z.output<typeof shapes.createTargetGroup>) {
  const { elb } = region;
  const same = [...elb.groups.values()].find((group) => group.name === input.Name);
  if (same !== undefined) {
    if (same.protocol !== input.Protocol || same.port !== input.Port || same.targetType !== input.TargetType)
      throw new AwsError(
        "DuplicateTargetGroupName",
        `A target group with the same name '${input.Name}' exists, but with different settings`,
      );
    return { TargetGroups: [view(elb, same)] };
  }
  if (
    input.HealthCheckTimeoutSeconds >= input.HealthCheckIntervalSeconds &&
    input.Protocol.startsWith("HTTP")
  )
    throw validationError(
      `Health check timeout ${input.HealthCheckTimeoutSeconds} must be smaller than the interval ${input.HealthCheckIntervalSeconds}`,
    );
  const group: TargetGroup = {
    arn: region.elbArn(`targetgroup/${input.Name}/${region.hex(16)}`),
    name: input.Name,
    protocol: input.Protocol,
    protocolVersion: input.ProtocolVersion ?? (input.Protocol.startsWith("HTTP") ? "HTTP1" : undefined),
    port: input.Port,
    vpcId: input.VpcId,
    targetType: input.TargetType,
    healthCheckProtocol:
      input.HealthCheckProtocol ?? (input.Protocol.startsWith("HTTP") ? input.Protocol : "TCP"),
    healthCheckPort: input.HealthCheckPort,
    healthCheckEnabled: input.HealthCheckEnabled,
    healthCheckPath: input.HealthCheckPath ?? "/",
    healthCheckIntervalSeconds: input.HealthCheckIntervalSeconds,
    healthCheckTimeoutSeconds: input.HealthCheckTimeoutSeconds,
    healthyThreshold: input.HealthyThresholdCount,
    unhealthyThreshold: input.UnhealthyThresholdCount,
    matcher: input.Matcher?.HttpCode ?? "200",
    attributes: new Map(input.Protocol.startsWith("HTTP") ? layer7Attributes : layer4Attributes),
  };
  elb.groups.set(group.arn, group);
  elb.tags.set(group.arn, input.Tags);
  return { TargetGroups: [view(elb, group)] };
}

export function modifyTargetGroup(region: Region, input: z.output<typeof shapes.modifyTargetGroup>) {
  const group = targetGroup(region.elb, input.TargetGroupArn);
  group.healthCheckPath = input.HealthCheckPath ?? group.healthCheckPath;
  group.healthCheckIntervalSeconds = input.HealthCheckIntervalSeconds ?? group.healthCheckIntervalSeconds;
  group.healthCheckTimeoutSeconds = input.HealthCheckTimeoutSeconds ?? group.healthCheckTimeoutSeconds;
  group.healthyThreshold = input.HealthyThresholdCount ?? group.healthyThreshold;
  group.unhealthyThreshold = input.UnhealthyThresholdCount ?? group.unhealthyThreshold;
  group.matcher = input.Matcher?.HttpCode ?? group.matcher;
  return { TargetGroups: [view(region.elb, group)] };
}

export function describeTargetGroups(region: Region, input: z.output<typeof shapes.describeTargetGroups>) {
  const state = region.seenElb();
  const { TargetGroupArns: arns, Names: names, LoadBalancerArn: balancerArn } = input;
  if (balancerArn !== undefined) loadBalancer(region, balancerArn);
  const chosen = [...state.groups.values()].filter(
    (group) =>
      (arns?.includes(group.arn) ?? true) &&
      (names?.includes(group.name) ?? true) &&
      (balancerArn === undefined || loadBalancersOf(state, group.arn).includes(balancerArn)),
  );
  const wanted = [...(arns ?? []), ...(names ?? [])];
  const missing = wanted.find((id) => !chosen.some((group) => group.arn === id || group.name === id));
  if (missing !== undefined)
    throw new AwsError("TargetGroupNotFound", `One or more target groups not found: '${missing}'`);
  const { items, next } = page(chosen, input.PageSize, input.Marker, badMarker);
  return { TargetGroups: items.map((group) => view(state, group)), NextMarker: next };
}

/** Deleting one that is gone succeeds. */
export function deleteTargetGroup(region: Region, input: z.output<typeof shapes.targetGroupOnly>) {
  const { elb } = region;
  const { TargetGroupArn: arn } = input;
  if (loadBalancersOf(elb, arn).length > 0)
    throw new AwsError("ResourceInUse", `Target group '${arn}' is currently in use by a listener or a rule`);
  for (const [key, target] of elb.targets) if (target.groupArn === arn) elb.targets.delete(key);
  elb.groups.delete(arn);
  elb.tags.delete(arn);
  return {};
}

export function modifyTargetGroupAttributes(
  region: Region,
  input: z.output<typeof shapes.modifyTargetGroupAttributes>,
) {
  const group = targetGroup(region.elb, input.TargetGroupArn);
  for (const { Key: key, Value: value } of input.Attributes) {
    const bounds = attributeBounds[key];
    const number = Number(value);
    if (bounds !== undefined && !(Number.isInteger(number) && number >= bounds[0] && number <= bounds[1]))
      throw validationError(
        `Attribute '${key}' is '${value}' and must be between ${bounds[0]} and ${bounds[1]}`,
      );
  }
  group.attributes = new Map([
    ...group.attributes,
    ...input.Attributes.map(({ Key, Value }) => [Key, Value] as const),
  ]);
  return { Attributes: attributesOf(group) };
}

export function describeTargetGroupAttributes(
  region: Region,
  input: z.output<typeof shapes.targetGroupOnly>,
) {
  return { Attributes: attributesOf(targetGroup(region.seenElb(), input.TargetGroupArn)) };
}

/** How long a target of the group drains. */
export function deregistrationDelayMs(region: Region, group: TargetGroup): number {
  const seconds = Number(group.attributes.get("deregistration_delay.timeout_seconds") ?? "300");
  return region.settings.deregistrationDelayMs ?? seconds * 1000;
}

function attributesOf(group: TargetGroup) {
  return [...group.attributes].map(([Key, Value]) => ({ Key, Value }));
}

function view(state: ElbState, group: TargetGroup) {
  const http = group.healthCheckProtocol.startsWith("HTTP");
  return {
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: group.protocol,
    Port: group.port,
    VpcId: group.vpcId,
    HealthCheckProtocol: group.healthCheckProtocol,
    HealthCheckPort: group.healthCheckPort,
    HealthCheckEnabled: group.healthCheckEnabled,
    HealthCheckIntervalSeconds: group.healthCheckIntervalSeconds,
    HealthCheckTimeoutSeconds: group.healthCheckTimeoutSeconds,
    HealthyThresholdCount: group.healthyThreshold,
    UnhealthyThresholdCount: group.unhealthyThreshold,
    HealthCheckPath: http ? group.healthCheckPath : undefined,
    Matcher: http ? { HttpCode: group.matcher } : undefined,
    LoadBalancerArns: loadBalancersOf(state, group.arn),
    TargetType: group.targetType,
    ProtocolVersion: group.protocolVersion,
    IpAddressType: "ipv4",
  };
}
