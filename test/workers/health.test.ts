import { expect, it } from "vitest";
import { alive, type HealthParts, idleMsMax, ready } from "../../workers/health.ts";

const now = 10 * idleMsMax;

function parts(change: { idleMs: number; overdue: string[] | "away" }): HealthParts {
  const due = async (before: number): Promise<string[]> => {
    if (change.overdue === "away") throw new Error("away");
    return before === now - idleMsMax ? change.overdue : [];
  };
  const ping = async (): Promise<void> => void (await due(0));
  return { records: { due }, clock: { now: () => now }, lastTurnAt: () => now - change.idleMs, ping };
}

it.each([
  [{ idleMs: 1_000, overdue: ["a"] }, true],
  [{ idleMs: idleMsMax, overdue: [] }, true],
  [{ idleMs: idleMsMax, overdue: "away" as const }, true],
  [{ idleMs: idleMsMax, overdue: ["a"] }, false],
])("takes for hung only a worker that idles while something is overdue: %j", async (change, ok) => {
  expect(await alive(parts(change))).toMatchObject({ ok });
});

it("is ready while Redis answers", async () => {
  expect(await ready(parts({ idleMs: 0, overdue: [] }))).toMatchObject({ ok: true });
  expect(await ready(parts({ idleMs: 0, overdue: "away" }))).toMatchObject({ ok: false });
});
