/** Redis comes back empty or older at every moment of a deployment: nothing is done on wrong grounds, and all ends well. */
import { describe, expect, it, vi } from "vitest";
import { isTerminal, type Phase, phases } from "../../src/deployment/phases.ts";
import { tagKeys } from "../../src/deployment/target.ts";
import { watchPromises } from "../support/promises.ts";
import { mutations, watchedWorld, writeWeights } from "../support/scenario.ts";
import { ada, canary, type Laid, region, World } from "../support/world.ts";
import { courses, cut, Drama, loseAndCare } from "./losing-redis.ts";

vi.setConfig({ testTimeout: 60_000 });

const outline = new Map<string, Drama>();
for (const course of courses) {
  const drama = new Drama();
  await drama.play(course);
  outline.set(course, drama);
}

function serving(drama: Drama) {
  return drama.world
    .sets()
    .map((set) => [set.taskSetArn === drama.blue ? "blue" : "green", set.status, set.scale?.value]);
}

const asBefore = [
  [1, 0],
  [1, 0],
  [1, 0],
];

function weightsOf({ world, laid }: Drama): number[][] {
  return [...world.weights(laid), world.routeWeights(laid, laid.testRule)];
}

it("loses Redis in every phase in which there is something to lose", () => {
  const lost = new Set([...outline.values()].flatMap(({ moments }) => moments.map(({ phase }) => phase)));
  const ended = phases.filter((phase) => isTerminal(phase));
  // What ends a deployment before it touches anything, or gives it up, leaves nothing under way.
  const without: Phase[] = ended.filter((phase) => phase !== "succeeded" && phase !== "rolled_back");
  expect([...lost].toSorted()).toEqual(phases.filter((phase) => !without.includes(phase)).toSorted());
});

describe.each(courses)("Redis comes back empty, the deployment went %s", (course) => {
  const moments = outline.get(course)?.moments ?? [];
  it.each(moments)("at $label", async ({ n }) => {
    const drama = await cut(course, n === 0 ? 1 : n);
    const { world, laid, id } = drama;
    drama.lose();
    const before = mutations(world);
    await drama.pass(60_000);
    expect(mutations(world)).toEqual(before);

    const sets = world.sets().filter((set) => set.status !== "DRAINING");
    const green = sets.find((set) => set.taskSetArn !== drama.blue);
    const strays = await world.engine.strays(laid.target);
    if (sets.length === 1) {
      expect(strays).toEqual([]);
      const next = await world.start(laid, { taskDefinition: "checkout:3" });
      await world.ends(next, "succeeded");
      expect(await drama.misfits()).toEqual([]);
      return;
    }
    const rollingBack = green?.tags?.some(({ key }) => key === tagKeys.rollingBack) ?? false;
    expect(strays).toMatchObject([
      {
        deployment: id,
        state: green?.status === "PRIMARY" ? "promoted" : "under-way",
        set: { arn: green?.taskSetArn },
        blue: { arn: drama.blue },
        rollingBack,
        routes: weightsOf(drama).map(([blue, green]) => ({
          now: { blue, green },
          before: { blue: 1, green: 0 },
        })),
        ways: rollingBack ? ["back"] : ["forward", "back"],
      },
    ]);
    for (const way of strays[0]?.ways ?? []) {
      const again = way === strays[0]?.ways[0] ? drama : await cut(course, n === 0 ? 1 : n);
      if (again !== drama) again.lose();
      const taker = await again.recover(way);
      expect(await again.recover(way)).toBe(taker);
      await again.until(async () => (await again.world.deployment(taker)).settled);
      expect((await again.world.deployment(taker)).phase, await again.world.story()).toBe(
        way === "back" ? "rolled_back" : "succeeded",
      );
      expect(await again.misfits()).toEqual([]);
      expect(serving(again)).toEqual([[way === "back" ? "blue" : "green", "PRIMARY", 100]]);
      if (way !== "back") continue;
      expect(weightsOf(again)).toEqual(asBefore);
      // A call that was sent on the lost record comes late.
      for (const { arn, now } of strays[0]?.routes ?? [])
        if (now) writeWeights(again.world, arn, again.laid.groups, [now.blue, now.green]);
      await again.pass(30_000);
      expect(weightsOf(again)).toEqual(asBefore);
    }
  });
});

describe.each(courses)("Redis comes back older, the deployment went %s", (course) => {
  const moments = outline.get(course)?.moments ?? [];
  /** A share of all; `every-loss.ts` plays each of them. */
  const earlierOnes = (n: number) =>
    moments.slice(0, n).filter((one) => one.phase !== moments[one.n - 1]?.phase && (one.n + n) % 4 === 0);
  it.each(moments.filter(({ n }) => earlierOnes(n).length > 0))("at $label", async ({ n }) => {
    for (const earlier of earlierOnes(n)) {
      const wish = (earlier.n + n) % 2 === 0 ? "forward" : "back";
      const found = await loseAndCare(course, n, earlier.n, wish);
      expect(found, `as it was at ${earlier.label}, wishing to go ${wish}`).toEqual([]);
    }
  });
});

async function tested(world: World, laid: Laid): Promise<void> {
  await world.until("test traffic", () => world.routeWeights(laid, laid.testRule)[1] === 1);
  await world.run(5_000);
}

