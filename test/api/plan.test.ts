/** A plan by the API, of a whole world. */
import { expect, it } from "vitest";
import { planView } from "../../src/api/contract.ts";
import { TealError } from "../../src/errors.ts";
import { apiOn, placed } from "../support/api-world.ts";
import { mutations, watchedWorld } from "../support/scenario.ts";
import { createStage, token } from "./support/stage.ts";

const yaml = (place: string) => `
services: { checkout: ${place} }
strategies:
  careful:
    steps: [{ weight: 10 }, { pause: { until: approval, id: release, by: [bob], timeout: 12h } }, { weight: 100 }]
    analysis: []
    bake: 5m
`;

async function stage(more = "strategy: careful, onBusy: reject") {
  const world = watchedWorld();
  const laid = world.lay("checkout", { desired: 5 });
  return { world, laid, teal: await apiOn(world, yaml(placed(laid, more))) };
}

it("tells what a deployment would do, and does none of it", async () => {
  const { world, teal, laid } = await stage();
  const before = mutations(world);
  const { status, body } = await teal.post("/v1/plan", { service: "checkout", taskDefinition: "checkout:2" });
  expect(status).toBe(200);
  expect(planView.parse(body)).toEqual(body);
  expect(body).toMatchObject({
    service: "checkout",
    strategy: "careful",
    at: new Date(world.clock.now()).toISOString(),
    ok: true,
    findings: [],
    warnings: [],
    blue: expect.stringMatching(/checkout:1$/),
    green: expect.stringMatching(/checkout:2$/),
    end: { phase: "succeeded" },
    calls: { "ecs:CreateTaskSet": 1, "elasticloadbalancing:ModifyListener": 2, "ecs:DeleteTaskSet": 1 },
    headroom: { taskSets: { atPeak: 2, limit: 5 }, tasks: { present: 5, atPeak: 10, more: 5 } },
    least: { untilPrimaryMs: 300_000 },
    expected: { untilPrimaryMs: 480_000 },
  });
  const waits = body.moments.filter((moment: { waitsFor?: unknown }) => moment.waitsFor);
  expect(waits[1]).toMatchObject({
    step: { index: 1 },
    weightPercent: 10,
    green: { scalePercent: 10, tasks: 1 },
    what: "approval of release by bob, at most 12h",
    waitsFor: { kind: "approval", atMostMs: 43_200_000 },
  });
  expect(body.moments.find((moment: { effect?: { route?: unknown } }) => moment.effect?.route)).toMatchObject(
    {
      effect: { action: "elasticloadbalancing:ModifyListener", route: { arn: laid.listener } },
    },
  );
  expect(mutations(world)).toEqual(before);
  expect((await teal.get("/v1/deployments")).body.deployments).toEqual([]);
});

it("tells all that would be refused, with what to do about it", async () => {
  const { teal } = await stage();
  const { id } = await teal.deploy({ service: "checkout", taskDefinition: "checkout:2" });
  const { status, body } = await teal.post("/v1/plan", { service: "checkout", taskDefinition: "checkout:9" });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ok: false,
    calls: {},
    end: { phase: "failed", cause: { fix: expect.any(String) } },
  });
  expect(body.findings).toEqual([
    { code: "busy", message: `${id} acts on checkout`, fix: expect.stringContaining("Wait for it to end") },
    {
      code: "unknown-revision",
      message: "the task definition checkout:9 does not exist",
      fix: expect.any(String),
    },
  ]);
});

it("says when the calendar lets it start", async () => {
  const { world, teal } = await stage(`strategy: all-at-once, windows: ["13:00-14:00"], timezone: UTC`);
  const { body } = await teal.post("/v1/plan", { service: "checkout", taskDefinition: "checkout:2" });
  expect(body.ok).toBe(true);
  const opens = new Date(Date.UTC(2026, 5, 1, 13)).toISOString();
  expect(body.moments[0].waitsFor).toMatchObject({ kind: "window", until: opens });
  expect(body.expected.untilPrimaryMs).toBe(Date.parse(opens) - world.clock.now() + 90_000);
});

it("refuses the request as starting it would, and says where AWS can't be read", async () => {
  const on = await createStage();
  const ask = (payload: object) =>
    on.app.inject({
      method: "POST",
      url: "/v1/plan",
      headers: { authorization: `Bearer ${token}` },
      payload,
    });
  const codes = async (payload: object) => {
    const answer = await ask(payload);
    return [answer.statusCode, answer.json().code];
  };
  const body = { service: "checkout", taskDefinition: "web:2" };
  expect(await codes({ ...body, service: "nope" })).toEqual([404, "unknown-service"]);
  expect(await codes({ ...body, strategy: "by-scale" })).toEqual([400, "bad-request"]);
  expect(await codes({ service: "checkout" })).toEqual([400, "bad-request"]);
  expect(await codes(body)).toEqual([503, "unavailable"]);
  on.fail(new TealError("unavailable", "Redis is away"));
  expect(await codes(body)).toEqual([503, "unavailable"]);
  await on.app.close();
});
