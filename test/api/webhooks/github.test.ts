import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signAsGithub, verifyGithub } from "../../../src/auth/signature.ts";
import { Secret } from "../../../src/config/secret.ts";
import { TealError } from "../../../src/errors.ts";
import { createMemoryDeliveries } from "../../support/memory-deliveries.ts";
import { createStage, webhookKeys } from "../support/stage.ts";
import {
  changed,
  deliver,
  headersFor,
  now,
  payload,
  type WebhookStage,
  webhookStage,
  without,
} from "../support/webhooks.ts";

const sha = "7f3c1d0e9b5a4c2d8e6f1a0b3c5d7e9f1a2b3c4d";
const mapping = `
  main:
    from: github
    on: workflow_run
    when: { repository.full_name: acme/checkout, workflow_run.head_branch: [main, "release/*"] }
    deploy:
      service: checkout
      images: { web: "ghcr.io/acme/checkout:{{ workflow_run.head_sha }}" }
      strategy: careful
      build: "{{ workflow_run.run_number }}"
      reason: "{{ workflow_run.html_url }}"
  production:
    from: github
    on: deployment
    when: { repository.full_name: "acme/*", deployment.environment: production }
    deploy:
      service: "{{ repository.name }}"
      images: { web: "{{ deployment.payload.image }}" }
      build: "{{ deployment.payload.build }}"
      reason: "{{ deployment.description }} ({{ deployment.ref }})"
  releases:
    from: github
    on: release
    when: { repository.full_name: acme/checkout, release.prerelease: false }
    deploy: { service: checkout, images: { web: "ghcr.io/acme/checkout:{{ release.tag_name }}" }, committedAt: "{{ release.created_at }}" }
  packages:
    from: github
    on: registry_package
    when: { repository.full_name: acme/checkout, registry_package.package_type: CONTAINER }
    deploy: { service: checkout, images: { web: "{{ registry_package.package_version.package_url }}" }, whenBusy: queue }
`;

let stage: WebhookStage;
beforeEach(async () => {
  stage = await webhookStage(mapping);
});
afterEach(() => stage.app.close());

const signed = headersFor.github;
const send = (text: string, headers: Record<string, string>) => deliver(stage, "github", text, headers);
const sendPayload = (event: string, values: Record<string, unknown> = {}) => {
  const text = changed(payload(event), values);
  return send(text, signed(text, event));
};

it("GitHub's own example verifies", () => {
  // docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries, "Testing the webhook payload validation"
  const key = new Secret("It's a Secret to Everybody");
  const body = Buffer.from("Hello, World!");
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  expect(signAsGithub(key, body)).toBe(signature);
  expect(() => verifyGithub([key], signature, body)).not.toThrow();
  expect(() => verifyGithub([key], signature, Buffer.from("Hello, World?"))).toThrow(TealError);
});

describe("of each event a payload becomes a deployment", () => {
  it.each<[string, string, object]>([
    [
      "workflow_run",
      "main",
      {
        images: { web: `ghcr.io/acme/checkout:${sha}` },
        build: 1042,
        reason: expect.stringContaining("https://github.com/acme/checkout/actions/runs/"),
      },
    ],
    [
      "deployment",
      "production",
      { images: { web: "ghcr.io/acme/checkout:1.4.2" }, build: 1042, reason: "checkout 1.4.2 (main)" },
    ],
    [
      "release",
      "releases",
      {
        images: { web: "ghcr.io/acme/checkout:1.4.2" },
        build: Date.parse("2026-06-02T08:54:48Z") / 1000,
        reason: "webhook releases",
      },
    ],
    ["registry_package", "packages", { images: { web: "ghcr.io/acme/checkout:1.4.2" } }],
  ])("%s", async (event, webhook, request) => {
    const answer = await sendPayload(event);
    const results = [{ outcome: "started", webhook, service: "checkout", deployment: "d1" }];
    expect(answer).toMatchObject({ status: 201, body: { repeated: false, results } });
    expect(answer.headers["teal-delivery"]).toBe(answer.body.id);
    expect(await stage.records.load("d1")).toMatchObject({
      service: "checkout",
      actor: { kind: "ci", name: `webhook ${webhook}` },
      request,
    });
  });
});

