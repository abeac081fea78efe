/** Every operation that changes something can be repeated with its Idempotency-Key; a new one must be listed here. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TealError } from "../../src/errors.ts";
import { createMemoryRepeats } from "../support/memory-repeats.ts";
import { documentOf, operationsOf } from "./support/operations.ts";
import { arn, token } from "./support/stage.ts";
import { headersFor, payload, type WebhookStage, webhookStage } from "./support/webhooks.ts";

let stage: WebhookStage;
beforeEach(async () => {
  stage = await webhookStage("  {}");
});
afterEach(() => stage.app.close());

interface Repeatable {
  /** Sets the stage and says where to ask. */
  url: () => Promise<string>;
  body: object;
  /** Another request, which would be understood too. */
  other: object;
  /** Of the first answer, and of the second where it isn't the same. */
  status: [number, number?];
  /** What the two answers have in common, where it isn't all. */
  same?: string;
}

async function shifting(): Promise<string> {
  const id = await stage.start();
  await stage.commit(id, (d) => (d.phase = "shifting"));
  return id;
}

const repeatable: Record<string, Repeatable> = {
  startDeployment: {
    url: async () => "/v1/deployments",
    body: { service: "checkout", taskDefinition: "web:2" },
    other: { service: "checkout", taskDefinition: "web:3" },
    status: [201, 200],
    same: "id",
  },
  askCommand: {
    url: async () => `/v1/deployments/${await shifting()}/commands?wait=5s`,
    body: { command: "pause" },
    other: { command: "promote" },
    status: [200],
  },
  answerHook: {
    url: async () => {
      const id = await shifting();
      await stage.commit(id, (d) => {
        const hook = {
          url: "https://hooks.example/",
          headers: {},
          timeoutMs: 1_000,
          attemptsMax: 1,
          onFailure: "rollback" as const,
        };
        d.strategy = { ...d.strategy, steps: [{ kind: "hook", id: "smoke", hook }] };
        d.gates = { smoke: { hook: { attempt: 1, failures: 0, nextAt: 0 } } };
        d.step = 0;
      });
      return `/v1/deployments/${id}/gates/smoke/answer?wait=5s`;
    },
    body: { attempt: 1, status: "SUCCEEDED" },
    other: { attempt: 1, status: "FAILED" },
    status: [200],
  },
  redeploy: {
    url: async () => {
      const id = await stage.start();
      await stage.commit(id, (d) => (d.phase = "succeeded"));
      return `/v1/deployments/${id}/redeploy`;
    },
    body: { reason: "back" },
    other: { reason: "further back" },
    status: [201],
  },
  recover: {
    url: async () => {
      stage.strays.push({
        deployment: "checkout-1",
        state: "under-way",
        set: { arn: "green", id: "ecs-svc/2", status: "ACTIVE", scalePercent: 50, running: 2 },
        rollingBack: false,
        routes: [{ arn: arn("listener", "app/web"), before: { blue: 1, green: 0 } }],
        ways: ["forward", "back"],
      });
      return "/v1/services/checkout/recover";
    },
    body: { deployment: "checkout-1", way: "back" },
    other: { deployment: "checkout-1", way: "forward" },
    status: [201],
  },
  createToken: {
    url: async () => "/v1/tokens",
    body: { name: "ci", grants: [{ role: "viewer", services: ["*"] }] },
    other: { name: "ci", grants: [{ role: "admin", services: ["*"] }] },
    status: [201],
    same: "id",
  },
  redeliver: {
    url: async () => {
      const headers = headersFor.eventbridge();
      const text = payload("ecr-image-action");
      const sent = await stage.app.inject({
        method: "POST",
        url: "/v1/webhooks/eventbridge",
        headers,
        payload: text,
      });
      return `/v1/deliveries/${sent.json().id}/redeliver`;
    },
    body: {},
    other: { again: true },
    status: [200],
  },
};

/** They change nothing, or are told by what is signed. */
const others = ["planDeployment", "deliverGithub", "deliverEventbridge", "deliverGeneric"];

