import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import type { ActionInput } from "./shapes.ts";
import { loadBalancersOf, type LoadBalancer, type StoredAction } from "./state.ts";

const groupsPerForward = 5;
const weightMax = 999;
const cookieSecondsMax = 604_800;

const invalidActions = (message: string) => new AwsError("InvalidLoadBalancerAction", message);

/**
 * Checks a list of actions for one balancer and gives it the form in which AWS
 * stores it: ordered, with every forward as ForwardConfig (and TargetGroupArn
 * besides when it has one group), and without client secrets.
 * `before` is what the list replaces: UseExistingClientSecret leans on it.
 */
export function storedActions(
  region: Region,
  balancer: LoadBalancer,
  actions: readonly ActionInput[],
  before: readonly StoredAction[],
): StoredAction[] {
  if (actions.length === 0) throw validationError("A listener or rule needs at least one action.");
  const orders = actions.map((action, at) => action.Order ?? at + 1);
  if (new Set(orders).size !== orders.length) throw invalidActions("Action orders must be unique.");
  const stored = actions
    .map((action, at) => ({ ...storedAction(region, balancer, action, before), Order: orders[at] ?? at + 1 }))
    .sort((a, b) => a.Order - b.Order);
  const terminal = stored.filter((action) => ["forward", "redirect", "fixed-response"].includes(action.Type));
  if (terminal.length !== 1 || stored.at(-1) !== terminal[0])
    throw invalidActions("The last action must be the only forward, redirect or fixed-response action.");
  // A single action that came without an order goes back without one.
  return stored.length === 1 && actions[0]?.Order === undefined
    ? stored.map(({ Order: _order, ...action }) => action)
    : stored;
}

function storedAction(
  region: Region,
  balancer: LoadBalancer,
  action: ActionInput,
  before: readonly StoredAction[],
): StoredAction {
  switch (action.Type) {
    case "forward":
      return storedForward(region, balancer, action);
    case "fixed-response":
      if (action.FixedResponseConfig === undefined)
        throw invalidActions("A fixed-response action needs a FixedResponseConfig.");
      break;
    case "redirect":
      if (action.RedirectConfig === undefined)
        throw invalidActions("A redirect action needs a RedirectConfig.");
      break;
    case "authenticate-oidc":
      return storedOidc(action, before);
    case "authenticate-cognito":
    case "jwt-validation":
      break;
  }
  if (balancer.type === "network") throw invalidActions("A network load balancer can only forward.");
  return action;
}

function storedForward(region: Region, balancer: LoadBalancer, action: ActionInput): StoredAction {
  const config = action.ForwardConfig;
  const single = action.TargetGroupArn;
  const groups = config?.TargetGroups ?? (single === undefined ? [] : [{ TargetGroupArn: single }]);
  const [first] = groups;
  if (first === undefined) throw invalidActions("A forward action needs at least one target group.");
  if (config !== undefined && single !== undefined && (groups.length > 1 || first.TargetGroupArn !== single))
    throw invalidActions("TargetGroupArn and ForwardConfig name different target groups.");
  if (groups.length > groupsPerForward)
    throw new AwsError(
      "TooManyTargetGroups",
      `A forward action takes at most ${groupsPerForward} target groups.`,
    );
  if (new Set(groups.map((group) => group.TargetGroupArn)).size !== groups.length)
    throw validationError("A target group can be named only once in a forward action.");
  for (const { TargetGroupArn: arn, Weight: weight = 1 } of groups) {
    if (!Number.isInteger(weight) || weight < 0 || weight > weightMax)
      throw validationError(`Weight ${weight} of target group '${arn}' must be between 0 and ${weightMax}`);
    checkGroup(region, balancer, arn);
  }
  const cookie = config?.TargetGroupStickinessConfig;
  const seconds = cookie?.DurationSeconds;
  // A network load balancer has no cookie, so it needs no lifetime.
  const isCookie = cookie?.Enabled === true && balancer.type === "application";
  if (isCookie && (seconds === undefined || seconds < 1 || seconds > cookieSecondsMax))
    throw validationError(
      `DurationSeconds must be between 1 and ${cookieSecondsMax} when stickiness is enabled`,
    );
  const sticky = (arn: string) => region.elb.groups.get(arn)?.attributes.get("stickiness.enabled") === "true";
  if (groups.length > 1 && cookie?.Enabled !== true && groups.some((group) => sticky(group.TargetGroupArn)))
    throw new AwsError(
      "InvalidConfigurationRequest",
      "Target group stickiness must be enabled on the action when one of its several target groups has stickiness enabled",
    );
  return {
    Type: "forward",
    ...(action.Order === undefined ? {} : { Order: action.Order }),
    ...(groups.length === 1 ? { TargetGroupArn: first.TargetGroupArn } : {}),
    ForwardConfig: {
      TargetGroups: groups.map((group) => ({
        TargetGroupArn: group.TargetGroupArn,
        Weight: "Weight" in group ? (group.Weight ?? 1) : 1,
      })),
      TargetGroupStickinessConfig: {
        Enabled: cookie?.Enabled ?? false,
        ...(seconds === undefined ? {} : { DurationSeconds: seconds }),
      },
    },
  };
}

function checkGroup(region: Region, balancer: LoadBalancer, arn: string): void {
  const group = region.elb.groups.get(arn);
  if (group === undefined)
    throw new AwsError("TargetGroupNotFound", `One or more target groups not found: '${arn}'`);
  const layer7 = group.protocol === "HTTP" || group.protocol === "HTTPS";
  if (layer7 !== (balancer.type === "application"))
    throw new AwsError(
      "InvalidConfigurationRequest",
      `The target group '${arn}' has protocol ${group.protocol}, which ${balancer.type} load balancers do not support`,
    );
  const other = loadBalancersOf(region.elb, arn).find((loadBalancer) => loadBalancer !== balancer.arn);
  if (other !== undefined)
    throw new AwsError(
      "TargetGroupAssociationLimit",
      `The following target groups cannot be associated with more than one load balancer: ${arn}`,
    );
}

function storedOidc(action: ActionInput, before: readonly StoredAction[]): StoredAction {
  const config = action.AuthenticateOidcConfig;
  if (config === undefined)
    throw invalidActions("An authenticate-oidc action needs an AuthenticateOidcConfig.");
  const { ClientSecret: secret, UseExistingClientSecret: existing, ...kept } = config;
  const had = before.some((other) => other.AuthenticateOidcConfig?.ClientId === config.ClientId);
  if (secret === undefined && !(existing === true && had))
    throw validationError(
      "A client secret is required. Set ClientSecret, or UseExistingClientSecret when the action already has one",
    );
  return { ...action, AuthenticateOidcConfig: kept };
}
