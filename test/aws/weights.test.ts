/** Setting weights: nothing of a route changes but the weights of the pair, field by field. */
import { describe, expect, test } from "vitest";
import type { Action, Rule } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { AwsEffect } from "../../src/deployment/effect.ts";
import type { Outcome } from "../../src/deployment/observation.ts";
import { pairForward, restOf, weightsOf, withWeights } from "../../src/aws/routes.ts";
import {
  groupA,
  groupB,
  groupC,
  listenerArn,
  openGuard,
  ruleArn,
  sampleClock,
  Stub,
  stubCloud,
  target,
  type Received,
} from "./stub.ts";

const pair = [groupA, groupB];
const oidcConfig = {
  Issuer: "https://id.example.com",
  AuthorizationEndpoint: "https://id.example.com/authorize",
  TokenEndpoint: "https://id.example.com/token",
  UserInfoEndpoint: "https://id.example.com/me",
  ClientId: "shop",
  SessionCookieName: "session",
  Scope: "openid email",
  SessionTimeout: 604800,
  OnUnauthenticatedRequest: "authenticate" as const,
};
const oidc: Action = { Type: "authenticate-oidc", Order: 1, AuthenticateOidcConfig: oidcConfig };

function forward(groups: [string, number][], order = 2): Action {
  return {
    Type: "forward",
    Order: order,
    ForwardConfig: {
      TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })),
      TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 300 },
    },
  };
}

const full = [
  oidc,
  forward([
    [groupB, 0],
    [groupC, 7],
    [groupA, 100],
  ]),
];

function effect(kind: "listener" | "rule"): AwsEffect {
  return {
    kind: "setWeights",
    route: { kind, arn: kind === "rule" ? ruleArn : listenerArn },
    pair: { blue: groupA, green: groupB },
    from: { blue: 100, green: 0 },
    to: { blue: 90, green: 10 },
  };
}

function routeOf(actions: Action[]): (call: Received) => { ok: object } {
  return (call) => {
    if (call.action.endsWith("DescribeRules"))
      return { ok: { Rules: [{ RuleArn: ruleArn, Actions: actions }] } };
    if (call.action.endsWith("DescribeListeners")) {
      return { ok: { Listeners: [{ ListenerArn: listenerArn, DefaultActions: actions }] } };
    }
    return { ok: {} };
  };
}

async function set(kind: "listener" | "rule", actions: Action[]): Promise<{ outcome: Outcome; stub: Stub }> {
  const clock = sampleClock();
  const stub = new Stub(routeOf(actions));
  const outcome = await stubCloud(stub, { clock }).perform(target, effect(kind), openGuard(clock));
  return { outcome, stub };
}

/** The form's fields for a list of actions. */
function flat(prefix: string, value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return { [prefix]: String(value) };
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item: unknown, index) => [`member.${index + 1}`, item])
    : Object.entries(value);
  return Object.fromEntries(entries.flatMap(([key, item]) => Object.entries(flat(`${prefix}.${key}`, item))));
}

const changed: Action[] = [
  { ...oidc, AuthenticateOidcConfig: { ...oidcConfig, UseExistingClientSecret: true } },
  forward([
    [groupB, 10],
    [groupC, 7],
    [groupA, 90],
  ]),
];

test("a rule keeps its order, its other actions and groups, and its stickiness", async () => {
  const { outcome, stub } = await set("rule", full);
  expect(outcome.kind).toBe("done");
  expect(stub.received[1]).toEqual({
    action: "elasticloadbalancing:ModifyRule",
    input: { RuleArn: ruleArn, ...flat("Actions", changed) },
  });
});

test("a listener is sent its default actions and nothing else", async () => {
  const { outcome, stub } = await set("listener", full);
  expect(outcome.kind).toBe("done");
  expect(stub.received[1]).toEqual({
    action: "elasticloadbalancing:ModifyListener",
    input: { ListenerArn: listenerArn, ...flat("DefaultActions", changed) },
  });
});

test("a route that already stands there is not written", async () => {
  const { outcome, stub } = await set("rule", withWeights(full, 1, { [groupA]: 90, [groupB]: 10 }));
  expect(outcome).toMatchObject({ kind: "done", value: {} });
  expect(stub.actions()).toEqual(["elasticloadbalancing:DescribeRules"]);
});

