/** More than one deployment of a service: who acts, who waits, who makes room for whom. */
import { describe, expect, it } from "vitest";
import { answers, watchedWorld } from "../support/scenario.ts";
import { canary, careful, type World } from "../support/world.ts";

const hour = 3_600_000;
const all = canary([{ kind: "weight", percent: 100 }]);
const retaining = canary([{ kind: "weight", percent: 100 }], { retainMs: 24 * hour });

const moment = async (world: World, id: string, phase: string) =>
  (await world.events(id)).find((event) => event.type === "phase" && event.to === phase)?.at ?? Infinity;

describe("a queue", () => {
  it("is served in its order, one at a time", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const ids: string[] = [];
    for (const version of [2, 3, 4]) {
      const request = { taskDefinition: `checkout:${version}` };
      ids.push(await world.start(laid, request, { strategy: all, whenBusy: "queue" }));
    }
    for (const id of ids) await world.ends(id, "succeeded");
    const started = await Promise.all(ids.map((id) => moment(world, id, "preparing")));
    expect(started).toEqual(started.toSorted((a, b) => a - b));
    // Once green is PRIMARY the way is free for the next one's preparing.
    const retained = await Promise.all(ids.map((id) => moment(world, id, "retaining")));
    expect(started[1]).toBeGreaterThanOrEqual(retained[0] ?? Infinity);
    expect(started[2]).toBeGreaterThanOrEqual(retained[1] ?? Infinity);
    expect(world.sets().map((set) => set.taskDefinition?.split("/")[1])).toEqual(["checkout:4"]);
  });

  it("loses one that is cancelled, and only that one", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const start = (version: number) =>
      world.start(laid, { taskDefinition: `checkout:${version}` }, { strategy: all, whenBusy: "queue" });
    const [first, second, third] = [await start(2), await start(3), await start(4)];
    await world.run(1_000);
    await world.ask(second, "rollback");
    await world.ends(second, "cancelled");
    await world.ends(first, "succeeded");
    await world.ends(third, "succeeded");
    expect(world.local.calls.byAction()["ecs:CreateTaskSet"]).toBe(2);
  });

  it("goes on after one that fails or is rolled back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const start = (version: number) =>
      world.start(laid, { taskDefinition: `checkout:${version}` }, { whenBusy: "queue" });
    const [first, second, third] = [await start(99), await start(2), await start(3)];
    await world.reaches(second, "shifting");
    await world.ask(second, "rollback");
    await world.ends(first, "failed");
    await world.ends(second, "rolled_back");
    await world.ends(third, "succeeded");
  });

  it("refuses one that must not wait, also while others wait", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.start(laid, { taskDefinition: "checkout:3" }, { whenBusy: "queue" });
    await expect(world.start(laid, { taskDefinition: "checkout:4" })).rejects.toMatchObject({ code: "busy" });
    await world.reaches(first, "shifting");
    await expect(world.start(laid, { taskDefinition: "checkout:4" })).rejects.toMatchObject({ code: "busy" });
  });
});

describe("while the last one keeps its blue warm", () => {
  it("the next one ends the retention, and creates green only in an empty group", async () => {
    const world = watchedWorld({ settings: { deregistrationDelayMs: 20_000 } });
    const laid = world.lay();
    const first = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: retaining });
    await world.reaches(first, "retaining");
    let occupied = -1;
    world.local.calls.watch((call) => {
      if (call.action === "CreateTaskSet") {
        occupied = [...world.aws.region(call.region).elb.targets.values()].filter(
          (target) => target.groupArn === laid.groups[0],
        ).length;
      }
      return () => {};
    });
    const second = await world.start(laid, { taskDefinition: "checkout:3" });
    await world.until("waiting", async () => (await world.deployment(second)).hold?.kind === "waiting");
    expect((await world.deployment(second)).hold?.reason).toMatch(/was asked to end|still drain/);
    await world.ends(first, "succeeded");
    await world.ends(second, "succeeded");
    expect(occupied).toBe(0);
    expect((await answers(world, first)).map(({ message }) => message)).toEqual([
      "teal asked for yield: it ends its retention and takes the old task set away",
    ]);
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it("a next one that is refused in preparing leaves it warm", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: retaining });
    await world.reaches(first, "retaining");
    const second = await world.start(laid, { taskDefinition: "checkout:99" });
    await world.ends(second, "failed");
    await world.run(60_000);
    expect((await world.deployment(first)).phase).toBe("retaining");
    expect(world.sets()).toHaveLength(2);
  });

  for (const [when, wanted] of [
    ["queued behind nothing yet", "preparing"],
    ["provisioning", "provisioning"],
    ["shifting", "shifting"],
  ] as const) {
    it(`a rollback of it while the next one is ${when} turns that one back first`, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const [blue] = world.sets();
      const slow = { ...careful, steps: careful.steps, retainMs: 24 * hour };
      const first = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: retaining });
      await world.reaches(first, "retaining");
      const second = await world.start(laid, { taskDefinition: "checkout:3" }, { strategy: slow });
      if (wanted !== "preparing") await world.reaches(second, wanted);
      await world.ask(first, "rollback");
      await world.until("both over", async () => {
        const both = [await world.deployment(first), await world.deployment(second)];
        return both.every((d) => d.settled);
      });
      const { phase } = await world.deployment(second);
      expect(["rolled_back", "cancelled"]).toContain(phase);
      // Blue of the first may have been given up to make room: then its revision is deployed again.
      await world.until("at rest", async () => {
        const { deployments } = await world.records.list({ limit: 10 });
        return deployments.every((d) => d.settled);
      });
      expect(world.sets()).toHaveLength(1);
      expect(world.sets()[0]?.taskDefinition).toBe(blue?.taskDefinition);
      expect(world.weights(laid).every((weights) => weights.includes(0))).toBe(true);
    });
  }
});