describe("Redis comes back empty while green is tested", () => {
  const minute = 60_000;
  const strategy = canary(
    [
      { kind: "weight", percent: 10 },
      { kind: "pause", id: "ten", ms: minute },
      { kind: "weight", percent: 100 },
    ],
    { testing: [{ kind: "test" }, { kind: "pause", id: "look", ms: 10 * minute }] },
  );

  /** Lost at `moment`; what takes the stray over. */
  async function lostWhen(moment: (world: World, laid: Laid, id: string) => Promise<void>) {
    const world = new World();
    const laid = world.lay("checkout", { test: [1, 0] });
    const watch = watchPromises(world);
    const deployment = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
    await moment(world, laid, deployment);
    world.records.clear();
    watch.forget();
    const taken = async (way: "forward" | "back") =>
      (await world.engine.recover({ target: laid.target, strategy, deployment, way, actor: ada })).id;
    const test = () => world.routeWeights(laid, laid.testRule);
    return { world, laid, watch, taken, test };
  }

  it("the stray tells of test routes too, and going on tests it first", async () => {
    const { world, laid, watch, taken, test } = await lostWhen(tested);
    const [stray] = await world.engine.strays(laid.target);
    expect(stray?.routes.map(({ now }) => now)).toEqual([
      { blue: 1, green: 0 },
      { blue: 1, green: 0 },
      { blue: 0, green: 1 },
    ]);
    const taker = await taken("forward");
    await world.run(30_000);
    expect([(await world.deployment(taker)).phase, ...world.weights(laid)]).toEqual([
      "testing",
      [1, 0],
      [1, 0],
    ]);
    await world.ends(taker, "succeeded");
    // By its place: blue's group is the other one now.
    expect([...world.weights(laid), test()]).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(watch.violations).toEqual([]);
  });

  it("going back puts the test routes back", async () => {
    const { world, laid, watch, taken, test } = await lostWhen(tested);
    await world.ends(await taken("back"), "rolled_back");
    expect([world.sets().length, ...world.weights(laid), test()]).toEqual([1, [1, 0], [1, 0], [1, 0]]);
    expect(watch.violations).toEqual([]);
  });

  it("one that has not started yet is waited for before it is tested", async () => {
    const { world, watch, taken } = await lostWhen(async (on) =>
      on.until("green", () => on.sets().length === 2),
    );
    const taker = await taken("forward");
    await world.reaches(taker, "testing");
    expect((await world.events(taker)).map(({ message }) => message)).toContainEqual(
      expect.stringContaining("green is steady"),
    );
    await world.ends(taker, "succeeded");
    expect(watch.violations).toEqual([]);
  });
});

describe("a route lacks one of the pair", () => {
  const half = canary([
    { kind: "weight", percent: 50 },
    { kind: "pause", ms: 600_000 },
    { kind: "weight", percent: 100 },
  ]);

  /** Half of the traffic is on green, Redis lost it all, and the rule forwards to one group of the pair alone. */
  async function lame(left: 0 | 1) {
    const world = new World();
    const watch = watchPromises(world);
    const laid = world.lay();
    const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: half });
    await world.until("half on green", () => world.weights(laid).every(([blue, green]) => blue === green));
    world.records.clear();
    watch.forget();
    const TargetGroups = [{ TargetGroupArn: laid.groups[left], Weight: 1 }];
    const Actions = [{ Type: "forward" as const, ForwardConfig: { TargetGroups } }];
    world.aws.elb(region, "ModifyRule", { RuleArn: laid.rule, Actions });
    const order = { target: laid.target, strategy: half, deployment: id, actor: ada };
    return { world, watch, laid, order };
  }

  it("green's: it can't go on, as blue would lose what that route still leads to it; it goes back", async () => {
    const { world, watch, laid, order } = await lame(0);
    expect(await world.engine.strays(laid.target)).toMatchObject([{ ways: ["back"] }]);
    await expect(world.engine.recover({ ...order, way: "forward" })).rejects.toMatchObject({
      code: "command-refused",
      message: expect.stringContaining(`${laid.rule} does not forward to both target groups`),
    });
    const { id } = await world.engine.recover({ ...order, way: "back" });
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)[0]).toEqual([1, 0]);
    expect(watch.violations).toEqual([]);
  });

  it("blue's: green stays while that route leads to it, and a person is told", async () => {
    const { world, watch, laid, order } = await lame(1);
    const { id } = await world.engine.recover({ ...order, way: "back" });
    await world.until("stuck", async () => (await world.deployment(id)).hold?.kind === "stuck");
    expect((await world.deployment(id)).hold?.reason).toMatch(/still leads to green/);
    expect(world.sets().filter(({ scale }) => scale?.value !== 0)).toHaveLength(2);
    writeWeights(world, laid.rule, laid.groups, [1, 0]);
    await world.ends(id, "rolled_back");
    expect(watch.violations).toEqual([]);
  });
});

it("what was being taken away is not started again by going on without a record", async () => {
  const world = watchedWorld();
  const laid = world.lay();
  const strategy = canary([{ kind: "weight", percent: 100 }], { holdMs: 5_000 });
  const id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy });
  const blue = () => world.sets().find(({ taskDefinition }) => taskDefinition?.endsWith(":1"));
  await world.until("drained", () => blue()?.scale?.value === 0);
  world.records.clear();
  const order = { target: laid.target, strategy, deployment: id, way: "forward", actor: ada } as const;
  const taker = await world.engine.recover(order);
  await world.until("over", async () => {
    expect(blue()?.computedDesiredCount ?? 0).toBe(0);
    return (await world.deployment(taker.id)).phase === "succeeded";
  });
});
