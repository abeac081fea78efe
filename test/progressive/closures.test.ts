/** Freezes and windows hold traffic where it stands, between steps; whoever may and says why goes on all the same. */
import { describe, expect, it } from "vitest";
import { given, minute, onBlue } from "./given.ts";

const steps = "steps: [{ weight: 10 }, { pause: 5m }, { weight: 50 }, { pause: 5m }, { weight: 100 }]";
// The world begins on Monday, 1 June, at noon.
const freeze =
  'freezes: [{ from: "2026-06-01T12:02:00Z", to: "2026-06-01T12:40:00Z", reason: "the big sale", id: sale }]';

describe("a freeze", () => {
  it("holds the next step until it is over", async () => {
    const { world, laid, teal, deploy, shows } = await given(steps, { file: freeze });
    const id = await deploy();
    await shows(10);
    await world.run(20 * minute);
    expect((await teal.look(id)).hold).toMatchObject({
      kind: "freeze",
      reason: "frozen until 2026-06-01 12:40:00 UTC: the big sale",
    });
    expect((await teal.get("/v1/services/checkout")).body.closed).toMatchObject({ id: "sale" });
    await world.run(Date.UTC(2026, 5, 1, 12, 39) - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
  });

  it("never holds a rollback", async () => {
    const { world, laid, teal, deploy, shows } = await given(steps, { file: freeze });
    const id = await deploy();
    await shows(10);
    await world.run(20 * minute);
    const before = world.clock.now();
    await teal.ask(id, "rollback");
    await world.until("back", () => world.weights(laid).every(([, green]) => green === 0));
    expect(world.clock.now() - before).toBeLessThan(5_000);
    await world.ends(id, "rolled_back");
    expect(world.weights(laid)).toEqual(onBlue);
  });

  it("is overridden for one deployment, with a reason that stands in its history", async () => {
    const { world, teal, deploy, shows } = await given(steps, {
      file: freeze,
      service: "onBusy: queue",
    });
    const id = await deploy();
    await shows(10);
    await world.run(10 * minute);
    await expect(teal.ask(id, "override")).rejects.toThrow("reason is missing: why go on all the same?");
    await teal.as("olga").ask(id, "override", { reason: "payments fail without it" });
    expect((await teal.look(id)).overrides).toEqual(["sale"]);
    await world.ends(id, "succeeded");
    const { events } = (await teal.get(`/v1/deployments/${id}/events?limit=500`)).body;
    expect(events.find(({ command }: { command?: string }) => command === "override")).toMatchObject({
      obeyed: true,
      actor: { name: "olga" },
      message: "olga asked for override: it goes on in spite of: the big sale",
    });
    const next = await deploy({ taskDefinition: "checkout:3" });
    await world.run(minute);
    expect(await teal.look(next)).toMatchObject({ phase: "queued", hold: { kind: "freeze" } });
  });
});

describe("a service's windows", () => {
  // Two hours before UTC: from 12:02 to 12:30 they are closed, and from 12:40 on.
  const service = 'windows: ["Mon-Fri 09:00-14:02", "Mon-Fri 14:30-14:40"], timezone: Europe/Berlin';

  it("hold what has begun until the next one opens, by the clocks of their zone", async () => {
    const { world, laid, teal, deploy, shows } = await given(steps, { service });
    const id = await deploy();
    await shows(10);
    await world.run(20 * minute);
    expect((await teal.look(id)).hold).toMatchObject({
      kind: "window",
      reason:
        "outside of Mon-Fri 09:00-14:02 Europe/Berlin or Mon-Fri 14:30-14:40 Europe/Berlin; it opens at 2026-06-01 12:30:00 UTC",
    });
    await world.run(Date.UTC(2026, 5, 1, 12, 29, 59) - world.clock.now());
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await shows(50);
    expect(world.clock.now()).toBeLessThan(Date.UTC(2026, 5, 1, 12, 30, 30));
  });

  it("are overridden for this closing, not for the next one", async () => {
    const { world, teal, deploy, shows } = await given(
      "steps: [{ weight: 10 }, { pause: 5m }, { weight: 50 }, { pause: 30m }, { weight: 100 }]",
      { service },
    );
    const id = await deploy();
    await shows(10);
    await world.run(10 * minute);
    await teal.ask(id, "override", { reason: "it can't wait" });
    await shows(50);
    expect((await teal.look(id)).overrides).toEqual([`window-${Date.UTC(2026, 5, 1, 12, 30)}`]);
    await world.run(40 * minute);
    expect((await teal.look(id)).hold).toMatchObject({
      kind: "window",
      reason: expect.stringContaining("it opens at 2026-06-02 07:00:00 UTC"),
    });
  });
});
