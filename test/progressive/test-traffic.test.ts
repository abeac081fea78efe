/** Test routes: testers meet green before any customer does, and what led to whom before is put back at the end. */
import { describe, expect, it } from "vitest";
import { Balancer } from "../../sandbox/balancer/balancer.ts";
import type { RequestHead } from "../../sandbox/model/traffic.ts";
import { seededRandom } from "../../sandbox/random.ts";
import { Network } from "../../sandbox/tasks/network.ts";
import { ask } from "../sandbox/balancer/scene.ts";
import { type Laid, need, region, type World } from "../support/world.ts";
import { given, onBlue, onGreen } from "./given.ts";

const get = (head: Partial<RequestHead>): RequestHead => ({ method: "GET", path: "/", headers: {}, ...head });

/** Somebody lays a rule beside the production traffic; both groups are in it, blue's alone gets its requests. */
function layRule(world: World, { listener, groups }: Laid, condition: object): string {
  const TargetGroups = groups.map((TargetGroupArn, n) => ({ TargetGroupArn, Weight: n === 0 ? 1 : 0 }));
  return need(
    world.aws.elb(region, "CreateRule", {
      ListenerArn: listener,
      Priority: 5,
      Conditions: [condition],
      Actions: [{ Type: "forward", ForwardConfig: { TargetGroups } }],
    }).Rules[0]?.RuleArn,
  );
}

function layListener(world: World, { loadBalancer, groups }: Laid): string {
  const TargetGroups = groups.map((TargetGroupArn, n) => ({ TargetGroupArn, Weight: n === 0 ? 1 : 0 }));
  return need(
    world.aws.elb(region, "CreateListener", {
      LoadBalancerArn: loadBalancer,
      Protocol: "HTTP",
      Port: 9001,
      DefaultActions: [{ Type: "forward", ForwardConfig: { TargetGroups } }],
    }).Listeners[0]?.ListenerArn,
  );
}

/** How testers reach the version to be tested: what is laid for them, and a request of theirs. */
const ways = {
  "a header": {
    lay: (world: World, laid: Laid) =>
      layRule(world, laid, {
        Field: "http-header",
        HttpHeaderConfig: { HttpHeaderName: "x-test", Values: ["1"] },
      }),
    request: get({ headers: { "x-test": "1" } }),
  },
  "a path": {
    lay: (world: World, laid: Laid) => layRule(world, laid, { Field: "path-pattern", Values: ["/next/*"] }),
    request: get({ path: "/next/basket" }),
  },
  "a host": {
    lay: (world: World, laid: Laid) =>
      layRule(world, laid, { Field: "host-header", Values: ["next.shop.example"] }),
    request: get({ host: "next.shop.example" }),
  },
  "another listener": { lay: layListener, request: get({}) },
};

const strategy = `
testing: [{ pause: { for: 5m, id: testers } }]
steps: [{ weight: 10 }, { pause: 1m }, { weight: 100 }]
`;

describe.each(Object.entries(ways))("a test route by %s", (how, { lay, request }) => {
  async function laidOut() {
    let route = "";
    const checkout = await given(strategy, {
      service: (laid, world) => {
        route = lay(world, laid);
        return `testRoutes: [{ ${how === "another listener" ? "listener" : "rule"}: ${route} }]`;
      },
    });
    const { world, laid } = checkout;
    const met = (listener: string, head: RequestHead): string => {
      const answer = world.aws.traffic.answerFor(listener, head);
      if (answer?.kind !== "forward") return "nobody";
      const shares = answer.groups.filter(({ weight }) => weight > 0);
      return shares
        .map(({ targets }) => need(targets.find(({ health }) => health === "healthy")).taskArn)
        .map((arn) => need(world.aws.traffic.tasks().find((task) => task.arn === arn)).image)
        .join(" and ");
    };
    return {
      ...checkout,
      testers: () => met(how === "another listener" ? route : laid.listener, request),
      customers: () => met(laid.listener, get({})),
    };
  }

  it("leads testers to green while customers stay with blue, and is back as it was at the end", async () => {
    const { world, laid, deploy, standsAt, testers, customers } = await laidOut();
    expect([testers(), customers()]).toEqual(["demo/checkout:1", "demo/checkout:1"]);
    const id = await deploy();
    await standsAt(id, "testers");
    await world.run(5_000);
    expect([testers(), customers()]).toEqual(["demo/checkout:2", "demo/checkout:1"]);
    await world.ends(id, "succeeded");
    // It led to the version that serves, and does so again.
    expect([testers(), customers()]).toEqual(["demo/checkout:2", "demo/checkout:2"]);
    expect(world.weights(laid)).toEqual(onGreen);
    const next = await deploy({ taskDefinition: "checkout:3" });
    await standsAt(next, "testers");
    await world.run(5_000);
    expect([testers(), customers()]).toEqual(["demo/checkout:3", "demo/checkout:2"]);
  });

  it("is back as it was after a rollback", async () => {
    const { world, laid, teal, deploy, shows, testers, customers } = await laidOut();
    const id = await deploy();
    await shows(10);
    expect(testers()).toBe("demo/checkout:2");
    await teal.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect([testers(), customers()]).toEqual(["demo/checkout:1", "demo/checkout:1"]);
    expect(world.weights(laid)).toEqual(onBlue);
  });
});

it("a tester's request is answered by green, a customer's by blue", async () => {
  const { world, laid, deploy, standsAt } = await given(strategy, {
    lay: { test: [1, 0] },
    service: ({ testRule }) => `testRoutes: [{ rule: ${testRule} }]`,
  });
  const carries = { traffic: world.aws.traffic, clock: world.clock, random: seededRandom(1) };
  const network = new Network(carries);
  const balancer = new Balancer({ ...carries, locate: network.locate, ports: "any" });
  try {
    await balancer.ready();
    const url = need(balancer.listeners().find(({ arn }) => arn === laid.listener)).url;
    const versionOf = async (headers: Record<string, string>) => {
      await network.ready();
      return (await ask(`${url}/`, { headers })).body.toString();
    };
    const id = await deploy();
    await standsAt(id, "testers");
    await world.run(5_000);
    expect(await versionOf({ "x-test": "1" })).toContain("checkout:2");
    expect(await versionOf({})).toContain("checkout:1");
  } finally {
    await balancer.close(0);
    await network.close();
  }
});
