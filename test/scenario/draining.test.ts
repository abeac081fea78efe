/** Blue is taken away bit by bit where the strategy says so, and no faster. */
import { expect, it } from "vitest";
import { watchedWorld } from "../support/scenario.ts";
import { canary, type World } from "../support/world.ts";

const strategy = (by: { tasks: number } | { percent: number }) =>
  canary([{ kind: "weight", percent: 100 }], { drain: { by, everyMs: 60_000 } });

/** Blue's desired tasks as they went, with the time between. */
async function descent(world: World, id: string): Promise<{ tasks: number[]; gapsMs: number[] }> {
  const seen: { tasks: number; at: number }[] = [];
  await world.until("succeeded", async () => {
    const blue = world.sets().find((set) => set.taskDefinition?.endsWith("checkout:1"));
    const tasks = blue?.computedDesiredCount ?? 0;
    if (seen.at(-1)?.tasks !== tasks) seen.push({ tasks, at: world.clock.now() });
    return (await world.deployment(id)).phase === "succeeded";
  });
  return {
    tasks: seen.map(({ tasks }) => tasks),
    gapsMs: seen.slice(2).map(({ at }, n) => at - (seen[n + 1]?.at ?? 0)),
  };
}

it.each([
  [10, { tasks: 3 }, [10, 7, 4, 1, 0]],
  [10, { percent: 25 }, [10, 7, 4, 1, 0]],
  [7, { tasks: 2 }, [7, 5, 3, 1, 0]],
  [3, { percent: 10 }, [3, 2, 1, 0]],
  [4, { percent: 100 }, [4, 0]],
])("%i tasks by %o: %j", async (desired, by, tasks) => {
  const world = watchedWorld();
  const laid = world.lay("checkout", { desired });
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: strategy(by) });
  const went = await descent(world, id);
  expect(went.tasks).toEqual(tasks);
  for (const gap of went.gapsMs) expect(gap).toBeGreaterThanOrEqual(59_000);
});

it("goes back at any time until blue is deleted", async () => {
  const world = watchedWorld();
  const laid = world.lay("checkout", { desired: 10 });
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: strategy({ tasks: 3 }) });
  await world.until("half gone", () =>
    world.sets().some((set) => set.taskDefinition?.endsWith("checkout:1") && set.computedDesiredCount === 4),
  );
  await world.ask(id, "rollback");
  await world.ends(id, "rolled_back");
  expect(world.sets()).toMatchObject([{ status: "PRIMARY", runningCount: 10 }]);
});
