import pc from "picocolors";
import { describe, expect, it } from "vitest";
import type { DeploymentView, EventView, GateView } from "../../src/api/contract.ts";
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

const later = (seconds: number) => new Date(Date.parse(at) + 1_000 * seconds).toISOString();

function gate(kind: GateView["kind"]): GateView {
  return { id: "gate", kind, what: "the gate", phase: "shifting", index: 0, state: "current", since: at };
}

/** At a gate, and nothing else to do. */
function standing(at: GateView): Partial<DeploymentView> {
  const { phase, index, what, state, id } = at;
  return {
    steps: [{ phase, index, kind: at.kind === "hook" ? "hook" : "wait", what, state, gate: id }],
    gates: [at],
  };
}

const [route] = shifting.routes;

const approving: Partial<DeploymentView> = {
  phase: "testing",
  note: "step 2 of 2 (wait for approval): waits for approval; it waits until 2026-01-01 14:00:00 UTC at most",
  build: 7,
  steps: [
    { phase: "provisioning", index: 0, kind: "hook", what: "hook PRE_SCALE_UP", state: "done", gate: "pre" },
    { phase: "testing", index: 0, kind: "test", what: "test traffic", state: "done" },
    {
      phase: "testing",
      index: 1,
      kind: "wait",
      what: "wait for approval",
      state: "current",
      gate: "release",
    },
    { phase: "shifting", index: 0, kind: "weight", what: "weight 10 %", percent: 10, state: "to-come" },
  ],
  gates: [
    {
      id: "release",
      kind: "approval",
      what: "wait for approval",
      phase: "testing",
      index: 1,
      state: "current",
      since: at,
      timeoutAt: later(7_200),
      onTimeout: "rollback",
      approval: { by: ["bob", "carol"], notStarter: true },
    },
  ],
  routes: route
    ? [
        route,
        {
          ...route,
          kind: "rule",
          arn: "arn:aws:elasticloadbalancing:e:1:listener-rule/app/web/5/f/9683b2d02a6cabee",
          test: true,
        },
      ]
    : [],
  appointment: { at: later(10_801), full: true, ifHealthy: true, by: { kind: "operator", name: "bob" } },
  wayBack: { kind: "untouched", ms: 0, what: "no traffic was moved: green is taken away" },
  commands: ["rollback", "promote", "approve", "skip"],
};

const counted = { good: 0, bad: 0, unclear: 0, failureLimit: 0, dryRun: false };

