import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../src/config/config.ts";
import { editorSchema } from "../../src/config/language.ts";
import { presets } from "../../src/deployment/strategy.ts";
import { TealError } from "../../src/errors.ts";
import { arn, read, service, wrong } from "./reading.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function refusal(env: Record<string, string>): TealError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof TealError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

const one = (more = "") => service("one", `strategy: all-at-once\n${more}`);
const rule = arn("listener-rule", "app/web/one");
const role = "arn:aws:iam::123456789012:role/teal";
const strategy = (body: string) => `services: {}\nstrategies:\n  s:\n    steps:\n${body}`;
const yaml = () => written("good.yaml", "services: {}\n");

describe("the example", () => {
  const path = "examples/teal.yaml";
  const config: Config = loadConfig({ TEAL_CONFIG: path });

  it("reads into targets and strategies with their defaults", () => {
    expect(config.services["checkout"]).toMatchObject({
      whenBusy: "supersede",
      target: {
        name: "checkout",
        region: "eu-west-1",
        routes: [{ kind: "listener" }, { kind: "rule" }],
        testRoutes: [{ kind: "rule" }],
      },
      strategy: {
        name: "careful",
        testing: [{ kind: "test" }, { kind: "analyze", checks: ["smoke"] }, { kind: "pause" }],
        bakeMs: 900_000,
        retainMs: 86_400_000,
        deadlines: { provisioningMs: 1_800_000, drainingMs: 3_600_000, rollingBackMs: 1_800_000 },
      },
      calendar: {
        windows: [{ hours: "Mon-Fri 09:00-16:00", timezone: "Europe/Berlin" }],
        freezes: [{ reason: "year end" }],
      },
    });
    expect(config.services["search"]?.strategy).toMatchObject({
      steps: [{ percent: 10 }, { ms: 300_000 }, { percent: 100 }],
      retainMs: 3_600_000,
      analysis: ["green-vs-blue"],
    });
    expect(config.services["worker"]).toMatchObject({
      whenBusy: "reject",
      target: { targetGroups: [] },
      strategy: { analysis: [] },
    });
    expect(Object.keys(config.strategies)).toEqual(["careful", "quick", "by-scale", ...Object.keys(presets)]);
    expect(Object.keys(config.schedules)).toEqual(["morning", "nightly"]);
  });

  it("is frozen in its depth", () => {
    expect(Object.isFrozen(config.services["checkout"]?.strategy.steps[0])).toBe(true);
    expect(Object.isFrozen(config.services["checkout"]?.strategies["careful"]?.checks["errors"])).toBe(true);
  });

  it("needs nothing of the environment, until hooks and secrets are put into force", () => {
    expect(loadConfig({ TEAL_CONFIG: path }).source.path).toBe(path);

    const text = readFileSync(path, "utf8").replaceAll(/# (hooks:|  - \{ stage|headers:)/g, "$1");
    const whole = written("whole.yaml", text);
    expect(refusal({ TEAL_CONFIG: whole }).problems.map(({ message }) => message)).toEqual([
      "strategies.careful.hooks[0].url needs TEAL_HOOK_SECRET, the key that hooks are signed with",
      "checks.p99-latency.headers.Authorization.secret names the secret PROM_TOKEN, but TEAL_SECRET_PROM_TOKEN is not set",
    ]);
    // Only a process that calls others needs them.
    const { strategies } = loadConfig({ TEAL_CONFIG: whole }, { calls: false });
    expect(strategies["careful"]?.before).toMatchObject([{ kind: "hook", stage: "PRE_SCALE_UP" }]);
    const secrets = {
      TEAL_HOOK_SECRET: `whsec_${Buffer.alloc(24, 1).toString("base64")}`,
      TEAL_SECRET_PROM_TOKEN: "0123456789",
    };
    expect(loadConfig({ TEAL_CONFIG: whole, ...secrets }).source.outside).toMatchObject({
      secrets: ["PROM_TOKEN"],
      signs: true,
    });
  });
});

it("shows nothing in docs/configuration.md that would be refused", () => {
  const page = readFileSync("docs/configuration.md", "utf8");
  const blocks = [
    ...page.matchAll(/^```yaml\n((?:strategies|checks|freezes|schedules|defaults):[^]*?)^```/gm),
  ];
  expect(blocks).toHaveLength(5);
  const own = `testRoutes: [{ listener: ${arn("listener", "app/test")} }]`;
  const services = `services:\n${service("checkout", own)}  worker: { service: worker, strategy: all-at-once }\n`;
  expect(wrong(services + blocks.map(([, block]) => block).join(""))).toEqual([]);
});

it("keeps docs/teal.schema.json equal to the language (TEAL_UPDATE=1 writes it)", () => {
  const path = "docs/teal.schema.json";
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync(path, JSON.stringify(editorSchema(), null, 2));
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(editorSchema());
});

describe("what is wrong is told at once, with line, column and what is allowed", () => {
  it.each([
    ["nothing at all", "", ["1:1 the file must be a mapping"]],
    ["no YAML", "services: [", [expect.stringMatching(/^1:\d+ YAML: /)]],
    ["a key given twice", "services: {}\nservices: {}\n", [expect.stringMatching(/^2:1 YAML: .*unique/)]],
    [
      "an unknown key at the top",
      "services: {}\nfreeze: []\n",
      [
        "2:1 freeze is not known here; allowed are services, strategies, checks, freezes, schedules, access, github, webhooks, defaults",
      ],
    ],
    [
      "an unknown key of a step",
      strategy("      - wieght: 100\n"),
      ["5:9 strategies.s.steps[0].wieght is not known here; allowed are scale, weight, pause, analyze, hook"],
    ],
    [
      "two keys in one step",
      strategy("      - { weight: 100, pause: 10m }\n"),
      ["5:9 strategies.s.steps[0] must have exactly one key"],
    ],
    [
      "weights that go down, and not to 100",
      strategy("      - weight: 50\n      - weight: 20\n"),
      [
        "6:9 strategies.s.steps[1].weight must not go down: the step before asks for 50, this one for 20",
        "6:9 strategies.s.steps[1].weight must be 100, being the last weight of the strategy; it is 20",
      ],
    ],
    [
      "a percentage out of bounds",
      strategy("      - weight: 101\n"),
      ["5:9 strategies.s.steps[0].weight must be from 0 to 100 (percent)"],
    ],
    [
      "a duration without a unit",
      strategy("      - pause: 10\n      - weight: 100\n    bake: 10 minutes\n"),
      [
        "5:9 strategies.s.steps[0].pause must be a duration such as 10m, or a mapping with for or until",
        "7:5 strategies.s.bake must be a duration from 0s to 7d, written like 30s, 10m, 24h or 7d",
      ],
    ],
    [
      "a duration past its bound",
      strategy("      - weight: 100\n    retain: 31d\n"),
      ["6:5 strategies.s.retain must be a duration from 0s to 30d, written like 30s, 10m, 24h or 7d"],
    ],
    [
      "no hold time at all",
      strategy("      - weight: 100\n    hold: 0s\n"),
      ["6:5 strategies.s.hold must be a duration from 1s to 1h, written like 30s, 10m, 24h or 7d"],
    ],
    [
      "a preset's name",
      "services: {}\nstrategies:\n  all-at-once: { steps: [{ weight: 100 }] }\n",
      ["3:3 strategies.all-at-once is the name of a preset; choose another one"],
    ],
    [
      "a bad name of a service",
      "services:\n  Check_out: { region: eu-west-1, cluster: c, service: s, strategy: all-at-once }\n",
      [
        "2:3 services.Check_out must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
      ],
    ],
    [
      "missing values",
      "services:\n  checkout: { region: eu-west-1 }\n",
      [
        "2:3 services.checkout.service is missing; it must be a text",
        "2:3 services.checkout.cluster is missing; it must be given here or in defaults",
        "2:3 services.checkout.strategy is missing; it must be given here or in defaults",
      ],
    ],
    [
      "malformed defaults, which fill nothing in",
      "defaults: { region: 7, cluster: c, onBusy: wait, bake: 1, nope: 1 }\nservices:\n  a: { service: a, strategy: all-at-once }\n",
      [
        "1:13 defaults.region must be a text",
        '1:36 defaults.onBusy must be "queue" or "supersede" or "reject"',
        "1:50 defaults.bake must be a duration from 0s to 7d, written like 30s, 10m, 24h or 7d",
        "1:59 defaults.nope is not known here; allowed are region, account, cluster, strategy, onBusy, windows, timezone, analysis, bake, retain, hold, drain, onDrift, failedTasks, deadlines",
      ],
    ],
    [
      "groups, routes and an ECS service that two services share",
      `services:\n${one()}${one()
        .replace("one:", "two:")
        .replace("cluster: prod", "cluster: arn:aws:ecs:eu-west-1:123456789012:cluster/prod")}`,
      [
        "13:5 services.two.service is the same ECS service as that of one",
        "14:20 services.two.targetGroups[0] must belong to one service alone; it is service one's already",
        "14:108 services.two.targetGroups[1] must belong to one service alone; it is service one's already",
        "15:14 services.two.routes[0] must belong to one service alone; it is service one's already",
      ],
    ],
    [
      "a route twice, and as a test route",
      `services:\n${one().replace("routes: [", `testRoutes: [{ rule: ${rule} }, { listener: ${arn("listener", "app/x")} }]\n    routes: [{ rule: ${rule} }, `)}`,
      [
        "7:18 services.one.testRoutes[0] names the same route twice: a test route can't be one of routes too",
        expect.stringMatching(/^8:\d+ services.one.routes\[1\] names the same route twice$/),
      ],
    ],
    [
      "test routes alone",
      `services:\n${one().replace(/targetGroups.*\n    routes/, "testRoutes")}`,
      ["6:5 services.one.testRoutes need routes beside them, for production traffic"],
    ],
    [
      "a group and a test route of another region",
      `services:\n${one(`testRoutes: [{ listener: ${arn("listener", "app/x", "us-east-2")} }]`).replace(arn("targetgroup", "one-b"), arn("targetgroup", "one-b", "us-east-1"))}`,
      [
        "6:108 services.one.targetGroups[1] is in region us-east-1, but the service is in eu-west-1",
        "9:20 services.one.testRoutes[0].listener is in region us-east-2, but the service is in eu-west-1",
      ],
    ],
    [
      "what another account has than the service's role",
      `services:\n${one(`account: { roleArn: ${role}, externalId: shop-42 }`).replace(arn("targetgroup", "one-b"), arn("targetgroup", "one-b").replace("123456789012", "999999999999"))}`,
      [
        "6:108 services.one.targetGroups[1] is in account 999999999999, but the service's role is in 123456789012",
      ],
    ],
    [
      "accounts that disagree where no role is named",
      `services:\n${one().replace("cluster: prod", "cluster: arn:aws:ecs:eu-west-1:111111111111:cluster/prod")}`,
      [
        "6:20 services.one.targetGroups[0] is in account 123456789012, but its cluster is in 111111111111",
        "6:108 services.one.targetGroups[1] is in account 123456789012, but its cluster is in 111111111111",
        "7:16 services.one.routes[0].rule is in account 123456789012, but its cluster is in 111111111111",
      ],
    ],
    [
      "another account than that of the services before, and no role",
      `services:\n${one()}${service("two", "strategy: all-at-once").replaceAll("123456789012", "222222222222")}`,
      [
        "10:3 services.two.account must name a role: its first target group is in 222222222222, but Teal's own account is 123456789012 by service one",
      ],
    ],
    [
      "a task definition of another account than the defaults' role",
      `services:\n${one()}defaults: { account: { roleArn: ${role} } }\nschedules:\n  s: { service: one, cron: "0 9 * * *", deploy: { taskDefinition: "arn:aws:ecs:eu-west-1:999999999999:task-definition/one:1" } }\n`,
      [
        expect.stringMatching(
          /^12:\d+ schedules.s.deploy.taskDefinition is in account 999999999999, but the service's role is in 123456789012$/,
        ),
      ],
    ],
    [
      "a role that is none, and an external id with a blank",
      `services:\n${one('account: { roleArn: "arn:aws:iam::123456789012:user/teal", externalId: "a b" }')}`,
      [
        "9:16 services.one.account.roleArn must be the ARN of a role, such as arn:aws:iam::123456789012:role/teal",
        expect.stringMatching(/^9:\d+ services.one.account.externalId must be 2 to 1224 letters, digits/),
      ],
    ],
    [
      "one group alone",
      `services:\n${one().replace(`, ${arn("targetgroup", "one-b")}`, "")}`,
      ["6:5 services.one.targetGroups must name exactly two groups"],
    ],
    [
      "launch type and capacity providers at once",
      `services:\n${one("taskSet: { launchType: EC2, capacityProviderStrategy: [{ capacityProvider: SPOT }], loadBalancers: [{ containerName: web, containerPort: 80 }] }")}`,
      [
        "9:16 services.one.taskSet.launchType must be left out where capacityProviderStrategy is given: they exclude each other",
      ],
    ],
    [
      "an unknown strategy",
      `services:\n${one().replace("all-at-once", "carefull")}strategies: { careful: { steps: [{ weight: 100 }] } }\n`,
      [
        expect.stringMatching(
          /^8:5 services.one.strategy names no strategy: there are careful, all-at-once, CodeDeployDefault/,
        ),
      ],
    ],
  ])("%s", (_, text, expected) => {
    expect(wrong(text)).toEqual(expected);
  });

  it("takes accounts from the defaults, and the own one where a service says so", () => {
    const account = { roleArn: role, externalId: "shop-42" };
    const { services } = read(
      `services:\n${one()}${service("two", "strategy: all-at-once\naccount: own")}defaults: { account: { roleArn: ${role}, externalId: shop-42 } }\n`,
    );
    expect(services["one"]?.target.account).toEqual(account);
    expect(services["two"]?.target).not.toHaveProperty("account");
  });

  it("tells of the environment and the file together, and never a secret's value", () => {
    const error = refusal({
      TEAL_CONFIG: written("two.yaml", "services: {}\nnonsense: 1\nmore: 2\n"),
      TEAL_PORT: "http",
      TEAL_KEY_PREFIX: "teal",
      TEAL_TOKEN: "hunter2",
    });
    expect(error.code).toBe("bad-config");
    expect(error.problems.map(({ path }) => path)).toEqual([
      "TEAL_KEY_PREFIX",
      "TEAL_PORT",
      "TEAL_TOKEN",
      `${folder}/two.yaml:2:1`,
      `${folder}/two.yaml:3:1`,
    ]);
    expect(error.message).toContain("TEAL_PORT must be a whole number from 0 to 65535");
    expect(error.message).not.toContain("hunter2");
  });

  it("says what to do when there is no file", () => {
    expect(refusal({ TEAL_CONFIG: join(folder, "none.yaml") }).message).toContain("set TEAL_CONFIG");
  });
});

describe("secrets", () => {
  it("come from a variable or from a file, and don't show themselves", () => {
    const path = written("token", "from-a-file-0123456789\n");
    const config = loadConfig({
      TEAL_CONFIG: yaml(),
      TEAL_TOKEN_FILE: path,
      TEAL_WEBHOOK_SECRET: "from-a-variable-0123",
    });
    expect(config.http.token?.reveal()).toBe("from-a-file-0123456789");
    expect(config.webhookKeys.generic[0]?.reveal()).toBe("from-a-variable-0123");
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toMatch(/from-a-/);
  });

  it("may not come from both, nor from a file that isn't there", () => {
    const error = refusal({
      TEAL_CONFIG: yaml(),
      TEAL_TOKEN: "0123456789abcdef",
      TEAL_TOKEN_FILE: join(folder, "absent"),
      REDIS_URL_FILE: join(folder, "absent"),
    });
    expect(error.problems.map(({ path }) => path)).toEqual([
      "TEAL_TOKEN_FILE",
      "TEAL_TOKEN_FILE",
      "REDIS_URL_FILE",
    ]);
  });
});
