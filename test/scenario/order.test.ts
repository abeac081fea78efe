/** Which deployment of a service acts, which wait, which make way; and builds that come too late. */
import { describe, expect, it } from "vitest";
import { watchedWorld } from "../support/scenario.ts";
import { ada, canary, need } from "../support/world.ts";

const strategy = canary([
  { kind: "weight", percent: 10 },
  { kind: "pause", ms: 60_000 },
  { kind: "weight", percent: 100 },
]);
const version = (n: number, build?: number) => ({
  taskDefinition: `checkout:${n}`,
  ...(build !== undefined && { build }),
});

describe("supersede", () => {
  it("lets those that wait make way; the one that acts is ended in peace", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const options = { strategy, whenBusy: "supersede" } as const;
    const acting = await world.start(laid, version(2), options);
    await world.reaches(acting, "shifting");
    const second = await world.start(laid, version(3), options);
    const third = await world.start(laid, version(4), options);
    await world.ends(third, "succeeded");
    expect(await world.deployment(second)).toMatchObject({
      phase: "superseded",
      note: `superseded by ${third} before anything was touched`,
    });
    expect((await world.deployment(acting)).phase).toBe("succeeded");
    expect(world.sets()[0]?.taskDefinition).toContain("checkout:4");
  });

  it("does not touch the way back", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, version(2), { strategy });
    await world.ends(first, "succeeded");
    const second = await world.start(laid, version(3), { strategy });
    await world.reaches(second, "shifting");
    // Undoing the first one waits for the second to be rolled back.
    await world.ask(first, "rollback");
    await world.turn();
    const third = await world.start(laid, version(4), { strategy, whenBusy: "supersede" });
    await world.ends(third, "succeeded");
    const { deployments } = await world.records.list({ limit: 10 });
    const undoing = deployments.find((d) => d.undoes === first);
    expect(undoing?.phase).toBe("succeeded");
  });
});

describe("a build", () => {
  it("that is older than the last accepted one is refused, unless forced", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    await world.ends(await world.start(laid, version(3, 7), { strategy }), "succeeded");
    await expect(world.start(laid, version(2, 6), { strategy })).rejects.toMatchObject({
      code: "stale-build",
      message: "build 6 of checkout is older than build 7, which was accepted before",
    });
    await world.ends(await world.start(laid, version(2, 6), { strategy, force: true }), "succeeded");
    // The last accepted one is still the greatest.
    await expect(world.start(laid, version(2, 6), { strategy })).rejects.toMatchObject({
      code: "stale-build",
    });
    await world.ends(await world.start(laid, version(3, 7), { strategy }), "succeeded");
    await world.ends(await world.start(laid, version(4), { strategy }), "succeeded");
  });

  it("is no matter to a rollback", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, version(2, 7), { strategy });
    await world.ends(id, "succeeded");
    await world.ask(id, "rollback");
    await world.turn();
    const { deployments } = await world.records.list({ limit: 1 });
    await world.ends(deployments[0]?.id ?? "", "succeeded");
    expect(world.sets()[0]?.taskDefinition).toContain("checkout:1");
  });
});

describe("what serves", () => {
  const now = canary([{ kind: "weight", percent: 100 }]);

  it("is the last that was promoted, not the last that was accepted", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, version(2), { strategy: now });
    await world.ends(first, "succeeded");
    const acting = await world.start(laid, version(3), { strategy });
    await world.reaches(acting, "shifting");
    const waiting = await world.start(laid, version(4), { strategy: now, whenBusy: "queue" });
    // Accepted last, and before all that wait.
    await world.ask(first, "rollback");
    await world.turn();
    const { deployments } = await world.records.list({ limit: 10 });
    const undoing = need(deployments.find((d) => d.undoes === first));
    await world.ends(undoing.id, "succeeded");
    await world.ends(waiting, "succeeded");
    expect(world.sets()[0]?.taskDefinition).toContain("checkout:4");

    const order = { target: laid.target, strategy: now, actor: ada, whenBusy: "rollback" } as const;
    expect((await world.engine.redeploy(waiting, order)).kind).toBe("serves");
    const back = await world.engine.redeploy(undoing.id, order);
    expect(back.kind).toBe("started");
    await world.ends(back.deployment.id, "succeeded");
    expect(world.sets()[0]?.taskDefinition).toContain("checkout:1");
  });

  it("is what was promoted and then released, too", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const first = await world.start(laid, version(2), { strategy: now });
    await world.ends(first, "succeeded");
    const released = await world.start(laid, version(3), { strategy: now });
    const denied = { kind: "error", code: "AccessDeniedException", message: "no", status: 400 } as const;
    world.local.faults.add({ fault: denied, action: "UpdateTaskSet" });
    await world.until("stuck", async () => (await world.deployment(released)).hold?.kind === "stuck");
    await world.ask(released, "release");
    await world.ends(released, "abandoned");
    const order = { target: laid.target, strategy: now, actor: ada, whenBusy: "rollback" } as const;
    expect((await world.engine.redeploy(first, order)).kind).toBe("started");
  });
});
