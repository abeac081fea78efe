import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../src/config/config.ts";
import { readConfigText } from "../../src/config/file.ts";
import { editorSchema } from "../../src/config/language.ts";
import { TealError } from "../../src/errors.ts";

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

/** `line:column path message` of everything wrong with the text. */
function wrong(text: string): string[] {
  return readConfigText(text, "t").problems.map(({ path, message }) => `${path?.slice(2)} ${message}`);
}

const group = (name: string, region = "eu-west-1") =>
  `arn:aws:elasticloadbalancing:${region}:123456789012:targetgroup/${name}/73e2d6bc24d8a067`;
const listener = (region = "eu-west-1") =>
  `arn:aws:elasticloadbalancing:${region}:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2`;
const strategy = (body: string) => `services: {}\nstrategies:\n  s:\n    steps:\n${body}`;
const yaml = () => written("good.yaml", "services: {}\n");

describe("the example", () => {
  const config: Config = loadConfig({ TEAL_CONFIG: "examples/teal.yaml" });

  it("reads into targets and strategies with their defaults", () => {
    expect(config.services["checkout"]).toMatchObject({
      whenBusy: "queue",
      target: { name: "checkout", region: "eu-west-1", routes: [{ kind: "listener" }, { kind: "rule" }] },
      strategy: {
        name: "careful",
        steps: [
          { kind: "scale", percent: 25 },
          { kind: "weight", percent: 5 },
          { kind: "pause", ms: 300_000 },
          { kind: "weight", percent: 25 },
          { kind: "pause", ms: 600_000 },
          { kind: "weight", percent: 100 },
        ],
        bakeMs: 900_000,
        retainMs: 86_400_000,
        holdMs: 30_000,
        deadlines: { provisioningMs: 1_800_000, drainingMs: 3_600_000, rollingBackMs: 1_800_000 },
      },
    });
    expect(config.services["worker"]).toMatchObject({ whenBusy: "reject", target: { targetGroups: [] } });
    expect(Object.keys(config.strategies)).toEqual(["all-at-once", "careful", "by-scale"]);
  });

  it("is frozen in its depth", () => {
    expect(Object.isFrozen(config.services["checkout"]?.strategy.steps[0])).toBe(true);
  });
});

it("keeps docs/teal.schema.json equal to the language (TEAL_UPDATE=1 writes it)", () => {
  const path = "docs/teal.schema.json";
  if (process.env["TEAL_UPDATE"] === "1") writeFileSync(path, JSON.stringify(editorSchema(), null, 2));
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(editorSchema());
});

describe("what is wrong is told at once, with line, column and what is allowed", () => {
  const service = (name: string, extra = "", groups = [group(`${name}-a`), group(`${name}-b`)]) =>
    [
      `  ${name}:`,
      `    region: eu-west-1`,
      `    cluster: prod`,
      `    service: ${name}`,
      `    targetGroups: [${groups.join(", ")}]`,
      `    routes: [{ listener: ${listener()} }]`,
      `    strategy: all-at-once`,
      extra,
    ].join("\n");

  it.each([
    ["nothing at all", "", ["1:1 the file must be a mapping"]],
    ["no YAML", "services: [", [expect.stringMatching(/^1:\d+ YAML: /)]],
    ["a key given twice", "services: {}\nservices: {}\n", [expect.stringMatching(/^2:1 YAML: .*unique/)]],
    [
      "an unknown key at the top",
      "services: {}\nfreezes: []\n",
      ["2:1 freezes is not known here; allowed are services, strategies"],
    ],
    [
      "an unknown key of a step",
      strategy("      - wieght: 100\n"),
      ["5:9 strategies.s.steps[0].wieght is not known here; allowed are scale, weight, pause"],
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
        "5:9 strategies.s.steps[0].pause must be a duration from 1s to 7d, written like 30s, 10m, 24h or 7d",
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
      "a bad name of a service, and all that it lacks",
      "services:\n  Check_out: { region: eu-west-1 }\n",
      [
        "2:3 services.Check_out must be 1 to 40 lower-case letters, digits and dashes, and not begin with a dash",
      ],
    ],
    [
      "missing values",
      "services:\n  checkout: { region: eu-west-1 }\n",
      [
        "2:3 services.checkout.cluster is missing; it must be a text",
        "2:3 services.checkout.service is missing; it must be a text",
        "2:3 services.checkout.strategy is missing; it must be a text",
      ],
    ],
    [
      "a group that two services share",
      `services:\n${service("one")}\n${service("two", "", [group("two-a"), group("one-a")])}\n`,
      ["14:108 services.two.targetGroups[1] must belong to one service alone; it is service one's already"],
    ],
    [
      "a group of another region",
      `services:\n${service("one", "", [group("a"), group("b", "us-east-1")])}\n`,
      ["6:104 services.one.targetGroups[1] is in region us-east-1, but the service is in eu-west-1"],
    ],
    [
      "one group alone",
      `services:\n${service("one", "", [group("a")])}\n`,
      ["6:5 services.one.targetGroups must name exactly two groups"],
    ],
    [
      "launch type and capacity providers at once",
      `services:\n${service("one", "    taskSet: { launchType: EC2, capacityProviderStrategy: [{ capacityProvider: SPOT }], loadBalancers: [{ containerName: web, containerPort: 80 }] }")}\n`,
      [
        "9:16 services.one.taskSet.launchType must be left out where capacityProviderStrategy is given: they exclude each other",
      ],
    ],
    [
      "an unknown strategy",
      `services:\n${service("one").replace("all-at-once", "carefull")}\nstrategies: { careful: { steps: [{ weight: 100 }] } }\n`,
      ["8:5 services.one.strategy names no strategy: there are all-at-once, careful"],
    ],
    [
      "weights for a service without routes",
      "services:\n  w: { region: eu-west-1, cluster: c, service: w, strategy: s }\nstrategies: { s: { steps: [{ weight: 5 }, { weight: 100 }] } }\n",
      [
        "2:51 services.w.strategy strategy s asks for a weight of 5 %, but the service has no routes to share traffic on; use scale steps",
      ],
    ],
  ])("%s", (_, text, expected) => {
    expect(wrong(text)).toEqual(expected);
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
    expect(config.webhookSecret?.reveal()).toBe("from-a-variable-0123");
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
