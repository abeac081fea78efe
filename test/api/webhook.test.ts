import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sign } from "../../src/auth/signature.ts";
import { Secret } from "../../src/config/secret.ts";
import { TealError } from "../../src/errors.ts";
import { createStage, type Stage, token, webhookSecret } from "./support/stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage.app.close());

const body = (service = "checkout") => JSON.stringify({ service, taskDefinition: "web:2" });
const secondsAgo = (seconds: number) => String(Math.floor(Date.now() / 1000) - seconds);

function signed(text: string, timestamp = secondsAgo(0), secret = webhookSecret): Record<string, string> {
  return {
    "content-type": "application/json",
    "teal-timestamp": timestamp,
    "teal-signature": sign(new Secret(secret), timestamp, Buffer.from(text)),
  };
}

async function deliver(payload: string, headers: Record<string, string>, to = stage) {
  const answer = await to.app.inject({ method: "POST", url: "/v1/webhooks/generic", headers, payload });
  return { status: answer.statusCode, body: answer.json() };
}

async function count(): Promise<number> {
  return (await stage.records.list({ limit: 100 })).deployments.length;
}

it("computes the signature that the documentation gives", () => {
  // openssl: printf '1700000000.{"service":"checkout"}' | openssl dgst -sha256 -hmac a-secret-of-the-tests
  expect(sign(new Secret(webhookSecret), "1700000000", Buffer.from('{"service":"checkout"}'))).toBe(
    "v1=aa2d13bbe9bda55cea101f0bdfcb80961253e9925d927c10d50af9708224985b",
  );
});

it("starts a deployment for CI, whatever the content type", async () => {
  const first = await deliver(body(), signed(body()));
  expect(first).toMatchObject({ status: 201, body: { service: "checkout", actor: { kind: "ci" } } });
  const plain = { ...signed(body("worker")), "content-type": "text/plain" };
  expect((await deliver(body("worker"), plain)).status).toBe(201);
});

describe("a forgery is refused and starts nothing", () => {
  const omit = (name: string) => {
    const headers = signed(body());
    delete headers[name];
    return headers;
  };
  it.each<[string, string, () => Record<string, string>]>([
    ["another key", body(), () => signed(body(), secondsAgo(0), "another-secret-entirely")],
    ["an altered body", body("worker"), () => signed(body())],
    [
      "an altered timestamp",
      body(),
      () => ({ ...signed(body(), secondsAgo(9)), "teal-timestamp": secondsAgo(1) }),
    ],
    ["an old timestamp", body(), () => signed(body(), secondsAgo(301))],
    ["a timestamp of the future", body(), () => signed(body(), secondsAgo(-310))],
    ["no timestamp", body(), () => omit("teal-timestamp")],
    ["no signature", body(), () => omit("teal-signature")],
    ["a bearer token instead", body(), () => ({ authorization: `Bearer ${token}` })],
    ["a signature of another form", body(), () => ({ ...signed(body()), "teal-signature": "v1=00" })],
    ["a timestamp of another form", body(), () => signed(body(), "now")],
    ["no body", "", () => signed(body())],
  ])("%s", async (_, payload, headers) => {
    const answer = await deliver(payload, headers());
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized"]);
    expect(await count()).toBe(0);
  });
});

describe("a replay is refused", () => {
  it("of a delivery that started a deployment, which it names", async () => {
    const headers = signed(body());
    const first = await deliver(body(), headers);
    const again = await deliver(body(), headers);
    expect([again.status, again.body.code]).toEqual([409, "replayed-delivery"]);
    expect(again.body.detail).toContain(first.body.id);
    expect(await count()).toBe(1);
  });

  it("of a delivery that was refused, also once it could be obeyed", async () => {
    await deliver(body(), signed(body()));
    const text = `${body()} `;
    const headers = signed(text);
    expect((await deliver(text, headers)).body.code).toBe("busy");
    const [acting] = (await stage.records.list({ limit: 1 })).deployments;
    await stage.commit(acting?.id ?? "", (d) => (d.phase = "failed"));
    expect((await deliver(text, headers)).body.code).toBe("replayed-delivery");
    expect(await count()).toBe(1);
  });

  it("but not the repetition of one that could not be kept", async () => {
    const headers = signed(body());
    stage.fail(new TealError("unavailable", "Redis could not keep it"));
    expect((await deliver(body(), headers)).status).toBe(503);
    stage.fail(undefined);
    expect((await deliver(body(), headers)).status).toBe(201);
  });
});

it("takes the same care of the body as the API does", async () => {
  const text = JSON.stringify({ service: "checkout", image: "web:2" });
  const answer = await deliver(text, signed(text));
  expect(answer).toMatchObject({ status: 400, body: { code: "bad-request" } });
  expect(answer.body.problems).toHaveLength(2);
  expect((await deliver("{", signed("{"))).body.detail).toBe("The body is not JSON.");
});

it("is off without a secret", async () => {
  const off = await createStage({ webhookSecret: undefined });
  const answer = await deliver(body(), signed(body()), off);
  expect([answer.status, answer.body.code]).toEqual([404, "not-found"]);
  await off.app.close();
});
