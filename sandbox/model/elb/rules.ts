import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import { storedActions } from "./actions.ts";
import { storedConditions } from "./conditions.ts";
import { listener } from "./listeners.ts";
import { badMarker, loadBalancer } from "./loadBalancers.ts";
import type * as shapes from "./shapes.ts";
import type { ElbState, Listener, Rule } from "./state.ts";
import { usageChanged } from "./targets.ts";

const rulesPerListener = 100;

export function createRule(region: Region, input: z.output<typeof shapes.createRule>) {
  const { elb } = region;
  const parent = listener(region, input.ListenerArn);
  const balancer = loadBalancer(region, parent.loadBalancerArn);
  if (balancer.type !== "application")
    throw new AwsError(
      "InvalidConfigurationRequest",
      "Rules are only supported by application load balancers",
    );
  const siblings = [...elb.rules.values()].filter((rule) => rule.listenerArn === parent.arn);
  if (siblings.some((rule) => rule.priority === input.Priority))
    throw new AwsError("PriorityInUse", `Priority '${input.Priority}' is currently in use`);
  if (siblings.length >= rulesPerListener)
    throw new AwsError("TooManyRules", `A listener takes at most ${rulesPerListener} rules`);
  const rule: Rule = {
    arn: `${parent.arn.replace(":listener/", ":listener-rule/")}/${region.hex(16)}`,
    listenerArn: parent.arn,
    priority: input.Priority,
    conditions: storedConditions(input.Conditions),
    actions: storedActions(region, balancer, input.Actions, []),
  };
  elb.rules.set(rule.arn, rule);
  elb.tags.set(rule.arn, input.Tags);
  changed(region, rule);
  return { Rules: [view(rule)] };
}

/** Replaces the whole list of actions or conditions that is given; the traffic follows after the propagation delay. */
export function modifyRule(region: Region, input: z.output<typeof shapes.modifyRule>) {
  const rule = changeable(region, input.RuleArn, "modified");
  const balancer = loadBalancer(region, listener(region, rule.listenerArn).loadBalancerArn);
  const actions =
    input.Actions === undefined ? rule.actions : storedActions(region, balancer, input.Actions, rule.actions);
  rule.conditions = input.Conditions === undefined ? rule.conditions : storedConditions(input.Conditions);
  rule.actions = actions;
  changed(region, rule);
  return { Rules: [view(rule)] };
}

export function deleteRule(region: Region, input: z.output<typeof shapes.deleteRule>) {
  const rule = changeable(region, input.RuleArn, "deleted");
  region.elb.rules.delete(rule.arn);
  region.elb.tags.delete(rule.arn);
  region.propagate(rule.arn, undefined);
  usageChanged(region);
  return {};
}

export function setRulePriorities(region: Region, input: z.output<typeof shapes.setRulePriorities>) {
  const moved = input.RulePriorities.map(({ RuleArn, Priority }) => ({
    rule: changeable(region, RuleArn, "modified"),
    priority: Priority,
  }));
  for (const { rule, priority } of moved) {
    const clash = [...region.elb.rules.values()].some(
      (other) =>
        other.listenerArn === rule.listenerArn &&
        other.priority === priority &&
        !moved.some((move) => move.rule === other),
    );
    if (clash) throw new AwsError("PriorityInUse", `Priority '${priority}' is currently in use`);
  }
  for (const { rule, priority } of moved) {
    rule.priority = priority;
    changed(region, rule);
  }
  return { Rules: moved.map(({ rule }) => view(rule)) };
}

/** A listener's rules with its default rule, or the rules named; at most 100 a page. */
export function describeRules(region: Region, input: z.output<typeof shapes.describeRules>) {
  const { ListenerArn: listenerArn, RuleArns: arns } = input;
  if ((listenerArn === undefined) === (arns === undefined))
    throw validationError("You must specify either listener rule ARNs or a listener ARN");
  const state = region.seenElb();
  if (listenerArn !== undefined && !state.listeners.has(listenerArn))
    throw new AwsError("ListenerNotFound", `One or more listeners not found: '${listenerArn}'`);
  const chosen =
    arns === undefined
      ? rulesOf(state, listenerArn)
      : arns.map((arn) => {
          const found = rulesOf(state, undefined).find((rule) => rule.RuleArn === arn);
          if (found === undefined)
            throw new AwsError("RuleNotFound", `One or more rules not found: '${arn}'`);
          return found;
        });
  const { items, next } = page(chosen, Math.min(input.PageSize, 100), input.Marker, badMarker);
  return { Rules: items, NextMarker: next };
}

/** By priority, the default rule last. */
function rulesOf(state: ElbState, listenerArn: string | undefined) {
  const rules = [...state.rules.values()]
    .filter((rule) => listenerArn === undefined || rule.listenerArn === listenerArn)
    .sort((a, b) => a.priority - b.priority)
    .map(view);
  const defaults = [...state.listeners.values()]
    .filter((parent) => listenerArn === undefined || parent.arn === listenerArn)
    .map(defaultView);
  return [...rules, ...defaults];
}

function changeable(region: Region, arn: string, verb: string): Rule {
  const rule = region.elb.rules.get(arn);
  if (rule !== undefined) return rule;
  if ([...region.elb.listeners.values()].some((parent) => parent.defaultRuleArn === arn))
    throw new AwsError("OperationNotPermitted", `Default rule '${arn}' cannot be ${verb}`);
  throw new AwsError("RuleNotFound", `One or more rules not found: '${arn}'`);
}

function changed(region: Region, rule: Rule): void {
  const { arn, listenerArn, priority, conditions, actions } = rule;
  region.propagate(arn, { arn, listenerArn, priority, conditions, actions });
  usageChanged(region);
}

function view(rule: Rule) {
  return {
    RuleArn: rule.arn,
    Priority: String(rule.priority),
    Conditions: rule.conditions,
    Actions: rule.actions,
    IsDefault: false,
  };
}

function defaultView(parent: Listener): ReturnType<typeof view> {
  return {
    RuleArn: parent.defaultRuleArn,
    Priority: "default",
    Conditions: [],
    Actions: parent.actions,
    IsDefault: true,
  };
}