const analyzing: Partial<DeploymentView> = {
  steps: [
    { phase: "shifting", index: 0, kind: "analyze", what: "analyze errors", state: "current", gate: "prove" },
  ],
  gates: [
    {
      ...gate("analyze"),
      id: "prove",
      checks: [
        {
          ...counted,
          name: "errors",
          good: 2,
          bad: 1,
          failureLimit: 1,
          count: 5,
          last: { at, outcome: "bad", what: "0.52, not value < 0.4" },
          nextAt: later(32),
        },
        { ...counted, name: "latency", dryRun: true },
      ],
    },
  ],
  remainingMs: 422_000,
  analysis: [
    {
      ...counted,
      name: "green-vs-blue",
      unclear: 3,
      last: { at, outcome: "unclear", what: "too little traffic: green has had 20 requests" },
      nextAt: at,
    },
  ],
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

  it("leaves out what matters least where there is little room, and says a hold in full", () => {
    const shown = (rows: number) => drawn({}, 100, rows).filter((line) => line.includes("event ")).length;
    expect([18, 27, 60].map(shown)).toEqual([0, 3, 8]);
    for (const rows of [18, 24, 30, 60]) expect(drawn({}, 100, rows).length).toBeLessThan(rows);
    const reason = `ecs:UpdateTaskSet is denied; ${"grant it ".repeat(20)}and Teal goes on`;
    const text = drawn({ hold: { kind: "stuck", since: at, reason } }).join(" ");
    expect(text).toContain("‖ STUCK for 1s: ecs:UpdateTaskSet is denied");
    expect(text).toContain("and Teal goes on");
  });

  it("tells of a wait for approval who may end it, until when, and what fits first", () => {
    const text = drawn(approving, 100, 0).join("\n");
    for (const part of [
      "  before  ✓ hook PRE_SCALE_UP",
      "  test    ✓ test traffic",
      "          ▸ wait for approval   1h 59m left, then it rolls back",
      "              release: by bob or carol, not by ada who asked for it",
      "  shift   · weight 10 %",
      "  then    · bake 5m",
      "  test rule web …6cabee   █",
      "◷ promotes all the way at 2026-01-01 15:00 UTC, in 3h 00m, if healthy (bob)",
      "Way back: no traffic was moved: green is taken away",
      "You can: teal approve checkout-1   or rollback, promote, skip",
      "build 7 by ada: ticket 7",
    ]) {
      expect(text).toContain(part);
    }
    // The gate says it all.
    expect(text).not.toContain("it waits until");
  });

  it("tells of checks what they counted, what they said, and when they measure again", () => {
    const text = drawn(analyzing, 100, 0).join("\n");
    for (const part of [
      "▸ analyze errors      7m 02s left",
      "      ✗ errors  2 of 5 good, 1 bad (1 borne), next in 31s\n        0.52, not value < 0.4",
      "      · latency  not measured yet, dry run",
      "In the background\n  ? green-vs-blue  0 good, 3 unclear, next now\n    too little traffic: ",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("tells of a hook what it said, and of a window when it opens", () => {
    const hook = {
      ...gate("hook"),
      stage: "POST_SCALE_UP",
      onTimeout: "pause" as const,
      timeoutAt: later(600),
      hook: {
        host: "hooks.example",
        attempt: 2,
        failures: 1,
        answer: { status: "IN_PROGRESS" as const, message: "3 of 9 \u001b[31m", at },
        nextAt: later(30),
      },
    };
    expect(drawn(standing(hook), 100, 0).join("\n")).toContain(
      [
        "  ▸ the gate            9m 59s left, then it pauses",
        "      gate at hooks.example: attempt 2, not reached once, IN_PROGRESS: 3 of 9  [31m, called",
        "      again in 29s\n",
      ].join("\n"),
    );
    const window = {
      ...gate("window"),
      window: { hours: "Mon-Fri 09:00-16:00", timezone: "UTC" },
      passesAt: later(7_200),
      timeoutAt: later(70_000),
    };
    expect(drawn(standing(window), 100, 0).join("\n")).toContain(
      "  ▸ the gate            goes on in 1h 59m\n      gate: at 2026-01-01 14:00 UTC\n",
    );
    const hold = { kind: "freeze" as const, since: at, reason: "frozen until spring" };
    const held = drawn({ ...standing(window), hold, note: hold.reason, commands: ["rollback", "override"] });
    expect(held.filter((line) => line.includes("frozen until spring"))).toHaveLength(1);
    expect(held.at(-1)).toBe('You can: teal override checkout-1 -r "why"   or rollback');
  });

  it("keeps what it stands at in sight of a long list of steps", () => {
    const steps = Array.from({ length: 40 }, (_, index) => ({
      phase: "shifting" as const,
      index,
      kind: "weight" as const,
      what: `weight ${index} %`,
      state: index < 20 ? ("done" as const) : index === 20 ? ("current" as const) : ("to-come" as const),
    }));
    const lines = drawn({ steps }, 100, 40);
    expect(lines.length).toBeLessThan(40);
    const text = lines.join("\n");
    expect(text).toContain("✓ 19 steps before\n  ✓ weight 19 %\n  ▸ weight 20 %");
    expect(text).toMatch(/· weight 33 %\n {2}· \d+ more\n/);
    const at39 = steps.map((step) => ({ ...step, state: "done" as const }));
    expect(drawn({ steps: at39 }, 100, 40).join("\n")).toMatch(/✓ \d+ steps before\n.*· bake 5m\n/s);
    expect(drawn({ steps }, 100, 0).filter((line) => line.includes("· weight"))).toHaveLength(19);
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
