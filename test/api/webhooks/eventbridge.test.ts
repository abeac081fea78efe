import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AwsEvent } from "../../../src/api/webhooks/eventbridge.ts";
import { Secret } from "../../../src/config/secret.ts";
import { TealError } from "../../../src/errors.ts";
import { createStage, token, webhookKeys } from "../support/stage.ts";
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

const mapping = `
  pushed:
    from: eventbridge
    on: ECR Image Action
    when: { account: "123456789012", detail.repository-name: checkout, detail.image-tag: "1.*" }
    deploy:
      service: checkout
      images: { web: "{{ account }}.dkr.ecr.{{ region }}.amazonaws.com/{{ detail.repository-name }}@{{ detail.image-digest }}" }
      committedAt: "{{ time }}"
      reason: "{{ detail.image-tag }} was pushed"
  built:
    from: eventbridge
    on: Build Finished
    when: { source: acme.builds }
    deploy: { service: worker, taskDefinition: "worker:{{ detail.revision }}" }
`;
const push = payload("ecr-image-action");
const alarm = payload("cloudwatch-alarm");

let stage: WebhookStage;
let heard: AwsEvent[];
let concerned: string[];
let failure: Error | undefined;
beforeEach(async () => {
  heard = [];
  concerned = ["d7", "d8"];
  failure = undefined;
  stage = await webhookStage(mapping, {
    hints: async (event) => {
      heard.push(event);
      if (failure) throw failure;
      return concerned;
    },
  });
});
afterEach(() => stage.app.close());

const signed = headersFor.eventbridge();
const send = (text: string, headers = signed) => deliver(stage, "eventbridge", text, headers);

describe("an image that was pushed to ECR", () => {
  it("is deployed, by its digest", async () => {
    expect(await send(push)).toMatchObject({
      status: 200,
      body: { repeated: false, results: [{ outcome: "started", webhook: "pushed", service: "checkout" }] },
    });
    expect((await stage.records.load("d1"))?.request).toEqual({
      images: {
        web: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/checkout@sha256:3da1996a8115d7616457760d9920b815241d0a03b34cf5f04e9a0e9d8de37498",
      },
      build: Date.parse("2026-06-02T08:59:58Z") / 1000,
      reason: "1.4.2 was pushed",
    });
    expect(heard).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["deleted", { "detail.action-type": "DELETE" }, "detail.action-type is DELETE, not PUSH"],
    ["failed", { "detail.result": "FAILURE" }, "detail.result is FAILURE, not SUCCESS"],
    ["told by somebody else than ECR", { source: "acme.mallory" }, "source is acme.mallory, not aws.ecr"],
    ["of another tag", { "detail.image-tag": "2.0" }, "detail.image-tag is 2.0, not 1.*"],
    ["without a tag", { "detail.image-tag": undefined }, "detail.image-tag is missing, not 1.*"],
  ])("is ignored where it was %s", async (_, values, why) => {
    const { status, body } = await send(changed(push, values));
    expect([status, body.results[0]]).toMatchObject([200, { outcome: "ignored", why }]);
    expect(await stage.count()).toBe(0);
  });
});

it("events of any other type are mapped by their detail-type", async () => {
  const built = changed(push, {
    "detail-type": "Build Finished",
    source: "acme.builds",
    detail: { revision: 9 },
  });
  expect((await send(built)).body.results).toMatchObject([{ outcome: "started", webhook: "built" }]);
  const other = changed(built, { id: "another", "detail-type": "Build Begun" });
  expect((await send(other)).body.results).toEqual([
    { outcome: "ignored", why: "no webhook of teal.yaml takes Build Begun from eventbridge" },
  ]);
});

describe("what concerns deployments under way", () => {
  it.each([["cloudwatch-alarm"], ["ecs-service-action"]])("%s wakes them", async (name) => {
    const { status, body } = await send(payload(name));
    expect([status, body.results]).toEqual([200, [{ outcome: "woke", deployments: ["d7", "d8"] }]]);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.["detail-type"]).toBe(JSON.parse(payload(name))["detail-type"]);
  });

  it("concerns none, perhaps", async () => {
    concerned = [];
    expect((await send(alarm)).body.results).toEqual([
      {
        outcome: "ignored",
        why: "CloudWatch Alarm State Change: it concerns no deployment that is under way",
      },
    ]);
  });

  it("is believed of AWS alone", async () => {
    await send(changed(alarm, { source: "acme.mallory" }));
    expect(heard).toEqual([]);
  });

  it("wakes once, however often it comes", async () => {
    await send(alarm);
    expect(await send(alarm)).toMatchObject({
      status: 200,
      body: { repeated: true, results: [{ outcome: "woke" }] },
    });
    expect(heard).toHaveLength(1);
  });

  it("comes again where nobody could be woken", async () => {
    failure = new TealError("unavailable", "Redis could not list what is under way");
    expect((await send(alarm)).status).toBe(503);
    failure = undefined;
    expect((await send(alarm)).body.results).toMatchObject([{ outcome: "woke" }]);
  });

  it("is ignored where nothing listens", async () => {
    const deaf = await createStage({}, { clock: { now: () => now } });
    expect((await deliver(deaf, "eventbridge", alarm, signed)).body.results).toEqual([
      { outcome: "ignored", why: "nothing listens to CloudWatch Alarm State Change" },
    ]);
    await deaf.app.close();
  });
});

