import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessSchema, toAccess } from "../../src/config/access.ts";
import type { Phase } from "../../src/deployment/phases.ts";
import { createIssuers } from "../../src/outbound/issuers.ts";
import { createStage, type Stage, testConfig, token } from "../api/support/stage.ts";
import { githubClaims, type Issuer, newKeyPair, sign, startIssuer } from "../support/issuer.ts";
import { createRunner, type Runner } from "./runner.ts";

/** A process for each test, some two, on a machine that may be busy. */
vi.setConfig({ testTimeout: 60_000 });

const pair = await newKeyPair();

let stage: Stage;
let url: string;
let runner: Runner;
beforeEach(async () => {
  stage = await createStage();
  url = await stage.app.listen({ host: "127.0.0.1", port: 0 });
  runner = createRunner();
});
afterEach(async () => {
  await stage.app.close();
  runner.close();
});

const inputs = (more: Record<string, string> = {}) => ({
  url,
  token,
  service: "checkout",
  images: "web=shop/web:3",
  ...more,
});

/** The ids of all deployments, once there are so many. */
async function accepted(count = 1): Promise<string[]> {
  let ids: string[] = [];
  await expect
    .poll(
      async () => (ids = (await stage.records.list({ limit: 10 })).deployments.map(({ id }) => id)).length,
    )
    .toBe(count);
  return ids;
}

async function enter(
  id: string,
  to: Phase,
  message: string,
  more: Parameters<Stage["commit"]>[1] = () => {},
) {
  const from = (await stage.records.load(id))?.phase ?? "queued";
  const change: Parameters<Stage["commit"]>[1] = (d) => {
    d.phase = to;
    more(d);
  };
  await stage.commit(id, change, [{ type: "phase", from, to }, message]);
}

