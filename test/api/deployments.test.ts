import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeploymentView, ProblemDetails } from "../../src/api/contract.ts";
import { presets } from "../../src/deployment/strategy.ts";
import { TealError } from "../../src/errors.ts";
import { arn, createStage, type Stage, token } from "./support/stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage.app.close());

const authorization = `Bearer ${token}`;

async function post(url: string, payload: unknown, headers: Record<string, string> = {}) {
  const answer = await stage.app.inject({
    method: "POST",
    url,
    headers: { authorization, "content-type": "application/json", ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.json() };
}

async function get(url: string, headers: Record<string, string> = { authorization }) {
  const answer = await stage.app.inject({ method: "GET", url, headers });
  return { status: answer.statusCode, body: answer.json() };
}

const ask = (id: string, body: unknown, query = "?wait=5s", headers = {}) =>
  post(`/v1/deployments/${id}/commands${query}`, body, headers);

describe("starting a deployment", () => {
  it("gives the new deployment, and the same one for the same key", async () => {
    const body = { service: "checkout", taskDefinition: "web:2", reason: "ticket 7" };
    const headers = { "idempotency-key": "build-7", "teal-actor": "ada" };
    const first = await post("/v1/deployments", body, headers);
    expect(first.status).toBe(201);
    expect(first.headers["location"]).toBe(`/v1/deployments/${first.body.id}`);
    expect(first.body satisfies DeploymentView).toMatchObject({
      service: "checkout",
      phase: "queued",
      outcome: "open",
      actor: { kind: "operator", name: "ada" },
      request: { taskDefinition: "web:2", reason: "ticket 7" },
      strategy: { name: "careful", bakeMs: 300_000 },
      commands: ["rollback"],
    });
    const again = await post("/v1/deployments", body, headers);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    const other = await post("/v1/deployments", { ...body, taskDefinition: "web:3" }, headers);
    expect([other.status, other.body.code]).toEqual([409, "idempotency-conflict"]);
  });

  it("is refused while another one acts, unless it may wait", async () => {
    const body = { service: "checkout", images: { web: "web:2" } };
    await post("/v1/deployments", body);
    const second = await post("/v1/deployments", body);
    expect([second.status, second.body.code]).toEqual([409, "busy"]);
    expect((await post("/v1/deployments", { ...body, whenBusy: "queue" })).status).toBe(201);
  });

  it.each<[string, unknown, number, Partial<ProblemDetails>]>([
    [
      "a service that is not configured",
      { service: "chekout", taskDefinition: "web:2" },
      404,
      {
        code: "unknown-service",
        detail: "teal.yaml has no service chekout; it has checkout, worker.",
        fix: "Use one of the services that teal.yaml names, or add this one to it.",
      },
    ],
    [
      "a service and a strategy that are not configured",
      { service: "nope", taskDefinition: "web:2", strategy: "bold" },
      404,
      {
        code: "unknown-service",
        problems: [
          { code: "unknown-service", path: "service", message: expect.any(String) },
          {
            code: "unknown-strategy",
            path: "strategy",
            message: expect.stringMatching(
              /^there is no strategy bold; there are careful, by-scale, all-at-once, CodeDeploy/,
            ),
          },
        ],
      },
    ],
    [
      "the name of a property of all objects",
      { service: "constructor", taskDefinition: "web:2" },
      404,
      { code: "unknown-service" },
    ],
    [
      "a strategy that the service can't follow",
      { service: "worker", taskDefinition: "web:2", strategy: "careful" },
      400,
      { code: "bad-request", detail: expect.stringContaining("the service has no routes") },
    ],
    [
      "a task definition of another region",
      {
        service: "checkout",
        taskDefinition: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2",
      },
      400,
      {
        problems: [
          {
            code: "bad-request",
            path: "taskDefinition",
            message: "the task definition is in region us-east-1, but service checkout is in eu-west-1",
          },
        ],
      },
    ],
    [
      "a task definition of another account",
      {
        service: "checkout",
        taskDefinition: "arn:aws:ecs:eu-west-1:222222222222:task-definition/web:2",
      },
      400,
      {
        problems: [
          {
            code: "bad-request",
            path: "taskDefinition",
            message:
              "the task definition is in account 222222222222, but service checkout is in 123456789012",
          },
        ],
      },
    ],
    [
      "several malformed fields at once",
      { service: 7, images: { "we b": "x", web: "x y" }, whenBusy: "wait", wieght: 5 },
      400,
      {
        code: "bad-request",
        problems: [
          { code: "bad-request", path: "service", message: "service must be a text" },
          {
            code: "bad-request",
            path: "images.we b",
            message: "images.we b must be the name of a container",
          },
          {
            code: "bad-request",
            path: "images.web",
            message: "images.web must be an image reference of 1 to 1024 characters without spaces",
          },
          {
            code: "bad-request",
            path: "whenBusy",
            message: 'whenBusy must be "queue" or "supersede" or "reject"',
          },
          {
            code: "bad-request",
            path: "wieght",
            message:
              "wieght is not known here; allowed are service, taskDefinition, images, taskSet, strategy, whenBusy, build, committedAt, force, reason",
          },
        ],
      },
    ],
    [
      "nothing to deploy",
      { service: "checkout" },
      400,
      { detail: "taskDefinition or images or taskSet must be given." },
    ],
    ["no JSON", "{ service", 400, { code: "bad-request" }],
    ["no body", "", 400, { code: "bad-request", detail: "The body is empty." }],
    [
      "a body that is no mapping",
      "[]",
      400,
      { problems: [{ code: "bad-request", message: "the body must be a mapping" }] },
    ],
    ["a body too large", { service: "x".repeat(1_100_000) }, 413, { code: "too-large" }],
  ])("is refused for %s", async (_, body, status, expected) => {
    const answer = await post("/v1/deployments", body, { "x-request-id": "r-1" });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ requestId: "r-1", ...expected });
    expect(Object.keys(answer.body).sort()).toEqual([
      "code",
      "detail",
      "fix",
      "instance",
      "problems",
      "requestId",
      "status",
      "title",
      "type",
    ]);
    expect((await get("/v1/deployments")).body.deployments).toEqual([]);
  });

  it("is refused with Retry-After when it can't be kept", async () => {
    stage.fail(new TealError("unavailable", "Redis could not keep it", { retryAfterMs: 1_500 }));
    const answer = await post("/v1/deployments", { service: "checkout", taskDefinition: "web:2" });
    expect([answer.status, answer.body.code, answer.headers["retry-after"]]).toEqual([
      503,
      "unavailable",
      "2",
    ]);
  });

  it("shows nothing of what fails inside", async () => {
    stage.fail(new Error("password hunter2 at /srv/teal.js"));
    const answer = await post("/v1/deployments", { service: "checkout", taskDefinition: "web:2" });
    expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
    expect(answer.text).not.toMatch(/hunter2|srv|at /);
    expect(stage.log.join("")).toContain(answer.body.requestId);
  });
});

