import pc from "picocolors";
import { describe, expect, it } from "vitest";
import type { DeploymentView, EventView } from "../../src/api/contract.ts";
import { drawDeployment, drawFailure } from "../../src/cli/screen.ts";
import { bar, clean, lasting, length, shortRoute, wrap } from "../../src/cli/text.ts";

const colors = pc.createColors(false);
const at = "2026-01-01T12:00:00.000Z";

const shifting: DeploymentView = {
  id: "checkout-1",
  service: "checkout",
  phase: "shifting",
  what: "goes through the steps of the strategy",
  note: "pausing before the next weight",
  outcome: "open",
  decided: false,
  settled: false,
  progressPercent: 43,
  problems: [],
  troubles: [],
  steps: [
    { phase: "shifting", index: 0, kind: "weight", what: "weight 10 %", percent: 10, state: "done" },
    {
      phase: "shifting",
      index: 1,
      kind: "pause",
      what: "pause 10m",
      ms: 600_000,
      state: "current",
      gate: "pause-2",
    },
    { phase: "shifting", index: 2, kind: "weight", what: "weight 100 %", percent: 100, state: "to-come" },
  ],
  gates: [],
  analysis: [],
  overrides: [],
  routes: [
    {
      kind: "listener",
      arn: "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/web/50/f2",
      askedPercent: 10,
      observedPercent: 5,
      gone: false,
      test: false,
    },
  ],
  blue: {
    taskDefinition: "arn:aws:ecs:eu-west-1:1:task-definition/web:1",
    arn: "b",
    counts: { desired: 4, running: 4 },
  },
  green: { taskDefinition: "web:2", arn: "g", counts: { desired: 1, running: 1, healthy: 0 } },
  observedAt: at,
  strategy: { name: "careful", bakeMs: 300_000, retainMs: 0, holdMs: 30_000 },
  request: { taskDefinition: "web:2", reason: "ticket 7" },
  actor: { kind: "operator", name: "ada" },
  createdAt: at,
  phaseSince: at,
  elapsedMs: 1_000,
  phaseElapsedMs: 1_000,
  remainingMs: 536_000,
  commands: ["rollback", "pause", "promote"],
  events: 30,
};

const events: EventView[] = Array.from({ length: 30 }, (_, seq) => ({
  seq,
  at,
  type: "note",
  message: `event ${seq} \u001b[31m${"long ".repeat(40)}`,
}));

function drawn(change: Partial<DeploymentView> = {}, columns = 100, rows = 40): string[] {
  return drawDeployment({ ...shifting, ...change }, events, { columns, rows, colors });
}

describe("the screen", () => {
  it("shows where it is, what is asked and seen, who serves, and what to do", () => {
    const text = drawn().join("\n");
    for (const part of [
      "web:1 → web:2   by ada: ticket 7",
      "SHIFTING  goes through",
      "43 %",
      "✓ weight 10 %",
      "▸ pause 10m           8m 56s left",
      "· weight 100 %",
      "· bake 5m\n",
      "listener web",
      "  10 %",
      "   5 %",
      "■ blue            4        4        –   web:1",
      "■ green           1        1        0   web:2",
      "event 29",
      "You can: teal rollback checkout-1   or pause, promote",
    ]) {
      expect(text).toContain(part);
    }
  });

  it.each([
    [65, 24],
    [80, 24],
    [200, 60],
  ])("fits %d columns and lets nothing of others through to the terminal", (columns, rows) => {
    for (const line of drawn({}, columns, rows)) {
      expect(line.length).toBeLessThan(columns);
      expect(line).not.toContain("\u001b");
    }
  });

  it("shows fewer events where there is little room, and says a hold in full", () => {
    const shown = (rows: number) => drawn({}, 100, rows).filter((line) => line.includes("event ")).length;
    expect([shown(24), shown(60)]).toEqual([3, 8]);
    const reason = `ecs:UpdateTaskSet is denied; ${"grant it ".repeat(20)}and Teal goes on`;
    const text = drawn({ hold: { kind: "stuck", since: at, reason } }).join(" ");
    expect(text).toContain("‖ STUCK for 1s: ecs:UpdateTaskSet is denied");
    expect(text).toContain("and Teal goes on");
  });

  it("tells every problem with what to do", () => {
    const problems = [
      { code: "not-external", message: "it is ECS", fix: "Recreate it." },
      { code: "desired-count-zero", message: "it is 0", fix: "Raise it." },
    ];
    const cause = { code: "not-external", message: "it is ECS", fix: "Recreate it." };
    expect(drawFailure({ ...shifting, cause, problems }, colors)).toEqual([
      "it is ECS",
      "→ Recreate it.",
      "• it is 0",
      "→ Raise it.",
    ]);
  });
});

describe("pieces of text", () => {
  it.each([
    [0, "0s"],
    [59_600, "1m 00s"],
    [3_725_000, "1h 02m"],
    [90_000_000, "1d 1h"],
  ])("%d ms lasts %s", (ms, text) => expect(lasting(ms)).toBe(text));

  it("states round lengths shortly", () => {
    expect([300_000, 86_400_000, 90_000, 36_000_000].map(length)).toEqual(["5m", "1d", "1m 30s", "10h"]);
  });

  it("has bars that are full at 100 only", () => {
    expect(bar(99.9, 10).full).toHaveLength(9);
    expect(bar(100, 10)).toEqual({ full: "█".repeat(10), rest: "" });
    expect(bar(0, 10).full).toBe("");
  });

  it("cleans, wraps and shortens", () => {
    expect(clean("a\u001b]0;x\u0007b\nc")).toBe("a ]0;x b c");
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(
      shortRoute("rule", "arn:aws:elasticloadbalancing:e:1:listener-rule/app/web/5/f/9683b2d02a6cabee"),
    ).toBe("rule web …6cabee");
  });
});
