import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { review } from "../../src/config/review.ts";
import { startBuilt } from "../support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-validate-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function validate(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { NO_COLOR: "1", FORCE_COLOR: undefined, NODE_OPTIONS: undefined, TEAL_CONFIG: undefined };
  const teal = startBuilt("src/cli/main.js", ["validate", ...args], { name: "teal", env });
  const { code } = await teal.exited;
  return { code, output: teal.output() };
}

function written(text: string): string {
  const path = join(folder, "teal.yaml");
  writeFileSync(path, text);
  return path;
}

it("shows what the example comes to, step by step, without Teal", async () => {
  const { code, output } = await validate("examples/teal.yaml");
  expect(code).toBe(0);
  expect(output).toContain(
    "✓ examples/teal.yaml: 3 services, 3 strategies, 5 checks, 1 freeze, 2 schedules, 2 webhooks\n",
  );
  expect(output).toContain(
    "checkout  prod/checkout in eu-west-1\n  strategy careful; 2 routes, 1 test route;",
  );
  expect(output).toMatch(/ {2}open Mon-Fri 09:00-16:00 Europe\/Berlin(: now|\n {2}closed until)/);
  expect(output).toContain(
    [
      "  steps:",
      "    scale 25 %",
      "    weight 5 %",
      "    analyze green-vs-blue, p99-latency for 15m; where it can't tell, pause [analyze-3]",
      "    weight 25 %",
      "    pause 10m [soak]",
      "    wait for approval by ada or bob, not by who started it; at most 12h, then rollback [release]",
      "    weight 100 %",
      "  in the background: green-vs-blue, errors",
      "  bake 15m, retain 1d, hold 30s, drain 25 % every 30s, on drift hold",
    ].join("\n"),
  );
  expect(output).toContain(
    "access deployer of checkout  by https://token.actions.githubusercontent.com, for https://teal.example.com\n  repository is acme/checkout; environment is production\n",
  );
  expect(output).toContain(
    "webhook checkout-main  github workflow_run: checkout\n  action is completed; workflow_run.conclusion is success;",
  );
  expect(output).toContain("the API needs TEAL_EVENTBRIDGE_KEY, TEAL_GITHUB_SECRET\n");
  expect(output).toContain("freeze freeze-1  2026-12-19 23:00 UTC to 2027-01-02 23:00 UTC: year end");
});

it("tells all that is wrong, each with its place, and ends with 1", async () => {
  const path = written("services: {}\nstrategies:\n  s:\n    steps: [{ weight: 50 }]\n  t: canary 10%\n");
  const problems = [
    `${path}:4:15 strategies.s.steps[0].weight must be 100, being the last weight of the strategy; it is 50`,
    `${path}:5:3 strategies.t must be a list of steps, "canary 10% for 5m" or "linear 10% every 1m"`,
  ];
  expect(await validate(path)).toEqual({ code: 1, output: `${problems.join("\n")}\n` });

  const { code, output } = await validate("--json", path);
  expect(code).toBe(1);
  const { problems: told } = JSON.parse(output) as ReturnType<typeof review>;
  expect(told.map(({ path, message }) => `${path} ${message}`)).toEqual(problems);
});

it("ends with 2 where there is no such file", async () => {
  expect(await validate(join(folder, "none.yaml"))).toEqual({
    code: 2,
    output: expect.stringContaining("none.yaml can't be read (ENOENT)"),
  });
});

it("tells what the environment must give", () => {
  const text = [
    "services: {}",
    "strategies: { s: { steps: [{ hook: { url: http://hooks.internal } }, { weight: 100 }] } }",
    "checks:",
    "  p: { prometheus: http://prom:9090, query: up, success: value < 1, headers: { X: { secret: PROM } } }",
  ].join("\n");
  expect(review(text, "t", 0).needs).toEqual([
    "TEAL_HOOK_SECRET",
    "TEAL_OUTBOUND_ALLOW with hooks.internal",
    "TEAL_OUTBOUND_ALLOW with prom",
    "TEAL_SECRET_PROM",
  ]);
});

it("tells when services open next, by windows and freezes", () => {
  const text = [
    "defaults: { region: eu-west-1, cluster: c, strategy: CodeDeployDefault.ECSAllAtOnce, timezone: Europe/Berlin }",
    "services:",
    '  a: { service: a, windows: ["Mon-Fri 09:00-16:00"] }',
    '  b: { service: b, account: { roleArn: "arn:aws:iam::222222222222:role/teal", externalId: shop-42 } }',
    "freezes: [{ from: 2026-11-24, to: 2026-11-24, reason: a move, services: [b] }]",
    'schedules: { s: { cron: "0 9 * * *", service: a, promote: next, ifHealthy: false } }',
  ].join("\n");
  const found = review(text, "t", Date.parse("2026-11-23T22:00:00Z"));
  expect(found.problems).toEqual([]);
  expect(found.services).toMatchObject([
    {
      name: "a",
      windows: ["Mon-Fri 09:00-16:00 Europe/Berlin"],
      closed: { until: "2026-11-24T08:00:00.000Z" },
      without: ["green-vs-blue"],
    },
    { name: "b", windows: [], account: "222222222222" },
  ]);
  expect(found.services[0]).not.toHaveProperty("account");
  expect(JSON.stringify(found)).not.toContain("shop-42");
  expect(found.services[1]).not.toHaveProperty("closed");
  expect(found.strategies).toMatchObject([{ name: "CodeDeployDefault.ECSAllAtOnce", preset: true }]);
  expect(found.schedules).toEqual([
    {
      name: "s",
      service: "a",
      what: "promote to the next step",
      cron: "0 9 * * *",
      timezone: "Europe/Berlin",
      next: "2026-11-24T08:00:00.000Z",
    },
  ]);

  const later = review(text, "t", Date.parse("2026-11-24T12:00:00Z"));
  expect(later.services[0]).not.toHaveProperty("closed");
  expect(later.services[1]?.closed).toEqual({ reason: "a move", until: "2026-11-24T23:00:00.000Z" });
});
