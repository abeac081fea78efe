import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBuilt } from "../support/processes.ts";
import { freePort } from "../support/redis-server.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.close());

const token = "0123456789abcdef";

function api(env: Record<string, string>) {
  return startBuilt("src/main.js", [], {
    name: "api",
    env: {
      TEAL_CONFIG: "examples/teal.yaml",
      REDIS_URL: redis.url,
      TEAL_KEY_PREFIX: redis.prefix,
      TEAL_TOKEN: undefined,
      ...env,
    },
  });
}

describe("the API process", () => {
  it("refuses to serve others without protection, and says what to do", async () => {
    const process = api({ TEAL_INSECURE: "1", TEAL_HOST: "0.0.0.0" });
    expect((await process.exited).code).toBe(1);
    expect(process.output()).toMatch(/TEAL_INSECURE=1.*TEAL_HOST=127\.0\.0\.1/);
    expect(process.output()).not.toMatch(/\n {4}at /);
  });

  it("makes a first admin token where none is given, says where it is, and shows it nowhere", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const folder = mkdtempSync(join(tmpdir(), "teal-api-"));
    const file = join(folder, "token");
    const process = api({ TEAL_PORT: String(port), TEAL_ADMIN_TOKEN_FILE: file });
    await process.waitForHttp(`${url}/readyz`);
    const text = readFileSync(file, "utf8").trim();
    const answer = await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${text}` } });
    expect(await answer.json()).toMatchObject({ name: "admin", via: "token" });
    expect(process.output()).toContain(file);
    expect(process.output()).not.toContain(text.slice(-43));
    await process.stop(5_000);
    rmSync(folder, { recursive: true });
  });

  it("refuses a configuration that is wrong, with all that is wrong", async () => {
    const process = api({ TEAL_TOKEN: "short", TEAL_PORT: "x", TEAL_CONFIG: "absent.yaml" });
    expect((await process.exited).code).toBe(1);
    for (const name of ["TEAL_TOKEN", "TEAL_PORT", "absent.yaml"]) expect(process.output()).toContain(name);
  });

  it("accepts a deployment, keeps it, and stops in time with a stream open", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const process = api({ TEAL_TOKEN: token, TEAL_PORT: String(port) });
    await process.waitForHttp(`${url}/readyz`);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ service: "checkout", taskDefinition: "web:2" });
    const started = await fetch(`${url}/v1/deployments`, { method: "POST", headers, body });
    expect(started.status).toBe(201);
    const location = `${url}${started.headers.get("location")}`;
    const stream = await fetch(`${location}/events`, {
      headers: { ...headers, accept: "text/event-stream" },
    });
    const reader = stream.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toMatch(/^id: 0\nevent: created\n/);

    expect(await process.stop(5_000)).toEqual({ code: 0, signal: null });
    expect(process.output()).toContain('"msg":"the API stopped"');
    expect(process.output()).not.toContain(token);
  });
});
