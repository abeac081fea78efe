/** Deployments one after the other: the pair alternates, and nothing else of the service's surroundings changes. */
import { describe, expect, it } from "vitest";
import type { ActionInput } from "../../sandbox/model/elb/shapes.ts";
import { surroundings, watchedWorld } from "../support/scenario.ts";
import { canary, region } from "../support/world.ts";

type Actions = (forward: { TargetGroupArn: string; Weight: number }[], third: string) => ActionInput[];

const oidc = {
  Type: "authenticate-oidc" as const,
  Order: 1,
  AuthenticateOidcConfig: {
    Issuer: "https://id.example",
    AuthorizationEndpoint: "https://id.example/authorize",
    TokenEndpoint: "https://id.example/token",
    UserInfoEndpoint: "https://id.example/me",
    ClientId: "shop",
    ClientSecret: "not to be seen",
    SessionCookieName: "shop-session",
    Scope: "openid email",
    SessionTimeout: 3_600,
    OnUnauthenticatedRequest: "authenticate",
  },
};

const layouts: Record<string, { actions?: Actions; blue: number }> = {
  "a default action and a rule at once": { blue: 1 },
  "group stickiness on the action": {
    blue: 1,
    actions: (TargetGroups) => [
      {
        Type: "forward",
        ForwardConfig: {
          TargetGroups,
          TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 86_400 },
        },
      },
    ],
  },
  "a third target group in the forward": {
    blue: 60,
    actions: ([blue, green], third) => [
      {
        Type: "forward",
        ForwardConfig: {
          TargetGroups: [
            { TargetGroupArn: blue?.TargetGroupArn ?? "", Weight: 60 },
            { TargetGroupArn: third, Weight: 40 },
            { TargetGroupArn: green?.TargetGroupArn ?? "", Weight: 0 },
          ],
        },
      },
    ],
  },
  "an authenticate-oidc action before the forward": {
    blue: 1,
    actions: (TargetGroups) => [oidc, { Type: "forward", Order: 2, ForwardConfig: { TargetGroups } }],
  },
};

const strategy = canary([
  { kind: "weight", percent: 10 },
  { kind: "weight", percent: 50 },
  { kind: "weight", percent: 100 },
]);

describe("three deployments in a row, with", () => {
  for (const [name, { actions, blue }] of Object.entries(layouts)) {
    it(name, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", actions ? { actions } : {});
      world.aws.elb(region, "ModifyTargetGroupAttributes", {
        TargetGroupArn: laid.groups[0],
        Attributes: [{ Key: "stickiness.enabled", Value: "false" }],
      });
      const before = surroundings(world, laid.groups);
      for (const version of [2, 3, 4]) {
        const id = await world.start(laid, { taskDefinition: `checkout:${version}` }, { strategy });
        await world.until("half way", () =>
          world.weights(laid).every((weights) => weights.every((weight) => weight > 0)),
        );
        await world.ends(id, "succeeded");
        const green = version % 2 === 0 ? 1 : 0;
        const serving = [0, 0].with(green, blue);
        expect(world.weights(laid)).toEqual([serving, serving]);
        expect(surroundings(world, laid.groups)).toEqual(before);
        const sets = world.sets();
        expect(sets).toHaveLength(1);
        expect(sets[0]?.loadBalancers?.[0]?.targetGroupArn).toBe(laid.groups[green]);
        expect(sets[0]?.taskDefinition).toMatch(new RegExp(`checkout:${version}$`));
      }
    });
  }
});