async function ask(url: string, body: object, headers: Record<string, string>) {
  const given = { authorization: `Bearer ${token}`, ...headers };
  const answer = await stage.app.inject({ method: "POST", url, headers: given, payload: body });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

it("these are all operations that there are, and each says that it takes a key", async () => {
  const posts = operationsOf(await documentOf(stage.app)).filter(({ method }) => method === "POST");
  expect(posts.map(({ says }) => says.operationId ?? "").toSorted()).toEqual(
    [...Object.keys(repeatable), ...others].toSorted(),
  );
  for (const { name, says } of posts) {
    if (others.includes(says.operationId ?? "")) continue;
    expect(says.parameters, name).toContainEqual(
      expect.objectContaining({ name: "idempotency-key", in: "header" }),
    );
  }
});

describe.each(Object.entries(repeatable))(
  "%s",
  (_, { url, body, other, status: [first, again = first], same }) => {
    const part = (answer: Record<string, unknown>) => (same === undefined ? answer : answer[same]);

    it("with the same key has one effect and one answer; another request is refused", async () => {
      const at = await url();
      const key = { "idempotency-key": "build-7" };
      const one = await ask(at, body, key);
      const asked = stage.asked.length;
      const made = await stage.count();
      expect(one.status).toBe(first);

      const two = await ask(at, body, key);
      expect(two.status).toBe(again);
      expect(part(two.body)).toEqual(part(one.body));
      expect(two.headers["location"]).toBe(one.headers["location"]);
      expect([stage.asked.length, await stage.count()]).toEqual([asked, made]);

      const three = await ask(at, other, key);
      expect(three).toMatchObject({ status: 409, body: { code: "idempotency-conflict" } });
      expect([stage.asked.length, await stage.count()]).toEqual([asked, made]);
    });
  },
);

const pause = { command: "pause" };
const key = { "idempotency-key": "k" };

it("a command that has no answer yet is not answered so for ever", async () => {
  const url = `/v1/deployments/${await shifting()}/commands`;
  stage.answers("keep");
  expect((await ask(url, pause, key)).status).toBe(202);
  const [command] = stage.asked;
  if (!command) throw new Error("nothing was asked");
  await stage.answer("d1", command, true, "it stands still");
  expect(await ask(url, pause, key)).toMatchObject({ status: 200, body: { message: "it stands still" } });
});

it("the same key in another's hands, or for another path, is another key", async () => {
  const url = `/v1/deployments/${await shifting()}/commands?wait=5s`;
  const grants = [{ role: "operator", services: ["*"] }];
  const { body: made } = await ask("/v1/tokens", { name: "bob", grants }, {});
  expect((await ask(url, pause, key)).body).toMatchObject({ command: "pause" });
  const bobs = { ...key, authorization: `Bearer ${made.token}` };
  expect(await ask(url, { command: "rollback" }, bobs)).toMatchObject({
    status: 200,
    body: { command: "rollback", state: "obeyed" },
  });
  expect((await ask("/v1/deployments/d1/redeploy", {}, key)).body.code).not.toBe("idempotency-conflict");
});

it("whoever lost the right meanwhile is not told the answer again", async () => {
  const url = `/v1/deployments/${await shifting()}/commands?wait=5s`;
  const grants = [{ role: "operator" as const, services: ["*"] }];
  const { body: made } = await ask("/v1/tokens", { name: "bob", grants }, {});
  const bobs = { ...key, authorization: `Bearer ${made.token}` };
  expect((await ask(url, pause, bobs)).status).toBe(200);
  const record = await stage.tokens.find(made.id);
  if (!record) throw new Error("there is no token");
  await stage.tokens.write({ ...record, grants: [{ role: "viewer", services: ["*"] }] });
  expect((await ask(url, pause, bobs)).status).toBe(403);
});

it("the key of a request that was not understood is free for a corrected one", async () => {
  await shifting();
  expect((await ask("/v1/deployments/d1/commands", { command: "halt" }, key)).status).toBe(400);
  expect(
    (await ask("/v1/services/worker/recover", { deployment: "x", way: "back", strategy: "no" }, key)).status,
  ).toBe(400);
  expect((await ask("/v1/services/worker/recover", { deployment: "x", way: "back" }, key)).body.code).toBe(
    "command-refused",
  );
  expect((await ask("/v1/deployments/d1/commands?wait=5s", pause, key)).status).toBe(200);
});

const gone = async () => Promise.reject(new TealError("unavailable", "Redis is gone"));

it("what Redis can't be asked for is not carried out, and may come again", async () => {
  await stage.app.close();
  stage = await webhookStage("  {}", { repeats: { take: gone, keep: gone, release: gone } });
  const url = `/v1/deployments/${await shifting()}/commands?wait=5s`;
  expect((await ask(url, pause, key)).status).toBe(503);
  expect(stage.asked).toEqual([]);
});

it("what can't be kept is answered all the same, and said in the log", async () => {
  const book = {
    ...createMemoryRepeats(),
    keep: gone,
  };
  await stage.app.close();
  stage = await webhookStage("  {}", { repeats: book });
  const url = `/v1/deployments/${await shifting()}/commands?wait=5s`;
  expect((await ask(url, pause, key)).status).toBe(200);
  expect(stage.log.join("")).toContain("could not keep an answer");
});
