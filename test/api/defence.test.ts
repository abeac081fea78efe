import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problemDetails } from "../../src/api/contract.ts";
import type { Config } from "../../src/config/config.ts";
import type { ApiParts } from "../../src/api/parts.ts";
import { deliver, headersFor } from "./support/webhooks.ts";
import { createStage, type Stage, testConfig, token } from "./support/stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(async () => {
  vi.useRealTimers();
  await stage.app.close();
});

type Http = Config["http"];
const known = { authorization: `Bearer ${token}` };

async function restage(http: Partial<Http>, parts: Partial<ApiParts> = {}): Promise<void> {
  await stage.app.close();
  stage = await createStage({ http: { ...testConfig().http, ...http } }, parts);
}

interface Asked {
  method?: "GET" | "POST" | "OPTIONS" | "DELETE" | "HEAD";
  url?: string;
  headers?: Record<string, string>;
  payload?: object;
  from?: string;
}

async function ask({
  method = "GET",
  url = "/v1/services",
  headers = known,
  payload,
  from = "192.0.2.1",
}: Asked = {}) {
  const request = { method, url, headers, remoteAddress: from, ...(payload && { payload }) };
  const answer = await stage.app.inject(request);
  const json = String(answer.headers["content-type"] ?? "").includes("json") && answer.body !== "";
  return { status: answer.statusCode, headers: answer.headers, body: json ? answer.json() : answer.body };
}

/** The last of so many answers. */
async function asked(times: number, how: Asked = {}) {
  let last = await ask(how);
  for (let count = 1; count < times; count += 1) last = await ask(how);
  return last;
}

const rollback = (id: string): Asked => ({
  method: "POST",
  url: `/v1/deployments/${id}/commands`,
  payload: { command: "rollback" },
});

const forged = (address: string): Asked => ({
  headers: { authorization: "Bearer guess", "x-forwarded-for": address },
  from: "10.0.0.9",
});

describe("headers", () => {
  const usual = {
    "content-security-policy": "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
  };

  it.each<[string, Asked, number]>([
    ["an answer", {}, 200],
    ["a refusal", { headers: {} }, 401],
    ["nothing there", { url: "/v1/nothing" }, 404],
    ["an answer, its path written another way", { url: "/%76%31/services" }, 200],
    ["health", { url: "/healthz", headers: {} }, 200],
  ])("are with %s", async (_, how, status) => {
    const answer = await ask(how);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(usual);
    expect(answer.headers["cache-control"]).toBe(how.url === "/healthz" ? undefined : "no-store");
    expect(answer.headers["x-request-id"]).toMatch(/^[\w-]+$/);
  });

  it("are with an event stream too", async () => {
    const id = await stage.start();
    await stage.commit(id, (d) => {
      d.phase = "failed";
      d.settled = true;
    });
    const answer = await ask({
      url: `/v1/deployments/${id}/events`,
      headers: { ...known, accept: "text/event-stream" },
    });
    expect(answer.headers).toMatchObject({ ...usual, "content-type": "text/event-stream; charset=utf-8" });
  });

  it("let no other site read an answer", async () => {
    const origin = { ...known, origin: "https://elsewhere.example" };
    for (const how of [
      { headers: origin },
      { method: "OPTIONS" as const, headers: { ...origin, "access-control-request-method": "POST" } },
    ]) {
      const { headers } = await ask(how);
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });

  it("let the pages for people load what is theirs, and nothing else", async () => {
    const page = await ask({ url: "/docs", headers: {} });
    expect(page.headers["content-security-policy"]).toMatch(
      /default-src 'none'; .*script-src 'self'; style-src 'self'/,
    );
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const [, path = ""] of String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([path, (await ask({ url: path, headers: {} })).status]).toEqual([path, 200]);
    }
    const errors = await ask({ url: "/docs/errors", headers: {} });
    expect(errors.headers["content-security-policy"]).toMatch(/style-src 'sha256-[^']{44}'$/);
    expect(errors.body).toContain('id="rate-limited"');
  });
});

