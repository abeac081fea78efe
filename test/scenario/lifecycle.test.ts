import { describe, expect, it } from "vitest";
import { canary, need, World } from "../support/world.ts";

describe("a canary from version 1 to version 2", () => {
  it("creates one task set, goes through the steps, promotes, and takes the old one away", async () => {
    const world = new World();
    const laid = world.lay();
    const [blue] = world.sets();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    const d = await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const sets = world.sets();
    expect(sets).toHaveLength(1);
    expect(sets[0]).toMatchObject({ status: "PRIMARY", runningCount: 4, launchType: "FARGATE" });
    expect(sets[0]?.taskSetArn).not.toBe(blue?.taskSetArn);
    expect(world.local.calls.byAction()).toMatchObject({ "ecs:CreateTaskSet": 1 });
    expect((await world.events(id)).map((event) => event.seq)).toEqual(
      Array.from({ length: d.events }, (_, n) => n),
    );
  });
});

describe("a version whose tasks never become healthy", () => {
  it("is turned back before the deadline with the reason", async () => {
    const world = new World({ settings: { behaviours: { "demo/checkout:3": { failHealthChecks: true } } } });
    const laid = world.lay("checkout", { grace: 2 });
    const id = await world.start(laid, { taskDefinition: "checkout:3" });
    const d = await world.ends(id, "rolled_back");
    expect(d.cause?.code).toBe("green-failing");
    expect(d.cause?.message).toMatch(/health check/);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(world.sets()).toHaveLength(1);
  });
});

describe("a rollback", () => {
  it("from half way puts the weights back first, then takes green away", async () => {
    const world = new World();
    const laid = world.lay();
    const before = world.sets().map((set) => set.taskSetArn);
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.until("half way", () => world.weights(laid).every(([, green]) => green === 50));
    await world.ask(id, "rollback", { reason: "looks bad" });
    await world.turn();
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    await world.ends(id, "rolled_back");
    expect(world.sets().map((set) => set.taskSetArn)).toEqual(before);
  });

  it("flips back while blue is retained", async () => {
    const world = new World();
    const laid = world.lay();
    const before = world.sets().map((set) => set.taskSetArn);
    const strategy = canary([{ kind: "weight", percent: 100 }], { retainMs: 3_600_000 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.reaches(id, "retaining");
    await world.run(60_000);
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.sets().map((set) => [set.taskSetArn, set.status])).toEqual([[before[0], "PRIMARY"]]);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it("after the end deploys the earlier revision again, without the canary", async () => {
    const world = new World();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.ends(id, "succeeded");
    await world.ask(id, "rollback");
    await world.turn();
    const answer = (await world.events(id)).findLast((event) => event.type === "command");
    const again = need(answer?.type === "command" ? answer.deployment : undefined);
    const d = await world.ends(again, "succeeded");
    expect(d.undoes).toBe(id);
    expect(world.sets()[0]?.taskDefinition).toMatch(/checkout:1$/);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

describe("the first deployment of a service", () => {
  it("takes its task set from the configuration", async () => {
    const world = new World();
    const laid = world.lay("checkout", { primary: false });
    laid.target.taskSet = {
      taskDefinition: "checkout:1",
      launchType: "FARGATE",
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
      loadBalancers: [{ targetGroupArn: laid.groups[0], containerName: "app", containerPort: 8080 }],
    };
    const id = await world.start(laid, {});
    await world.ends(id, "succeeded");
    expect(world.sets()).toHaveLength(1);
    expect(world.sets()[0]?.status).toBe("PRIMARY");
  });
});
