/** Reading load balancers: routes, health of targets, and the survey of everything that could concern a pair. */
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type Action,
  type ElasticLoadBalancingV2Client,
  type Listener,
  type Rule,
  type TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { RouteSeen, SurveySeen, TargetGroupSeen, TargetSeen } from "../deployment/observation.ts";
import type { RouteRef } from "../deployment/target.ts";
import type { Call } from "./call.ts";
import { CallFailed } from "./faults.ts";
import { allPages } from "./pages.ts";
import { isSticky, pairForward, restOf, weightsOf } from "./routes.ts";

export interface Balancers {
  elb: ElasticLoadBalancingV2Client;
  call: Call;
}

/** The actions of a route as they are now, with the rule they belong to. */
export interface RouteActions {
  actions: Action[];
  rule?: Rule;
}

/** Throws `CallFailed` with class `absent` where the route does not exist. */
export async function readActions(on: Balancers, ref: RouteRef): Promise<RouteActions> {
  if (ref.kind === "listener") {
    const listener = await readListener(on, ref.arn);
    return { actions: listener.DefaultActions ?? [] };
  }
  const rule = await readRule(on, ref.arn);
  return { actions: rule.Actions ?? [], rule };
}

export async function readRoute(on: Balancers, ref: RouteRef, pair: readonly string[]): Promise<RouteSeen> {
  const { actions, rule } = await readActions(on, ref);
  if (pairForward(actions, pair).kind === "ambiguous") throw ambiguous(ref);
  const sticky = isSticky(actions) && { sticky: true };
  return { ref, weights: weightsOf(actions), ...sticky, rest: restOf(actions, pair, rule) };
}

export function ambiguous(ref: RouteRef): CallFailed {
  return new CallFailed({
    class: "refuse",
    code: "AmbiguousRoute",
    message: `${ref.arn} forwards to the target groups in more than one action; leave one`,
    action: ref.kind === "listener" ? describeListeners : describeRules,
  });
}

export async function readHealth(on: Balancers, groupArn: string): Promise<TargetSeen[]> {
  const answer = await on.call("elasticloadbalancing:DescribeTargetHealth", (abortSignal) =>
    on.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: groupArn }), { abortSignal }),
  );
  return (answer.TargetHealthDescriptions ?? []).map(targetSeen);
}

/**
 * What preparing has to know: the pair's groups, every route of their load balancers that serves the pair, and
 * where the configured routes are. Groups and routes that do not exist are left out.
 */
export async function readSurvey(
  on: Balancers,
  pair: readonly string[],
  routes: readonly RouteRef[],
): Promise<SurveySeen> {
  const [groups, places] = await Promise.all([
    Promise.all(pair.map((arn) => unlessAbsent(readGroup(on, arn)))),
    Promise.all(
      routes.map(async (ref) => ({ arn: ref.arn, balancer: await unlessAbsent(balancerOf(on, ref)) })),
    ),
  ]);
  const known = groups.filter((group) => group !== undefined);
  const balancers = [...new Set(known.flatMap((group) => group.loadBalancers))];
  const serving = await Promise.all(balancers.map((arn) => servingRoutes(on, arn, pair)));
  return {
    groups: known,
    serving: serving.flat(),
    loadBalancers: Object.fromEntries(
      places.flatMap(({ arn, balancer }) => (balancer === undefined ? [] : [[arn, balancer]])),
    ),
  };
}

const describeListeners = "elasticloadbalancing:DescribeListeners";
const describeRules = "elasticloadbalancing:DescribeRules";

/** 100 entries a page; a load balancer has 50 listeners and 100 rules unless its quotas were raised. */
const pagesMax = 50;

async function readListener(on: Balancers, arn: string): Promise<Listener> {
  const answer = await on.call(describeListeners, (abortSignal) =>
    on.elb.send(new DescribeListenersCommand({ ListenerArns: [arn] }), { abortSignal }),
  );
  const [listener] = answer.Listeners ?? [];
  if (!listener) throw missing(describeListeners, "ListenerNotFound", arn);
  return listener;
}

