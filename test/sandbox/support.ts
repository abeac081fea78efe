import { ECSClient } from "@aws-sdk/client-ecs";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { SteppedClock } from "../../sandbox/clock.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import { startAws } from "../../sandbox/start.ts";

export const region = "eu-west-1";

/** Short times, so that a test steps seconds and not minutes. */
export const quick: Partial<Settings> = {
  taskStartMs: 2_000,
  taskStopMs: 500,
  schedulerDelayMs: 100,
  steadyDelayMs: 1_000,
  exitNoticeMs: 200,
  startBackoffMs: 1_000,
  healthCheckIntervalMs: 500,
  deregistrationDelayMs: 3_000,
  propagationMs: 1_000,
};

/** SDK clients with dummy credentials on an in-process sandbox in stepped time, and the model itself. */
export function sandbox(settings: Partial<Settings> = {}, seed = 1) {
  const clock = new SteppedClock();
  const local = startAws({ clock, seed, settings: { ...quick, ...settings } });
  const config = {
    region,
    endpoint: "http://sandbox.invalid",
    credentials: { accessKeyId: "dummy", secretAccessKey: "dummy" },
    requestHandler: local.handler(),
    maxAttempts: 1,
  };
  return {
    ...local,
    clock,
    config,
    ecs: new ECSClient(config),
    elb: new ElasticLoadBalancingV2Client(config),
  };
}

export type Sandbox = ReturnType<typeof sandbox>;

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the sandbox gave nothing back");
  return value;
}

/** One balancer whose listener shares over `blue` (1) and `green` (0), a definition, a cluster, a service of 4. */
export function shop({ aws }: Sandbox, desiredCount = 4) {
  const balancer = must(
    aws.elb(region, "CreateLoadBalancer", { Name: "shop" }).LoadBalancers[0],
  ).LoadBalancerArn;
  const group = (Name: string) =>
    must(
      aws.elb(region, "CreateTargetGroup", { Name, Port: 8080, TargetType: "ip", HealthCheckPath: "/health" })
        .TargetGroups[0],
    ).TargetGroupArn;
  const blue = group("shop-blue");
  const green = group("shop-green");
  const listener = must(
    aws.elb(region, "CreateListener", {
      LoadBalancerArn: balancer,
      Protocol: "HTTP",
      Port: 80,
      DefaultActions: [forward([blue, 1], [green, 0])],
    }).Listeners[0],
  ).ListenerArn;
  aws.ecs(region, "CreateCluster", { clusterName: "demo" });
  const register = (image: string) =>
    aws.ecs(region, "RegisterTaskDefinition", {
      family: "shop",
      networkMode: "awsvpc",
      containerDefinitions: [{ name: "web", image, portMappings: [{ containerPort: 8080 }] }],
    }).taskDefinition.taskDefinitionArn;
  const definition = register("shop:1");
  aws.ecs(region, "CreateService", {
    cluster: "demo",
    serviceName: "shop",
    desiredCount,
    deploymentController: { type: "EXTERNAL" },
  });
  return { balancer, blue, green, listener, definition, register };
}

export function forward(...groups: [arn: string, weight: number][]) {
  return {
    Type: "forward" as const,
    ForwardConfig: { TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })) },
  };
}

/** Parameters of CreateTaskSet for `shop`. */
export function taskSet(taskDefinition: string, targetGroupArn: string, scalePercent = 100) {
  return {
    cluster: "demo",
    service: "shop",
    taskDefinition,
    launchType: "FARGATE" as const,
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    loadBalancers: [{ targetGroupArn, containerName: "web", containerPort: 8080 }],
    scale: { value: scalePercent, unit: "PERCENT" as const },
  };
}