test.each([
  [
    "changed by others",
    [
      forward([
        [groupA, 50],
        [groupB, 50],
      ]),
    ],
  ],
  ["without green", [forward([[groupA, 100]])]],
  ["without the pair", [forward([[groupC, 100]])]],
  ["that forwards nothing", [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "503" } }]],
] satisfies [string, Action[]][])("a route %s is not written", async (_what, actions) => {
  const { outcome, stub } = await set("listener", actions);
  expect(outcome).toMatchObject({ kind: "refused", fault: { class: "repeat", code: "Drift" } });
  expect(stub.actions()).toEqual(["elasticloadbalancing:DescribeListeners"]);
});

test("a route whose pair is in two forward actions is refused", async () => {
  const { outcome, stub } = await set("rule", [forward([[groupA, 100]]), forward([[groupB, 1]])]);
  expect(outcome).toMatchObject({ kind: "refused", fault: { class: "refuse", code: "AmbiguousRoute" } });
  expect(stub.received).toHaveLength(1);
});

test("a route that does not exist is absent", async () => {
  const clock = sampleClock();
  const cloud = stubCloud(new Stub(() => ({ error: "RuleNotFound" })), { clock });
  const outcome = await cloud.perform(target, effect("rule"), openGuard(clock));
  expect(outcome).toMatchObject({ kind: "refused", fault: { class: "absent" } });
});

test("a write that may have happened is unknown; a failed read before it is not", async () => {
  const clock = sampleClock();
  const stub = new Stub((call) =>
    call.action.includes("Modify") ? { cut: "ECONNRESET" } : routeOf(full)(call),
  );
  const cloud = stubCloud(stub, { clock });
  expect(await cloud.perform(target, effect("rule"), openGuard(clock))).toMatchObject({
    kind: "unknown",
    fault: { action: "elasticloadbalancing:ModifyRule" },
  });
  stub.answer(() => ({ cut: "ECONNRESET" }));
  expect(await cloud.perform(target, effect("rule"), openGuard(clock))).toMatchObject({ kind: "refused" });
});

describe("the forms that AWS treats alike", () => {
  const alone: Action = { Type: "forward", TargetGroupArn: groupA };
  const both: Action = {
    ...alone,
    Order: 1,
    ForwardConfig: {
      TargetGroups: [{ TargetGroupArn: groupA, Weight: 1 }],
      TargetGroupStickinessConfig: { Enabled: false },
    },
  };

  test("weigh alike", () => {
    expect(weightsOf([alone])).toEqual({ [groupA]: 1 });
    expect(weightsOf([both])).toEqual({ [groupA]: 1 });
    expect(pairForward([alone], pair)).toEqual({ kind: "one", index: 0 });
  });

  test("digest alike", () => {
    expect(restOf([both], pair)).toBe(restOf([alone], pair));
    const [first, second] = full;
    if (!first || !second) throw new Error("two actions");
    expect(restOf([second, first], pair)).toBe(restOf(full, pair));
    expect(restOf(changed, pair)).toBe(restOf(full, pair));
    const values: Rule = { Conditions: [{ Field: "path-pattern", Values: ["/a"] }] };
    const config: Rule = {
      Conditions: [{ Field: "path-pattern", Values: ["/a"], PathPatternConfig: { Values: ["/a"] } }],
    };
    expect(restOf(full, pair, config)).toBe(restOf(full, pair, values));
  });

  test("a single group keeps the form it had", () => {
    const [sent] = withWeights([both], 0, { [groupA]: 5 });
    expect(sent).toEqual({
      ...both,
      ForwardConfig: { ...both.ForwardConfig, TargetGroups: [{ TargetGroupArn: groupA, Weight: 5 }] },
    });
  });
});

const different: [string, Action[], Rule?][] = [
  ["another group's weight", withWeights(full, 1, { [groupC]: 8 })],
  [
    "a group more",
    [
      oidc,
      forward([
        [groupA, 100],
        [groupB, 0],
        [groupC, 7],
        ["d", 1],
      ]),
    ],
  ],
  [
    "a group less",
    [
      oidc,
      forward([
        [groupA, 100],
        [groupB, 0],
      ]),
    ],
  ],
  ["an action less", full.slice(1)],
  [
    "no stickiness",
    full.map((action) => ({
      ...action,
      ...(action.ForwardConfig && {
        ForwardConfig: { ...action.ForwardConfig, TargetGroupStickinessConfig: { Enabled: false } },
      }),
    })),
  ],
  ["a condition", full, { Conditions: [{ Field: "path-pattern", Values: ["/b"] }] }],
  ["a priority", full, { Priority: "9" }],
];

test.each(different)("%s changes the digest", (_what, actions, rule) => {
  expect(restOf(actions, pair, rule ?? {})).not.toBe(restOf(full, pair, {}));
});