describe("what no condition of teal.yaml has to say is left out", () => {
  it.each<[string, string, Record<string, unknown>, string]>([
    [
      "a run that only begins",
      "workflow_run",
      { action: "requested", "workflow_run.conclusion": null },
      "action is requested, not completed",
    ],
    [
      "a run that failed",
      "workflow_run",
      { "workflow_run.conclusion": "failure" },
      "workflow_run.conclusion is failure, not success",
    ],
    [
      "a fork's pull request from its branch main",
      "workflow_run",
      { "workflow_run.head_repository.full_name": "mallory/checkout", "workflow_run.event": "pull_request" },
      "workflow_run.head_repository.full_name is mallory/checkout, not acme/checkout",
    ],
    ["an edited release", "release", { action: "edited" }, "action is edited, not published"],
    ["an updated package", "registry_package", { action: "updated" }, "action is updated, not published"],
  ])("%s", async (_, event, values, why) => {
    const { status, body } = await sendPayload(event, values);
    expect([status, body.results[0]]).toMatchObject([200, { outcome: "ignored", why }]);
    expect(await stage.count()).toBe(0);
  });

  it("unless teal.yaml says so", async () => {
    stage.configure(`
  drill:
    from: github
    on: workflow_run
    when: { repository.full_name: acme/checkout, workflow_run.conclusion: "*", workflow_run.head_repository.full_name: "*" }
    deploy: { service: checkout, taskDefinition: "web:1" }
`);
    const { status } = await sendPayload("workflow_run", {
      "workflow_run.conclusion": "failure",
      "workflow_run.head_repository.full_name": "mallory/checkout",
    });
    expect(status).toBe(201);
  });
});

describe("a deployment of GitHub's", () => {
  it("is where it is told how it goes on", async () => {
    await sendPayload("deployment");
    expect((await stage.records.load("d1"))?.request.source).toEqual({
      repository: "acme/checkout",
      commit: sha,
      environment: "production",
      deployment: 145_988_746,
    });
  });

  it.each([{ teal: "checkout-1" }, JSON.stringify({ teal: "checkout-1" })])(
    "that Teal made itself starts none: %j",
    async (own) => {
      const { status, body } = await sendPayload("deployment", { "deployment.payload": own });
      expect(status).toBe(200);
      expect(JSON.stringify(body)).toContain("Teal made this deployment itself");
      expect(await stage.records.load("d1")).toBeUndefined();
    },
  );
});

describe("conditions", () => {
  it.each([
    ["release/1.4", 201],
    ["release", 200],
    ["mainly", 200],
  ])("branch %s: %i", async (branch, status) => {
    expect((await sendPayload("workflow_run", { "workflow_run.head_branch": branch })).status).toBe(status);
  });

  it("of a value that is not there don't hold", async () => {
    const { body } = await sendPayload("workflow_run", { "workflow_run.head_branch": undefined });
    expect(body.results[0].why).toBe("workflow_run.head_branch is missing, not main or release/*");
  });

  it("of another repository don't hold", async () => {
    const { body } = await sendPayload("workflow_run", { "repository.full_name": "acme/other" });
    expect(body.results[0].why).toBe("repository.full_name is acme/other, not acme/checkout");
  });
});

it("several webhooks that take the same event each have a result, and one's failure is its own", async () => {
  stage.configure(`
  web: { from: github, on: release, when: { repository.full_name: acme/checkout }, deploy: { service: checkout, taskDefinition: "web:1" } }
  gone: { from: github, on: release, when: { repository.full_name: acme/checkout }, deploy: { service: "{{ release.name }}", taskDefinition: "web:1" } }
  worker: { from: github, on: release, when: { repository.full_name: acme/checkout }, deploy: { service: worker, taskDefinition: "worker:1" } }
`);
  const { status, body } = await sendPayload("release");
  expect(status).toBe(201);
  expect(body.results).toMatchObject([
    { webhook: "web", outcome: "started" },
    { webhook: "gone", outcome: "refused", code: "bad-mapping" },
    { webhook: "worker", outcome: "started" },
  ]);
});

