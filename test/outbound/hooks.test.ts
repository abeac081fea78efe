import { createHmac, timingSafeEqual } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { HookRequest } from "../../src/deployment/hook.ts";
import { TealError } from "../../src/errors.ts";
import type { Guard } from "../../src/engine/ports.ts";
import {
  answering,
  createScene,
  deadPort,
  hookKey,
  type Scene,
  startStranger,
  startTcp,
  token,
} from "./scene.ts";

const action = "hook:call";
const body = { deployment: "dep_1", stage: "POST_SCALE_UP", note: "Ω" };

const request = (url: string, change: Partial<HookRequest> = {}): HookRequest => ({
  url: `${url}/path-s3cret?q=query-s3cret`,
  headers: {},
  idempotencyKey: "dep_1/gate-1/2",
  body,
  ...change,
});

const guard = (scene: Scene, change: Partial<Guard> = {}): Guard => ({
  deadline: scene.now + 15_000,
  allowed: () => Promise.resolve(true),
  ...change,
});

const call = (scene: Scene, url: string, change: Partial<HookRequest> = {}) =>
  scene.hooks.call(request(url, change), guard(scene));

describe("a call", () => {
  it("is one signed POST of JSON, which its receiver can verify and tell from others", async () => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    const scene = createScene();
    await call(scene, stranger.url, { headers: { authorization: { secret: "TOKEN" } } });
    expect(stranger.received).toHaveLength(1);
    const [{ method, path, headers, body: sent } = expect.fail()] = stranger.received;
    expect([method, path, JSON.parse(sent)]).toEqual(["POST", "/path-s3cret?q=query-s3cret", body]);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      authorization: token,
      "idempotency-key": "dep_1/gate-1/2",
      "webhook-id": "dep_1/gate-1/2",
      "webhook-timestamp": "1700000000",
    });
    const mac = createHmac("sha256", Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"))
      .update(Buffer.from(`${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.`))
      .update(Buffer.from(sent))
      .digest();
    const [version, signature = ""] = String(headers["webhook-signature"]).split(",");
    expect(version).toBe("v1");
    expect(timingSafeEqual(Buffer.from(signature, "base64"), mac)).toBe(true);
  });

  it("can't be signed by a header of the hook's", async () => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    await call(createScene(), stranger.url, {
      headers: { "Webhook-Signature": { text: "v1,forged" }, "Idempotency-Key": { text: "other" } },
    });
    expect(stranger.received[0]?.headers["webhook-signature"]).toMatch(/^v1,[^ ]{44}$/);
    expect(stranger.received[0]?.headers["idempotency-key"]).toBe("dep_1/gate-1/2");
  });

  it("says the same each time it is repeated", async () => {
    const stranger = await answering("", 500);
    const scene = createScene();
    await call(scene, stranger.url);
    await call(scene, stranger.url);
    const [first, second] = stranger.received;
    expect(first).toBeDefined();
    expect({ ...second, headers: { ...second?.headers } }).toEqual({
      ...first,
      headers: { ...first?.headers },
    });
  });
});

describe("an answer in the hook's language is done", () => {
  it.each([
    ["SUCCEEDED", 200, { status: "SUCCEEDED" }, { status: "SUCCEEDED" }],
    [
      "FAILED, with words",
      200,
      { status: "FAILED", message: "2 of 9 failed" },
      { status: "FAILED", message: "2 of 9 failed" },
    ],
    [
      "ECS's own",
      200,
      { hookStatus: "IN_PROGRESS", callBackDelay: 30 },
      { status: "IN_PROGRESS", callBackMs: 30_000 },
    ],
    ["IN_PROGRESS without a delay", 202, { status: "IN_PROGRESS" }, { status: "IN_PROGRESS" }],
    ["in both spellings", 200, { status: "FAILED", hookStatus: "FAILED" }, { status: "FAILED" }],
    [
      "with nulls and more",
      200,
      { status: "SUCCEEDED", callBackDelay: null, message: null, hookDetails: {} },
      { status: "SUCCEEDED" },
    ],
    [
      "a broken delay",
      200,
      { status: "IN_PROGRESS", callBackDelay: 1.0001 },
      { status: "IN_PROGRESS", callBackMs: 1000 },
    ],
    ["a delay that has no meaning", 200, { status: "SUCCEEDED", callBackDelay: 5 }, { status: "SUCCEEDED" }],
    ["an empty message", 200, { status: "SUCCEEDED", message: "\u0007 " }, { status: "SUCCEEDED" }],
    [
      "control characters in the message",
      200,
      { status: "FAILED", message: "a\u001b[31mb\r\nc\u202Ed\u0000e\u2028f" },
      { status: "FAILED", message: "a [31mb c d e f" },
    ],
    [
      "a long message",
      200,
      { status: "FAILED", message: "👍".repeat(501) },
      { status: "FAILED", message: `${"👍".repeat(499)}…` },
    ],
    [
      "a message just as long as allowed",
      200,
      { status: "FAILED", message: "x".repeat(500) },
      { status: "FAILED", message: "x".repeat(500) },
    ],
  ])("%s", async (_, status, said, hook) => {
    const stranger = await answering(JSON.stringify(said), status);
    const scene = createScene();
    expect(await call(scene, stranger.url)).toEqual({ kind: "done", at: scene.now, value: { hook } });
  });
});

