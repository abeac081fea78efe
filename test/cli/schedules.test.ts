import { expect, it } from "vitest";
import type { ScheduleView } from "../../src/api/contract.ts";
import { drawSchedules } from "../../src/cli/schedules.ts";

const morning: ScheduleView = {
  name: "morning",
  service: "checkout",
  asks: "promote",
  what: "promote fully, if healthy",
  cron: "0 9 * * Mon-Fri",
  timezone: "Europe/Berlin",
  nextAt: "2026-06-02T07:00:00.000Z",
};
const weekly: ScheduleView = {
  ...morning,
  name: "weekly",
  service: "worker",
  asks: "deploy",
  what: "deploy by\u001b[2J all-at-once",
  timezone: "UTC",
  nextAt: "2026-06-07T03:30:00.000Z",
};

it("teal schedules shows each with its next time by the clocks of its zone, and how long it is until then", () => {
  expect(drawSchedules([morning, weekly], Date.UTC(2026, 5, 1, 12))).toEqual([
    "morning  checkout  promote fully, if healthy  Tue 2 Jun 09:00 Europe/Berlin  in 19h 00m",
    "weekly   worker    deploy by [2J all-at-once  Sun 7 Jun 03:30 UTC            in 5d 15h",
  ]);
});
