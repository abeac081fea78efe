import type { z } from "zod";
import { page } from "../action.ts";
import { AwsError, validationError } from "../error.ts";
import type { Region } from "../region.ts";
import type * as shapes from "./shapes.ts";
import type { LoadBalancer } from "./state.ts";

/** The balancer of an ARN, or LoadBalancerNotFound. */
export function loadBalancer(region: Region, arn: string): LoadBalancer {
  const found = region.elb.loadBalancers.get(arn);
  if (found === undefined) throw new AwsError("LoadBalancerNotFound", `Load balancer '${arn}' not found`);
  return found;
}

/** Safe to repeat with the same parameters, as on AWS. */
export function createLoadBalancer(region: Region, input: z.output<typeof shapes.createLoadBalancer>) {
  const { elb } = region;
  const same = [...elb.loadBalancers.values()].find((balancer) => balancer.name === input.Name);
  if (same !== undefined) {
    if (same.type !== input.Type || same.scheme !== input.Scheme)
      throw new AwsError(
        "DuplicateLoadBalancerName",
        `A load balancer with the name '${input.Name}' but other settings exists`,
      );
    return { LoadBalancers: [view(region, same)] };
  }
  const prefix = { application: "app", network: "net", gateway: "gwy" }[input.Type];
  const balancer: LoadBalancer = {
    arn: region.elbArn(`loadbalancer/${prefix}/${input.Name}/${region.hex(16)}`),
    name: input.Name,
    type: input.Type,
    scheme: input.Scheme,
    subnets: input.Subnets,
    securityGroups: input.SecurityGroups,
    ipAddressType: input.IpAddressType,
    createdAt: region.now(),
  };
  elb.loadBalancers.set(balancer.arn, balancer);
  elb.tags.set(balancer.arn, input.Tags);
  return { LoadBalancers: [view(region, balancer)] };
}

export function describeLoadBalancers(region: Region, input: z.output<typeof shapes.describeLoadBalancers>) {
  const all = [...region.seenElb().loadBalancers.values()];
  const { LoadBalancerArns: arns, Names: names } = input;
  const chosen = all.filter(
    (balancer) => (arns?.includes(balancer.arn) ?? true) && (names?.includes(balancer.name) ?? true),
  );
  const wanted = [...(arns ?? []), ...(names ?? [])];
  const missing = wanted.find(
    (id) => !chosen.some((balancer) => balancer.arn === id || balancer.name === id),
  );
  if (missing !== undefined)
    throw new AwsError("LoadBalancerNotFound", `One or more load balancers not found: '${missing}'`);
  const { items, next } = page(chosen, input.PageSize, input.Marker, badMarker);
  return { LoadBalancers: items.map((balancer) => view(region, balancer)), NextMarker: next };
}

/** Deletes its listeners and rules with it. Deleting one that is gone succeeds. */
export function deleteLoadBalancer(
  region: Region,
  input: z.output<typeof shapes.deleteLoadBalancer>,
): {
  listenerArns: string[];
} {
  const { elb } = region;
  const listenerArns = [...elb.listeners.values()]
    .filter((listener) => listener.loadBalancerArn === input.LoadBalancerArn)
    .map((listener) => listener.arn);
  elb.loadBalancers.delete(input.LoadBalancerArn);
  elb.tags.delete(input.LoadBalancerArn);
  return { listenerArns };
}

export const badMarker = () => validationError("The marker is invalid.");

function view(region: Region, balancer: LoadBalancer) {
  return {
    LoadBalancerArn: balancer.arn,
    DNSName: `${balancer.name}-${balancer.arn.slice(-9)}.${region.name}.elb.amazonaws.com`,
    CanonicalHostedZoneId: "Z00000000000000000000",
    CreatedTime: new Date(balancer.createdAt),
    LoadBalancerName: balancer.name,
    Scheme: balancer.scheme,
    VpcId: "vpc-00000000",
    State: { Code: "active" },
    Type: balancer.type,
    AvailabilityZones: balancer.subnets.map((subnet) => ({ ZoneName: `${region.name}a`, SubnetId: subnet })),
    SecurityGroups: balancer.securityGroups,
    IpAddressType: balancer.ipAddressType,
  };
}
