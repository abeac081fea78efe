/** One deployment of a service acts at a time; what becomes of the others goes by the service's `onBusy`. */
import { describe, expect, it } from "vitest";
import { given, type Given } from "./given.ts";

const strategy = "steps: [{ weight: 10 }, { pause: 5m }, { weight: 100 }]";

const asked = ({ teal }: Given, version: number, more: object = {}) =>
  teal.post("/v1/deployments", { service: "checkout", taskDefinition: `checkout:${version}`, ...more });

const queueOf = async ({ teal }: Given) => {
  const { acting, queue } = (await teal.get("/v1/services/checkout")).body;
  return { acting: acting?.what, queue: queue.map(({ what }: { what: string }) => what) };
};

describe("while a deployment acts, another one", () => {
  it("waits for its turn, where the service says queue", async () => {
    const checkout = await given(strategy, { service: "onBusy: queue" });
    const { world } = checkout;
    const first = await checkout.deploy();
    const second = (await asked(checkout, 3)).body.id;
    const third = (await asked(checkout, 4)).body.id;
    expect(await queueOf(checkout)).toEqual({
      acting: "checkout:2",
      queue: ["checkout:3", "checkout:4"],
    });
    await world.ends(first, "succeeded");
    await world.ends(second, "succeeded");
    await world.ends(third, "succeeded");
    expect(world.sets()).toMatchObject([{ taskDefinition: expect.stringMatching(/checkout:4$/) }]);
  });

  it("takes the place of those that wait, where it says supersede", async () => {
    const checkout = await given(strategy, { service: "onBusy: supersede" });
    const { world, teal } = checkout;
    const first = await checkout.deploy();
    const second = (await asked(checkout, 3)).body.id;
    const third = (await asked(checkout, 4)).body.id;
    await world.ends(second, "superseded");
    expect((await teal.look(second)).note).toBe(`superseded by ${third} before anything was touched`);
    expect(await queueOf(checkout)).toEqual({ acting: "checkout:2", queue: ["checkout:4"] });
    await world.ends(first, "succeeded");
    await world.ends(third, "succeeded");
  });

  it("is refused, where it says reject or nothing at all", async () => {
    for (const service of ["onBusy: reject", ""]) {
      const checkout = await given(strategy, { service });
      const first = await checkout.deploy();
      expect(await asked(checkout, 3)).toMatchObject({
        status: 409,
        body: { code: "busy", detail: expect.stringContaining(first) },
      });
      // Whoever asks may know better.
      expect((await asked(checkout, 3, { whenBusy: "queue" })).status).toBe(201);
    }
  });
});

it("what waits can be taken out of the queue, and the others keep their order", async () => {
  const checkout = await given(strategy, { service: "onBusy: queue" });
  const { world, teal } = checkout;
  const first = await checkout.deploy();
  const [second, third] = [(await asked(checkout, 3)).body.id, (await asked(checkout, 4)).body.id];
  expect((await teal.ask(second, "rollback")).message).toBe("cancelled; nothing had been touched");
  expect(await queueOf(checkout)).toEqual({ acting: "checkout:2", queue: ["checkout:4"] });
  await world.ends(first, "succeeded");
  await world.ends(third, "succeeded");
  expect((await teal.look(second)).phase).toBe("cancelled");
});

describe("a build", () => {
  it("older than the last accepted one is refused, unless forced; the way back is no build", async () => {
    const checkout = await given(strategy, { service: "onBusy: queue" });
    const { world, teal } = checkout;
    const id = await checkout.deploy({ build: 12 });
    expect(await asked(checkout, 3, { build: 11 })).toMatchObject({
      status: 409,
      body: {
        code: "stale-build",
        detail: "build 11 of checkout is older than build 12, which was accepted before",
      },
    });
    await world.ends(id, "succeeded");
    const back = await teal.ask(id, "rollback");
    await world.ends(back.started ?? "", "succeeded");
    expect(world.sets()).toMatchObject([{ taskDefinition: expect.stringMatching(/checkout:1$/) }]);
    expect((await asked(checkout, 3, { build: 11 })).status).toBe(409);
    expect((await asked(checkout, 3, { build: 11, force: true })).status).toBe(201);
  });

  it("that was committed earlier is refused alike", async () => {
    const checkout = await given(strategy, { service: "onBusy: queue" });
    await checkout.deploy({ committedAt: "2026-06-01T10:00:00Z" });
    expect(await asked(checkout, 3, { committedAt: "2026-06-01T11:59:59+02:00" })).toMatchObject({
      status: 409,
      body: { code: "stale-build" },
    });
    expect((await asked(checkout, 3, { committedAt: "2026-06-01T12:00:01+02:00" })).status).toBe(201);
  });
});