const mapped = (deploy: string) => `
  one:
    from: github
    on: release
    when: { repository.full_name: acme/checkout }
    deploy: ${deploy}
`;

describe("what the payload says can do no harm", () => {
  const images = `images: { web: "ghcr.io/acme/checkout:{{ release.tag_name }}" }`;
  it.each<[string, string, Record<string, unknown>, string]>([
    [
      "a missing value",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": undefined },
      "Webhook one: deploy.images.web takes release.tag_name, which the payload doesn't have.",
    ],
    [
      "null",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": null },
      "Webhook one: deploy.images.web takes release.tag_name, which is null in the payload.",
    ],
    [
      "an empty value",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": "" },
      "Webhook one: deploy.images.web takes release.tag_name, which is empty in the payload.",
    ],
    [
      "a mapping",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": { toString: "x" } },
      "Webhook one: deploy.images.web takes release.tag_name, which is a mapping in the payload, not a single value.",
    ],
    [
      "what every object has",
      `{ service: checkout, images: { web: "{{ constructor.name }}" } }`,
      {},
      "Webhook one: deploy.images.web takes constructor.name, which the payload doesn't have.",
    ],
    [
      "a very long value",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": "1".repeat(1025) },
      "Webhook one: deploy.images.web takes release.tag_name, which is longer than 1024 characters.",
    ],
    [
      "spaces in an image",
      `{ service: checkout, ${images} }`,
      { "release.tag_name": "1 --privileged" },
      "Webhook one: images.web must be an image reference of 1 to 1024 characters without spaces.",
    ],
    [
      "another template",
      `{ service: "{{ release.name }}", taskDefinition: "web:1" }`,
      { "release.name": "{{ repository.name }}" },
      "Webhook one: service must be the name of a service in teal.yaml.",
    ],
    [
      "a build that is no number",
      `{ service: checkout, taskDefinition: "web:1", build: "{{ release.tag_name }}" }`,
      { "release.tag_name": "1e3" },
      "Webhook one: build must be a number.",
    ],
    [
      "a task definition that is none",
      `{ service: checkout, taskDefinition: "{{ release.tag_name }}" }`,
      { "release.tag_name": "web:1/../2" },
      "Webhook one: taskDefinition must be a family, family:revision or the ARN of a task definition.",
    ],
  ])("%s", async (_, deploy, values, detail) => {
    stage.configure(mapped(deploy));
    const { status, body } = await sendPayload("release", values);
    expect([status, body.code, body.detail]).toEqual([422, "bad-mapping", detail]);
    expect(await stage.count()).toBe(0);
  });

  it("a service that teal.yaml doesn't have", async () => {
    stage.configure(mapped(`{ service: "{{ release.name }}", taskDefinition: "web:1" }`));
    const { status, body } = await sendPayload("release", { "release.name": "payments" });
    expect([status, body.code]).toEqual([404, "unknown-service"]);
  });

  it("a reason is cut", async () => {
    stage.configure(mapped(`{ service: checkout, taskDefinition: "web:1", reason: "{{ release.body }}" }`));
    expect((await sendPayload("release", { "release.body": "é".repeat(20_000) })).status).toBe(201);
    expect((await stage.records.load("d1"))?.request.reason).toHaveLength(500);
  });
});

