import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { githubClaims, type Issuer, newKeyPair, sign, startIssuer } from "../support/issuer.ts";
import { startBuilt } from "../support/processes.ts";
import { freePort } from "../support/redis-server.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { createRunner, type Runner } from "./runner.ts";

/** Two processes start for each test, on a machine that may be busy. */
vi.setConfig({ testTimeout: 60_000 });

/** The action, GitHub's issuer and the API's own process, with nothing shared but the issuer's address. */

const pair = await newKeyPair();
const folder = mkdtempSync(join(tmpdir(), "teal-action-process-"));
let redis: TestRedis;
let issuer: Issuer;
let runner: Runner;
beforeEach(async () => {
  [redis, issuer] = await Promise.all([startRedis(), startIssuer(pair)]);
  issuer.otherwise((_, response) => {
    const claims = githubClaims(issuer.url, "https://teal.example.com", Date.now());
    void sign(claims, issuer.signer).then((value) => response.end(JSON.stringify({ value })));
  });
  runner = createRunner({
    ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/token`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-this-run",
  });
});
afterEach(async () => {
  runner.close();
  await Promise.all([redis.close(), issuer.close()]);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function startApi(env: Record<string, string>): Promise<string> {
  const config = join(folder, "teal.yaml");
  writeFileSync(
    config,
    `
services:
  worker: { region: eu-west-1, cluster: prod, service: worker, strategy: by-scale }
strategies:
  by-scale: { steps: [{ scale: 100 }] }
access:
  oidc:
    - issuer: ${issuer.url}
      audience: https://teal.example.com
      grants: [{ claims: { repository: acme/checkout }, role: deployer, services: [worker] }]
`,
  );
  const port = await freePort();
  const process = startBuilt("src/main.js", [], {
    name: "api",
    env: {
      TEAL_CONFIG: config,
      REDIS_URL: redis.url,
      TEAL_KEY_PREFIX: redis.prefix,
      TEAL_PORT: String(port),
      TEAL_TOKEN: "0123456789abcdef",
      ...env,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await process.waitForHttp(`${url}/readyz`, 45_000);
  return url;
}

const inputs = (url: string) => ({
  url,
  audience: "https://teal.example.com",
  service: "worker",
  "task-definition": "worker:2",
  wait: "false",
  patience: "1s",
});

it("a workflow is let in by the API's own process", async () => {
  const run = runner.step(inputs(await startApi({ TEAL_OUTBOUND_ALLOW: "127.0.0.1" })));
  expect(await run.ended).toBe(0);
  expect(run.outputs()["deployment"]).toMatch(/^worker-/);
});

it("an issuer at a private address is not asked, unless the environment allows it", async () => {
  const run = runner.step(inputs(await startApi({})));
  expect(await run.ended).toBe(1);
  expect(run.process.output()).toMatch(/^::error.*can't be had at the moment/m);
  expect(issuer.asked).toEqual(["/token?audience=https%3A%2F%2Fteal.example.com"]);
});
