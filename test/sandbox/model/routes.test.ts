import { expect, test } from "vitest";
import { AwsError } from "../../../sandbox/model/error.ts";
import { forward, region, sandbox, shop } from "../support.ts";

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
  return "none";
}

const oidc = {
  Issuer: "https://id.example",
  AuthorizationEndpoint: "https://id.example/a",
  TokenEndpoint: "https://id.example/t",
  UserInfoEndpoint: "https://id.example/u",
  ClientId: "me",
};

test("what a forward may not be", () => {
  const box = sandbox();
  const { blue, green, listener } = shop(box);
  const modify = (...groups: [string, number][]) =>
    code(() =>
      box.aws.elb(region, "ModifyListener", { ListenerArn: listener, DefaultActions: [forward(...groups)] }),
    );
  expect(modify([blue, -1])).toBe("ValidationError");
  expect(modify([blue, 1000])).toBe("ValidationError");
  expect(modify([blue, 999], [green, 0])).toBe("none");
  expect(modify([`${blue}x`, 1])).toBe("TargetGroupNotFound");
  const more = Array.from({ length: 6 }, (_, i) => [`${blue}${i}`, 1] satisfies [string, number]);
  expect(modify(...more)).toBe("TooManyTargetGroups");
  const other =
    box.aws.elb(region, "CreateLoadBalancer", { Name: "other" }).LoadBalancers[0]?.LoadBalancerArn ?? "";
  expect(
    code(() =>
      box.aws.elb(region, "CreateListener", {
        LoadBalancerArn: other,
        Port: 80,
        Protocol: "HTTP",
        DefaultActions: [forward([blue, 1])],
      }),
    ),
  ).toBe("TargetGroupAssociationLimit");
  expect(code(() => box.aws.elb(region, "DeleteTargetGroup", { TargetGroupArn: blue }))).toBe(
    "ResourceInUse",
  );
});

test("one group comes back both as TargetGroupArn and ForwardConfig, a weight left out as 1", () => {
  const box = sandbox();
  const { blue, listener } = shop(box);
  const { Listeners } = box.aws.elb(region, "ModifyListener", {
    ListenerArn: listener,
    DefaultActions: [{ Type: "forward", TargetGroupArn: blue }],
  });
  expect(Listeners[0]?.DefaultActions).toEqual([
    {
      Type: "forward",
      TargetGroupArn: blue,
      ForwardConfig: {
        TargetGroups: [{ TargetGroupArn: blue, Weight: 1 }],
        TargetGroupStickinessConfig: { Enabled: false },
      },
    },
  ]);
});

test("sticky groups need a sticky action when they are several", () => {
  const box = sandbox();
  const { blue, green, listener } = shop(box);
  box.aws.elb(region, "ModifyTargetGroupAttributes", {
    TargetGroupArn: blue,
    Attributes: [{ Key: "stickiness.enabled", Value: "true" }],
  });
  const modify = (cookie?: { Enabled: boolean; DurationSeconds?: number }) => {
    const action = forward([blue, 1], [green, 1]);
    return code(() =>
      box.aws.elb(region, "ModifyListener", {
        ListenerArn: listener,
        DefaultActions: [
          { ...action, ForwardConfig: { ...action.ForwardConfig, TargetGroupStickinessConfig: cookie } },
        ],
      }),
    );
  };
  expect(modify()).toBe("InvalidConfigurationRequest");
  expect(modify({ Enabled: true })).toBe("ValidationError");
  expect(modify({ Enabled: true, DurationSeconds: 604_801 })).toBe("ValidationError");
  expect(modify({ Enabled: true, DurationSeconds: 60 })).toBe("none");
  expect(box.aws.traffic.listeners()).toHaveLength(1);
  box.clock.advance(1_000);
  expect(box.aws.traffic.answerFor(listener, { method: "GET", path: "/", headers: {} })).toMatchObject({
    groupStickiness: { durationSeconds: 60 },
    groups: [{ stickyTarget: { durationSeconds: 86_400 } }, {}],
  });
});

test("an authenticate-oidc action never shows its secret and must be told to keep it", () => {
  const box = sandbox();
  const { blue, listener } = shop(box);
  const modify = (more: object) =>
    box.aws.elb(region, "ModifyListener", {
      ListenerArn: listener,
      DefaultActions: [
        { Type: "authenticate-oidc", Order: 1, AuthenticateOidcConfig: { ...oidc, ...more } },
        { ...forward([blue, 1]), Order: 2 },
      ],
    });
  expect(code(() => modify({ UseExistingClientSecret: true }))).toBe("ValidationError");
  const stored = modify({ ClientSecret: "hush" }).Listeners[0]?.DefaultActions;
  expect(JSON.stringify(stored)).not.toContain("hush");
  expect(stored?.[0]?.AuthenticateOidcConfig).toEqual(oidc);
  expect(code(() => modify({}))).toBe("ValidationError");
  expect(code(() => modify({ UseExistingClientSecret: true }))).toBe("none");
});