/** An answer of so many bytes. */
const fill = (bytes: number) => `{"status": "SUCCEEDED"${" ".repeat(bytes - 24)} }`;

describe("any other answer is refused", () => {
  it.each([
    ["no JSON", "OK"],
    ["nothing", ""],
    ["no object", '"SUCCEEDED"'],
    ["no status", "{}"],
    ["an unknown status", '{"status": "OK"}'],
    ["two statuses", '{"status": "SUCCEEDED", "hookStatus": "FAILED"}'],
    ["a delay in words", '{"status": "IN_PROGRESS", "callBackDelay": "30s"}'],
    ["no delay at all", '{"status": "IN_PROGRESS", "callBackDelay": 0}'],
    ["a delay of more than a day", '{"status": "IN_PROGRESS", "callBackDelay": 86401}'],
    ["a message that is no text", '{"status": "FAILED", "message": {}}'],
  ])("200 with %s: it won't pass, and what was expected is told", async (_, text) => {
    const stranger = await answering(text);
    const scene = createScene();
    expect(await call(scene, stranger.url)).toEqual({
      kind: "refused",
      at: scene.now,
      fault: {
        class: "refuse",
        code: "BadAnswer",
        message: `${stranger.url} answered 200, but not as a hook does: expected is JSON such as {"status": "IN_PROGRESS", "callBackDelay": 30, "message": "…"}, with the status SUCCEEDED, FAILED or IN_PROGRESS and a delay of 1 to 86400 seconds`,
        action,
      },
    });
  });

  it.each([
    [400, "refuse"],
    [401, "refuse"],
    [404, "refuse"],
    [408, "repeat"],
    [410, "refuse"],
    [425, "repeat"],
    [429, "repeat"],
    [500, "repeat"],
    [501, "repeat"],
    [503, "repeat"],
    [302, "refuse"],
    [304, "refuse"],
  ])("%i: class %s, whatever its body says", async (status, kind) => {
    const stranger = await answering('{"status": "SUCCEEDED"}', status);
    const scene = createScene();
    expect(await call(scene, stranger.url)).toMatchObject({
      kind: "refused",
      at: scene.now,
      fault: { class: kind, code: `Http${status}`, action },
    });
    expect(stranger.received).toHaveLength(1);
  });

  it("64 KiB are enough for everybody", async () => {
    const fits = await answering(fill(65_536));
    expect(await call(createScene(), fits.url)).toMatchObject({ kind: "done" });
    const tooLarge = await answering(fill(65_537));
    expect(await call(createScene(), tooLarge.url)).toMatchObject({
      kind: "refused",
      fault: { class: "refuse", code: "BadAnswer", message: expect.stringContaining("larger than 64 KiB") },
    });
  });
});

describe("without an answer", () => {
  it("nothing happened where nothing was sent", async () => {
    const outcome = await call(createScene(), `http://127.0.0.1:${await deadPort()}`);
    expect(outcome).toMatchObject({ kind: "refused", fault: { class: "repeat", code: "Network" } });
  });

  it("nothing happened where the address is forbidden, and it won't pass", async () => {
    const outcome = await call(createScene(), "https://169.254.169.254");
    expect(outcome).toMatchObject({ kind: "refused", fault: { class: "refuse", code: "Forbidden" } });
  });

  it("it is unknown what happened where the connection was cut", async () => {
    const stranger = await startTcp((socket) => socket.once("data", () => socket.destroy()));
    const outcome = await call(createScene(), stranger.url);
    expect(outcome).toMatchObject({ kind: "unknown", fault: { class: "repeat", code: "Network" } });
    expect(stranger.connections()).toBe(1);
  });

  it("it is unknown what happened where time was up, and the guard's deadline bounds it", async () => {
    const stranger = await startStranger(() => scene.timers.runOut());
    const scene = createScene();
    const outcome = await scene.hooks.call(
      request(stranger.url),
      guard(scene, { deadline: scene.now + 700 }),
    );
    expect(outcome).toEqual({
      kind: "unknown",
      at: scene.now,
      fault: {
        class: "repeat",
        code: "Timeout",
        message: `${stranger.url} gave no answer within 0.7 s`,
        action,
      },
    });
  });
});

