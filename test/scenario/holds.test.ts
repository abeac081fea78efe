/** Standing still and going on: pauses, promotion, and what a person must put right first. */
import { describe, expect, it } from "vitest";
import { answers, watchedWorld } from "../support/scenario.ts";
import { canary, type Laid, type World } from "../support/world.ts";

/** Longer than any deadline that could pass meanwhile. */
const long = 2_400_000;

const paused = canary([
  { kind: "weight", percent: 10 },
  { kind: "pause", ms: 30_000 },
  { kind: "weight", percent: 50 },
  { kind: "pause", ms: 30_000 },
  { kind: "weight", percent: 100 },
]);

const at = (world: World, laid: Laid, green: number) =>
  world.until(`green at ${green}`, () => world.weights(laid).every(([, found]) => found === green));

describe("pause and resume", () => {
  it("at a pause step: its time does not run while it is held", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: paused });
    await at(world, laid, 10);
    await world.run(20_000);
    await world.ask(id, "pause", { reason: "lunch" });
    await world.run(long);
    const held = await world.deployment(id);
    expect(held.hold).toMatchObject({ kind: "paused", reason: "ada paused it: lunch" });
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ask(id, "resume");
    await world.run(8_000);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.run(12_000);
    expect(world.weights(laid)[0]).toEqual([50, 50]);
    await world.ends(id, "succeeded");
  });

  it("mid-shift: no weight moves until it is resumed, and no deadline passes", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 5_000 } });
    const laid = world.lay();
    const strategy = canary([
      { kind: "weight", percent: 10 },
      { kind: "weight", percent: 100 },
    ]);
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await at(world, laid, 10);
    await world.ask(id, "pause");
    await world.run(long);
    expect(world.weights(laid)).toEqual([
      [90, 10],
      [90, 10],
    ]);
    expect((await world.deployment(id)).phase).toBe("shifting");
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("while provisioning, over its deadline", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.reaches(id, "provisioning");
    await world.ask(id, "pause");
    await world.run(long);
    expect((await world.deployment(id)).phase).toBe("provisioning");
    await world.ask(id, "resume");
    await world.ends(id, "succeeded");
  });

  it("while baking: the bake goes on where it stood", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const strategy = canary([{ kind: "weight", percent: 100 }], { bakeMs: 60_000 });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.reaches(id, "baking");
    await world.run(40_000);
    await world.ask(id, "pause");
    await world.run(long);
    await world.ask(id, "resume");
    await world.run(15_000);
    expect((await world.deployment(id)).phase).toBe("baking");
    await world.run(10_000);
    expect((await world.deployment(id)).phase).not.toBe("baking");
    await world.ends(id, "succeeded");
  });

  it("a paused deployment still turns back a version that dies, and when it is asked to", async () => {
    for (const how of ["asked", "dead"] as const) {
      const world = watchedWorld();
      const laid = world.lay();
      const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: paused });
      await at(world, laid, 50);
      await world.ask(id, "pause");
      await world.run(30_000);
      if (how === "asked") await world.ask(id, "rollback");
      else {
        world.aws.settings.behaviours["demo/checkout:2"] = { neverStarts: true };
        for (const task of world.aws.traffic.tasks().filter((one) => one.image === "demo/checkout:2")) {
          world.aws.traffic.taskExited(task.arn, 1);
        }
      }
      await world.ends(id, "rolled_back");
      expect(world.weights(laid)).toEqual([
        [1, 0],
        [1, 0],
      ]);
    }
  });
});

describe("promote", () => {
  it("ends one pause, not the next", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const strategy = {
      ...paused,
      steps: paused.steps.map((step) => (step.kind === "pause" ? { ...step, ms: long } : step)),
    };
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await at(world, laid, 10);
    await world.ask(id, "promote");
    await at(world, laid, 50);
    await world.run(60_000);
    expect(world.weights(laid)[0]).toEqual([50, 50]);
    await world.ask(id, "promote");
    await world.ends(id, "succeeded");
    expect(await answers(world, id)).toEqual([
      { obeyed: true, message: "ada asked for promote: it goes on with step 3 of 5" },
      { obeyed: true, message: "ada asked for promote: it goes on with step 5 of 5" },
    ]);
  });

  it("fully: to 100 % and PRIMARY, past every wait but not past health", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 8_000 } });
    const laid = world.lay();
    const strategy = canary([{ kind: "weight", percent: 10 }, { kind: "pause", ms: long }, ...paused.steps], {
      bakeMs: long,
    });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await at(world, laid, 10);
    await world.ask(id, "promote", { full: true });
    await world.run(4_000);
    // Only one task of four is there yet.
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
    expect(world.clock.now()).toBeLessThan(Date.UTC(2026, 5, 1, 12, 10));
  });

  it("ends the bake and the retention", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const strategy = canary([{ kind: "weight", percent: 100 }], { bakeMs: long, retainMs: 24 * long });
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.reaches(id, "baking");
    await world.ask(id, "promote");
    await world.reaches(id, "retaining");
    await world.ask(id, "promote");
    await world.ends(id, "succeeded");
  });
});

