import { read, write } from "../action.ts";
import * as listeners from "./listeners.ts";
import * as loadBalancers from "./loadBalancers.ts";
import * as rules from "./rules.ts";
import * as shapes from "./shapes.ts";
import * as tags from "./tags.ts";
import * as groups from "./targetGroups.ts";
import * as targets from "./targets.ts";

/** The ELBv2 actions that the sandbox knows. */
export const elbActions = {
  AddTags: write(shapes.addTags, tags.addTags),
  CreateListener: write(shapes.createListener, listeners.createListener),
  CreateLoadBalancer: write(shapes.createLoadBalancer, loadBalancers.createLoadBalancer),
  CreateRule: write(shapes.createRule, rules.createRule),
  CreateTargetGroup: write(shapes.createTargetGroup, groups.createTargetGroup),
  DeleteListener: write(shapes.deleteListener, listeners.deleteListener),
  DeleteLoadBalancer: write(shapes.deleteLoadBalancer, listeners.deleteLoadBalancer),
  DeleteRule: write(shapes.deleteRule, rules.deleteRule),
  DeleteTargetGroup: write(shapes.targetGroupOnly, groups.deleteTargetGroup),
  DeregisterTargets: write(shapes.targets, targets.deregisterTargets),
  DescribeListeners: read(shapes.describeListeners, listeners.describeListeners),
  DescribeLoadBalancers: read(shapes.describeLoadBalancers, loadBalancers.describeLoadBalancers),
  DescribeRules: read(shapes.describeRules, rules.describeRules),
  DescribeTags: read(shapes.describeTags, tags.describeTags),
  DescribeTargetGroupAttributes: read(shapes.targetGroupOnly, groups.describeTargetGroupAttributes),
  DescribeTargetGroups: read(shapes.describeTargetGroups, groups.describeTargetGroups),
  DescribeTargetHealth: read(shapes.describeTargetHealth, targets.describeTargetHealth),
  ModifyListener: write(shapes.modifyListener, listeners.modifyListener),
  ModifyRule: write(shapes.modifyRule, rules.modifyRule),
  ModifyTargetGroup: write(shapes.modifyTargetGroup, groups.modifyTargetGroup),
  ModifyTargetGroupAttributes: write(shapes.modifyTargetGroupAttributes, groups.modifyTargetGroupAttributes),
  RegisterTargets: write(shapes.targets, targets.registerTargets),
  RemoveTags: write(shapes.removeTags, tags.removeTags),
  SetRulePriorities: write(shapes.setRulePriorities, rules.setRulePriorities),
};
