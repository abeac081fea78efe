/** What others change meanwhile: noticed, told, held on; never silently overwritten, and never in a rollback's way. */
import { describe, expect, it } from "vitest";
import { surroundings, watchedWorld, writeWeights } from "../support/scenario.ts";
import { canary, type Laid, region, type World } from "../support/world.ts";

const strategy = canary(
  [
    { kind: "weight", percent: 10 },
    { kind: "pause", ms: 60_000 },
    { kind: "weight", percent: 100 },
  ],
  { bakeMs: 60_000 },
);

const drifted = (world: World, id: string) =>
  world.until("held on drift", async () => (await world.deployment(id)).hold?.kind === "drift");

/** Somebody gives the rule another path. */
function rewriteCondition(world: World, laid: Laid): void {
  world.aws.elb(region, "ModifyRule", {
    RuleArn: laid.rule,
    Conditions: [{ Field: "path-pattern", Values: ["/v2/*"] }],
  });
}

describe("somebody writes the pair's weights", () => {
  it("while green is provisioned", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 20_000 } });
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.reaches(id, "provisioning");
    await world.run(5_000);
    writeWeights(world, laid.rule, laid.groups, [3, 0]);
    await drifted(world, id);
    expect((await world.deployment(id)).hold?.reason).toMatch(
      /^somebody changed rule \S+: blue:green is 3:0, last asked was 1:0$/,
    );
    await world.run(120_000);
    expect(world.weights(laid)[1]).toEqual([3, 0]);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("while traffic is shifted: held at what was found, resumed from there", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(3_000);
    writeWeights(world, laid.listener, laid.groups, [80, 20]);
    await drifted(world, id);
    expect((await world.deployment(id)).hold?.reason).toMatch(
      /^somebody changed listener \S+: blue:green is 80:20, last asked was 90:10$/,
    );
    await world.run(180_000);
    expect(world.weights(laid)).toEqual([
      [80, 20],
      [90, 10],
    ]);
    await world.ask(id, "resume");
    await world.run(3_000);
    expect(world.weights(laid)[0]).toEqual([80, 20]);
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("while it bakes: resumed, green gets all of it again", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.reaches(id, "baking");
    await world.run(3_000);
    writeWeights(world, laid.rule, laid.groups, [50, 51]);
    await drifted(world, id);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("back to what it was before: an operator's doing, not a late write of ours", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(45_000);
    for (const route of [laid.listener, laid.rule]) writeWeights(world, route, laid.groups, [1, 0]);
    await drifted(world, id);
    await world.run(300_000);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("after green is PRIMARY: blue is not taken away while it carries traffic", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const keep = canary([{ kind: "weight", percent: 100 }], { retainMs: 30_000 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: keep });
    await world.reaches(id, "retaining");
    writeWeights(world, laid.rule, laid.groups, [40, 60]);
    await world.run(120_000);
    expect((await world.deployment(id)).phase).toBe("draining");
    expect(world.sets().map((set) => set.runningCount)).toEqual([4, 4]);
    expect((await world.deployment(id)).hold?.reason).toMatch(/still leads to the old task set/);
    writeWeights(world, laid.rule, laid.groups, [0, 1]);
    await world.ends(id, "succeeded");
  });

  it("in a rollback's way: the weights go back to what they were before", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(3_000);
    writeWeights(world, laid.listener, laid.groups, [80, 20]);
    await drifted(world, id);
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

describe("somebody changes another part of a route", () => {
  it("noticed, held, resumed: the change is kept to the end", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(3_000);
    rewriteCondition(world, laid);
    const changed = surroundings(world, laid.groups);
    await drifted(world, id);
    expect((await world.deployment(id)).hold?.reason).toMatch(
      /^somebody changed rule \S+ beside the pair's weights$/,
    );
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(surroundings(world, laid.groups)).toEqual(changed);
  });

  it("kept by a rollback, which it does not hold", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    rewriteCondition(world, laid);
    const changed = surroundings(world, laid.groups);
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(surroundings(world, laid.groups)).toEqual(changed);
  });
});

describe("a route is gone", () => {
  it("held on the way forward; a rollback skips it and says so", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    world.aws.elb(region, "DeleteRule", { RuleArn: laid.rule });
    await drifted(world, id);
    expect((await world.deployment(id)).hold?.reason).toMatch(/no longer forwards to the pair/);
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.aws.traffic.effectiveShares(laid.listener)[laid.groups[0]]).toBe(1);
    const told = (await world.events(id)).filter((event) => event.type === "note");
    expect(told.map((event) => event.message).join("\n")).toMatch(/skipping routes that no longer exist/);
  });
});

describe("a route is made to lead to green alone", () => {
  it("green stays while the route leads to it, and the rollback ends once blue's group is back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const [blue] = world.sets();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    world.aws.elb(region, "ModifyRule", {
      RuleArn: laid.rule,
      Actions: [{ Type: "forward", TargetGroupArn: laid.groups[1] }],
    });
    await drifted(world, id);
    await world.ask(id, "rollback");
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    await world.run(120_000);
    expect((await world.deployment(id)).hold?.reason).toMatch(/^rule \S+ still leads to green/);
    expect(world.sets()).toHaveLength(2);
    expect(world.weights(laid)[0]).toEqual([1, 0]);
    writeWeights(world, laid.rule, laid.groups, [50, 50]);
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(world.sets().map((set) => set.taskSetArn)).toEqual([blue?.taskSetArn]);
  });
});

describe("a task set is deleted by somebody else:", () => {
  it("green: traffic goes back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    // A set just created may be missing from a read; this one no longer is.
    await world.run(35_000);
    const { arn = "" } = (await world.deployment(id)).green;
    world.aws.ecs(region, "DeleteTaskSet", {
      cluster: "prod",
      service: "checkout",
      taskSet: arn,
      force: true,
    });
    const d = await world.ends(id, "rolled_back");
    expect(d.cause).toEqual({ code: "green-gone", message: "the new task set was deleted by somebody else" });
    expect(world.weights(laid)[0]).toEqual([1, 0]);
  });

  it("blue: nothing moves until a person decides", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    const { arn = "" } = (await world.deployment(id)).blue ?? {};
    world.aws.ecs(region, "DeleteTaskSet", {
      cluster: "prod",
      service: "checkout",
      taskSet: arn,
      force: true,
    });
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    await world.run(60_000);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ask(id, "release");
    await world.ends(id, "abandoned");
  });
});

describe("where the strategy says so, weights that others changed are written again", () => {
  const again = { ...strategy, onDrift: "reapply" as const };

  it("and told with before and after; the deployment goes on", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: again });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(3_000);
    writeWeights(world, laid.listener, laid.groups, [80, 20]);
    await world.until("written again", () => world.weights(laid)[0]?.[1] === 10);
    const told = (await world.events(id)).find(({ message }) => message.includes("writing ours again"));
    expect(told?.message).toMatch(
      /^somebody changed listener \S+: blue:green is 80:20, last asked was 90:10; writing/,
    );
    await world.ends(id, "succeeded");
  });

  it("but not for ever: whoever keeps at it is asked about", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: again });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    for (let time = 0; time < 6; time++) {
      await world.run(4_000);
      writeWeights(world, laid.listener, laid.groups, [80, 20]);
    }
    await drifted(world, id);
  });

  it("and anything else of a route holds as ever", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: again });
    await world.until("at 10 %", () => world.weights(laid).every(([, green]) => green === 10));
    await world.run(3_000);
    rewriteCondition(world, laid);
    await drifted(world, id);
  });
});