describe("a command that does not fit is refused, with what can be asked instead:", () => {
  it("while shifting", async () => {
    const world = watchedWorld({ settings: { taskStartMs: 20_000 } });
    const laid = world.lay();
    const strategy = canary([
      { kind: "weight", percent: 10 },
      { kind: "weight", percent: 100 },
    ]);
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await world.ask(id, "promote");
    await world.turn();
    await at(world, laid, 10);
    for (const kind of ["promote", "resume", "retry", "release", "yield"] as const) await world.ask(id, kind);
    await world.ends(id, "succeeded");
    expect((await answers(world, id)).map(({ obeyed, message }) => `${obeyed} ${message}`)).toEqual([
      "false ada asked for promote: it is queued and cannot promote; it can be asked to rollback, override",
      "false ada asked for promote: it is not waiting at a step; it goes on by itself",
      "false ada asked for resume: it is not held",
      "false ada asked for retry: it is not stuck",
      "false ada asked for release: only a stuck deployment can be released; ask for a rollback",
      "false ada asked for yield: it is shifting and cannot yield; it can be asked to rollback, pause, resume, promote, approve, skip, override, retry, release",
    ]);
  });

  it("at the end", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:99" });
    await world.ends(id, "failed");
    for (const kind of ["rollback", "pause", "promote"] as const) await world.ask(id, kind);
    await world.turn();
    expect((await answers(world, id)).map(({ message }) => message)).toEqual([
      "ada asked for rollback: it is failed and cannot rollback; it can be asked nothing more",
      "ada asked for pause: it is failed and cannot pause; it can be asked nothing more",
      "ada asked for promote: it is failed and cannot promote; it can be asked nothing more",
    ]);
  });
});

describe("what a person must put right first", () => {
  const denied = { kind: "error", code: "AccessDeniedException", message: "no", status: 400 } as const;
  const deniedByElb = { kind: "error", code: "AccessDenied", message: "no", status: 403 } as const;
  for (const [action, fault] of [
    ["CreateTaskSet", denied],
    ["UpdateTaskSet", denied],
    ["UpdateServicePrimaryTaskSet", denied],
    ["ModifyRule", deniedByElb],
    ["ModifyListener", deniedByElb],
    ["DescribeServices", denied],
    ["DescribeTargetHealth", deniedByElb],
  ] as const) {
    it(`${action} denied: stuck, says so, goes on once it is granted and asked to retry`, async () => {
      const world = watchedWorld();
      const laid = world.lay();
      const ruling = world.local.faults.add({ fault, action });
      const id = await world.start(laid, { taskDefinition: "checkout:2" });
      await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
      const { hold } = await world.deployment(id);
      expect(hold?.reason).toMatch(
        new RegExp(`${action} is refused with ${fault.code}: .*retry, or release`),
      );
      await world.run(long);
      expect((await world.deployment(id)).hold?.kind).toBe("stuck");
      world.local.faults.remove(ruling);
      await world.ask(id, "retry");
      await world.turn();
      expect((await world.deployment(id)).hold).toBeUndefined();
      await world.ends(id, "succeeded");
    });
  }

  it("granted without a word: it tries by itself every half minute", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const ruling = world.local.faults.add({ fault: denied, action: "CreateTaskSet" });
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    await world.run(300_000);
    const tries = world.local.calls.byAction()["ecs:CreateTaskSet"] ?? 0;
    expect(tries).toBeGreaterThanOrEqual(9);
    expect(tries).toBeLessThanOrEqual(12);
    world.local.faults.remove(ruling);
    await world.ends(id, "succeeded");
  });

  it("released: given up, what is left is listed, the service is free", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    world.local.faults.add({ fault: deniedByElb, action: "ModifyRule" });
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    await world.ask(id, "release");
    const d = await world.ends(id, "abandoned");
    expect(d.note).toMatch(
      /left as it is: blue ecs-svc\/\d+ \(PRIMARY, 100 %\), green ecs-svc\/\d+ \(ACTIVE, 10 %\), listener \w+ at 90:10, rule \w+ at 1:0/,
    );
    await expect(world.start(laid, { taskDefinition: "checkout:3" })).resolves.toBeTruthy();
  });

  it("a stuck deployment can be rolled back as far as AWS lets it", async () => {
    const world = watchedWorld();
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" });
    world.local.faults.add({ fault: deniedByElb, action: "ModifyRule" });
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    await world.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});
