/** API and worker, as processes, while their teal.yaml changes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { serviceList } from "../../src/api/contract.ts";
import { startBuilt } from "../support/processes.ts";
import { freePort } from "../support/redis-server.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { service } from "./reading.ts";

const token = "0123456789abcdef";
let redis: TestRedis;
let folder: string;
let path: string;
beforeEach(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), "teal-processes-"));
  path = join(folder, "teal.yaml");
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await redis.close();
});

const write = (...names: string[]) =>
  writeFileSync(path, `services:\n${names.map((name) => service(name, "strategy: all-at-once")).join("")}`);

const common = () => ({
  TEAL_CONFIG: path,
  REDIS_URL: redis.url,
  TEAL_KEY_PREFIX: redis.prefix,
  TEAL_TOKEN: token,
  AWS_REGION: "eu-west-1",
});

it("the API knows a new service as soon as it is told to look, and keeps what it has of a malformed file", async () => {
  write("one");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const api = startBuilt("src/main.js", [], { name: "api", env: { ...common(), TEAL_PORT: String(port) } });
  await api.waitForHttp(`${url}/readyz`);
  const names = async () => {
    const answer = await fetch(`${url}/v1/services`, { headers: { authorization: `Bearer ${token}` } });
    return serviceList.parse(await answer.json()).services.map(({ name }) => name);
  };
  expect(await names()).toEqual(["one"]);

  write("one", "two");
  api.signal("SIGHUP");
  await expect.poll(names, { timeout: 10_000 }).toEqual(["one", "two"]);

  writeFileSync(path, "services: 7\n");
  api.signal("SIGHUP");
  await api.waitForLine(/the changed configuration is refused.*services must be a mapping/);
  expect(await names()).toEqual(["one", "two"]);
});

it("a worker takes the changed file over as well", async () => {
  write("one");
  const worker = startBuilt("workers/main.js", [], {
    name: "worker",
    env: { ...common(), TEAL_HEALTH_PORT: "0" },
  });
  await worker.waitForLine(/worker started/);
  write("one", "two");
  worker.signal("SIGHUP");
  expect(JSON.parse(await worker.waitForLine(/the changed configuration is in force/))).toMatchObject({
    path,
    services: 2,
  });
});
