/** `teal plan` and `teal deploy --dry-run`, of a whole world. */
import { readFileSync } from "node:fs";
import pc from "picocolors";
import { beforeEach, describe, expect, it } from "vitest";
import type { PlannedMoment, PlanView } from "../../src/api/contract.ts";
import { drawPlan } from "../../src/cli/timetable.ts";
import { token } from "../api/support/stage.ts";
import { apiOn, placed, type Teal } from "../support/api-world.ts";
import { startBuilt } from "../support/processes.ts";
import { mutations, watchedWorld } from "../support/scenario.ts";
import type { World } from "../support/world.ts";

let world: World;
let api: Teal;
let url: string;

beforeEach(async () => {
  world = watchedWorld();
  const laid = world.lay("checkout", { desired: 5, test: [1, 0] });
  const more = `testRoutes: [{ rule: ${laid.testRule} }], strategy: careful, onBusy: reject`;
  api = await apiOn(
    world,
    `
services: { checkout: ${placed(laid, more)} }
checks: { latency: { prometheus: "https://prometheus.example", query: p99, success: value < 0.4 } }
strategies:
  careful:
    testing: [{ hook: { url: "https://hooks.example/smoke", id: smoke } }]
    steps:
      - weight: 10
      - analyze: { checks: [latency, green-vs-blue], for: 10m }
      - weight: 50
      - pause: { until: approval, id: release, by: [bob, carol], timeout: 12h }
      - weight: 100
    bake: 15m
    retain: 24h
    drain: { percent: 50, every: 5m }
`,
  );
  url = await api.app.listen({ host: "127.0.0.1", port: 0 });
});

async function teal(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = {
    TEAL_URL: url,
    TEAL_TOKEN: token,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
  };
  const process = startBuilt("src/cli/main.js", args, { name: "teal", env });
  const { code } = await process.exited;
  return { code, output: process.output() };
}

/** The page shows what the command prints. */
const page = readFileSync(new URL("../../docs/plan.md", import.meta.url), "utf8");
const table = /^```\n([^]*?)^```/m.exec(page)?.[1];

describe("a plan", () => {
  it("shows what happens when, and does none of it", async () => {
    const before = mutations(world);
    const asked = ["checkout", "-i", "app=demo/checkout:9"];
    const planned = await teal("plan", ...asked);
    expect(planned).toEqual({ code: 0, output: table });
    expect(await teal("deploy", ...asked, "--dry-run")).toEqual(planned);
    expect(mutations(world)).toEqual(before);
    expect((await api.get("/v1/deployments")).body.deployments).toEqual([]);
  });

  it("ends as refused where the deployment would be, with all the reasons", async () => {
    const { id } = await api.deploy({ service: "checkout", taskDefinition: "checkout:2" });
    const { code, output } = await teal("plan", "checkout", "-t", "checkout:9", "-s", "all-at-once");
    expect(code).toBe(3);
    expect(output).toBe(
      [
        "checkout  strategy all-at-once",
        "",
        `• ${id} acts on checkout`,
        " → Wait for it to end, roll it back, or ask to be queued behind it.",
        "• the task definition checkout:9 does not exist",
        " → Register it first, or name one that exists.",
        "✗ It would be refused.",
        "",
      ].join("\n"),
    );
    const queued = await teal("plan", "checkout", "-t", "checkout:3", "--queue");
    expect(queued.output).toContain(`! ${id} acts on the service and goes first`);
    expect(queued.code).toBe(0);
  });

  it("gives programs one JSON document, and tells a wrong request as `deploy` does", async () => {
    const { code, output } = await teal("plan", "checkout", "-i", "app=demo/checkout:9", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ ok: true, green: expect.stringMatching(/:next$/) });
    expect(await teal("plan", "checkout")).toEqual(await teal("deploy", "checkout", "--dry-run"));
    expect((await teal("plan", "nope", "-t", "checkout:2")).code).toBe(2);
  });
});

const moment = (more: Partial<PlannedMoment>): PlannedMoment => {
  return { atMs: 0, phase: "shifting", what: "something", weightPercent: 0, ...more };
};

describe("a drawn plan", () => {
  const colors = pc.createColors(false);
  const planned: PlanView = {
    service: "checkout",
    strategy: "careful",
    at: "2026-06-01T12:00:00.000Z",
    ok: false,
    findings: [],
    warnings: ["where nothing changes it goes back: release was not passed within 60 min"],
    blue: "arn:aws:ecs:eu-west-1:1:task-definition/web:1",
    green: "arn:aws:ecs:eu-west-1:1:task-definition/web:next",
    moments: [
      moment({
        phase: "queued",
        what: "frozen until then: year end",
        waitsFor: {
          kind: "freeze",
          ms: 3_600_000,
          until: "2026-06-01T13:00:00Z",
        },
      }),
      moment({ atMs: 3_600_000, phase: "preparing", what: "the service is free: preparing" }),
      moment({ atMs: 3_600_000, effect: { action: "ecs:UpdateTaskSet" }, what: "scales \u001b[2J green" }),
      moment({
        atMs: 7_200_000,
        phase: "rolling_back",
        what: "rolling back: release was not passed within 60 min",
      }),
      moment({ atMs: 7_200_000, phase: "rolled_back", what: "blue serves as before; green is gone" }),
    ],
    end: { phase: "rolled_back" },
    calls: { "ecs:UpdateTaskSet": 1 },
    least: { ms: 7_200_000 },
    expected: { ms: 7_200_000 },
    assumed: { startMs: 42_000, drainMs: 300_000, startKnown: true },
  };

  it("says how it ends where that is no good end", () => {
    expect(drawPlan(planned, 80, colors)).toEqual([
      "checkout  web:1 → a new revision  strategy careful",
      "",
      "   after                                                   green  blue  traffic",
      "      0s  queued",
      "            … frozen until then: year end (1h)",
      "  1h 00m  shifting",
      "            scales  [2J green                                  –     –      0 %",
      "  2h 00m  rolling back  release was not passed within 60 min",
      "          rolled back  blue serves as before; green is gone",
      "",
      "Takes   2h 00m in all",
      "        at the least 2h 00m in all",
      "        tasks start in 42s as in earlier deployments, and drain in 5m, AWS's",
      "        default",
      "Calls   UpdateTaskSet",
      "",
      "! where nothing changes it goes back: release was not passed within 60 min",
      "✗ It would be accepted, and end rolled back.",
    ]);
  });

  it("fits the terminal, down to 64 columns", () => {
    for (const columns of [40, 65, 80, 120]) {
      const longest = Math.max(...drawPlan(planned, columns, colors).map((line) => line.length));
      expect(longest).toBeLessThanOrEqual(Math.max(64, columns - 1));
    }
  });
});
