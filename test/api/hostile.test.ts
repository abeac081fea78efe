/**
 * Malformed and hostile requests to every operation that the description has; a new one is covered as it appears.
 * A failure prints the request. `TEAL_HOSTILE_SEED` is the seed, `TEAL_HOSTILE_RUNS` how many requests each gets.
 */
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { problemDetails } from "../../src/api/contract.ts";
import { catalogue } from "../../src/errors.ts";
import { hostile, type HostileRequest, type Known } from "./support/hostile.ts";
import { type Operation, operationsOf } from "./support/operations.ts";
import { token, webhookKeys } from "./support/stage.ts";
import { headersFor, payload, type WebhookStage, webhookStage } from "./support/webhooks.ts";

const seed = Number(process.env["TEAL_HOSTILE_SEED"] ?? 9457);
const numRuns = Number(process.env["TEAL_HOSTILE_RUNS"] ?? 60);
const answerMsMax = 5_000;

const operations = operationsOf(JSON.parse(readFileSync("docs/openapi.json", "utf8")));

const secrets = [token, ...Object.values(webhookKeys)];

let stage: WebhookStage;
let known: (path: string) => Known;
beforeAll(async () => {
  stage = await webhookStage(
    `
  images:
    from: eventbridge
    on: ECR Image Action
    when: { detail.repository-name: checkout }
    deploy: { service: checkout, images: { web: "{{ detail.repository-name }}:{{ detail.image-tag }}" } }
  releases:
    from: github
    on: release
    when: { action: published, repository.full_name: acme/checkout }
    deploy: { service: worker, taskDefinition: "worker:{{ release.id }}" }
`,
    { arrivalMs: 200 },
  );
  await stage.app.listen({ host: "127.0.0.1", port: 0 });
  const id = await stage.start();
  await stage.commit(id, (d) => {
    d.phase = "failed";
    d.settled = true;
  });
  const common = { service: "checkout", deployment: id, gate: "release", name: "checkout" };
  const tokens = { id: await made("/v1/tokens", example, {}) };
  const deliveries = {
    id: await made("/v1/webhooks/eventbridge", payload("ecr-image-action"), headersFor.eventbridge()),
  };
  known = (path) => {
    const { id: own = id } = path.startsWith("/v1/tokens")
      ? tokens
      : path.startsWith("/v1/deliveries")
        ? deliveries
        : {};
    return { ...common, id: own };
  };
});
afterAll(() => stage.app.close());

const example = '{"name":"ci","grants":[{"role":"viewer","services":["*"]}]}';

/** The id of what such a request makes. */
async function made(url: string, body: string, headers: Record<string, string>): Promise<string> {
  const given = { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers };
  const answer = await stage.app.inject({ method: "POST", url, payload: body, headers: given });
  return z.object({ id: z.string() }).parse(answer.json()).id;
}

/** What only the owner of a secret can send gets further. */
const signers: Record<string, (body: string, event: string) => Record<string, string>> = {
  "/v1/webhooks/github": (body, event) => headersFor.github(body, event, `delivery-${body.length}`),
  "/v1/webhooks/eventbridge": () => headersFor.eventbridge(),
  "/v1/webhooks/generic": (body) => headersFor.generic(body),
};
const payloads: Record<string, string[]> = {
  "/v1/webhooks/github": ["deployment", "workflow_run", "release", "registry_package"].map(payload),
  "/v1/webhooks/eventbridge": ["ecr-image-action", "ecs-service-action", "cloudwatch-alarm"].map(payload),
  "/v1/webhooks/generic": ['{"service":"checkout","taskDefinition":"web:2"}'],
};

/** Neither what failed inside, nor where, nor anything secret. */
function expectNoLeak(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/\n\s+at |node_modules|\.[jt]s:\d+|\/src\//);
}

function expectProblem(status: number, type: string, text: string): void {
  expect(type).toMatch(/^application\/problem\+json(;|$)/);
  const problem = problemDetails.strict().parse(JSON.parse(text));
  expect(problem.status).toBe(status);
  expect(Object.keys(catalogue)).toContain(problem.code);
}

