/** What the API shows of a service, told in a whole world. */
import { expect, it } from "vitest";
import { TealError } from "../../src/errors.ts";
import { apiOn, placed } from "../support/api-world.ts";
import { watchedWorld } from "../support/scenario.ts";
import { createStage, token } from "./support/stage.ts";

it("a service tells who acts on it, who keeps what, and who waits in which order", async () => {
  const world = watchedWorld();
  const laid = world.lay();
  const teal = await apiOn(
    world,
    `
services: { checkout: ${placed(laid, "strategy: stepwise, onBusy: queue")} }
strategies: { stepwise: { steps: [{ weight: 10 }, { pause: 1h }, { weight: 100 }], analysis: [], hold: 5s, retain: 1h } }
`,
  );
  const look = async () => (await teal.get("/v1/services/checkout")).body;
  expect(await look()).toMatchObject({
    name: "checkout",
    slot: { queue: [] },
    queue: [],
    windows: [],
    freezes: [],
  });
  const request = { service: "checkout", taskDefinition: "checkout:2" };
  const { id: kept } = await teal.deploy({ ...request, strategy: "all-at-once", build: 4 });
  await world.ends(kept, "succeeded");
  const { id: acting } = await teal.deploy({ ...request, taskDefinition: "checkout:3", build: 5 });
  await world.reaches(acting, "shifting");
  const bob = teal.as("bob");
  const { id: waiting, createdAt } = await bob.deploy({
    ...request,
    images: { app: "demo/checkout:4" },
    build: 7,
  });
  const { id: last } = await teal.deploy(request);
  const found = await look();
  expect(found).toMatchObject({
    slot: { acting, queue: [waiting, last], build: 7 },
    acting: { id: acting, phase: "shifting", by: { name: "ada" }, build: 5 },
    queue: [
      {
        id: waiting,
        phase: "queued",
        note: expect.any(String),
        what: "checkout:2, app=demo/checkout:4",
        by: { name: "bob" },
        build: 7,
        createdAt,
      },
      { id: last, by: { name: "ada" } },
    ],
  });
  expect(found.queue[1]).not.toHaveProperty("build");
  const [listed] = (await teal.get("/v1/services")).body.services;
  expect(listed).toMatchObject({ name: "checkout", slot: found.slot });
  expect(listed).not.toHaveProperty("queue");
  await teal.ask(waiting, "rollback");
  await teal.ask(last, "rollback");
  await teal.ask(acting, "promote", { full: true });
  await world.reaches(acting, "retaining");
  expect(await look()).toMatchObject({ retaining: { id: acting, phase: "retaining" }, queue: [] });
  expect((await look()).acting).toBeUndefined();
});

it("a service tells whether it is closed, and what is ahead", async () => {
  const world = watchedWorld();
  const laid = world.lay();
  // The world begins on a Monday at noon.
  const teal = await apiOn(
    world,
    `
services:
  checkout: ${placed(laid, "strategy: all-at-once, windows: ['Mon-Fri 13:00-16:00'], timezone: Europe/Berlin")}
freezes:
  - { from: 2026-12-20, to: 2027-01-02, reason: year end, id: year-end }
  - { from: 2026-06-02, to: 2026-06-03, reason: audit, services: [checkout] }
  - { from: 2026-05-01, to: 2026-05-02, reason: over }
`,
  );
  const look = async () => (await teal.get("/v1/services/checkout")).body;
  expect(await look()).toMatchObject({
    windows: [{ hours: "Mon-Fri 13:00-16:00", timezone: "Europe/Berlin" }],
    freezes: [
      { id: "freeze-2", from: "2026-06-02T00:00:00.000Z", to: "2026-06-04T00:00:00.000Z", reason: "audit" },
      { id: "year-end", reason: "year end" },
    ],
  });
  expect((await look()).closed).toBeUndefined();
  world.clock.advance(3 * 3_600_000);
  expect((await look()).closed).toEqual({
    kind: "window",
    id: `window-${Date.UTC(2026, 5, 2, 11)}`,
    reason: "outside of Mon-Fri 13:00-16:00 Europe/Berlin",
    until: "2026-06-02T11:00:00.000Z",
  });
  world.clock.advance(12 * 3_600_000);
  const [listed] = (await teal.get("/v1/services")).body.services;
  expect(listed.closed).toMatchObject({ kind: "freeze", id: "freeze-2", until: "2026-06-04T00:00:00.000Z" });
});

it("schedules tell what they ask and when, the next one first, to those who may see their service", async () => {
  const world = watchedWorld();
  const [checkout, billing] = [world.lay(), world.lay("billing")];
  // The world begins on a Monday at noon.
  const teal = await apiOn(
    world,
    `
services:
  checkout: ${placed(checkout, "strategy: all-at-once")}
  billing: ${placed(billing, "strategy: all-at-once")}
schedules:
  weekly: { cron: "30 3 * * 0", service: billing, deploy: { taskDefinition: billing } }
  morning: { cron: "0 9 * * Mon-Fri", timezone: Europe/Berlin, service: checkout, promote: full }
`,
  );
  const morning = {
    name: "morning",
    service: "checkout",
    asks: "promote",
    what: "promote fully, if healthy",
    cron: "0 9 * * Mon-Fri",
    timezone: "Europe/Berlin",
    nextAt: "2026-06-02T07:00:00.000Z",
  };
  const weekly = {
    name: "weekly",
    service: "billing",
    asks: "deploy",
    what: "deploy by all-at-once",
    cron: "30 3 * * 0",
    timezone: "UTC",
    nextAt: "2026-06-07T03:30:00.000Z",
  };
  expect((await teal.get("/v1/schedules")).body).toEqual({ schedules: [morning, weekly] });
  const { token: narrow } = (
    await teal.post("/v1/tokens", { name: "eve", grants: [{ role: "viewer", services: ["billing"] }] })
  ).body;
  const seen = await teal.get("/v1/schedules", { authorization: `Bearer ${narrow}` });
  expect(seen.body).toEqual({ schedules: [weekly] });
});

it("the configuration is told without Redis, and who has a service is not", async () => {
  const stage = await createStage();
  stage.fail(new TealError("unavailable", "Redis doesn't answer"));
  const get = (url: string) =>
    stage.app.inject({ method: "GET", url, headers: { authorization: `Bearer ${token}` } });
  const [listed] = (await get("/v1/services")).json().services;
  expect(listed.name).toBe("checkout");
  expect(listed).not.toHaveProperty("slot");
  expect((await get("/v1/services/checkout")).statusCode).toBe(503);
  expect((await get("/v1/services/nope")).json()).toMatchObject({
    code: "unknown-service",
    detail: "teal.yaml has no service nope; it has checkout, worker.",
  });
  await stage.app.close();
});
