/** What is asked at recurring times: promotions and deployments, each at the time that the API foretells. */
import { describe, expect, it } from "vitest";
import { keepSchedule, type Occurrence } from "../../workers/schedules.ts";
import { need, region } from "../support/world.ts";
import { given, type Given, hour, minute, onBlue, onGreen } from "./given.ts";

const canary = "steps: [{ weight: 10 }, { pause: 3d }, { weight: 100 }]";
const morning = `schedules: { morning: { cron: "0 9 * * *", timezone: Europe/Berlin, service: checkout, promote: full } }`;
const nightly = `schedules: { nightly: { cron: "30 3 * * *", service: checkout, deploy: { taskDefinition: checkout } } }`;

/** Time passes until the first of the schedules comes; then what a worker makes of it. */
async function comes({ world, teal }: Given): Promise<Occurrence> {
  const [next] = (await teal.get("/v1/schedules")).body.schedules;
  const at = Date.parse(next.nextAt);
  await world.run(at - world.clock.now());
  return await keepSchedule(need(teal.config().schedules[next.name]), at, {
    engine: world.engine,
    records: world.records,
    clock: world.clock,
    schedules: () => Object.values(teal.config().schedules),
    services: () => teal.config().services,
  });
}

/** What the schedule asked of a deployment, and what it answered. */
const answersTo = async ({ teal }: Given, id: string) =>
  (await teal.get(`/v1/deployments/${id}/events?limit=500`)).body.events
    .filter(
      ({ actor, type }: { actor?: { kind: string }; type: string }) =>
        type === "command" && actor?.kind === "schedule",
    )
    .map(
      ({ obeyed, message }: { obeyed: boolean; message: string }) =>
        `${obeyed ? "obeyed" : "refused"}: ${message}`,
    );

async function givenAt(now: number, strategy: string, file: string, service = ""): Promise<Given> {
  const checkout = await given(strategy, { file, service });
  checkout.world.clock.advance(now - checkout.world.clock.now());
  return checkout;
}

/** An hour before nine in Berlin. */
const early = (strategy: string, file: string) => givenAt(Date.UTC(2026, 5, 2, 6), strategy, file);

/** An hour before half past three at night. */
const atNight = (strategy: string, file: string, service?: string) =>
  givenAt(Date.UTC(2026, 5, 2, 2, 30), strategy, file, service);

const acting = async ({ teal }: Given) => (await teal.get("/v1/services/checkout")).body.acting;

describe("a promotion every morning", () => {
  it("takes the canary that stands then all the way, and the next one on the next day", async () => {
    const checkout = await early(canary, morning);
    const { world, laid, deploy, standsAt } = checkout;
    for (const [version, weights] of [
      ["checkout:2", onGreen],
      ["checkout:3", onBlue],
    ] as const) {
      const id = await deploy({ taskDefinition: version });
      await standsAt(id, "pause-2");
      expect(await comes(checkout)).toEqual({ kept: true, what: `asked ${id} to promote` });
      expect(new Date(world.clock.now()).toISOString()).toMatch(/T07:00:00/);
      await world.ends(id, "succeeded");
      expect(world.weights(laid)).toEqual(weights);
      expect(await answersTo(checkout, id)).toEqual([
        "obeyed: morning asked for promote: it goes to 100 % and then promotes, as soon as green is healthy enough",
      ]);
      world.clock.advance(22 * hour);
    }
  });

  it("leaves an unhealthy green where it is, and says why", async () => {
    const checkout = await early(
      "steps: [{ weight: 50 }, { pause: 3d }, { weight: 100 }]\ndeadlines: { unhealthy: 3h }",
      morning,
    );
    const { world, laid, deploy, standsAt } = checkout;
    const id = await deploy();
    await standsAt(id, "pause-2");
    // One of two tasks is lost, and none comes in its place.
    const { behaviours } = world.aws.settings;
    behaviours["demo/checkout:2"] = { neverStarts: true };
    const lost = need(world.aws.traffic.tasks().find(({ image }) => image === "demo/checkout:2"));
    world.aws.ecs(region, "StopTask", { cluster: "prod", task: lost.arn });
    expect((await comes(checkout)).kept).toBe(true);
    await world.run(minute);
    expect(await answersTo(checkout, id)).toEqual([
      "refused: morning asked for promote: green has too few healthy tasks",
    ]);
    expect(world.weights(laid)[0]).toEqual([50, 50]);
  });

  it("waits for the end of a freeze", async () => {
    const checkout = await early(
      canary,
      `${morning}\nfreezes: [{ from: "2026-06-02T06:30:00Z", to: "2026-06-02T07:30:00Z", reason: audit }]`,
    );
    const { world, laid, deploy, standsAt } = checkout;
    const id = await deploy();
    await standsAt(id, "pause-2");
    expect((await comes(checkout)).kept).toBe(true);
    await world.run(29 * minute);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await world.ends(id, "succeeded");
  });

  it("gives no approval: that is a person's", async () => {
    const checkout = await early(
      "steps: [{ weight: 10 }, { pause: { until: approval, id: release } }, { weight: 100 }]",
      morning,
    );
    const { world, laid, teal, deploy, standsAt } = checkout;
    const id = await deploy();
    await standsAt(id, "release");
    await comes(checkout);
    await world.run(minute);
    expect(await answersTo(checkout, id)).toEqual([
      "refused: morning asked for promote: release waits for a person's approval",
    ]);
    expect(world.weights(laid)[0]).toEqual([90, 10]);
    await teal.as("bob").ask(id, "approve");
    await world.ends(id, "succeeded");
  });

  it("asks nobody where nothing acts", async () => {
    const checkout = await early(canary, morning);
    expect(await comes(checkout)).toEqual({
      kept: false,
      what: "left out: no deployment of checkout acts",
    });
  });
});

