import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TealError } from "../../../src/errors.ts";
import { webhookKeys } from "../support/stage.ts";
import {
  ask,
  changed,
  deliver,
  headersFor,
  payload,
  type WebhookStage,
  webhookStage,
} from "../support/webhooks.ts";

const mapping = (service = "checkout", branch = "main") => `
  web:
    from: github
    on: workflow_run
    when: { repository.full_name: acme/checkout, workflow_run.head_branch: ${branch} }
    deploy: { service: ${service}, images: { web: "ghcr.io/acme/checkout:{{ workflow_run.head_sha }}" } }
  background:
    from: github
    on: workflow_run
    when: { repository.full_name: acme/checkout, workflow_run.name: nightly }
    deploy: { service: worker, taskDefinition: "worker:{{ workflow_run.run_number }}" }
`;
const run = payload("workflow_run");

let stage: WebhookStage;
beforeEach(async () => {
  stage = await webhookStage(mapping());
});
afterEach(() => stage.app.close());

async function sent(values: Record<string, unknown> = {}): Promise<string> {
  const text = changed(run, values);
  const { headers } = await deliver(stage, "github", text, headersFor.github(text, "workflow_run"));
  return String(headers["teal-delivery"]);
}
const get = (path: string) => ask(stage, "GET", `/v1/deliveries${path}`);
const redeliver = (id: string, body: object = {}, key?: string) =>
  ask(stage, "POST", `/v1/deliveries/${id}/redeliver`, body, key ? { "idempotency-key": key } : {});

describe("a delivery can be looked up", () => {
  it("with what it led to, webhook by webhook", async () => {
    const id = await sent();
    expect(await get(`/${id}`)).toMatchObject({
      status: 200,
      body: {
        id,
        source: "github",
        event: "workflow_run",
        sentAs: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        sentAt: "2026-06-02T08:59:58.000Z",
        receivedAt: "2026-06-02T09:00:00.000Z",
        redeliverable: true,
        results: [
          { webhook: "web", service: "checkout", outcome: "started", deployment: "d1" },
          {
            webhook: "background",
            service: "worker",
            outcome: "ignored",
            why: "workflow_run.name is build, not nightly",
          },
        ],
      },
    });
  });

  it("with its payload, and none of its headers", async () => {
    const { body } = await get(`/${await sent()}`);
    expect(body.payload).toEqual(JSON.parse(run));
    const text = JSON.stringify(body);
    for (const secret of [webhookKeys.github, "sha256=", "GitHub-Hookshot"])
      expect(text).not.toContain(secret);
  });

  it("also where it was refused, with what to do", async () => {
    await stage.start("checkout");
    const { body } = await get(`/${await sent()}`);
    expect(body.results[0]).toMatchObject({
      outcome: "refused",
      code: "busy",
      fix: expect.stringContaining("roll it back"),
    });
  });

  it("not where the signature did not hold", async () => {
    await deliver(
      stage,
      "github",
      run,
      headersFor.github(run, "workflow_run", "1", "another-secret-entirely"),
    );
    expect((await get("")).body).toEqual({ deliveries: [] });
  });

  it("says where there is none", async () => {
    const { status, body } = await get(`/${"0".repeat(24)}`);
    expect([status, body.code]).toEqual([404, "unknown-delivery"]);
    expect((await get("/nope")).status).toBe(400);
  });
});

