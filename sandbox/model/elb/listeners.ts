import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import { storedActions } from "./actions.ts";
import { badMarker, deleteLoadBalancer as forgetLoadBalancer, loadBalancer } from "./loadBalancers.ts";
import type { Route } from "./routes.ts";
import type * as shapes from "./shapes.ts";
import { forwardedGroups, type Listener, type LoadBalancer } from "./state.ts";
import { usageChanged } from "./targets.ts";

/** The listener of an ARN, or ListenerNotFound. */
export function listener(region: Region, arn: string): Listener {
  const found = region.elb.listeners.get(arn);
  if (found === undefined)
    throw new AwsError("ListenerNotFound", `One or more listeners not found: '${arn}'`);
  return found;
}

export function createListener(region: Region, input: z.output<typeof shapes.createListener>) {
  const { elb } = region;
  const balancer = loadBalancer(region, input.LoadBalancerArn);
  const { Port: port, Protocol: protocol } = input;
  if (port === undefined || protocol === undefined)
    throw validationError("A port and protocol must be specified");
  const certificates = input.Certificates ?? [];
  const actions = storedActions(region, balancer, input.DefaultActions, []);
  checkListener(region, balancer, { arn: undefined, port, protocol, certificates, actions });
  const arn = `${balancer.arn.replace(":loadbalancer/", ":listener/")}/${region.hex(16)}`;
  const made: Listener = {
    arn,
    loadBalancerArn: balancer.arn,
    protocol,
    port,
    sslPolicy: input.SslPolicy,
    certificates,
    alpnPolicy: input.AlpnPolicy ?? [],
    actions,
    defaultRuleArn: `${arn.replace(":listener/", ":listener-rule/")}/${region.hex(16)}`,
  };
  elb.listeners.set(arn, made);
  elb.tags.set(arn, input.Tags);
  // Nothing older could be served meanwhile, so a new listener's default action is in force at once.
  region.routes.accept(arn, defaultRoute(made))();
  usageChanged(region);
  region.around.emitListeners();
  return { Listeners: [view(made)] };
}

/** Replaces the whole list of default actions when one is given; the traffic follows after the propagation delay. */
export function modifyListener(region: Region, input: z.output<typeof shapes.modifyListener>) {
  const found = listener(region, input.ListenerArn);
  const balancer = loadBalancer(region, found.loadBalancerArn);
  const actions =
    input.DefaultActions === undefined
      ? found.actions
      : storedActions(region, balancer, input.DefaultActions, found.actions);
  const { arn } = found;
  const protocol = input.Protocol ?? found.protocol;
  const port = input.Port ?? found.port;
  // Without encryption, certificate and policy go.
  const certificates = isSecure(protocol) ? (input.Certificates ?? found.certificates) : [];
  checkListener(region, balancer, { arn, port, protocol, certificates, actions });
  found.actions = actions;
  found.protocol = protocol;
  found.port = port;
  found.sslPolicy = isSecure(protocol) ? (input.SslPolicy ?? found.sslPolicy) : undefined;
  found.certificates = certificates;
  region.propagate(found.arn, defaultRoute(found));
  usageChanged(region);
  if (input.Port !== undefined) region.around.emitListeners();
  return { Listeners: [view(found)] };
}

export function describeListeners(region: Region, input: z.output<typeof shapes.describeListeners>) {
  const { ListenerArns: arns, LoadBalancerArn: balancerArn } = input;
  if (arns === undefined && balancerArn === undefined)
    throw validationError("You must specify either listener ARNs or a load balancer ARN");
  const all = region.seenElb().listeners;
  if (balancerArn !== undefined) loadBalancer(region, balancerArn);
  const missing = arns?.find((arn) => !all.has(arn));
  if (missing !== undefined)
    throw new AwsError("ListenerNotFound", `One or more listeners not found: '${missing}'`);
  const chosen = [...all.values()].filter(
    (one) =>
      (arns?.includes(one.arn) ?? true) && (balancerArn === undefined || one.loadBalancerArn === balancerArn),
  );
  const { items, next } = page(chosen, input.PageSize, input.Marker, badMarker);
  return { Listeners: items.map(view), NextMarker: next };
}

export function deleteListener(region: Region, input: z.output<typeof shapes.deleteListener>) {
  remove(region, listener(region, input.ListenerArn).arn);
  return {};
}

/** Deletes the balancer with its listeners and rules. Deleting one that is gone succeeds. */
export function deleteLoadBalancer(region: Region, input: z.output<typeof shapes.deleteLoadBalancer>) {
  for (const arn of forgetLoadBalancer(region, input).listenerArns) remove(region, arn);
  return {};
}

function remove(region: Region, listenerArn: string): void {
  const { elb } = region;
  for (const rule of elb.rules.values()) {
    if (rule.listenerArn !== listenerArn) continue;
    elb.rules.delete(rule.arn);
    region.routes.accept(rule.arn, undefined)();
  }
  elb.listeners.delete(listenerArn);
  elb.tags.delete(listenerArn);
  region.routes.accept(listenerArn, undefined)();
  usageChanged(region);
  region.around.emitListeners();
}

/** What a network load balancer's listener may forward to, by its protocol. */
const layer4: Record<string, readonly string[]> = {
  TCP: ["TCP", "TCP_UDP"],
  TLS: ["TCP", "TLS"],
  UDP: ["UDP", "TCP_UDP"],
  TCP_UDP: ["TCP_UDP"],
  QUIC: ["QUIC", "TCP_QUIC"],
  TCP_QUIC: ["TCP_QUIC"],
};

const isSecure = (protocol: string) => protocol === "HTTPS" || protocol === "TLS";

/** Refuses what the load balancer can't have as a listener; `arn` is its own once it exists. */
function checkListener(
  { elb }: Region,
  balancer: LoadBalancer,
  wanted: Pick<Listener, "port" | "protocol" | "certificates" | "actions"> & { arn: string | undefined },
): void {
  const { protocol } = wanted;
  const allowed = balancer.type === "application" ? ["HTTP", "HTTPS"] : Object.keys(layer4);
  if (!allowed.includes(protocol))
    throw validationError(`Listener protocol '${protocol}' must be one of '${allowed.join(", ")}'`);
  const taken = [...elb.listeners.values()].some(
    (one) => one.loadBalancerArn === balancer.arn && one.port === wanted.port && one.arn !== wanted.arn,
  );
  if (taken)
    throw new AwsError("DuplicateListener", "A listener already exists on this port for this load balancer");
  if (isSecure(protocol) && wanted.certificates.length === 0)
    throw validationError(`A certificate must be specified for ${protocol} listeners`);
  for (const { arn } of forwardedGroups(wanted.actions)) {
    const group = elb.groups.get(arn);
    const fits = layer4[protocol]?.includes(group?.protocol ?? "") ?? true;
    if (!fits)
      throw new AwsError(
        "IncompatibleProtocols",
        `A ${protocol} listener can't forward to the target group '${arn}' with protocol ${group?.protocol}`,
      );
  }
}

function defaultRoute({ arn, actions }: Listener): Route {
  return { arn, listenerArn: arn, priority: Infinity, conditions: [], actions };
}

function view(one: Listener) {
  return {
    ListenerArn: one.arn,
    LoadBalancerArn: one.loadBalancerArn,
    Port: one.port,
    Protocol: one.protocol,
    Certificates: one.certificates,
    SslPolicy: one.sslPolicy,
    AlpnPolicy: one.alpnPolicy.length > 0 ? one.alpnPolicy : undefined,
    DefaultActions: one.actions,
  };
}
