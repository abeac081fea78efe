import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { CallFailed } from "../../src/outbound/fault.ts";
import { type Asked, createSend, expectOk, readUrl } from "../../src/outbound/http.ts";
import { certificate } from "./certificate.ts";
import { createScene, deadPort, type Scene, startStranger, startTcp } from "./scene.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const action = "test:call";

const ask = (scene: Scene, url: string, change: Partial<Asked> = {}) =>
  createSend(scene.options)({
    action,
    method: "GET",
    url: readUrl(url, action),
    headers: {},
    ownHeaders: {},
    bytesMax: 1024,
    deadline: scene.now + 60_000,
    ...change,
  });

/** What a call failed with. */
async function failure(answer: Promise<unknown>): Promise<Pick<CallFailed, "fault" | "unsure">> {
  try {
    await answer;
  } catch (error) {
    const { fault, unsure } = error as CallFailed;
    return { fault, unsure };
  }
  throw new Error("it did not fail");
}

const network = (message: string, unsure: boolean) => ({
  fault: { class: "repeat", code: "Network", message, action },
  unsure,
});
const timeout = (message: string, unsure: boolean) => ({
  fault: { class: "repeat", code: "Timeout", message, action },
  unsure,
});
const badAnswer = (message: string) => ({
  fault: { class: "refuse", code: "BadAnswer", message, action },
  unsure: false,
});

const noName = () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" }));
const here = () => Promise.resolve([{ address: "127.0.0.1" }]);

describe("a request", () => {
  it("goes once, as asked, on a connection of its own, and its answer comes back as it is", async () => {
    const stranger = await startStranger((response) => response.writeHead(207).end('{"a": "Ω"}'));
    const scene = createScene();
    const answer = await ask(scene, `${stranger.url}/a/b?c=d#e`, {
      method: "POST",
      headers: { "X-One": { text: "1" }, "User-Agent": { text: "me" }, "x-own": { text: "theirs" } },
      ownHeaders: { "x-own": "ours" },
      body: "Ω",
    });
    expect(answer).toEqual({ status: 207, text: '{"a": "Ω"}', origin: stranger.url });
    expect(stranger.received).toMatchObject([
      {
        method: "POST",
        path: "/a/b?c=d",
        body: "Ω",
        headers: {
          host: `127.0.0.1:${stranger.port}`,
          "x-one": "1",
          "x-own": "ours",
          "user-agent": "me",
          "accept-encoding": "identity",
        },
      },
    ]);
    expect(scene.timers.running).toBe(false);
    await ask(scene, stranger.url);
    expect(stranger.connections()).toBe(2);
  });

  it("asks the system for the addresses of a name", async () => {
    const stranger = await startStranger((response) => response.end("{}"));
    const scene = createScene({ allow: { names: ["localhost"], suffixes: [], ranges: [] } });
    await expect(ask(scene, `http://localhost:${stranger.port}`)).resolves.toMatchObject({ status: 200 });
  });

  it("knows no proxy of the environment", async () => {
    const proxy = await startStranger((response) => response.end("{}"));
    for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"]) vi.stubEnv(name, proxy.url);
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    const stranger = await startStranger((response) => response.end("{}"));
    await ask(createScene(), stranger.url);
    expect([proxy.connections(), stranger.connections()]).toEqual([0, 1]);
  });

  it("leaves in the log where it went and what came, and nothing of the request", async () => {
    const stranger = await startStranger((response) => response.end('"body of the answer"'));
    const scene = createScene();
    await ask(scene, `${stranger.url}/path?query`, { headers: { a: { secret: "TOKEN" } }, body: "sent" });
    expect(scene.logged.map((line) => JSON.parse(line))).toEqual([
      { action, origin: stranger.url, status: 200, ms: 0, message: expect.any(String) },
    ]);
  });
});

describe("a URL", () => {
  it.each([
    ["no URL", "hooks.example.com/secret", "is malformed"],
    ["a file", "file:///etc/passwd", "must begin with https:// or http://"],
    ["another protocol", "gopher://hooks.example.com/secret", "must begin with https:// or http://"],
    [
      "a password",
      "https://me:secret@hooks.example.com/",
      "must not hold a user or password; use a header with a secret",
    ],
  ])("that is or has %s is refused, and not shown", async (_, url, message) => {
    expect(await failure(Promise.resolve().then(() => readUrl(url, action)))).toEqual({
      fault: { class: "refuse", code: "BadUrl", message: `the URL ${message}`, action },
      unsure: false,
    });
  });
});