describe("the list", () => {
  const failed = { "workflow_run.conclusion": "failure" };

  it("is newest first, page by page", async () => {
    const ids: string[] = [];
    for (const number of [1, 2, 3]) {
      ids.unshift(await sent({ ...failed, "workflow_run.run_number": number }));
      stage.time.at += 1_000;
    }
    const first = await get("?limit=2");
    expect(first.body.deliveries.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const second = await get(`?limit=2&cursor=${encodeURIComponent(first.body.next)}`);
    expect(second.body.deliveries.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
    expect(second.body.next).toBeUndefined();
    expect(first.body.deliveries[0].payload).toBeUndefined();
  });

  it("is of a webhook, a service, an outcome or a source", async () => {
    const started = await sent();
    const ignored = await sent(failed);
    const listed = async (query: string) =>
      (await get(`?${query}`)).body.deliveries.map(({ id }: { id: string }) => id).toSorted();
    expect(await listed("outcome=started")).toEqual([started]);
    expect(await listed("service=checkout&outcome=ignored")).toEqual([ignored]);
    expect(await listed("webhook=background")).toEqual([started, ignored].toSorted());
    expect(await listed("webhook=background&outcome=started")).toEqual([]);
    expect(await listed("source=eventbridge")).toEqual([]);
    expect((await get("?outcome=nice")).status).toBe(400);
  });
});

describe("one that came before is carried out again by hand", () => {
  it("as teal.yaml is now, in the name of who asks, whatever its age", async () => {
    const id = await sent({ "workflow_run.head_branch": "develop" });
    stage.configure(mapping("checkout", "develop"));
    stage.time.at += 86_400_000;
    const { status, body } = await redeliver(id);
    expect([status, body]).toMatchObject([
      200,
      {
        redelivers: id,
        by: { kind: "operator", name: "api" },
        results: [{ outcome: "started", deployment: "d1" }, { outcome: "ignored" }],
      },
    ]);
    expect((await stage.records.load("d1"))?.actor).toEqual(body.by);
    expect((await get(`/${id}`)).body.results[0].outcome).toBe("ignored");
    expect((await get(`/${body.id}`)).body).toMatchObject({
      redelivers: id,
      payload: { action: "completed" },
    });
  });

  it("leaves alone what started a deployment already, unless told to", async () => {
    const id = await sent();
    await stage.commit("d1", (d) => (d.phase = "failed"));
    expect((await redeliver(id)).body.results[0]).toMatchObject({
      outcome: "started",
      deployment: "d1",
      before: true,
    });
    expect(await stage.count()).toBe(1);
    const [again] = (await redeliver(id, { again: true })).body.results;
    expect(again).toMatchObject({ outcome: "started" });
    expect(again.deployment).not.toBe("d1");
    expect(await stage.count()).toBe(2);
  });

  it("and that again, as the same delivery", async () => {
    const id = await sent();
    const { body } = await redeliver(id, {}, "one");
    expect((await redeliver(body.id, {}, "two")).body).toMatchObject({
      redelivers: id,
      results: [{ deployment: "d1" }, {}],
    });
  });

  it("once for each key", async () => {
    const id = await sent();
    await stage.commit("d1", (d) => (d.phase = "failed"));
    const first = await redeliver(id, { again: true }, "key-1");
    await stage.commit(first.body.results[0].deployment, (d) => (d.phase = "failed"));
    expect((await redeliver(id, { again: true }, "key-1")).body).toEqual(first.body);
    expect(await stage.count()).toBe(2);
    await redeliver(id, { again: true }, "key-2");
    expect(await stage.count()).toBe(3);
  });

  it("once, though the answer to the first time could not be kept", async () => {
    const id = await sent({ "workflow_run.conclusion": "failure" });
    stage.configure(mapping().replace("acme/checkout, ", 'acme/checkout, workflow_run.conclusion: "*", '));
    stage.fail(new TealError("unavailable", "Redis could not keep it"));
    expect((await redeliver(id, {}, "key-1")).status).toBe(503);
    stage.fail(undefined);
    expect((await redeliver(id, {}, "key-1")).body.results[0]).toMatchObject({ outcome: "started" });
    expect(await stage.count()).toBe(1);
  });

  it("says so where another request was made of it before", async () => {
    const id = await sent();
    await stage.commit("d1", (d) => (d.phase = "failed"));
    stage.configure(mapping("worker"));
    expect((await redeliver(id)).body.results[0]).toMatchObject({
      outcome: "refused",
      code: "idempotency-conflict",
      message: "This delivery started a deployment before, when the webhook made another request of it.",
    });
  });

  it("not where its payload was too large to be kept", async () => {
    const id = await sent({ "workflow_run.display_title": "x".repeat(65_536) });
    expect((await get(`/${id}`)).body).toMatchObject({ redeliverable: false });
    const { status, body } = await redeliver(id);
    expect([status, body.code]).toEqual([409, "payload-not-kept"]);
  });
});

/** Requests by whoever has these grants. */
const as = async (grants: object[]) => {
  const { body } = await ask(stage, "POST", "/v1/tokens", { name: "somebody", grants });
  return (method: "GET" | "POST", path: string) =>
    ask(stage, method, `/v1/deliveries${path}`, method === "POST" ? {} : undefined, {
      authorization: `Bearer ${body.token}`,
    });
};

describe("who may", () => {
  it("sees what came of it for services that they may view, without the payload", async () => {
    const id = await sent();
    const none = await sent({ "repository.full_name": "acme/other" });
    stage.configure("  {}");
    const unmapped = await sent({ "workflow_run.run_number": 1 });
    const viewer = await as([{ role: "viewer", services: ["worker"] }]);
    const list = (await viewer("GET", "")).body.deliveries;
    expect(list.map((one: { id: string }) => one.id).toSorted()).toEqual([id, none].toSorted());
    const { body } = await viewer("GET", `/${id}`);
    expect(body.results).toMatchObject([{ webhook: "background", service: "worker" }]);
    expect(body.payload).toBeUndefined();
    expect((await viewer("GET", `/${unmapped}`)).status).toBe(404);
    expect((await viewer("GET", "?service=checkout")).body.deliveries).toEqual([]);
  });

  it("has it carried out again: administrators alone", async () => {
    const id = await sent();
    const operator = await as([{ role: "operator", services: ["*"] }]);
    expect((await operator("POST", `/${id}/redeliver`)).status).toBe(403);
    const admin = await as([{ role: "admin", services: ["*"] }]);
    expect((await admin("POST", `/${id}/redeliver`)).status).toBe(200);
    expect((await admin("GET", `/${id}`)).body.payload).toBeDefined();
    const someone = await as([{ role: "admin", services: ["checkout"] }]);
    expect((await someone("POST", `/${id}/redeliver`)).status).toBe(403);
    expect((await someone("GET", `/${id}`)).body.payload).toBeUndefined();
    expect((await ask(stage, "GET", "/v1/deliveries", undefined, { authorization: "" })).status).toBe(401);
  });
});