test("rules: priority decides, the default rule can't be modified, a change takes its time", () => {
  const box = sandbox();
  const { blue, green, listener } = shop(box);
  const rule = (Priority: number, path: string, arn: string) =>
    box.aws.elb(region, "CreateRule", {
      ListenerArn: listener,
      Priority,
      Conditions: [{ Field: "path-pattern", Values: [path] }],
      Actions: [forward([arn, 1])],
    }).Rules[0]?.RuleArn ?? "";
  const wide = rule(20, "/api/*", blue);
  const narrow = rule(10, "/api/v2*", green);
  expect(code(() => rule(10, "/x", blue))).toBe("PriorityInUse");
  const met = (path: string) => {
    const answer = box.aws.traffic.answerFor(listener, { method: "GET", path, headers: {} });
    return answer?.ruleArn;
  };
  expect(met("/api/v2/x")).toBe(listener);
  box.clock.advance(1_000);
  expect(met("/api/v2/x")).toBe(narrow);
  expect(met("/api/v1")).toBe(wide);
  expect(met("/api")).toBe(listener);
  box.aws.elb(region, "ModifyRule", { RuleArn: wide, Actions: [forward([blue, 1], [green, 3])] });
  box.clock.advance(999);
  expect(box.aws.traffic.effectiveShares(wide)).toEqual({ [blue]: 1 });
  box.clock.advance(1);
  expect(box.aws.traffic.effectiveShares(wide)).toEqual({ [blue]: 0.25, [green]: 0.75 });
  box.aws.elb(region, "DeleteRule", { RuleArn: narrow });
  expect(met("/api/v2/x")).toBe(narrow);
  box.clock.advance(1_000);
  expect(met("/api/v2/x")).toBe(wide);

  const all = box.aws.elb(region, "DescribeRules", { ListenerArn: listener }).Rules;
  expect(all.map((one) => one.Priority)).toEqual(["20", "default"]);
  const defaultArn = all[1]?.RuleArn ?? "";
  expect(
    code(() => box.aws.elb(region, "ModifyRule", { RuleArn: defaultArn, Actions: [forward([blue, 1])] })),
  ).toBe("OperationNotPermitted");
  expect(code(() => box.aws.elb(region, "ModifyRule", { RuleArn: narrow }))).toBe("RuleNotFound");
});

test("of two changes in flight the later one wins, whichever arrives first", () => {
  const box = sandbox({ propagationMs: 5_000 });
  const { blue, green, listener } = shop(box);
  const share = (weight: number) =>
    box.aws.elb(region, "ModifyListener", {
      ListenerArn: listener,
      DefaultActions: [forward([blue, 100 - weight], [green, weight])],
    });
  share(10);
  box.aws.settings.propagationMs = 1_000;
  share(50);
  box.clock.advance(1_000);
  expect(box.aws.traffic.effectiveShares(listener)[green]).toBe(0.5);
  box.clock.advance(10_000);
  expect(box.aws.traffic.effectiveShares(listener)[green]).toBe(0.5);
});

test("rules come in pages of 100", () => {
  const box = sandbox();
  const { blue, listener } = shop(box);
  for (let priority = 1; priority <= 100; priority++)
    box.aws.elb(region, "CreateRule", {
      ListenerArn: listener,
      Priority: priority,
      Conditions: [
        { Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "X-A", Values: [`v${priority}`] } },
      ],
      Actions: [forward([blue, 1])],
    });
  const first = box.aws.elb(region, "DescribeRules", { ListenerArn: listener });
  expect(first.Rules).toHaveLength(100);
  const second = box.aws.elb(region, "DescribeRules", { ListenerArn: listener, Marker: first.NextMarker });
  expect(second.Rules.map((rule) => rule.IsDefault)).toEqual([true]);
  expect(second.NextMarker).toBeUndefined();
});

test("a group in no listener or rule is not checked; once attached it is", () => {
  const box = sandbox();
  const { listener, blue } = shop(box);
  const arn =
    box.aws.elb(region, "CreateTargetGroup", { Name: "idle", Port: 80, TargetType: "ip" }).TargetGroups[0]
      ?.TargetGroupArn ?? "";
  box.aws.elb(region, "RegisterTargets", { TargetGroupArn: arn, Targets: [{ Id: "10.9.9.9" }] });
  const health = () =>
    box.aws.elb(region, "DescribeTargetHealth", { TargetGroupArn: arn }).TargetHealthDescriptions[0]
      ?.TargetHealth;
  box.clock.advance(10_000);
  expect(health()).toMatchObject({ State: "unused", Reason: "Target.NotInUse" });
  box.aws.elb(region, "ModifyListener", {
    ListenerArn: listener,
    DefaultActions: [forward([blue, 1], [arn, 0])],
  });
  expect(health()).toMatchObject({ State: "initial" });
  box.clock.advance(500);
  expect(health()).toMatchObject({ State: "healthy" });
});

test("thresholds count checks in a row", () => {
  const box = sandbox({ firstHealthCheckSuffices: false });
  const { blue } = shop(box);
  const answers = [true, true, false, true, true, true, true, true, false, true, false, false];
  box.aws.traffic.useProber(() => answers.shift() ?? false);
  box.aws.elb(region, "RegisterTargets", { TargetGroupArn: blue, Targets: [{ Id: "10.9.9.9" }] });
  const state = () =>
    box.aws.elb(region, "DescribeTargetHealth", { TargetGroupArn: blue }).TargetHealthDescriptions[0]
      ?.TargetHealth.State;
  const seen: (string | undefined)[] = [];
  for (let left = answers.length; left > 0;) {
    box.clock.advance(1);
    if (answers.length === left) continue;
    left = answers.length;
    seen.push(state());
  }
  expect(seen).toEqual([
    ...Array.from({ length: 7 }, () => "initial"),
    "healthy",
    "healthy",
    "healthy",
    "healthy",
    "unhealthy",
  ]);
});