async function send({ method, url, headers, payload }: HostileRequest) {
  const given = { authorization: `Bearer ${token}`, ...headers };
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error("no answer")), answerMsMax).unref();
  });
  const request = { method: method as "GET", url, headers: given, ...(payload !== undefined && { payload }) };
  return Promise.race([stage.app.inject(request), late]);
}

describe("hostile requests are answered in time, without an error inside or a leak", () => {
  it.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    const statuses = new Set<number>();
    const sign = signers[operation.path];
    const event = fc.option(
      fc.constantFrom("deployment", "workflow_run", "release", "registry_package", "ping"),
    );
    const requests = fc.tuple(hostile(operation, known(operation.path), payloads[operation.path]), event);
    const property = fc.asyncProperty(requests, async ([request, signedAs]) => {
      const signed = signedAs === null ? undefined : sign?.(String(request.payload ?? ""), signedAs);
      const answer = await send({ ...request, headers: { ...request.headers, ...signed } });
      statuses.add(answer.statusCode);
      expect([200, 201, 202, 400, 401, 403, 404, 405, 409, 413, 415, 422, 503]).toContain(answer.statusCode);
      expectNoLeak(answer.body);
      if (answer.statusCode < 400 || request.method === "HEAD") return;
      if (!operation.path.startsWith("/v1/") && answer.statusCode === 503) return;
      expectProblem(answer.statusCode, String(answer.headers["content-type"]), answer.body);
    });
    await fc.assert(property, { seed, numRuns, endOnFailure: true });
    // It is of no use where it gets nowhere.
    expect([...statuses].some((status) => status < 300 || status === 409 || status === 503)).toBe(true);
  });
});

describe("what a socket can do to them is refused, and each connection ends", () => {
  const shapes: [string, (operation: Operation, path: string) => string][] = [
    [
      "a body that breaks off",
      ({ method }, path) => `${head(method, path)}Content-Length: 50\r\n\r\n{"service":`,
    ],
    [
      "a body that is shorter than what comes",
      ({ method }, path) =>
        `${head(method, path)}Connection: close\r\nContent-Length: 2\r\n\r\n{}GET /v1/tokens HTTP/1.1\r\n\r\n`,
    ],
    [
      "chunks that are none",
      ({ method }, path) => `${head(method, path)}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      "the same headers twice",
      ({ method }, path) =>
        `${head(method, path)}${usual}Accept: a\r\nAccept: b\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    ],
    ["a zero byte in the path", ({ method }, path) => `${head(method, `${path}\u0000`)}\r\n`],
    [
      "another path in the path",
      ({ method }, path) => `${head(method, `${path}/../../../openapi.json`)}Connection: close\r\n\r\n`,
    ],
    ["no host", ({ method }, path) => `${method} ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ["a method of its own", (_, path) => `${head("STEAL", path)}\r\n`],
  ];

  it.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    const path = operation.path.replaceAll(
      /\{(\w+)\}/g,
      (_match, name: string) => known(operation.path)[name] ?? "x",
    );
    for (const [what, shape] of shapes) {
      const said = await overSocket(shape(operation, path));
      const [first = ""] = said.split("\r\n");
      expect([what, Number(first.split(" ")[1])]).toEqual([
        what,
        expect.toSatisfy((status) => status >= 200 && status !== 500),
      ]);
      expectNoLeak(said);
    }
  });
});

const usual = `Host: teal\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;

function head(method: string, path: string): string {
  return `${method} ${path} HTTP/1.1\r\n${usual}`;
}

/** All that is answered until the other side closes; it fails where that doesn't come. */
async function overSocket(text: string): Promise<string> {
  const { port } = stage.app.server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(answerMsMax, () => socket.destroy(new Error("no end")));
  socket.write(text);
  let said = "";
  for await (const part of socket) said += String(part);
  return said;
}

it("leaves no trace in what all objects have, and no secret in the log", () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect("polluted" in {}).toBe(false);
  for (const secret of secrets) expect(stage.log.join("")).not.toContain(secret);
  expect(stage.log.join("")).not.toContain('"level":"error"');
});