describe("the step", () => {
  it("deploys, tells what happens, and ends well when the new version serves", async () => {
    const run = runner.step(
      inputs({ images: "web=shop/web:3\n side=shop/side:1 \n", build: "10", strategy: "careful" }),
    );
    const [id = ""] = await accepted();
    await enter(id, "shifting", "green is healthy");
    await run.process.waitForLine(/^::group::\d\d:\d\d:\d\d {2}shifting: green is healthy$/);
    await stage.commit(id, () => {}, [{ type: "note" }, "10 % of the traffic is green's"]);
    await run.process.waitForLine(/^\d\d:\d\d:\d\d {2}10 % of the traffic is green's$/);
    await enter(id, "retaining", "green is PRIMARY");
    expect(await run.ended).toBe(0);
    expect(run.process.output()).toMatch(/::endgroup::\n✓ checkout: the new version serves, after \d+s\n$/);
    expect(run.process.output()).toContain(`::add-mask::${token}\n`);
    expect(run.outputs()).toEqual({ deployment: id, phase: "retaining", outcome: "success" });
    expect(run.summary()).toContain("### ✓ checkout: the new version serves");
    expect(run.summary()).toContain("<code>web=shop/web&#58;3</code><br><code>side=shop/side&#58;1</code>");
    const d = await stage.records.load(id);
    expect(d?.request).toMatchObject({ images: { web: "shop/web:3", side: "shop/side:1" }, build: 10 });
    expect(d?.request.reason).toBe("deploy: https://github.com/acme/checkout/actions/runs/1658821493");
  });

  it("fails as the deployment does, with the reason and what to do", async () => {
    const run = runner.step(inputs());
    const [id = ""] = await accepted();
    await enter(id, "rolling_back", "going back");
    await enter(id, "rolled_back", "blue serves as before", (d) => {
      d.cause = { code: "green-failing", message: "3 tasks stopped: exit code 1" };
    });
    expect(await run.ended).toBe(1);
    expect(run.process.output()).toMatch(
      /^::error title=checkout%3A rolled back%2C after \d+s::3 tasks stopped: exit code 1%0A→ Read the reason of the stopped tasks/m,
    );
    expect(run.outputs()).toMatchObject({ phase: "rolled_back", outcome: "failure" });
    expect(run.summary()).toContain("> 3 tasks stopped&#58; exit code 1");
  });

  it("lets nothing that others wrote become a command, an output or Markdown", async () => {
    const run = runner.step(inputs());
    const [id = ""] = await accepted();
    const evil =
      "::set-output name=x::y\r\n::error::z\n%0A##[add-path]/tmp | <img src=x> **b** [l](http://x)";
    await stage.commit(id, () => {}, [{ type: "note" }, evil]);
    await enter(id, "shifting", evil);
    await enter(id, "rolled_back", "back", (d) => (d.cause = { code: "deadline", message: evil }));
    expect(await run.ended).toBe(1);
    const lines = run.process.output().split("\n");
    // All that the runner would take for a command, by its own rules.
    const commands = lines.filter((line) => line.trimStart().startsWith("::") || line.includes("##["));
    expect(commands.map((line) => line.split(/[: ]+/)[1])).toEqual([
      "add-mask",
      "group",
      "endgroup",
      "group",
      "endgroup",
      "error",
    ]);
    expect(run.summary()).not.toMatch(/<img|\*\*b|\[l\]/);
    expect(Object.keys(run.outputs())).toEqual(["deployment", "phase", "outcome"]);
  });

  it("goes on where it was when the API is restarted", async () => {
    const run = runner.step(inputs());
    const [id = ""] = await accepted();
    await stage.commit(id, () => {}, [{ type: "note" }, "one"]);
    await run.process.waitForLine(/one/);
    await stage.app.close();
    const { records } = stage;
    await stage.commit(id, () => {}, [{ type: "note" }, "two"]);
    const again = await createStage({}, { records });
    await again.app.listen({ host: "127.0.0.1", port: Number(new URL(url).port) });
    await run.process.waitForLine(/two/, 12_000);
    await enter(id, "retaining", "green is PRIMARY");
    expect(await run.ended).toBe(0);
    expect(run.process.output().match(/\b(one|two|green is PRIMARY)$/gm)).toEqual([
      "one",
      "two",
      "green is PRIMARY",
    ]);
    await again.app.close();
  });

  it("asks for one deployment, however often it is repeated; a new attempt of the run for another", async () => {
    const wait = { wait: "false", service: "worker", images: "", "task-definition": "worker:2" };
    const first = runner.step(inputs(wait));
    expect(await first.ended).toBe(0);
    expect(first.process.output()).toMatch(/▸ worker: queued\n$/);
    expect(first.outputs()).toMatchObject({ outcome: "open" });
    const again = runner.step(inputs(wait));
    expect(await again.ended).toBe(0);
    expect(again.outputs()["deployment"]).toBe(first.outputs()["deployment"]);
    const attempt = runner.step(inputs(wait), { GITHUB_RUN_ATTEMPT: "2" });
    expect(await attempt.ended).toBe(0);
    expect(attempt.outputs()["deployment"]).not.toBe(first.outputs()["deployment"]);
    // Two legs of a matrix differ in nothing but what they ask for.
    expect(await runner.step(inputs({ ...wait, "task-definition": "worker:3" })).ended).toBe(0);
    await accepted(3);
  });

  it("tells who must approve, once", async () => {
    const run = runner.step(inputs());
    const [id = ""] = await accepted();
    const until = { kind: "approval" as const, by: ["bob"], notStarter: false };
    await enter(id, "shifting", "green is healthy", (d) => {
      const release = { kind: "wait" as const, id: "release", until, timeoutMs: 7_200_000 };
      d.strategy = { ...d.strategy, steps: [{ ...release, onTimeout: "rollback" }] };
      d.stepSince = Date.now();
    });
    await run.process.waitForLine(
      /^::notice title=checkout waits for an approval::release, by bob: teal approve/,
    );
    await stage.commit(id, () => {}, [{ type: "step", index: 0, what: "x" }, "a step"]);
    await enter(id, "retaining", "green is PRIMARY");
    expect(await run.ended).toBe(0);
    expect(run.process.output().match(/::notice/g)).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, string]>([
    ["a wrong token", { token: "wrong" }, "token"],
    ["an unknown service", { service: "nope" }, "teal.yaml has no service nope"],
    ["nothing to deploy", { images: "" }, "There is nothing to deploy.%0A→ Give images"],
    ["a malformed image", { images: "web" }, 'The input images has "web", which is not CONTAINER=IMAGE.%0A→'],
    ["no service", { service: " " }, "The input service is missing."],
    ["no address", { url: "teal:80" }, "The input url is no address of Teal."],
    ["nobody there", { url: "http://127.0.0.1:9", patience: "1s" }, "can't be reached at http://127.0.0.1:9"],
    ["a wrong word", { "when-busy": "wait" }, "Write queue or supersede or reject."],
    ["a wrong duration", { timeout: "soon" }, "Write it like 30s"],
    ["no token at all", { token: "" }, "permissions: { id-token: write, contents: read }"],
    ["too little time", { timeout: "1s" }, "goes on for longer than the input timeout"],
  ])("fails with what to do: %s", async (_, change, text) => {
    const run = runner.step(inputs(change));
    expect(await run.ended).toBe(1);
    const errors = run.process
      .output()
      .split("\n")
      .filter((line) => line.startsWith("::error"));
    expect(errors).toEqual([expect.stringContaining(text)]);
    expect(run.process.output()).not.toMatch(/\n {4}at /);
  });
});

describe("a job that is cancelled", () => {
  it.each([
    ["leaves the deployment to go on", {}, []],
    ["rolls it back where that is wished", { "on-cancel": "rollback" }, ["rollback"]],
  ])("%s", async (_, change, asked) => {
    const run = runner.step(inputs(change));
    const [id = ""] = await accepted();
    await run.process.waitForLine(/^Deployment/);
    run.process.signal("SIGINT");
    expect(await run.ended).toBe(1);
    const post = runner.post(run, inputs(change));
    expect(await post.ended).toBe(0);
    expect(stage.asked.map(({ kind }) => kind)).toEqual(asked);
    expect(post.process.output()).toContain(id);
  });

  it("leaves alone what was decided before, and what never began", async () => {
    const wish = { "on-cancel": "rollback" };
    const run = runner.step(inputs(wish));
    const [id = ""] = await accepted();
    await enter(id, "retaining", "green is PRIMARY");
    expect(await run.ended).toBe(0);
    expect(await runner.post(run, inputs(wish)).ended).toBe(0);
    const refused = runner.step(inputs({ ...wish, token: "wrong" }));
    expect(await refused.ended).toBe(1);
    expect(await runner.post(refused, inputs(wish)).ended).toBe(0);
    expect(stage.asked).toEqual([]);
  });
});

const grant = (repository: string) => ({
  claims: { repository, environment: "production" },
  role: "deployer",
  services: ["checkout"],
});

describe("without a shared secret", () => {
  let issuer: Issuer;

  beforeEach(async () => {
    issuer = await startIssuer(pair);
  });
  afterEach(() => issuer.close());

  /** An API that believes the issuer, as far as this grant goes, and a runner with tokens of it. */
  async function start(repository: string, life = 300_000) {
    const { access } = testConfig({
      access: toAccess(
        accessSchema.parse({
          oidc: [{ issuer: issuer.url, audience: "https://teal.example.com", grants: [grant(repository)] }],
        }),
      ),
    });
    const allow = { names: [], suffixes: [], ranges: ["127.0.0.0/8"] };
    const clock = { now: () => Date.now() };
    const open = await createStage({ access }, { issuers: createIssuers({ clock, allow, secrets: {} }) });
    const asked: string[] = [];
    issuer.otherwise((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", issuer.url);
      if (pathname !== "/token" || request.headers.authorization !== "Bearer of-this-run") {
        response.writeHead(401).end();
        return;
      }
      asked.push(request.url ?? "");
      const claims = githubClaims(issuer.url, searchParams.get("audience") ?? "", Date.now());
      const exp = Math.floor((Date.now() + life) / 1000);
      void sign({ ...claims, exp }, issuer.signer).then((value) => response.end(JSON.stringify({ value })));
    });
    const tokens = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-this-run",
    };
    const at = await open.app.listen({ host: "127.0.0.1", port: 0 });
    closing.push(() => open.app.close());
    return {
      ...open,
      tokens,
      asked,
      given: { ...inputs({ token: "" }), url: at, audience: "https://teal.example.com" },
    };
  }
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it("deploys by what GitHub says of the run, and a new token is got before the old one ends", async () => {
    // Less than the time that it is renewed ahead: each request needs one.
    const open = await start("acme/checkout", 30_000);
    const { records, tokens, given, asked } = open;
    const run = runner.step(given, tokens);
    let id = "";
    await expect
      .poll(async () => (id = (await records.list({ limit: 1 })).deployments[0]?.id ?? ""))
      .not.toBe("");
    await open.commit(id, (d) => (d.phase = "retaining"), [
      { type: "phase", from: "queued", to: "retaining" },
      "green is PRIMARY",
    ]);
    expect(await run.ended).toBe(0);
    const record = await records.load(id);
    expect(record?.request.source).toMatchObject({ repository: "acme/checkout", environment: "production" });
    expect(record?.actor).toEqual({
      kind: "ci",
      name: "repo:acme/checkout:environment:production",
    });
    expect(asked.length).toBeGreaterThan(2);
    expect(asked[0]).toBe("/token?api-version=2.0&audience=https%3A%2F%2Fteal.example.com");
    // Nothing of a token is told but to the runner, which hides it.
    const log = run.process.output().replaceAll(/^::add-mask::.*$/gm, "");
    expect(log).not.toMatch(/eyJ|of-this-run/);
  });

  it("is refused for another repository, which is told", async () => {
    const { tokens, given } = await start("acme/search");
    const run = runner.step(given, tokens);
    expect(await run.ended).toBe(1);
    expect(run.process.output()).toMatch(
      /^::error title=Teal::No grant in access\.oidc is for this token\. repository is acme\/checkout, asked for is acme\/search\.%0A→/m,
    );
  });

  it("is refused for another audience, which is told", async () => {
    const { tokens, given } = await start("acme/checkout");
    const run = runner.step({ ...given, audience: "" }, tokens);
    expect(await run.ended).toBe(1);
    expect(run.process.output()).toContain("its audience must be https://teal.example.com");
  });

  it("waits while the issuer's keys can't be had", async () => {
    const { tokens, given } = await start("acme/checkout");
    issuer.describe({ jwks_uri: `${issuer.url}/gone` });
    const run = runner.step({ ...given, patience: "2s" }, tokens);
    expect(await run.ended).toBe(1);
    expect(run.process.output()).toMatch(/can't be had at the moment\. Trying again\.$/m);
  });

  it("says what to do where GitHub gives no token", async () => {
    const { tokens, given } = await start("acme/checkout");
    const run = runner.step(given, { ...tokens, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "wrong" });
    expect(await run.ended).toBe(1);
    expect(run.process.output()).toContain("GitHub gave no token: it answered 401.%0A→ Look whether the job");
  });
});
