import { expect, it } from "vitest";
import { inZone, momentOf } from "../../src/cli/when.ts";

// A Monday, 14:00 in Berlin.
const now = Date.UTC(2026, 5, 1, 12);
const berlin = "Europe/Berlin";
const read = (text: string, timezone = berlin, at = now) => {
  const found = momentOf(text, timezone, at);
  return found === undefined ? undefined : new Date(found).toISOString().slice(0, 16);
};

it.each([
  ["15:00", "2026-06-01T13:00"],
  ["09:00", "2026-06-02T07:00"],
  ["9:30", "2026-06-02T07:30"],
  ["today 15:00", "2026-06-01T13:00"],
  ["tomorrow 09:00", "2026-06-02T07:00"],
  ["Tomorrow  09:00", "2026-06-02T07:00"],
  ["fri 09:00", "2026-06-05T07:00"],
  ["Friday 09:00", "2026-06-05T07:00"],
  ["mon 13:00", "2026-06-08T11:00"],
  ["2026-12-01 09:00", "2026-12-01T08:00"],
  ["2026-12-01T09:00:00+01:00", "2026-12-01T08:00"],
  ["2026-06-02T09:00Z", "2026-06-02T09:00"],
])("%s is a moment", (text, expected) => expect(read(text)).toBe(expected));

it.each([
  "today 09:00",
  "2026-05-31 09:00",
  "2026-06-01T11:00:00Z",
  "2026-02-31 09:00",
  "2027-13-01 09:00",
  "24:00",
  "9",
  "soon",
  "someday 09:00",
  "friend 09:00",
  "2026-12-01T09:00:00",
  "",
])("%s is none, or over", (text) => expect(read(text)).toBeUndefined());

it("goes by the day of the zone", () => {
  // It is Tuesday already in Auckland, 2 a.m. there at noon plus two hours.
  const late = Date.UTC(2026, 5, 1, 22);
  expect(read("tomorrow 09:00", "Pacific/Auckland", late)).toBe("2026-06-02T21:00");
  expect(read("tomorrow 09:00", "America/Los_Angeles", late)).toBe("2026-06-02T16:00");
});

it("lets a change of clocks leave out no time, and take none twice", () => {
  const before = Date.UTC(2026, 2, 28, 12);
  // 02:30 does not exist on this day; 01:30 and 03:30 do.
  expect(read("tomorrow 01:30", berlin, before)).toBe("2026-03-29T00:30");
  expect(read("tomorrow 03:30", berlin, before)).toBe("2026-03-29T01:30");
  expect(read("tomorrow 09:00", berlin, before)).toBe("2026-03-29T07:00");
});

it("is shown with its zone", () => {
  expect(inZone(Date.UTC(2026, 5, 2, 7), berlin)).toBe("Tue 2 Jun 09:00 Europe/Berlin");
});