describe("a forgery is refused and starts nothing", () => {
  const run = payload("workflow_run");
  const valid = signed(run, "workflow_run");
  it.each<[string, string, Record<string, string>]>([
    ["another key", run, signed(run, "workflow_run", "1", "another-secret-entirely")],
    ["an altered body", changed(run, { "workflow_run.head_sha": "0".repeat(40) }), valid],
    ["the same JSON with other spaces", `${run} `, valid],
    ["no signature", run, without(valid, "x-hub-signature-256")],
    [
      "the old signature alone",
      run,
      { ...without(valid, "x-hub-signature-256"), "x-hub-signature": "sha1=0" },
    ],
    ["a signature of another form", run, { ...valid, "x-hub-signature-256": "sha256=00" }],
    ["another algorithm", run, { ...valid, "x-hub-signature-256": `none=${"0".repeat(64)}` }],
    ["the generic webhook's headers", run, headersFor.generic(run)],
    ["no body", "", valid],
  ])("%s", async (_, text, headers) => {
    const { status, body } = await send(text, headers);
    expect([status, body.code]).toEqual([401, "unauthorized"]);
    expect(await stage.count()).toBe(0);
  });

  it.each([
    ["an old payload", "2026-06-02T07:59:59Z"],
    ["a payload of the future", "2026-06-02T09:05:01Z"],
  ])("%s", async (_, at) => {
    const { status, body } = await sendPayload("workflow_run", {
      "workflow_run.created_at": "2026-06-02T07:00:00Z",
      "workflow_run.updated_at": at,
    });
    expect([status, body.code]).toEqual([400, "outdated-delivery"]);
    expect(await stage.count()).toBe(0);
  });

  it("a payload without a time", async () => {
    const { status, body } = await sendPayload("workflow_run", {
      "workflow_run.updated_at": null,
      "workflow_run.created_at": "soon",
    });
    expect([status, body.code]).toEqual([400, "bad-request"]);
  });

  it.each([
    ["deployment", run, {}, "X-GitHub-Event says deployment, but the body has no deployment."],
    [
      "deployment",
      payload("deployment"),
      { deployment_status: { state: "success" } },
      "X-GitHub-Event says deployment, but the body has deployment_status.",
    ],
    [
      "workflow_run",
      run,
      { workflow_job: { id: 1 } },
      "X-GitHub-Event says workflow_run, but the body has workflow_job.",
    ],
  ])("the name of another event than the body's: %s", async (event, text, values, detail) => {
    const body = changed(text, values);
    expect(await send(body, signed(body, event))).toMatchObject({ status: 400, body: { detail } });
    expect(await stage.count()).toBe(0);
  });

  it("no name of an event", async () => {
    expect((await send(run, without(valid, "x-github-event"))).status).toBe(400);
  });
});

describe("a replay is refused", () => {
  const run = payload("workflow_run");

  it("as it was, telling what it led to", async () => {
    const { body: first } = await send(run, signed(run, "workflow_run"));
    const { status, body } = await send(run, signed(run, "workflow_run"));
    expect([status, body.code]).toEqual([409, "replayed-delivery"]);
    expect(body.detail).toBe(`This delivery was received before, as ${first.id}: it started deployment d1.`);
    expect(await stage.count()).toBe(1);
  });

  it("under another delivery id, which is not signed", async () => {
    await send(run, signed(run, "workflow_run"));
    await stage.commit("d1", (d) => (d.phase = "failed"));
    const { status, body } = await send(run, signed(run, "workflow_run", "another"));
    expect([status, body.code]).toEqual([409, "replayed-delivery"]);
    expect(await stage.count()).toBe(1);
  });

  it("also after it was refused or ignored, though it could be obeyed now", async () => {
    const failed = changed(run, { "workflow_run.conclusion": "failure" });
    await send(failed, signed(failed, "workflow_run"));
    stage.configure(
      mapping.replace(
        "acme/checkout, workflow_run",
        'acme/checkout, workflow_run.conclusion: "*", workflow_run',
      ),
    );
    const { status } = await send(failed, signed(failed, "workflow_run"));
    expect(status).toBe(409);
    expect(await stage.count()).toBe(0);
  });

  it("until it is too old", async () => {
    const late = changed(run, { "workflow_run.updated_at": "2026-06-02T09:04:59Z" });
    await send(late, signed(late, "workflow_run"));
    stage.time.at = Date.parse("2026-06-02T10:04:58Z");
    expect((await send(late, signed(late, "workflow_run"))).body.code).toBe("replayed-delivery");
    stage.time.at += 2_000;
    expect((await send(late, signed(late, "workflow_run"))).body.code).toBe("outdated-delivery");
  });

  it("but not the repetition of one that could not be kept", async () => {
    stage.fail(new TealError("unavailable", "Redis could not keep it"));
    expect((await send(run, signed(run, "workflow_run"))).status).toBe(503);
    stage.fail(undefined);
    expect((await send(run, signed(run, "workflow_run"))).status).toBe(201);
  });
});

