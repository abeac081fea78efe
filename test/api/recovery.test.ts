import { afterEach, beforeEach, expect, it } from "vitest";
import type { Stray } from "../../src/deployment/recover.ts";
import { TealError } from "../../src/errors.ts";
import { arn, createStage, type Stage, token } from "./support/stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage.app.close());

const stray: Stray = {
  deployment: "checkout-1",
  state: "under-way",
  set: { arn: "green", id: "ecs-svc/2", status: "ACTIVE", scalePercent: 50, running: 2 },
  blue: { arn: "blue", id: "ecs-svc/1", status: "PRIMARY", scalePercent: 100, running: 4 },
  rollingBack: false,
  routes: [{ arn: arn("listener", "app/web"), now: { blue: 50, green: 50 }, before: { blue: 1, green: 0 } }],
  ways: ["forward", "back"],
};

const headers = { authorization: `Bearer ${token}`, "teal-actor": "ada" };
const ask = (body: object) =>
  stage.app.inject({ method: "POST", url: "/v1/services/checkout/recover", headers, payload: body });
const get = async (url: string) => await stage.app.inject({ method: "GET", url, headers });

it("shows what no record answers for, remembers it for the list, and takes it over", async () => {
  stage.strays.push(stray);
  expect((await get("/v1/services")).json().services[0]).not.toHaveProperty("strays");
  expect((await get("/v1/services/checkout/strays")).json()).toEqual({
    service: "checkout",
    strays: [stray],
  });
  const listed = (await get("/v1/services")).json().services;
  expect(listed[0].strays).toEqual({ deployments: ["checkout-1"], seenAt: expect.any(String) });
  expect(listed[1]).not.toHaveProperty("strays");

  const made = await ask({ deployment: "checkout-1", way: "back" });
  expect(made.statusCode).toBe(201);
  expect(made.json()).toMatchObject({ service: "checkout", recovers: "checkout-1", actor: { name: "ada" } });
  expect(made.headers["location"]).toBe(`/v1/deployments/${made.json().id}`);
  expect((await get("/v1/services")).json().services[0].strays.deployments).toEqual([]);
});

async function refused(body: object): Promise<unknown[]> {
  const answer = await ask(body);
  return [answer.statusCode, answer.json().code];
}

it("refuses what can't be asked", async () => {
  stage.strays.push(stray);
  expect(await refused({ deployment: "checkout-1", way: "remove" })).toEqual([409, "command-refused"]);
  expect(await refused({ deployment: "checkout-9", way: "back" })).toEqual([409, "command-refused"]);
  expect(await refused({ deployment: "checkout-1", way: "up" })).toEqual([400, "bad-request"]);
  expect(await refused({ deployment: "checkout-1", way: "forward", strategy: "nope" })).toEqual([
    400,
    "unknown-strategy",
  ]);
  expect((await get("/v1/services/nope/strays")).json().code).toBe("unknown-service");
  await stage.start();
  expect(await refused({ deployment: "checkout-1", way: "back" })).toEqual([409, "busy"]);
});

it("lists the services without Redis too", async () => {
  stage.fail(new TealError("unavailable", "Redis is gone"));
  expect((await get("/v1/services")).statusCode).toBe(200);
  expect((await get("/v1/services/checkout/strays")).statusCode).toBe(503);
});