describe("protection", () => {
  it.each([
    ["no header", {}],
    ["another scheme", { authorization: `Basic ${token}` }],
    ["a wrong token", { authorization: "Bearer guess" }],
    ["a longer token", { authorization: `Bearer ${token}x` }],
  ])("%s is refused everywhere below /v1", async (_, headers) => {
    for (const url of ["/v1/deployments", "/v1/services", "/v1/deployments/d1/events", "/v1/nothing"]) {
      const answer = await get(url, headers);
      expect([url, answer.status, answer.body.code]).toEqual([url, 401, "unauthorized"]);
    }
  });

  it("leaves health and the description open", async () => {
    expect(await get("/healthz", {})).toEqual({ status: 200, body: { status: "ok" } });
    const description = await get("/openapi.json", {});
    // All of it is held by docs/openapi.json.
    expect(description.body.paths).toHaveProperty(["/v1/deployments"]);
  });

  it("names what is not there", async () => {
    expect((await get("/v1/deployments/d9")).body).toMatchObject({
      code: "unknown-deployment",
      detail: "There is no deployment d9.",
    });
    expect((await get("/v2")).body).toMatchObject({
      code: "not-found",
      detail: "There is nothing at GET /v2.",
    });
  });
});

describe("readiness", () => {
  it.each(["rejects", "hangs"] as const)("is gone when Redis %s", async (how) => {
    expect((await get("/readyz", {})).status).toBe(200);
    stage.failPing(how);
    const answer = await get("/readyz", {});
    expect([answer.status, answer.body.status]).toEqual([503, "unavailable"]);
    expect(JSON.stringify(answer.body)).not.toContain("hunter2");
  });
});

