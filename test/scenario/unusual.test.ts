/** Services that are not like most: without a load balancer, without a first task set, with unusual weights. */
import { describe, expect, it } from "vitest";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import { watchedWorld } from "../support/scenario.ts";
import { canary, type Laid, need, region, type World } from "../support/world.ts";

const registry = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-1";

/** A service that only Cloud Map knows. */
function layPlain(world: World): Laid {
  const laid = world.lay("checkout", {
    primary: { loadBalancers: [], serviceRegistries: [{ registryArn: registry }] },
  });
  return { ...laid, target: { ...laid.target, targetGroups: [], routes: [] } };
}

const scales = canary([
  { kind: "scale", percent: 25 },
  { kind: "pause", ms: 20_000 },
  { kind: "scale", percent: 100 },
]);

describe("a service without a load balancer", () => {
  it("goes through scale steps, is promoted, and blue goes", async () => {
    const world = watchedWorld();
    const laid = layPlain(world);
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: scales });
    const counts: (number | undefined)[] = [];
    await world.until("the pause", async () => {
      const green = (await world.deployment(id)).observed?.green;
      if (green && counts.at(-1) !== green.running) counts.push(green.running);
      return (await world.deployment(id)).step === 1;
    });
    expect(counts).toEqual([0, 1]);
    await world.ends(id, "succeeded");
    const sets = world.sets();
    expect(sets).toHaveLength(1);
    expect(sets[0]).toMatchObject({ status: "PRIMARY", runningCount: 4 });
    expect(sets[0]?.serviceRegistries).toEqual([{ registryArn: registry }]);
    expect(Object.keys(world.local.calls.byAction()).filter((name) => name.startsWith("elastic"))).toEqual(
      [],
    );
  });

  it("is rolled back half way and from retention", async () => {
    for (const phase of ["shifting", "retaining"] as const) {
      const world = watchedWorld();
      const laid = layPlain(world);
      const [blue] = world.sets();
      const strategy = { ...scales, retainMs: 600_000 };
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.reaches(id, phase);
      await world.ask(id, "rollback");
      await world.ends(id, "rolled_back");
      expect(world.sets().map((set) => [set.taskSetArn, set.status, set.runningCount])).toEqual([
        [need(blue).taskSetArn, "PRIMARY", 4],
      ]);
    }
  });

  it("is turned back when its new tasks exit", async () => {
    const world = watchedWorld({
      settings: { behaviours: { "demo/checkout:3": { exitAfterMs: 400, exitCode: 3 } } },
    });
    const laid = layPlain(world);
    const id = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: scales });
    const d = await world.ends(id, "rolled_back");
    expect(d.cause?.message).toMatch(/app exited with code 3/);
  });
});

function configured(laid: Laid): NonNullable<ServiceTarget["taskSet"]> {
  return {
    taskDefinition: "checkout:1",
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    loadBalancers: [{ targetGroupArn: laid.groups[0], containerName: "app", containerPort: 8080 }],
    tags: [{ key: "team", value: "shop" }],
  };
}

/** A service that never had a task set; the configuration says what the first one is. */
function layNew(world: World): Laid {
  const laid = world.lay("checkout", { primary: false });
  return { ...laid, target: { ...laid.target, taskSet: configured(laid) } };
}

