/** Network load balancers: listeners of layer 4 that share by weight, and what they refuse. */
import { describe, expect, test } from "vitest";
import { AwsError } from "../../../sandbox/model/error.ts";
import { forward, region, sandbox } from "../support.ts";

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
  return "none";
}

const Certificates = [{ CertificateArn: "arn:aws:acm:eu-west-1:0:certificate/1" }];

/** A TCP listener that shares over two groups, and a service whose tasks are in the first. */
function scene() {
  const box = sandbox();
  const LoadBalancerArn =
    box.aws.elb(region, "CreateLoadBalancer", { Name: "edge", Type: "network" }).LoadBalancers[0]
      ?.LoadBalancerArn ?? "";
  const group = (Name: string, Protocol = "TCP") =>
    box.aws.elb(region, "CreateTargetGroup", { Name, Protocol, Port: 9000, TargetType: "ip" }).TargetGroups[0]
      ?.TargetGroupArn ?? "";
  const [blue, green] = [group("edge-blue"), group("edge-green")];
  const create = (more: object) =>
    box.aws.elb(region, "CreateListener", {
      LoadBalancerArn,
      Protocol: "TCP",
      Port: 9000,
      DefaultActions: [forward([blue, 100], [green, 0])],
      ...more,
    }).Listeners[0]?.ListenerArn ?? "";
  const listener = create({});
  const modify = (more: object) => box.aws.elb(region, "ModifyListener", { ListenerArn: listener, ...more });
  return { ...box, LoadBalancerArn, group, blue, green, create, listener, modify };
}

describe("a network load balancer", () => {
  test("shares by the weights in force, which arrive after the propagation delay", () => {
    const box = scene();
    expect(box.listener).toContain(":listener/net/edge/");
    box.modify({ DefaultActions: [forward([box.blue, 90], [box.green, 10])] });
    const shares = () => box.aws.traffic.effectiveShares(box.listener);
    expect(shares()).toEqual({ [box.blue]: 1, [box.green]: 0 });
    box.clock.advance(1_000);
    expect(shares()).toEqual({ [box.blue]: 0.9, [box.green]: 0.1 });
    const [found] = box.aws.elb(region, "DescribeListeners", { ListenerArns: [box.listener] }).Listeners;
    expect(found).toMatchObject({ Protocol: "TCP", Port: 9000 });
    expect(found?.DefaultActions[0]?.ForwardConfig?.TargetGroups).toEqual([
      { TargetGroupArn: box.blue, Weight: 90 },
      { TargetGroupArn: box.green, Weight: 10 },
    ]);
  });

  test("serves a task set: its tasks become healthy targets, and both groups count as used", () => {
    const box = scene();
    box.aws.ecs(region, "CreateCluster", { clusterName: "demo" });
    box.aws.ecs(region, "RegisterTaskDefinition", {
      family: "edge",
      networkMode: "awsvpc",
      containerDefinitions: [{ name: "web", image: "edge:1", portMappings: [{ containerPort: 9000 }] }],
    });
    box.aws.ecs(region, "CreateService", {
      cluster: "demo",
      serviceName: "edge",
      desiredCount: 2,
      deploymentController: { type: "EXTERNAL" },
    });
    box.aws.ecs(region, "CreateTaskSet", {
      cluster: "demo",
      service: "edge",
      taskDefinition: "edge",
      launchType: "FARGATE",
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
      loadBalancers: [{ targetGroupArn: box.green, containerName: "web", containerPort: 9000 }],
      scale: { value: 100, unit: "PERCENT" },
    });
    box.clock.advance(20_000);
    const health = box.aws.elb(region, "DescribeTargetHealth", { TargetGroupArn: box.green });
    expect(health.TargetHealthDescriptions.map((one) => one.TargetHealth.State)).toEqual([
      "healthy",
      "healthy",
    ]);
    const answer = box.aws.traffic.answerFor(box.listener, { method: "GET", path: "/", headers: {} });
    expect(answer).toMatchObject({ kind: "forward", groups: [{ weight: 100 }, { weight: 0 }] });
  });

  test("carries a flow uncounted: CloudWatch has no requests of it", () => {
    const box = scene();
    box.flow(box.listener, { perMinute: 600 });
    box.clock.advance(180_000);
    expect(box.aws.recorder.minutes(0, Infinity)).toEqual([]);
    expect(box.aws.cloudwatch(region, "ListMetrics", {}).Metrics).toEqual([]);
  });

  test("has no rules and only forwards", () => {
    const box = scene();
    expect(
      code(() =>
        box.aws.elb(region, "CreateRule", {
          ListenerArn: box.listener,
          Priority: 1,
          Conditions: [{ Field: "path-pattern", Values: ["/x"] }],
          Actions: [forward([box.blue, 1])],
        }),
      ),
    ).toBe("InvalidConfigurationRequest");
    const fixed = [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "200" } }];
    expect(code(() => box.modify({ DefaultActions: fixed }))).toBe("InvalidLoadBalancerAction");
    const http = box.group("web", "HTTP");
    expect(code(() => box.modify({ DefaultActions: [forward([http, 1])] }))).toBe(
      "InvalidConfigurationRequest",
    );
  });

  test.each([
    ["TCP", "TCP", true],
    ["TCP", "TCP_UDP", true],
    ["TCP", "UDP", false],
    ["TCP", "TLS", false],
    ["TLS", "TCP", true],
    ["TLS", "TLS", true],
    ["TLS", "UDP", false],
    ["UDP", "UDP", true],
    ["UDP", "TCP", false],
    ["TCP_UDP", "TCP_UDP", true],
    ["TCP_UDP", "TCP", false],
  ])("a %s listener and a %s group", (Protocol, ofGroup, fits) => {
    const box = scene();
    const DefaultActions = [forward([box.group("other", ofGroup), 1])];
    const made = code(() => box.create({ Protocol, Port: 9001, Certificates, DefaultActions }));
    expect(made).toBe(fits ? "none" : "IncompatibleProtocols");
  });

  test("protocols, ports and certificates are checked when a listener is changed, too", () => {
    const box = scene();
    box.create({ Port: 9001, DefaultActions: [forward([box.group("other"), 1])] });
    expect(code(() => box.modify({ Protocol: "HTTP" }))).toBe("ValidationError");
    expect(code(() => box.modify({ Port: 9001 }))).toBe("DuplicateListener");
    expect(code(() => box.modify({ Protocol: "TLS" }))).toBe("ValidationError");
    expect(code(() => box.modify({ Protocol: "UDP" }))).toBe("IncompatibleProtocols");
    const secured = box.modify({ Protocol: "TLS", Certificates, SslPolicy: "p" }).Listeners[0];
    expect(secured).toMatchObject({ Protocol: "TLS", Certificates, SslPolicy: "p" });
    const plain = box.modify({ Protocol: "TCP" }).Listeners[0];
    expect(plain).toMatchObject({ Protocol: "TCP", Certificates: [] });
    expect(plain?.SslPolicy).toBeUndefined();
  });

  test("sticky groups need no lifetime, as there is no cookie", () => {
    const box = scene();
    const action = forward([box.blue, 1], [box.green, 1]);
    const ForwardConfig = { ...action.ForwardConfig, TargetGroupStickinessConfig: { Enabled: true } };
    expect(code(() => box.modify({ DefaultActions: [{ ...action, ForwardConfig }] }))).toBe("none");
    const { Attributes } = box.aws.elb(region, "DescribeTargetGroupAttributes", { TargetGroupArn: box.blue });
    expect(Attributes).toContainEqual({ Key: "stickiness.type", Value: "source_ip" });
  });
});