describe("looking", () => {
  it("lists newest first, by service and phase, page by page", async () => {
    const ids: string[] = [];
    for (const service of ["checkout", "worker", "checkout"]) ids.push(await stage.start(service));
    await stage.commit(ids[1] ?? "", (d) => (d.phase = "failed"));
    const idsOf = async (query: string) => {
      const { body } = await get(`/v1/deployments${query}`);
      return { ids: body.deployments.map((d: DeploymentView) => d.id), next: body.next };
    };
    const first = await idsOf("?limit=2");
    expect(first.ids).toHaveLength(2);
    const second = await idsOf(`?limit=2&cursor=${encodeURIComponent(first.next)}`);
    expect(new Set([...first.ids, ...second.ids])).toEqual(new Set(ids));
    expect(second.next).toBeUndefined();
    expect((await idsOf("?service=worker")).ids).toEqual([ids[1]]);
    expect((await idsOf("?phase=failed,shifting")).ids).toEqual([ids[1]]);
    const wrong = await get("/v1/deployments?phase=done&limit=0");
    expect(wrong.status).toBe(400);
    expect(wrong.body.problems.map(({ path }: { path: string }) => path)).toEqual([
      "query.phase[0]",
      "query.limit",
    ]);
  });

  it("shows steps, shares, counts, holds, causes and what fits now, and no secrets of a task definition", async () => {
    const id = await stage.start();
    const listener = arn("listener", "app/web");
    await stage.commit(
      id,
      (d) => {
        d.phase = "shifting";
        d.step = 1;
        d.stepSince = Date.now() - 60_000;
        d.hold = { kind: "stuck", since: Date.now(), reason: "ecs:UpdateTaskSet is denied" };
        d.pair = { blue: arn("targetgroup", "a"), green: arn("targetgroup", "b") };
        d.routes = [
          {
            ref: { kind: "listener", arn: listener },
            before: { blue: 1, green: 0 },
            sum: 100,
            asked: { blue: 90, green: 10 },
            askedAt: 0,
            earlier: [],
            rest: "x",
          },
        ];
        d.observed = {
          at: Date.now(),
          blue: { desired: 4, running: 4, healthy: 4 },
          green: { desired: 1, running: 1, healthy: 0 },
          routes: [{ arn: listener, blue: 95, green: 5 }],
        };
      },
      [
        {
          type: "effect",
          effect: {
            kind: "registerTaskDefinition",
            registration: { environment: [{ name: "PASSWORD", value: "hunter2" }] },
            tags: [],
          },
          reason: "new image",
          actor: { kind: "teal", name: "teal" },
        },
        "registering a revision",
      ],
    );
    const { body } = await get(`/v1/deployments/${id}`);
    expect(body).toMatchObject({
      phase: "shifting",
      hold: { kind: "stuck", reason: "ecs:UpdateTaskSet is denied" },
      commands: ["rollback", "pause", "promote", "retry", "release"],
      routes: [{ arn: listener, askedPercent: 10, observedPercent: 5, gone: false }],
      blue: { counts: { desired: 4, running: 4, healthy: 4 } },
      green: { counts: { desired: 1, running: 1, healthy: 0 } },
    });
    expect(body.steps.map(({ what, state }: { what: string; state: string }) => `${what} ${state}`)).toEqual([
      "weight 10 % done",
      "pause 10m current",
      "weight 50 % to-come",
      "weight 100 % to-come",
    ]);
    expect(body.remainingMs).toBeGreaterThan(530_000);
    expect(body.remainingMs).toBeLessThan(541_000);
    const events = await get(`/v1/deployments/${id}/events`);
    expect(events.body).toMatchObject({
      next: 2,
      end: false,
      events: [
        { seq: 0, type: "created" },
        { seq: 1, type: "effect", effect: "registerTaskDefinition" },
      ],
    });
    expect(JSON.stringify(events.body)).not.toContain("hunter2");
  });

  it("lists services and strategies", async () => {
    const { body } = await get("/v1/services");
    expect(body.services).toMatchObject([
      { name: "checkout", strategy: "careful", whenBusy: "reject" },
      { name: "worker", strategy: "by-scale", whenBusy: "queue" },
    ]);
    expect(body.strategies).toEqual(["careful", "by-scale", ...Object.keys(presets)]);
  });
});

describe("commands", () => {
  it("are answered by the deployment: obeyed, refused, or not yet", async () => {
    const id = await stage.start();
    await stage.commit(id, (d) => (d.phase = "shifting"));
    const obeyed = await ask(id, { command: "promote", full: true, reason: "looks good" });
    expect(obeyed).toMatchObject({
      status: 200,
      body: { state: "obeyed", command: "promote", message: "done" },
    });
    expect(stage.asked[0]).toMatchObject({ kind: "promote", full: true, reason: "looks good" });

    stage.answers("refuse");
    const refused = await ask(id, { command: "pause" });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "command-refused", detail: "not now: it is drifting" },
    });

    stage.answers("keep");
    const pending = await ask(id, { command: "abort" }, "?wait=1s");
    expect(pending).toMatchObject({ status: 202, body: { state: "pending", command: "rollback" } });
    expect((await ask(id, { command: "abort" }, "")).status).toBe(202);
  });

  it("are answered as soon as the deployment does", async () => {
    const id = await stage.start();
    stage.answers("keep");
    const waiting = ask(id, { command: "rollback" }, "?wait=60s");
    await expect.poll(() => stage.asked.length).toBe(1);
    const [command] = stage.asked;
    if (command) await stage.answer(id, command, true, "called off");
    expect(await waiting).toMatchObject({ status: 200, body: { message: "called off" } });
  });

  it("are given once, however often they are sent with a key, and answered as they were", async () => {
    const id = await stage.start();
    const key = { "idempotency-key": "press-1" };
    const first = await ask(id, { command: "rollback" }, "?wait=5s", key);
    await stage.commit(id, (d) => (d.phase = "cancelled"));
    const again = await ask(id, { command: "rollback" }, "?wait=5s", key);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
    expect(stage.asked).toHaveLength(1);
  });

  it("that can't fit are refused at once, with those that do", async () => {
    const id = await stage.start();
    expect(await ask(id, { command: "promote" }, "")).toMatchObject({
      status: 409,
      body: { detail: `${id} is queued, so promote does not fit; it can obey rollback` },
    });
    expect(stage.asked).toEqual([]);
    const wrong = await ask(id, { command: "explode", full: "yes" });
    expect(wrong.body.problems).toHaveLength(2);
    expect((await ask(id, { command: "rollback" }, "?wait=5m")).status).toBe(400);
    expect((await ask("d9", { command: "rollback" })).status).toBe(404);
  });
});