describe("what nobody serves", () => {
  it("is told apart: another method of a path that is there, and a path that isn't", async () => {
    expect(await ask({ method: "DELETE", url: "/v1/deployments/d1" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD" },
      body: { code: "method-not-allowed", status: 405, detail: expect.stringContaining("only by GET, HEAD") },
    });
    expect(await ask({ method: "POST", url: "/v1/deployments/d1/nothing" })).toMatchObject({ status: 404 });
    expect((await ask({ method: "DELETE", url: "/v1/services", headers: {} })).status).toBe(401);
  });

  it("is refused in words, be it another kind of body or a path that can't be read", async () => {
    const headers = { ...known, "content-type": "application/xml" };
    expect(await ask({ method: "POST", url: "/v1/plan", headers, payload: {} })).toMatchObject({
      status: 415,
      body: { code: "not-json" },
    });
    const answer = await ask({ url: "/v1/deployments/%" });
    expect(answer).toMatchObject({ status: 400, body: { code: "bad-request" } });
    expect(problemDetails.parse(answer.body).requestId).toBe(answer.headers["x-request-id"]);
  });
});

describe("limits", () => {
  it("refuse those who ask too often, and nobody else, for a short time", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await restage({ limits: { perSecond: 1, failuresPerMinute: 5 } });
    expect((await asked(10)).status).toBe(200);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(10);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask({ from: "192.0.2.2" })).status).toBe(200);
    vi.setSystemTime(Date.now() + 10_000);
    expect((await ask()).status).toBe(200);
  });

  it("hold up no rollback, whatever else was asked", async () => {
    await restage({ limits: { perSecond: 1, failuresPerMinute: 5 } });
    const id = await stage.start();
    await asked(11);
    await asked(11, { method: "POST", url: "/v1/deployments", payload: {} });
    const paused = { ...rollback(id), payload: { command: "pause" } };
    expect((await ask(paused)).status).toBe(429);
    await asked(11, { headers: { authorization: "Bearer guess" } });
    expect((await ask()).status).toBe(429);
    expect((await ask(rollback(id))).status).toBe(202);
  });

  it("count each address of those who prove nothing, a network of IPv6 as one", async () => {
    await restage({ limits: { perSecond: 1, failuresPerMinute: 5 } });
    const open = { url: "/openapi.json", headers: {} };
    expect((await asked(10, { ...open, from: "2001:db8::1" })).status).toBe(200);
    expect((await ask({ ...open, from: "2001:db8::2" })).status).toBe(429);
    expect((await ask({ ...open, from: "2001:db8:0:1::1" })).status).toBe(200);
  });

  it("are tight for what has AWS asked, whose own limits deployments need", async () => {
    await restage({ limits: { perSecond: 2, failuresPerMinute: 5 } });
    const strays = { url: "/v1/services/worker/strays" };
    expect((await asked(2, strays)).status).toBe(200);
    expect((await ask({ method: "POST", url: "/v1/plan", payload: {} })).status).toBe(429);
    expect((await ask()).status).toBe(200);
  });

  it("leave probes alone, and can be turned off", async () => {
    await restage({ limits: { perSecond: 1, failuresPerMinute: 5 } });
    expect((await asked(30, { url: "/healthz", headers: {} })).status).toBe(200);
    await restage({ limits: { perSecond: 0, failuresPerMinute: 5 } });
    expect((await asked(30)).status).toBe(200);
  });

  it("are tight for wrong credentials, and spare right ones from the same address", async () => {
    await restage({ limits: { perSecond: 1_000, failuresPerMinute: 5 } });
    const guess = { headers: { authorization: "Bearer guess" } };
    expect((await asked(5, guess)).status).toBe(401);
    const refused = await ask(guess);
    expect(refused).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(50);
    expect((await ask()).status).toBe(200);
    expect((await ask({ ...guess, from: "192.0.2.2" })).status).toBe(401);
    const unsigned = { method: "POST" as const, url: "/v1/webhooks/generic", headers: {}, payload: {} };
    expect((await ask(unsigned)).status).toBe(429);
    expect(stage.log.join("")).toContain('"address":"192.0.2.1"');
  });

  it("hold up no delivery for unsigned ones from the same address, and each webhook by itself", async () => {
    await restage({ limits: { perSecond: 1, failuresPerMinute: 5 } });
    const unsigned = { method: "POST" as const, url: "/v1/webhooks/generic", headers: {}, payload: {} };
    await asked(11, { ...unsigned, from: "127.0.0.1" });
    const text = JSON.stringify({ service: "nothing", taskDefinition: "web:2" });
    const signed = () => deliver(stage, "generic", text, headersFor.generic(text, Date.now()));
    expect(await signed()).toMatchObject({ status: 404 });
    for (let count = 1; count < 10; count += 1) await signed();
    expect(await signed()).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(await deliver(stage, "eventbridge", "{}", headersFor.eventbridge())).toMatchObject({
      status: 400,
    });
  });
});

describe("exports of the audit", () => {
  it("are few at once, however many are asked for", async () => {
    const held = new EventEmitter();
    const released = once(held, "go");
    const { records } = stage;
    let reading = 0;
    const audit = async () => {
      reading += 1;
      await released;
      return { lines: [] };
    };
    await restage({}, { records: { ...records, audit } });
    const base = await stage.app.listen({ host: "127.0.0.1", port: 0 });
    const headers = { ...known, accept: "application/x-ndjson" };
    const whole = async () => {
      const answer = await fetch(`${base}/v1/audit`, { headers });
      await answer.text();
      return answer.status;
    };
    const first = [whole(), whole(), whole()];
    await expect.poll(() => reading).toBe(3);
    expect(await whole()).toBe(503);
    held.emit("go");
    expect(await Promise.all(first)).toEqual([200, 200, 200]);
    await expect.poll(whole).toBe(200);
  });
});

