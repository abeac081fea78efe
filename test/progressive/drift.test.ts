/** What others change on a route meanwhile: noticed within one look, told with before and after, held or put right. */
import { describe, expect, it } from "vitest";
import { writeWeights } from "../support/scenario.ts";
import { given, type Given, minute, onBlue, onGreen } from "./given.ts";

const steps = "steps: [{ weight: 10 }, { pause: 10m }, { weight: 100 }]";

/** Whoever watches a canary that has carried traffic for so long looks again after at most so long. */
const lookMs = 15_000;

async function inThePause(strategy: string): Promise<Given & { id: string }> {
  const checkout = await given(strategy);
  const id = await checkout.deploy();
  await checkout.standsAt(id, "pause-2");
  await checkout.world.run(5 * minute);
  return { ...checkout, id };
}

const told = async ({ teal, id }: Given & { id: string }): Promise<string[]> =>
  (await teal.get(`/v1/deployments/${id}/events?limit=500`)).body.events.map(
    ({ message }: { message: string }) => message,
  );

describe("held, by default", () => {
  it("within one look, with what it was and what it is", async () => {
    const checkout = await inThePause(steps);
    const { world, laid, teal, id } = checkout;
    const before = world.clock.now();
    writeWeights(world, laid.listener, laid.groups, [60, 40]);
    await world.until("held", async () => (await teal.look(id)).hold?.kind === "drift");
    expect(world.clock.now() - before).toBeLessThanOrEqual(lookMs);
    const { hold, routes, commands } = await teal.look(id);
    expect(hold?.reason).toMatch(
      /^somebody changed listener \S+: blue:green is 60:40, last asked was 90:10$/,
    );
    expect(routes.map(({ askedPercent, observedPercent }) => [askedPercent, observedPercent])).toEqual([
      [10, 40],
      [10, 10],
    ]);
    expect(commands).toContain("resume");

    // Nor does it turn back because green has too few tasks for what others gave it.
    await world.run(10 * minute);
    expect(world.weights(laid)).toEqual([
      [60, 40],
      [90, 10],
    ]);
    await teal.ask(id, "resume");
    await world.ends(id, "succeeded");
    expect(world.weights(laid)).toEqual(onGreen);
  });

  it("and no hindrance to a rollback", async () => {
    const { world, laid, teal, id } = await inThePause(steps);
    writeWeights(world, laid.rule, laid.groups, [0, 100]);
    await world.until("held", async () => (await teal.look(id)).hold?.kind === "drift");
    await teal.ask(id, "rollback");
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual(onBlue);
  });
});

describe("written again, where the strategy says reapply", () => {
  const reapplying = `${steps}\nonDrift: reapply`;

  it("within one look, and told", async () => {
    const checkout = await inThePause(reapplying);
    const { world, laid } = checkout;
    const before = world.clock.now();
    writeWeights(world, laid.listener, laid.groups, [60, 40]);
    await world.until("written again", () => world.weights(laid)[0]?.[1] === 10);
    expect(world.clock.now() - before).toBeLessThanOrEqual(lookMs);
    expect(await told(checkout)).toContainEqual(
      expect.stringMatching(
        /^somebody changed listener \S+: blue:green is 60:40, last asked was 90:10; writing ours again$/,
      ),
    );
  });

  it("but not against somebody who keeps at it: then it holds, and asks", async () => {
    const { world, laid, teal, id } = await inThePause(reapplying);
    for (let time = 0; time < 6; time++) {
      writeWeights(world, laid.listener, laid.groups, [60, 40]);
      await world.run(lookMs + 1_000);
    }
    expect((await teal.look(id)).hold?.kind).toBe("drift");
    expect(world.weights(laid)[0]).toEqual([60, 40]);
  });
});
