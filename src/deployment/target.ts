/**
 * What is deployed, and where: a service of the configuration as it was when its deployment began.
 * ECS's words keep ECS's spelling, so that what is read can be sent back.
 */

/** A listener's default action or one rule that shares traffic over the pair. */
export interface RouteRef {
  kind: "listener" | "rule";
  arn: string;
}

/** Another account than Teal's own, and the way into it. */
export interface AccountRef {
  /** The role that Teal assumes for everything it reads and changes there. */
  roleArn: string;
  /** What the role asks for before it lets itself be assumed. Not secret (AWS docs, IAM, external ids). */
  externalId?: string;
}

export interface ServiceTarget {
  /** The name in `teal.yaml`; how people and CI call it. */
  name: string;
  region: string;
  /** Left out: the account of Teal's own credentials. */
  account?: AccountRef;
  cluster: string;
  /** The ECS service's name. */
  service: string;
  /** The pair; empty for a service that no load balancer serves. */
  targetGroups: [string, string] | [];
  routes: RouteRef[];
  /** Routes on which green is tried before production traffic. */
  testRoutes?: RouteRef[];
  /** The first task set, for a service that has no PRIMARY one yet. */
  taskSet?: TaskSetSpec;
}

/** Every route of a service, those of production first. */
export function routesOf(target: ServiceTarget): RouteRef[] {
  return [...target.routes, ...(target.testRoutes ?? [])];
}

/** The number of the account that a service is in, as far as its configuration tells. */
export function accountIdOf({
  account,
  cluster,
  targetGroups,
}: Pick<ServiceTarget, "account" | "cluster" | "targetGroups">): string | undefined {
  const named = [account?.roleArn, cluster, ...targetGroups];
  // arn:partition:service:region:account:resource
  return named.map((arn) => arn?.split(":")[4]).find((id) => id !== undefined);
}

export interface LoadBalancerSpec {
  targetGroupArn?: string;
  loadBalancerName?: string;
  containerName?: string;
  containerPort?: number;
}

export interface ServiceRegistrySpec {
  registryArn?: string;
  port?: number;
  containerName?: string;
  containerPort?: number;
}

export interface NetworkConfiguration {
  awsvpcConfiguration?: {
    subnets: string[];
    securityGroups?: string[];
    assignPublicIp?: "ENABLED" | "DISABLED";
  };
}

export interface CapacityProviderItem {
  capacityProvider: string;
  weight?: number;
  base?: number;
}

export interface Tag {
  key: string;
  value: string;
}

/**
 * Everything of a task set that `CreateTaskSet` takes and that a new version inherits from the old one
 * (AWS docs, CreateTaskSet). `launchType` and `capacityProviderStrategy` exclude each other; with neither,
 * the cluster's default strategy applies.
 */
export interface TaskSetSpec {
  taskDefinition?: string;
  externalId?: string;
  networkConfiguration?: NetworkConfiguration;
  loadBalancers?: LoadBalancerSpec[];
  serviceRegistries?: ServiceRegistrySpec[];
  launchType?: string;
  capacityProviderStrategy?: CapacityProviderItem[];
  platformVersion?: string;
  tags?: Tag[];
}

/** Tag keys that Teal puts on what it creates. They tell whose a set is even when Redis is gone. */
export const tagKeys = {
  deployment: "teal:deployment",
  service: "teal:service",
  /** Blue's id and scale in percent: `ecs-svc/1 100`; or `none`. */
  blue: "teal:blue",
  /** The pair's weights before, route by route: `1:0 1:0`. */
  before: "teal:before",
  rollingBack: "teal:rolling-back",
} as const;

/** Most tags that a task set or task definition may carry (AWS docs). */
export const tagsMax = 50;

/** Most task sets that a service may have, draining ones included (AWS docs). */
export const taskSetsMax = 5;