describe("X-Forwarded-For", () => {
  it("is nothing where no proxy is configured: neither limits nor logs see it", async () => {
    await restage({ limits: { perSecond: 1_000, failuresPerMinute: 5 } });
    for (let count = 0; count < 5; count += 1) await ask(forged(`198.51.100.${count}`));
    expect((await ask(forged("198.51.100.77"))).status).toBe(429);
    expect(stage.log.join("")).toContain("10.0.0.9");
    expect(stage.log.join("")).not.toContain("198.51.100.");
  });

  it("counts where a configured proxy wrote it, and only what that wrote", async () => {
    await restage({ proxies: ["10.0.0.0/24"], limits: { perSecond: 1_000, failuresPerMinute: 5 } });
    // The client claims to be 203.0.113.1; the proxy adds where it came from.
    for (let count = 0; count < 5; count += 1) await ask(forged(`203.0.113.${count}, 198.51.100.7`));
    expect((await ask(forged("203.0.113.99, 198.51.100.7"))).status).toBe(429);
    expect((await ask(forged("198.51.100.8"))).status).toBe(401);
    const past = { ...forged("198.51.100.9"), from: "10.9.9.9" };
    for (let count = 0; count < 5; count += 1) await ask(past);
    expect((await ask({ ...past, ...forged("198.51.100.10"), from: "10.9.9.9" })).status).toBe(429);
    expect(stage.log.join("")).toContain('"remoteAddress":"198.51.100.7"');
    expect(stage.log.join("")).not.toContain("203.0.113.");
  });
});

describe("on the wire", () => {
  const patient = 10_000;

  async function sent(...parts: string[]): Promise<{ head: string; body: unknown }> {
    if (!stage.app.server.listening) await stage.app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = stage.app.server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => parts.forEach((part) => socket.write(part)));
      let text = "";
      socket.setTimeout(patient, () => socket.destroy(new Error(`no end; so far: ${text}`)));
      socket.on("data", (data) => (text += data.toString()));
      socket.on("error", reject);
      socket.on("close", () => {
        const [head = "", body = ""] = text.split("\r\n\r\n");
        resolve({ head, body: body === "" ? undefined : JSON.parse(body) });
      });
    });
  }

  it.each<[string, string, number, string]>([
    ["what is no HTTP", "hello\r\n\r\n", 400, "bad-request"],
    [
      "two lengths",
      "POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
      400,
      "bad-request",
    ],
    [
      "a length and chunks",
      "POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "bad-request",
    ],
    [
      "headers without end",
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "headers-too-large",
    ],
    [
      "an address without end",
      `GET /${"x".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      431,
      "headers-too-large",
    ],
    ["a header with a line feed", "GET / HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n", 400, "bad-request"],
  ])("%s is refused as a problem, like everything", async (_, text, status, code) => {
    const { head, body } = await sent(text);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain("content-type: application/problem+json");
    expect(problemDetails.parse(body)).toMatchObject({ code, status });
  });

  it("a body that doesn't come is waited for so long, and no longer", async () => {
    await restage({}, { arrivalMs: 300 });
    const { head, body } = await sent(
      `POST /v1/plan HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
    );
    expect(head).toMatch(/^HTTP\/1.1 408 /);
    expect(problemDetails.parse(body).code).toBe("too-slow");
  });
});

describe("the log", () => {
  it("holds no credential, cookie or signature, at any level, whatever fails", async () => {
    const secrets = {
      authorization: `Bearer ${token}`,
      cookie: "session=hush",
      "teal-key": "hush",
      "teal-signature": "v1=hush",
      "x-hub-signature-256": "sha256=hush",
      "proxy-authorization": "Basic hush",
    };
    const url = `/v1/services/checkout?token=hush`;
    expect((await ask({ url, headers: secrets })).status).toBe(200);
    expect((await ask({ url, headers: { ...secrets, authorization: "Bearer hush" } })).status).toBe(401);
    expect(
      (await ask({ method: "POST", url: "/v1/webhooks/generic?key=hush", headers: secrets })).status,
    ).toBe(401);
    stage.fail(Object.assign(new Error(`sent Bearer ${token}`), { request: { headers: secrets } }));
    expect((await ask({ url: "/v1/deployments", headers: secrets })).status).toBe(500);
    const text = stage.log.join("");
    expect(text).toContain('"level":"error"');
    expect(text).toContain("/v1/services/checkout?token=[secret]");
    expect(text).not.toMatch(/hush/);
    expect(text).not.toContain(token);
  });
});
