/** A green that another set has overtaken while no record answered for it: taken away on request, and nothing else. */
import { expect, it } from "vitest";
import { watchPromises } from "../support/promises.ts";
import { ada, canary, type Laid, need, region, World } from "../support/world.ts";

const halfWay = canary([
  { kind: "weight", percent: 50 },
  { kind: "pause", id: "half", ms: 600_000 },
  { kind: "weight", percent: 100 },
]);

interface Orphaned {
  world: World;
  laid: Laid;
  watch: ReturnType<typeof watchPromises>;
  orphan: string;
  /** The deployment that made it, which Redis has forgotten. */
  deployment: string;
  /** The set that a person made PRIMARY meanwhile. */
  serves: string;
}

/** Redis comes back empty half way; a person then makes another set serve, in one group, and takes the old one away. */
async function orphaned(green: "with weight" | "without weight", group: 0 | 1 = 0): Promise<Orphaned> {
  const world = new World();
  const laid = world.lay();
  const watch = watchPromises(world);
  const deployment = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: halfWay });
  await world.until("half of the traffic on green", () =>
    world.weights(laid).every(([blue, share]) => share === blue),
  );
  world.records.clear();
  watch.forget();

  const { aws } = world;
  const [blue = "", orphan = ""] = world.sets().map((set) => need(set.taskSetArn));
  const of = { cluster: "prod", service: "checkout" };
  const made = aws.ecs(region, "CreateTaskSet", {
    ...of,
    taskDefinition: "checkout:3",
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } },
    loadBalancers: [{ targetGroupArn: laid.groups[group], containerName: "app", containerPort: 8080 }],
    scale: { unit: "PERCENT", value: 100 },
  });
  const serves = need(made.taskSet.taskSetArn);
  await world.run(20_000);
  aws.ecs(region, "UpdateServicePrimaryTaskSet", { ...of, primaryTaskSet: serves });
  aws.ecs(region, "DeleteTaskSet", { ...of, taskSet: blue, force: true });
  if (green === "without weight") weigh({ world, laid }, 1, 0);
  await world.run(20_000);
  return { world, laid, watch, orphan, deployment, serves };
}

/** As a person does it, by hand. */
function weigh({ world, laid }: Pick<Orphaned, "world" | "laid">, first: number, second: number): void {
  const TargetGroups = laid.groups.map((TargetGroupArn, n) => ({
    TargetGroupArn,
    Weight: n === 0 ? first : second,
  }));
  const forward = [{ Type: "forward" as const, ForwardConfig: { TargetGroups } }];
  world.aws.elb(region, "ModifyListener", { ListenerArn: laid.listener, DefaultActions: forward });
  world.aws.elb(region, "ModifyRule", { RuleArn: laid.rule, Actions: forward });
}

function remove({ world, laid, deployment }: Orphaned): Promise<{ id: string }> {
  return world.engine.recover({
    target: laid.target,
    strategy: halfWay,
    deployment,
    way: "remove",
    actor: ada,
  });
}

/** The routes and the set that serves are as the person left them, and nothing is left of the orphan. */
function expectRemoved({ world, laid, watch, serves }: Orphaned): void {
  expect(world.sets().map((set) => [set.taskSetArn, set.status, set.scale?.value])).toEqual([
    [serves, "PRIMARY", 100],
  ]);
  expect(world.weights(laid)).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect(watch.violations).toEqual([]);
}

it("one that no route leads to goes at once, and can't be asked for anything else", async () => {
  const orphan = await orphaned("without weight");
  const { world, laid, deployment } = orphan;
  const strays = await world.engine.strays(laid.target);
  expect(strays).toMatchObject([
    { deployment, set: { arn: orphan.orphan }, state: "orphan", ways: ["remove"] },
  ]);
  for (const way of ["forward", "back"] as const) {
    const asked = world.engine.recover({
      target: laid.target,
      strategy: halfWay,
      deployment,
      way,
      actor: ada,
    });
    await expect(asked).rejects.toMatchObject({ code: "command-refused" });
  }
  const taker = await remove(orphan);
  await world.ends(taker.id, "rolled_back");
  expectRemoved(orphan);
  expect(await world.engine.strays(laid.target)).toEqual([]);
});

it("one that routes still lead to stays until a person has moved the weights, and then goes", async () => {
  const orphan = await orphaned("with weight");
  const { world, laid } = orphan;
  const before = world.weights(laid);
  const taker = await remove(orphan);
  await world.run(120_000);
  const held = await world.deployment(taker.id);
  expect(held).toMatchObject({ phase: "rolling_back", hold: { kind: "stuck" } });
  expect(held.hold?.reason).toMatch(
    /^listener .*, rule .* still lead to green; give its group no weight there/,
  );
  expect(world.weights(laid)).toEqual(before);
  expect(world.sets().map((set) => set.scale?.value)).toEqual([50, 100]);

  weigh(orphan, 1, 0);
  await world.ends(taker.id, "rolled_back");
  expectRemoved(orphan);
});

it("one in the group of what serves stays, and the person is not told to take its weight", async () => {
  const orphan = await orphaned("with weight", 1);
  const { world } = orphan;
  const taker = await remove(orphan);
  await world.run(60_000);
  const { hold } = await world.deployment(taker.id);
  expect(hold).toMatchObject({
    kind: "stuck",
    reason: expect.stringMatching(/and so to what serves; release/),
  });
  expect(world.sets().map((set) => set.scale?.value)).toEqual([50, 100]);
  await world.ask(taker.id, "release");
  await world.ends(taker.id, "abandoned");
  expect(orphan.watch.violations).toEqual([]);
});