describe("what was understood and kept is answered with 200, lest EventBridge send it for a day", () => {
  it("where it is refused", async () => {
    await stage.start("checkout");
    expect(await send(push)).toMatchObject({
      status: 200,
      body: { results: [{ outcome: "refused", webhook: "pushed", service: "checkout", code: "busy" }] },
    });
  });

  it("where the payload lacks a value", async () => {
    const { status, body } = await send(changed(push, { "detail.image-digest": undefined }));
    expect([status, body.results[0]]).toMatchObject([200, { outcome: "refused", code: "bad-mapping" }]);
  });

  it("where it comes again, without another effect", async () => {
    const first = await send(push);
    await stage.commit("d1", (d) => (d.phase = "failed"));
    const again = await send(changed(push, { "detail.image-tag": "1.5.0" }));
    expect([again.status, again.body]).toEqual([200, { ...first.body, repeated: true }]);
    expect(await stage.count()).toBe(1);
  });

  it("but not where it could not be kept", async () => {
    stage.fail(new TealError("unavailable", "Redis could not keep it"));
    expect((await send(push)).status).toBe(503);
    stage.fail(undefined);
    expect((await send(push)).body).toMatchObject({ repeated: false, results: [{ outcome: "started" }] });
  });
});

describe("a forgery is refused and starts nothing", () => {
  it.each<[string, Record<string, string>]>([
    ["another key", headersFor.eventbridge("another-key-entirely")],
    ["a part of the key", headersFor.eventbridge(webhookKeys.eventbridge.slice(0, -1))],
    ["no key", without(signed, "teal-key")],
    ["an empty key", { ...signed, "teal-key": "" }],
    ["the key as a bearer token", { authorization: `Bearer ${webhookKeys.eventbridge}` }],
    ["the API's token", { authorization: `Bearer ${token}`, "teal-key": token }],
    ["the generic webhook's signature", headersFor.generic(push)],
  ])("%s", async (_, headers) => {
    const { status, body } = await send(push, headers);
    expect([status, body.code]).toEqual([401, "unauthorized"]);
    expect(await stage.count()).toBe(0);
  });

  it.each([
    ["an old event", "2026-06-02T07:59:59Z"],
    ["an event of the future", "2026-06-02T09:05:01Z"],
  ])("%s", async (_, time) => {
    const { status, body } = await send(changed(push, { time }));
    expect([status, body.code]).toEqual([400, "outdated-delivery"]);
    expect(await stage.count()).toBe(0);
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["no event", "{}"],
    ["a part of an event", JSON.stringify({ detail: JSON.parse(push).detail })],
    ["a time in other words", changed(push, { time: "yesterday" })],
  ])("%s", async (_, text) => {
    const { status, body } = await send(text);
    expect([status, body.code]).toEqual([400, "bad-request"]);
  });
});

it("takes each of two keys", async () => {
  const keys = ["the-old-key-0123456789", "the-new-key-0123456789"];
  const turning = await createStage(
    { webhookKeys: { github: [], eventbridge: keys.map((key) => new Secret(key)), generic: [] } },
    { clock: { now: () => now } },
  );
  const statuses: number[] = [];
  for (const [index, key] of [...keys, webhookKeys.eventbridge].entries()) {
    const text = changed(alarm, { id: String(index) });
    statuses.push((await deliver(turning, "eventbridge", text, headersFor.eventbridge(key))).status);
  }
  expect(statuses).toEqual([200, 200, 401]);
  await turning.app.close();
});

it("no key is in a log line or an answer", async () => {
  const wrong = "another-key-entirely";
  const answers = [await send(push), await send(push), await send(push, headersFor.eventbridge(wrong))];
  const told = [...answers.map(({ text }) => text), ...stage.log].join("\n");
  expect(told).toContain("a delivery had its answer");
  for (const secret of [webhookKeys.eventbridge, wrong]) expect(told).not.toContain(secret);
});