it("a delivery that was cut off after its deployment was accepted finds that one when it comes again", async () => {
  const run = payload("workflow_run");
  let broken = true;
  const deliveries = createMemoryDeliveries(() => now);
  const cut = await webhookStage(mapping, {
    deliveries: {
      ...deliveries,
      keep: async (...kept) => {
        if (broken) throw new TealError("unavailable", "Redis could not keep a delivery");
        await deliveries.keep(...kept);
      },
    },
  });
  expect((await deliver(cut, "github", run, signed(run, "workflow_run"))).status).toBe(503);
  expect(await cut.count()).toBe(1);
  broken = false;
  const { status, body } = await deliver(cut, "github", run, signed(run, "workflow_run"));
  expect([status, body.results[0].deployment, await cut.count()]).toEqual([201, "d1", 1]);
  await cut.app.close();
});

it("answers a ping, and events that it has no use for", async () => {
  const ping = payload("ping");
  expect(await send(ping, signed(ping, "ping"))).toMatchObject({ status: 200 });
  expect((await send(ping, without(signed(ping, "ping"), "x-hub-signature-256"))).status).toBe(401);
  const push = JSON.stringify({ ref: "refs/heads/main", repository: { full_name: "acme/checkout" } });
  expect(await send(push, signed(push, "push"))).toMatchObject({
    status: 200,
    body: {
      results: [{ why: "Teal takes deployment, workflow_run, release, registry_package, and no push" }],
    },
  });
});

it("says what to set where GitHub sends forms", async () => {
  const form = `payload=${encodeURIComponent(payload("release"))}`;
  const { status, body } = await send(form, {
    ...signed(form, "release"),
    "content-type": "application/x-www-form-urlencoded",
  });
  expect([status, body.detail]).toEqual([
    400,
    "The body is a form. Set the webhook's content type on GitHub to application/json.",
  ]);
});

it("takes each of two keys", async () => {
  const keys = ["the-old-key-0123456789", "the-new-key-0123456789"];
  const turning = await createStage(
    { webhookKeys: { github: keys.map((key) => new Secret(key)), eventbridge: [], generic: [] } },
    { clock: { now: () => now } },
  );
  const ping = payload("ping");
  const statuses: number[] = [];
  for (const key of [...keys, webhookKeys.github])
    statuses.push((await deliver(turning, "github", ping, signed(ping, "ping", "1", key))).status);
  expect(statuses).toEqual([200, 200, 401]);
  await turning.app.close();
});

it("no key and no signature is in a log line or an answer", async () => {
  const run = payload("workflow_run");
  const headers = signed(run, "workflow_run");
  const answers = [
    await send(run, headers),
    await send(run, headers),
    await send(`${run} `, headers),
    await send(run, signed(run, "workflow_run", "1", "another-secret-entirely")),
  ];
  const told = [...answers.map(({ text }) => text), ...stage.log].join("\n");
  expect(told).toContain("a delivery had its answer");
  for (const secret of [webhookKeys.github, "another-secret-entirely", headers["x-hub-signature-256"] ?? "-"])
    expect(told).not.toContain(secret);
});
