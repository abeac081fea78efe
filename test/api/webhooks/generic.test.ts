import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sign } from "../../../src/auth/signature.ts";
import { Secret } from "../../../src/config/secret.ts";
import { TealError } from "../../../src/errors.ts";
import { createStage, token, webhookKeys } from "../support/stage.ts";
import { deliver, headersFor, now, type WebhookStage, webhookStage, without } from "../support/webhooks.ts";

let stage: WebhookStage;
beforeEach(async () => {
  stage = await webhookStage(`
  nightly:
    from: generic
    when: { job: nightly, result: [passed, flaky] }
    deploy: { service: worker, taskDefinition: "worker:{{ build.number }}", build: "{{ build.number }}" }
`);
});
afterEach(() => stage.app.close());

const body = (service = "checkout") => JSON.stringify({ service, taskDefinition: "web:2" });
const signed = headersFor.generic;
const send = (text: string, headers: Record<string, string>) => deliver(stage, "generic", text, headers);

it("computes the signature that the documentation gives", () => {
  // openssl: printf '1700000000.{"service":"checkout"}' | openssl dgst -sha256 -hmac a-secret-of-the-tests
  expect(sign(new Secret(webhookKeys.generic), "1700000000", Buffer.from('{"service":"checkout"}'))).toBe(
    "v1=aa2d13bbe9bda55cea101f0bdfcb80961253e9925d927c10d50af9708224985b",
  );
});

it("starts a deployment for CI, whatever the content type", async () => {
  const first = await send(body(), signed(body()));
  expect(first).toMatchObject({
    status: 201,
    body: { results: [{ outcome: "started", service: "checkout", deployment: "d1" }] },
  });
  expect((await stage.records.load("d1"))?.actor).toEqual({ kind: "ci", name: "webhook" });
  const plain = { ...signed(body("worker")), "content-type": "text/plain" };
  expect((await send(body("worker"), plain)).status).toBe(201);
});

describe("a forgery is refused and starts nothing", () => {
  it.each<[string, string, () => Record<string, string>]>([
    ["another key", body(), () => signed(body(), now, "another-secret-entirely")],
    ["an altered body", body("worker"), () => signed(body())],
    [
      "an altered timestamp",
      body(),
      () => ({ ...signed(body(), now - 9_000), "teal-timestamp": String(now / 1000) }),
    ],
    ["no timestamp", body(), () => without(signed(body()), "teal-timestamp")],
    ["no signature", body(), () => without(signed(body()), "teal-signature")],
    ["a bearer token instead", body(), () => ({ authorization: `Bearer ${token}` })],
    ["a signature of another form", body(), () => ({ ...signed(body()), "teal-signature": "v1=00" })],
    ["a timestamp of another form", body(), () => ({ ...signed(body()), "teal-timestamp": "now" })],
    ["no body", "", () => signed(body())],
  ])("%s", async (_, payload, headers) => {
    const answer = await send(payload, headers());
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized"]);
    expect(await stage.count()).toBe(0);
  });

  it.each([
    ["an old timestamp", -301_000],
    ["a timestamp of the future", 310_000],
  ])("%s", async (_, away) => {
    const answer = await send(body(), signed(body(), now + away));
    expect([answer.status, answer.body.code]).toEqual([400, "outdated-delivery"]);
    expect(await stage.count()).toBe(0);
  });
});

describe("a replay is refused", () => {
  it("of a delivery that started a deployment, which it names", async () => {
    const headers = signed(body());
    await send(body(), headers);
    const again = await send(body(), headers);
    expect([again.status, again.body.code]).toEqual([409, "replayed-delivery"]);
    expect(again.body.detail).toContain("it started deployment d1");
    expect(await stage.count()).toBe(1);
  });

  it("of a delivery that was refused, also once it could be obeyed", async () => {
    await send(body(), signed(body()));
    const text = `${body()} `;
    const headers = signed(text);
    expect((await send(text, headers)).body.code).toBe("busy");
    await stage.commit("d1", (d) => (d.phase = "failed"));
    expect((await send(text, headers)).body.code).toBe("replayed-delivery");
    expect(await stage.count()).toBe(1);
  });

  it("for as long as its timestamp is accepted", async () => {
    const headers = signed(body(), now + 299_000);
    await send(body(), headers);
    stage.time.at += 598_000;
    expect((await send(body(), headers)).body.code).toBe("replayed-delivery");
    stage.time.at += 2_000;
    expect((await send(body(), headers)).body.code).toBe("outdated-delivery");
  });

  it("but not the repetition of one that could not be kept", async () => {
    const headers = signed(body());
    stage.fail(new TealError("unavailable", "Redis could not keep it"));
    expect((await send(body(), headers)).status).toBe(503);
    stage.fail(undefined);
    expect((await send(body(), headers)).status).toBe(201);
  });
});

it("takes the same care of the body as the API does", async () => {
  const text = JSON.stringify({ service: "checkout", image: "web:2" });
  const answer = await send(text, signed(text));
  expect(answer).toMatchObject({ status: 400, body: { code: "bad-request" } });
  expect(answer.body.problems).toHaveLength(2);
  expect((await send("{", signed("{"))).body.detail).toBe("The body is not JSON.");
  expect((await send("[1]", signed("[1]"))).body.detail).toBe("The body is not a JSON object.");
});

describe("any JSON of any CI", () => {
  const passed = JSON.stringify({ job: "nightly", result: "passed", build: { number: 7 } });

  it("is mapped by teal.yaml", async () => {
    const answer = await send(passed, signed(passed));
    expect(answer).toMatchObject({
      status: 201,
      body: { results: [{ webhook: "nightly", outcome: "started", service: "worker" }] },
    });
    expect(await stage.records.load("d1")).toMatchObject({
      actor: { kind: "ci", name: "webhook nightly" },
      request: { taskDefinition: "worker:7", build: 7, reason: "webhook nightly" },
    });
  });

  it("is ignored where no webhook's conditions hold, with the first that doesn't", async () => {
    const failed = JSON.stringify({ job: "nightly", result: "failed" });
    expect(await send(failed, signed(failed))).toMatchObject({
      status: 200,
      body: { results: [{ outcome: "ignored", why: "result is failed, not passed or flaky" }] },
    });
  });

  it("is a request itself where it says the service and no webhook takes it", async () => {
    expect((await send(body(), signed(body()))).status).toBe(201);
    const typo = JSON.stringify({ service: "checkout", taskdefinition: "web:2" });
    expect((await send(typo, signed(typo))).status).toBe(400);
  });
});

it("takes each of two keys, and no third", async () => {
  const keys = ["the-old-key-0123456789", "the-new-key-0123456789"];
  const turning = await createStage(
    { webhookKeys: { github: [], eventbridge: [], generic: keys.map((key) => new Secret(key)) } },
    { clock: { now: () => now } },
  );
  const statuses: number[] = [];
  for (const key of [...keys, webhookKeys.generic]) {
    const text = JSON.stringify({ service: "worker", taskDefinition: "worker:1", reason: key });
    statuses.push((await deliver(turning, "generic", text, signed(text, now, key))).status);
  }
  expect(statuses).toEqual([201, 201, 401]);
  await turning.app.close();
});

it("is off without a key", async () => {
  const off = await createStage({ webhookKeys: { github: [], eventbridge: [], generic: [] } });
  for (const source of ["github", "eventbridge", "generic"] as const) {
    const answer = await deliver(off, source, body(), signed(body()));
    expect([answer.status, answer.body.code]).toEqual([404, "not-found"]);
  }
  await off.app.close();
});
