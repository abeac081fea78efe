import { expect, it } from "vitest";
import pc from "picocolors";
import { drawLine } from "../../src/cli/audit.ts";

const c = pc.createColors(false);
const line = {
  at: "2026-06-02T09:00:00.000Z",
  deployment: "checkout-1",
  service: "checkout",
  seq: 7,
  kind: "call",
  what: "elasticloadbalancing:ModifyListener",
  actor: { kind: "teal", name: "teal" },
  message: "green gets 10 %: listener from 100:0 to 90:10",
  before: { blue: 100, green: 0 },
  after: { blue: 90, green: 10 },
  result: "done",
  requestId: "r-1",
} as const;

it("shows a call with what it changed and where to look it up", () => {
  expect(drawLine(line, c)).toEqual([
    "2026-06-02 09:00 UTC  teal  elasticloadbalancing:ModifyListener  checkout-1  done",
    "    green gets 10 %: listener from 100:0 to 90:10",
    "    blue 100 → 90, green 0 → 10",
    "    request r-1",
  ]);
});

it("shows a refusal with its code, and nothing where nothing changed", () => {
  const { requestId: _, ...rest } = line;
  const refused = { ...rest, after: rest.before, result: "refused", code: "AccessDenied\u001b[2J" } as const;
  expect(drawLine(refused, c)).toEqual([
    "2026-06-02 09:00 UTC  teal  elasticloadbalancing:ModifyListener  checkout-1  refused: AccessDenied [2J",
    "    green gets 10 %: listener from 100:0 to 90:10",
  ]);
});