describe("a deployment every night", () => {
  it("brings the newest revision of its family, in the schedule's name", async () => {
    const checkout = await atNight("steps: [{ weight: 100 }]", nightly);
    const { world, teal } = checkout;
    expect((await comes(checkout)).kept).toBe(true);
    const { id } = await acting(checkout);
    expect(await teal.look(id)).toMatchObject({
      actor: { kind: "schedule", name: "nightly" },
      request: { taskDefinition: "checkout", reason: "schedule nightly" },
    });
    await world.ends(id, "succeeded");
    expect(world.sets()).toMatchObject([{ taskDefinition: expect.stringMatching(/checkout:4$/) }]);
  });

  it.each([
    ["reject", /^left out: .* acts on checkout/],
    ["queue", /^started /],
  ])("goes by the service's onBusy, %s, while another one acts", async (onBusy, what) => {
    const checkout = await atNight(canary, nightly, `onBusy: ${onBusy}`);
    const { teal, deploy, standsAt } = checkout;
    const id = await deploy();
    await standsAt(id, "pause-2");
    expect((await comes(checkout)).what).toMatch(what);
    expect((await teal.get("/v1/services/checkout")).body.queue).toHaveLength(onBusy === "queue" ? 1 : 0);
    expect((await acting(checkout)).id).toBe(id);
  });

  it("waits in a freeze, with nothing touched, and goes on after it", async () => {
    const checkout = await atNight(
      "steps: [{ weight: 100 }]",
      `${nightly}\nfreezes: [{ from: "2026-06-02T03:00:00Z", to: "2026-06-02T04:00:00Z", reason: audit }]`,
    );
    const { world, teal } = checkout;
    await comes(checkout);
    const { id } = await acting(checkout);
    await world.run(29 * minute);
    expect(await teal.look(id)).toMatchObject({ phase: "queued", hold: { kind: "freeze" } });
    expect(world.sets()).toHaveLength(1);
    await world.ends(id, "succeeded");
  });

  it("that is unhealthy goes back by itself", async () => {
    const checkout = await atNight("steps: [{ weight: 100 }]\ndeadlines: { provisioning: 5m }", nightly);
    const { world, laid, teal } = checkout;
    world.aws.settings.behaviours["demo/checkout:4"] = { failHealthChecks: true };
    await comes(checkout);
    const { id } = await acting(checkout);
    await world.ends(id, "rolled_back");
    expect((await teal.look(id)).cause?.code).toMatch(/^(deadline|green-failing)$/);
    expect(world.weights(laid)).toEqual(onBlue);
  });
});
