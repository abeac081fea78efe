import type { Aws } from "../model/aws.ts";
import { AwsError } from "../model/error.ts";
import { homeAccount } from "../model/region.ts";
import type { World, WorldPlace, WorldRoute } from "./schema.ts";

/** The ARNs of what there is in one place, by name. */
export interface PlaceArns {
  loadBalancers: Record<string, string>;
  targetGroups: Record<string, string>;
  /** By the listener's name, else `<load balancer>:<port>`. */
  listeners: Record<string, string>;
  /** By the rule's name, else `<load balancer>:<port>:<priority>`. */
  rules: Record<string, string>;
  clusters: Record<string, string>;
  /** By `family:revision`. */
  taskDefinitions: Record<string, string>;
  /** By `<cluster>/<service>`. */
  services: Record<string, string>;
  /** The first set of each service, by `<cluster>/<service>`. */
  taskSets: Record<string, string>;
  roles: Record<string, string>;
}

/** The ARNs of what a world consists of: at home, and elsewhere in the file's order. */
export interface WorldArns extends PlaceArns {
  elsewhere: (PlaceArns & { account: string; region: string })[];
}

/** Those of a world of nothing. */
export function noArns(): PlaceArns {
  return {
    loadBalancers: {},
    targetGroups: {},
    listeners: {},
    rules: {},
    clusters: {},
    taskDefinitions: {},
    services: {},
    taskSets: {},
    roles: {},
  };
}

const subnet = "subnet-00000000000000000";

/**
 * Builds a world by the same operations that a client would call, in the
 * file's order, so that the same seed and file give the same ARNs. Throws an
 * Error that names the thing when the model refuses it; not safe to repeat on
 * the same model.
 */
export function buildWorld(aws: Aws, world: World): WorldArns {
  const home = buildPlace(aws, { ...world, account: homeAccount });
  const elsewhere = world.elsewhere.map((place) => {
    const { account, region } = place;
    return { account, region, ...buildPlace(aws, place) };
  });
  return { ...home, elsewhere };
}