describe("the first deployment of a service", () => {
  it("makes the configured set, gives it all traffic, and the next one is a canary", async () => {
    const world = watchedWorld();
    const laid = layNew(world);
    const first = await world.start(laid, {});
    await world.ends(first, "succeeded");
    const [set] = world.sets();
    expect(set).toMatchObject({ status: "PRIMARY", runningCount: 4, launchType: "FARGATE" });
    expect(set?.tags).toContainEqual({ key: "teal:blue", value: expect.stringMatching(/^none/) });
    const group = laid.groups.indexOf(set?.loadBalancers?.[0]?.targetGroupArn ?? "");
    for (const weights of world.weights(laid)) {
      expect(weights[group]).toBe(1);
      expect(weights[1 - group]).toBe(0);
    }
    const second = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("a tenth", () => world.weights(laid).every((weights) => weights[1 - group] === 10));
    await world.ends(second, "succeeded");
  });

  it("of another revision than the configured one", async () => {
    const world = watchedWorld();
    const laid = layNew(world);
    const id = await world.start(laid, { images: { app: "demo/checkout:7" } });
    await world.ends(id, "succeeded");
    expect(world.sets()[0]?.taskDefinition).toMatch(/checkout:5$/);
  });

  for (const phase of ["provisioning", "shifting"] as const) {
    it(`aborted while ${phase}: nothing is left, the routes are as before, and it can be tried again`, async () => {
      const world = watchedWorld({ settings: { taskStartMs: 4_000 } });
      const laid = layNew(world);
      const before = world.weights(laid);
      const strategy = canary([{ kind: "weight", percent: 100 }], { bakeMs: 60_000 });
      // Withholding the weights keeps it in shifting until it is asked.
      const ruling =
        phase === "shifting"
          ? world.local.faults.add({ fault: { kind: "throttle" }, action: "ModifyRule" })
          : undefined;
      const id = await world.start(laid, {}, { strategy });
      await world.reaches(id, phase);
      await world.run(2_000);
      await world.ask(id, "rollback");
      if (ruling !== undefined) world.local.faults.remove(ruling);
      await world.ends(id, "rolled_back");
      await world.run(30_000);
      expect(world.weights(laid)).toEqual(before);
      expect(world.sets()).toEqual([]);
      const again = await world.start(laid, {}, { strategy });
      await world.ends(again, "succeeded");
      expect(world.sets()).toHaveLength(1);
    });
  }

  it("cannot be undone once it serves: there is nothing to go back to", async () => {
    const world = watchedWorld();
    const laid = layNew(world);
    const id = await world.start(laid, {});
    await world.ends(id, "succeeded");
    await world.ask(id, "rollback");
    await world.turn();
    const answer = (await world.events(id)).findLast((event) => event.type === "command");
    expect(answer?.message).toMatch(/first version of the service: there is nothing to go back to/);
    expect(world.sets()).toHaveLength(1);
  });
});

describe("weights", () => {
  const half = canary([
    { kind: "weight", percent: 0.5 },
    { kind: "weight", percent: 50 },
    { kind: "weight", percent: 100 },
  ]);

  for (const [before, percents, seen] of [
    [1, [10, 100], ["90:10", "0:1"]],
    [100, [10, 100], ["90:10", "0:100"]],
    [1, [0.5, 50, 100], ["199:1", "100:100", "0:1"]],
    [10, [10, 100], ["9:1", "0:10"]],
    [7, [1, 100], ["99:1", "0:7"]],
  ] as const) {
    it(`${before}:0 through ${percents.join(", ")} %`, async () => {
      const world = watchedWorld();
      const laid = world.lay("checkout", {
        forward: ([a, b]) => [
          { TargetGroupArn: a, Weight: before },
          { TargetGroupArn: b, Weight: 0 },
        ],
      });
      const strategy = canary(percents.map((percent) => ({ kind: "weight" as const, percent })));
      const found: string[] = [];
      world.local.calls.watch(() => () => {
        const [listener = [], rule = []] = world.weights(laid);
        const both = listener.join() === rule.join() ? listener.join(":") : undefined;
        if (both && both !== found.at(-1)) found.push(both);
      });
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
      await world.ends(id, "succeeded");
      expect(found).toEqual([`${before}:0`, ...seen]);
    });
  }

  it("60:0 beside a third group: the pair's sum and the third's weight never change", async () => {
    const world = watchedWorld();
    const laid = world.lay("checkout", {
      actions: ([a, b], third) => [
        {
          Type: "forward",
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: a?.TargetGroupArn ?? "", Weight: 60 },
              { TargetGroupArn: b?.TargetGroupArn ?? "", Weight: 0 },
              { TargetGroupArn: third, Weight: 40 },
            ],
          },
        },
      ],
    });
    const sums = new Set<number>();
    world.local.calls.watch(() => () => {
      for (const [a = 0, b = 0] of world.weights(laid)) sums.add(a + b);
    });
    const strategy = { ...half, steps: half.steps.slice(1) };
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("half way", () => world.weights(laid).every(([, green]) => green === 30));
    await world.ends(id, "succeeded");
    expect([...sums]).toEqual([60]);
    expect(world.aws.snapshot()[region]?.services).toHaveLength(1);
  });
});