describe("nothing is sent", () => {
  it.each<[string, (scene: Scene) => Guard, object]>([
    [
      "when the claim is lost",
      (scene) => guard(scene, { allowed: () => Promise.resolve(false) }),
      { class: "repeat", code: "ClaimLost", message: "another worker has taken this deployment over" },
    ],
    [
      "when the time to begin is over",
      (scene) => guard(scene, { deadline: scene.now }),
      { class: "repeat", code: "Expired", message: "the time to begin this call is over" },
    ],
    [
      "when nobody can say whether the claim holds",
      (scene) => guard(scene, { allowed: () => Promise.reject(new Error("redis://:pass-s3cret@host")) }),
      { class: "repeat", code: "Internal", message: "something failed inside Teal; its logs say more" },
    ],
    [
      "when the records are away",
      (scene) =>
        guard(scene, { allowed: () => Promise.reject(new TealError("unavailable", "Redis is away")) }),
      { class: "repeat", code: "unavailable", message: "Redis is away" },
    ],
  ])("%s", async (_, guarded, fault) => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    const scene = createScene();
    expect(await scene.hooks.call(request(stranger.url), guarded(scene))).toEqual({
      kind: "refused",
      at: scene.now,
      fault: { ...fault, action },
    });
    expect(stranger.connections()).toBe(0);
  });

  it("when the time to begin went by while the claim was asked for", async () => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    let now = 1_000;
    const scene = createScene({ clock: { now: () => now } });
    const allowed = () => {
      now = 2_000;
      return Promise.resolve(true);
    };
    const outcome = await scene.hooks.call(request(stranger.url), { deadline: 2_000, allowed });
    expect(outcome).toMatchObject({ kind: "refused", at: 2_000, fault: { code: "Expired" } });
    expect(stranger.connections()).toBe(0);
  });

  it("without a key to sign with", async () => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    const scene = createScene({ keys: [] });
    expect(await call(scene, stranger.url)).toEqual({
      kind: "refused",
      at: scene.now,
      fault: {
        class: "stuck",
        code: "NoHookSecret",
        message: "hooks are signed, and there is no key: set TEAL_HOOK_SECRET",
        action,
      },
    });
    expect(stranger.connections()).toBe(0);
  });

  it("without a secret that a header needs", async () => {
    const stranger = await answering('{"status": "SUCCEEDED"}');
    const outcome = await call(createScene(), stranger.url, {
      headers: { authorization: { secret: "HOOKS" } },
    });
    expect(outcome).toMatchObject({
      kind: "refused",
      fault: {
        class: "stuck",
        code: "NoSecret",
        message:
          "the header authorization needs the secret HOOKS; set TEAL_SECRET_HOOKS or TEAL_SECRET_HOOKS_FILE",
      },
    });
    expect(stranger.connections()).toBe(0);
  });
});

describe("no secret is in an outcome or in the log", () => {
  it.each<[string, () => Promise<{ url: string }>, object]>([
    [
      "when the hook repeats what it was sent",
      () =>
        startStranger((response, { headers }) =>
          response.end(JSON.stringify({ status: "FAILED", message: `no such ${headers.authorization}` })),
        ),
      { kind: "done", value: { hook: { message: "no such [secret]" } } },
    ],
    ["when it is refused", () => answering(`"${token}"`, 403), { fault: { code: "Http403" } }],
    ["when the answer is nonsense", () => answering(token), { fault: { code: "BadAnswer" } }],
    [
      "when the connection is cut",
      () => startTcp((socket) => socket.once("data", (data) => socket.end(data))),
      { kind: "unknown", fault: { code: "Network" } },
    ],
    [
      "when nobody is there",
      async () => ({ url: `http://127.0.0.1:${await deadPort()}` }),
      { fault: { code: "Network" } },
    ],
    [
      "when the URL holds a password",
      () => Promise.resolve({ url: "https://me:pass-s3cret@hooks.example.com" }),
      { fault: { code: "BadUrl" } },
    ],
  ])("%s", async (_, start, expected) => {
    const { url } = await start();
    const scene = createScene();
    const outcome = await call(scene, url, { headers: { authorization: { secret: "TOKEN" } } });
    expect(outcome).toMatchObject(expected);
    expect(JSON.stringify(outcome) + scene.logged.join("\n")).not.toMatch(/s3cret|quoted/);
    expect(JSON.stringify(outcome) + scene.logged.join("\n")).not.toContain(hookKey.slice(6));
  });
});