function buildPlace(aws: Aws, world: WorldPlace): PlaceArns {
  const { account, region } = world;
  const arns = noArns();
  const containers = new Map<string, { name: string; port: number }>();

  /** Calls the model with what the file asks for, then reads the ARN at the given keys of the answer. */
  const create = (what: string, service: Service, action: string, params: object, ...keys: string[]) => {
    try {
      return textAt(aws.perform(service, action, region, params, { accessKeyId: account }), keys);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new Error(`${what} can't be built: ${action}: ${error.code}: ${error.message}`, { cause: error });
    }
  };
  const elb = (what: string, action: string, params: object, ...keys: string[]) =>
    create(what, "elasticloadbalancing", action, params, ...keys);
  const ecs = (what: string, action: string, params: object, ...keys: string[]) =>
    create(what, "ecs", action, params, ...keys);

  for (const role of world.roles) arns.roles[role.name] = aws.sts.putRole({ ...role, account });

  for (const balancer of world.loadBalancers) {
    const balancerArn = elb(
      `load balancer ${balancer.name}`,
      "CreateLoadBalancer",
      {
        Name: balancer.name,
        Type: balancer.type,
        Subnets: [subnet],
        Tags: elbTags(balancer.tags),
        ...balancer.request,
      },
      "LoadBalancers",
      "0",
      "LoadBalancerArn",
    );
    arns.loadBalancers[balancer.name] = balancerArn;

    for (const group of balancer.targetGroups) {
      const check = group.healthCheck;
      const what = `target group ${group.name}`;
      const groupArn = elb(
        what,
        "CreateTargetGroup",
        {
          Name: group.name,
          Protocol: group.protocol,
          Port: group.port,
          TargetType: "ip",
          VpcId: "vpc-00000000000000000",
          HealthCheckPath: check.path,
          HealthCheckIntervalSeconds: check.intervalSeconds,
          HealthCheckTimeoutSeconds: check.timeoutSeconds,
          HealthyThresholdCount: check.healthyThreshold,
          UnhealthyThresholdCount: check.unhealthyThreshold,
          Matcher: check.matcher === undefined ? undefined : { HttpCode: check.matcher },
          Tags: elbTags(group.tags),
          ...group.request,
        },
        "TargetGroups",
        "0",
        "TargetGroupArn",
      );
      arns.targetGroups[group.name] = groupArn;
      const attributes = Object.entries(group.attributes).map(([Key, Value]) => ({ Key, Value }));
      if (attributes.length > 0) {
        elb(what, "ModifyTargetGroupAttributes", { TargetGroupArn: groupArn, Attributes: attributes });
      }
    }

    for (const listener of balancer.listeners) {
      const place = `${balancer.name}:${listener.port}`;
      const listenerArn = elb(
        `listener ${place}`,
        "CreateListener",
        {
          LoadBalancerArn: balancerArn,
          Port: listener.port,
          Protocol: listener.protocol,
          DefaultActions: actionsOf(listener, arns.targetGroups),
          Tags: elbTags(listener.tags),
          ...listener.request,
        },
        "Listeners",
        "0",
        "ListenerArn",
      );
      arns.listeners[listener.name ?? place] = listenerArn;
      for (const rule of listener.rules) {
        const { path, host, method, header } = rule.when;
        arns.rules[rule.name ?? `${place}:${rule.priority}`] = elb(
          `rule ${place}:${rule.priority}`,
          "CreateRule",
          {
            ListenerArn: listenerArn,
            Priority: rule.priority,
            Conditions: [
              ...(path === undefined ? [] : [{ Field: "path-pattern", PathPatternConfig: { Values: path } }]),
              ...(host === undefined ? [] : [{ Field: "host-header", HostHeaderConfig: { Values: host } }]),
              ...(method === undefined
                ? []
                : [{ Field: "http-request-method", HttpRequestMethodConfig: { Values: method } }]),
              ...Object.entries(header ?? {}).map(([HttpHeaderName, Values]) => ({
                Field: "http-header",
                HttpHeaderConfig: { HttpHeaderName, Values },
              })),
            ],
            Actions: actionsOf(rule, arns.targetGroups),
            Tags: elbTags(rule.tags),
          },
          "Rules",
          "0",
          "RuleArn",
        );
      }
    }
  }

  for (const definition of world.taskDefinitions) {
    const container = { name: definition.container ?? definition.family, port: definition.port };
    const arn = ecs(
      `task definition ${definition.family}`,
      "RegisterTaskDefinition",
      {
        family: definition.family,
        networkMode: "awsvpc",
        requiresCompatibilities: ["FARGATE"],
        cpu: "256",
        memory: "512",
        containerDefinitions: [
          {
            name: container.name,
            image: definition.image,
            essential: true,
            environment: Object.entries(definition.environment).map(([name, value]) => ({ name, value })),
            portMappings: [{ containerPort: container.port, protocol: "tcp" }],
          },
        ],
        tags: ecsTags(definition.tags),
        ...definition.request,
      },
      "taskDefinition",
      "taskDefinitionArn",
    );
    const revision = arn.slice(arn.lastIndexOf("/") + 1);
    arns.taskDefinitions[revision] = arn;
    containers.set(definition.family, container);
    containers.set(revision, container);
  }

  for (const cluster of world.clusters) {
    const params = { clusterName: cluster };
    arns.clusters[cluster] = ecs(`cluster ${cluster}`, "CreateCluster", params, "cluster", "clusterArn");
  }

  for (const service of world.services) {
    const name = `${service.cluster}/${service.name}`;
    const what = `service ${name}`;
    arns.services[name] = ecs(
      what,
      "CreateService",
      {
        cluster: service.cluster,
        serviceName: service.name,
        desiredCount: service.desiredCount,
        deploymentController: { type: "EXTERNAL" },
        healthCheckGracePeriodSeconds: service.healthCheckGraceSeconds,
        tags: ecsTags(service.tags),
        ...service.request,
      },
      "service",
      "serviceArn",
    );
    const set = service.taskSet;
    if (set === undefined) continue;
    const container = containers.get(set.taskDefinition);
    const taskSetArn = ecs(
      what,
      "CreateTaskSet",
      {
        cluster: service.cluster,
        service: service.name,
        taskDefinition: set.taskDefinition,
        launchType: "FARGATE",
        networkConfiguration: {
          awsvpcConfiguration: { subnets: [subnet], securityGroups: [], assignPublicIp: "DISABLED" },
        },
        loadBalancers:
          set.targetGroup === undefined
            ? []
            : [
                {
                  targetGroupArn: arns.targetGroups[set.targetGroup],
                  containerName: container?.name,
                  containerPort: container?.port,
                },
              ],
        scale: { value: set.scalePercent, unit: "PERCENT" },
        tags: ecsTags(set.tags),
        ...set.request,
      },
      "taskSet",
      "taskSetArn",
    );
    arns.taskSets[name] = taskSetArn;
    ecs(what, "UpdateServicePrimaryTaskSet", {
      cluster: service.cluster,
      service: service.name,
      primaryTaskSet: taskSetArn,
    });
  }
  return arns;
}

type Service = "ecs" | "elasticloadbalancing";

function actionsOf(route: WorldRoute, groups: Record<string, string>): unknown[] {
  if (route.actions !== undefined) return route.actions.map((action) => withArns(action, groups));
  if (route.fixed !== undefined) {
    const { status, contentType, body } = route.fixed;
    return [
      {
        Type: "fixed-response",
        FixedResponseConfig: { StatusCode: String(status), ContentType: contentType, MessageBody: body },
      },
    ];
  }
  return [
    {
      Type: "forward",
      ForwardConfig: {
        TargetGroups: Object.entries(route.forward ?? {}).map(([name, Weight]) => ({
          TargetGroupArn: groups[name],
          Weight,
        })),
        TargetGroupStickinessConfig:
          route.stickySeconds === undefined
            ? { Enabled: false }
            : { Enabled: true, DurationSeconds: route.stickySeconds },
      },
    },
  ];
}

/** A copy in which every `TargetGroupArn` that is the name of a group is its ARN. */
function withArns(value: unknown, groups: Record<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => withArns(one, groups));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "TargetGroupArn" && typeof inner === "string"
        ? (groups[inner] ?? inner)
        : withArns(inner, groups),
    ]),
  );
}

const elbTags = (tags: Record<string, string>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const ecsTags = (tags: Record<string, string>) =>
  Object.entries(tags).map(([key, value]) => ({ key, value }));

/** The text found by following the keys; empty when no keys are given. */
function textAt(answer: object, keys: readonly string[]): string {
  let at: unknown = answer;
  for (const key of keys) at = typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined;
  if (keys.length > 0 && typeof at !== "string")
    throw new Error(`the model's answer has no ${keys.join(".")}`);
  return typeof at === "string" ? at : "";
}