describe("headers", () => {
  it("hold secrets by their names, and an answer that repeats one is told without it", async () => {
    const stranger = await startStranger((response, { headers }) =>
      response.end(JSON.stringify({ said: headers.authorization, plain: headers["x-plain"] })),
    );
    const answer = await ask(createScene(), stranger.url, {
      headers: { Authorization: { secret: "TOKEN" }, "X-Plain": { text: "shown" } },
    });
    expect(stranger.received[0]?.headers.authorization).toBe('Bearer s3cret-"quoted"');
    expect(JSON.parse(answer.text)).toEqual({ said: "[secret]", plain: "shown" });
  });

  it.each([
    [
      "a secret that isn't there",
      { a: { secret: "OTHER" } },
      "stuck",
      "NoSecret",
      "set TEAL_SECRET_OTHER or TEAL_SECRET_OTHER_FILE",
    ],
    [
      "a secret named like a part of every object",
      { a: { secret: "constructor" } },
      "stuck",
      "NoSecret",
      "constructor",
    ],
    ["another host", { Host: { text: "b" } }, "refuse", "BadHeader", '"Host" can\'t be set'],
    ["a length", { "Content-Length": { text: "9" } }, "refuse", "BadHeader", "can't be set"],
    ["a name that is none", { "a b": { text: "c" } }, "refuse", "BadHeader", '"a b" can\'t be set'],
    [
      "two lines",
      { a: { text: "b\r\nc: d" } },
      "refuse",
      "BadHeader",
      "the header a must be printable ASCII",
    ],
  ])("with %s aren't sent", async (_, headers, kind, code, words) => {
    const stranger = await startStranger((response) => response.end("{}"));
    expect(await failure(ask(createScene(), stranger.url, { headers }))).toEqual({
      fault: { class: kind, code, message: expect.stringContaining(words), action },
      unsure: false,
    });
    expect(stranger.connections()).toBe(0);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("%i isn't followed, wherever it leads", async (status) => {
    const target = await startStranger((response) => response.end("{}"));
    const locations = ["http://169.254.169.254/latest/meta-data/", `${target.url}/`];
    const stranger = await startStranger((response) =>
      response.writeHead(status, { location: locations.shift() }).end(),
    );
    for (const _ of [1, 2]) {
      const answer = await ask(createScene(), stranger.url);
      expect(await failure(Promise.resolve().then(() => expectOk(answer, action)))).toEqual({
        fault: {
          class: "refuse",
          code: `Http${status}`,
          message: `${stranger.url} answered ${status}, a redirect; none is followed, so write its target`,
          action,
        },
        unsure: false,
      });
    }
    expect([stranger.received.length, target.connections()]).toEqual([2, 0]);
  });
});

describe("what can't be connected to", () => {
  it("refuses connections", async () => {
    const url = `http://127.0.0.1:${await deadPort()}`;
    expect(await failure(ask(createScene(), url))).toEqual(
      network(`${url} could not be connected to (ECONNREFUSED)`, false),
    );
  });

  it("has no name", async () => {
    expect(await failure(ask(createScene({ resolve: noName }), "https://nowhere.example/secret"))).toEqual(
      network("https://nowhere.example could not be connected to (ENOTFOUND)", false),
    );
  });

  it("does not answer the question for its name", async () => {
    const scene = createScene({ resolve: () => new Promise(() => undefined) });
    const failed = failure(ask(scene, "https://slow.example"));
    expect(scene.timers.set).toEqual([5_000]);
    scene.timers.runOut();
    expect(await failed).toEqual(timeout("https://slow.example could not be connected to within 5 s", false));
  });

  it("never ends the TLS handshake", async () => {
    const stranger = await startTcp((socket) => socket.once("data", () => scene.timers.runOut()));
    const scene = createScene();
    const url = `https://127.0.0.1:${stranger.port}`;
    expect(await failure(ask(scene, url))).toEqual(
      timeout(`${url} could not be connected to within 5 s`, false),
    );
  });
});

describe("TLS", () => {
  it("is spoken with whom the certificate names", async () => {
    const stranger = await startStranger((response) => response.end("{}"), { tls: true });
    const scene = createScene({ resolve: here, ca: certificate });
    await expect(ask(scene, `https://receiver.test:${stranger.port}`)).resolves.toMatchObject({
      text: "{}",
    });
  });

  it.each([
    ["a certificate of nobody known", "receiver.test", {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["somebody else's certificate", "other.test", { ca: certificate }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("isn't with %s", async (_, host, change, code) => {
    const stranger = await startStranger((response) => response.end("{}"), { tls: true });
    const url = `https://${host}:${stranger.port}`;
    expect(await failure(ask(createScene({ resolve: here, ...change }), url))).toEqual(
      network(`${url} could not be connected to (${code})`, false),
    );
    expect(stranger.received).toEqual([]);
  });
});

describe("an answer", () => {
  it("that never begins is waited for within its limit", async () => {
    const stranger = await startStranger(() => scene.timers.runOut());
    const scene = createScene();
    expect(await failure(ask(scene, stranger.url))).toEqual(
      timeout(`${stranger.url} gave no answer within 10 s`, true),
    );
    expect(scene.timers.set).toEqual([5_000, 10_000]);
  });

  it("is waited for in real time unless told otherwise", async () => {
    const stranger = await startStranger(() => undefined);
    const clock = { now: () => Date.now() };
    const scene = createScene({ clock, after: undefined });
    expect(await failure(ask(scene, stranger.url, { deadline: clock.now() + 100 }))).toMatchObject({
      fault: { code: "Timeout" },
    });
  });

  it("whose headers come drop by drop is waited for no longer", async () => {
    const stranger = await startTcp((socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
        socket.write("1", () => scene.timers.runOut());
      }),
    );
    const scene = createScene();
    expect(await failure(ask(scene, stranger.url))).toEqual(
      timeout(`${stranger.url} gave no answer within 10 s`, true),
    );
  });

  it("that doesn't end is waited for within its limit", async () => {
    const stranger = await startStranger((response) => {
      response.writeHead(200).write("{");
    });
    const scene = createScene();
    const failed = failure(ask(scene, stranger.url));
    await expect.poll(() => scene.timers.set).toEqual([5_000, 10_000, 10_000]);
    scene.timers.runOut();
    expect(await failed).toEqual(timeout(`${stranger.url} did not end its answer within 10 s`, true));
  });

  it("must come before the deadline, and nothing begins after it", async () => {
    const stranger = await startStranger(() => scene.timers.runOut());
    const scene = createScene();
    const late = failure(ask(scene, stranger.url, { deadline: scene.now + 1_250 }));
    expect(await late).toEqual(timeout(`${stranger.url} gave no answer within 1.25 s`, true));
    expect(scene.timers.set).toEqual([1_250, 1_250]);
    expect(await failure(ask(scene, stranger.url, { deadline: scene.now }))).toEqual(
      timeout("the time for this call was over before it began", false),
    );
    expect(stranger.connections()).toBe(1);
  });

  it.each([
    ["cut before it begins", (): string => ""],
    ["cut within its headers", () => "HTTP/1.1 200 OK\r\nconte"],
    ["cut within its body", () => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"],
    ["no HTTP", () => "220 mail.example ESMTP\r\n"],
    ["all headers", () => `HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n`],
  ])("that is %s leaves open what happened, and nothing is repeated", async (_, text) => {
    const stranger = await startTcp((socket) => socket.once("data", () => socket.end(text())));
    expect(await failure(ask(createScene(), stranger.url))).toEqual(
      network(
        expect.stringMatching(/^the connection to \S+ broke before its answer ended \(\w+\)$/) as string,
        true,
      ),
    );
    expect(stranger.connections()).toBe(1);
  });

  it("is not had from one who hangs up at once", async () => {
    const stranger = await startTcp((socket) => socket.destroy());
    expect(await failure(ask(createScene(), stranger.url))).toMatchObject({ fault: { code: "Network" } });
    expect(stranger.connections()).toBe(1);
  });

  it.each([
    ["said beforehand", true],
    ["found on the way", false],
  ])("may be as large as allowed and no larger, its length %s", async (_, said) => {
    const bodies = ["x".repeat(1024), "x".repeat(1025)];
    const stranger = await startStranger((response) => {
      const body = bodies.shift() ?? "";
      if (said) response.setHeader("content-length", body.length);
      response.write(body.slice(0, 512));
      response.end(body.slice(512));
    });
    await expect(ask(createScene(), stranger.url)).resolves.toMatchObject({ text: "x".repeat(1024) });
    expect(await failure(ask(createScene(), stranger.url))).toEqual(
      badAnswer(`the answer of ${stranger.url} is larger than 1 KiB`),
    );
  });

  it("must not be compressed: a small one could become a large one", async () => {
    const stranger = await startStranger((response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}")),
    );
    expect(await failure(ask(createScene(), stranger.url))).toEqual(
      badAnswer(`the answer of ${stranger.url} is compressed, unasked`),
    );
  });

  it("must be UTF-8", async () => {
    const stranger = await startStranger((response) => response.end(Buffer.from([0x22, 0xff, 0x22])));
    expect(await failure(ask(createScene(), stranger.url))).toEqual(
      badAnswer(`the answer of ${stranger.url} is no UTF-8`),
    );
  });

  it("other than 2xx counts by its status, however it ends", async () => {
    const bodies = ["x".repeat(2000), Buffer.from([0xff])];
    const stranger = await startStranger((response) => response.writeHead(503).end(bodies.shift()));
    await expect(ask(createScene(), stranger.url)).resolves.toMatchObject({ status: 503, text: "" });
    await expect(ask(createScene(), stranger.url)).resolves.toMatchObject({ status: 503, text: "\uFFFD" });
  });
});