async function readRule(on: Balancers, arn: string): Promise<Rule> {
  const answer = await on.call(describeRules, (abortSignal) =>
    on.elb.send(new DescribeRulesCommand({ RuleArns: [arn] }), { abortSignal }),
  );
  const [rule] = answer.Rules ?? [];
  if (!rule) throw missing(describeRules, "RuleNotFound", arn);
  return rule;
}

async function readGroup(on: Balancers, arn: string): Promise<TargetGroupSeen> {
  const action = "elasticloadbalancing:DescribeTargetGroups";
  const answer = await on.call(action, (abortSignal) =>
    on.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }), { abortSignal }),
  );
  const [group] = answer.TargetGroups ?? [];
  if (!group) throw missing(action, "TargetGroupNotFound", arn);
  return {
    arn,
    targetType: group.TargetType ?? "instance",
    protocol: group.Protocol ?? "",
    loadBalancers: group.LoadBalancerArns ?? [],
  };
}

async function balancerOf(on: Balancers, ref: RouteRef): Promise<string | undefined> {
  if (ref.kind === "listener") return (await readListener(on, ref.arn)).LoadBalancerArn;
  await readRule(on, ref.arn);
  return (await readListener(on, listenerArnOf(ref.arn))).LoadBalancerArn;
}

/** `…:listener-rule/app/NAME/LB/LISTENER/RULE` belongs to `…:listener/app/NAME/LB/LISTENER` (ELBv2 ARN formats). */
function listenerArnOf(ruleArn: string): string {
  return ruleArn.replace(":listener-rule/", ":listener/").replace(/\/[^/]*$/u, "");
}

async function servingRoutes(
  on: Balancers,
  balancerArn: string,
  pair: readonly string[],
): Promise<SurveySeen["serving"]> {
  const listeners = await allPages(describeListeners, { pagesMax }, async (Marker) => {
    const answer = await on.call(describeListeners, (abortSignal) =>
      on.elb.send(new DescribeListenersCommand({ LoadBalancerArn: balancerArn, Marker }), { abortSignal }),
    );
    return { items: answer.Listeners, next: answer.NextMarker };
  });
  const perListener = await Promise.all(
    listeners.map(async (listener) => {
      const arn = listener.ListenerArn ?? "";
      const rules = await readRules(on, balancerArn, arn);
      return [
        { ref: { kind: "listener", arn } satisfies RouteRef, actions: listener.DefaultActions ?? [] },
        ...rules.map((rule) => ({
          ref: { kind: "rule", arn: rule.RuleArn ?? "" } satisfies RouteRef,
          actions: rule.Actions ?? [],
        })),
      ];
    }),
  );
  return perListener
    .flat()
    .filter(({ actions }) => pairForward(actions, pair).kind !== "none")
    .map(({ ref, actions }) => ({ ref, weights: weightsOf(actions) }));
}

/** The rules of a listener, without the default one: that is the listener's own default action. */
async function readRules(on: Balancers, balancerArn: string, listenerArn: string): Promise<Rule[]> {
  // Only application load balancers have rules.
  if (!balancerArn.includes(":loadbalancer/app/")) return [];
  const rules = await allPages(describeRules, { pagesMax }, async (Marker) => {
    const answer = await on.call(describeRules, (abortSignal) =>
      on.elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn, Marker }), { abortSignal }),
    );
    return { items: answer.Rules, next: answer.NextMarker };
  });
  return rules.filter((rule) => !rule.IsDefault);
}

function targetSeen(seen: TargetHealthDescription): TargetSeen {
  return {
    address: `${seen.Target?.Id ?? ""}:${seen.Target?.Port ?? 0}`,
    state: stateOf(seen.TargetHealth?.State),
    ...(seen.TargetHealth?.Reason && { reason: seen.TargetHealth.Reason }),
  };
}

function stateOf(state: string | undefined): TargetSeen["state"] {
  // It still answers what it has, and gets nothing new.
  if (state === "unhealthy.draining") return "draining";
  return states.find((known) => known === state) ?? "unavailable";
}

const states = ["initial", "healthy", "unhealthy", "draining", "unused", "unavailable"] as const;

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CallFailed && error.fault.class === "absent") return undefined;
    throw error;
  }
}

function missing(action: string, code: string, arn: string): CallFailed {
  return new CallFailed({ class: "absent", code, message: `${arn} does not exist`, action });
}
