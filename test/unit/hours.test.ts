/** Hours that recur, where clocks are changed: what is foretold is when they open. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../sandbox/random.ts";
import { isOpen, opensAt, type Window } from "../../src/deployment/hours.ts";
import { clocksChangeAt, offsetMs } from "../../src/deployment/zones.ts";

const minute = 60_000;
const day = 1_440 * minute;
const utc = (iso: string) => Date.parse(`${iso}Z`);
const berlin = (hours: string): Window => ({ hours, timezone: "Europe/Berlin" });

describe("on the day on which clocks are put forward", () => {
  // In Berlin, at 01:00 UTC, from 02:00 to 03:00.
  const midnight = utc("2026-03-29T00:00");

  it.each([
    [
      "hours whose beginning is left out begin when the clocks are changed",
      "02:30-05:00",
      "2026-03-29T01:00",
    ],
    ["hours that are left out altogether don't come on that day", "02:10-02:50", "2026-03-30T00:10"],
    ["hours that would begin with the change do", "02:00-04:00", "2026-03-29T01:00"],
    ["later ones begin by the new clocks", "03:10-05:00", "2026-03-29T01:10"],
    ["earlier ones by the old", "01:30-02:10", "2026-03-29T00:30"],
  ])("%s: %s", (_, hours, opens) => {
    expect(new Date(opensAt(berlin(hours), midnight)).toISOString()).toBe(`${opens}:00.000Z`);
  });

  it("hours whose end is left out end when the clocks are changed", () => {
    const window = berlin("01:30-02:10");
    expect(isOpen(window, utc("2026-03-29T00:59:59.999"))).toBe(true);
    expect(isOpen(window, utc("2026-03-29T01:00"))).toBe(false);
  });
});

describe("on the day on which clocks are put back", () => {
  // In Berlin, at 01:00 UTC, from 03:00 to 02:00.
  it("hours that come twice are open twice", () => {
    const window = berlin("02:10-02:50");
    const open = ["00:09", "00:10", "00:49", "00:50", "01:09", "01:10", "01:49", "01:50"].map((time) =>
      isOpen(window, utc(`2026-10-25T${time}`)),
    );
    expect(open).toEqual([false, true, true, false, false, true, true, false]);
    expect(opensAt(window, utc("2026-10-25T00:50"))).toBe(utc("2026-10-25T01:10"));
  });

  it("hours over it are open for an hour longer, without a break", () => {
    const window = berlin("01:00-03:00");
    for (let at = utc("2026-10-24T23:00"); at < utc("2026-10-25T02:00"); at += 10 * minute)
      expect(isOpen(window, at)).toBe(true);
    expect(isOpen(window, utc("2026-10-25T02:00"))).toBe(false);
  });
});

it("hours of a day that was left out altogether come a week later", () => {
  // Samoa went from Thursday, 29 December 2011, to Saturday, 31 December.
  const window = { hours: "Fri 09:00-16:00", timezone: "Pacific/Apia" };
  expect(opensAt(window, utc("2011-12-29T12:00"))).toBe(utc("2012-01-05T19:00"));
});

/** By the names of day, hour and minute that the zone's clocks show: another way to the same end. */
function shown({ hours, timezone }: Window): (at: number) => boolean {
  const clocks = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const [days = "", times = ""] = hours.split(" ");
  const [open = "", close = ""] = times.split("-");
  const week = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  return (at) => {
    const [today = "", time = ""] = clocks
      .format(at)
      .split(" ")
      .map((word) => word.replace(",", ""));
    const yesterday = week[week.lastIndexOf(today) - 1] ?? "";
    if (close > open) return days.includes(today) && time >= open && time < close;
    return (days.includes(today) && time >= open) || (days.includes(yesterday) && time < close);
  };
}

describe("in any zone, around its changes of clocks", () => {
  const seed = Number(process.env["SEED"] ?? 1);
  const random = seededRandom(seed);
  const whole = (below: number) => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T | undefined => list[whole(list.length)];
  const grid = 10 * minute;
  const time = () => `${String(whole(24)).padStart(2, "0")}:${String(10 * whole(6)).padStart(2, "0")}`;

  it.each([
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "UTC",
  ])("%s: the moment foretold is the first at which they are open", (timezone) => {
    const from = utc("2026-01-01T00:00");
    const changes: number[] = [];
    for (let at = from; at < from + 365 * day; at += day) {
      const change = clocksChangeAt(timezone, at, at + day);
      if (change !== undefined) changes.push(change);
    }
    for (let run = 0; run < 40; run++) {
      const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].filter(() => random() < 0.5);
      const window = { hours: `${days.join(",") || "Sun"} ${time()}-${time()}`, timezone };
      const around = pick(changes) ?? from + whole(365) * day;
      const now = around - day + grid * whole(288);
      const reads = shown(window);
      let first = now;
      while (!reads(first)) first += grid;
      const what = `${JSON.stringify(window)} at ${new Date(now).toISOString()}, seed ${seed}`;
      expect(new Date(opensAt(window, now)).toISOString(), what).toBe(new Date(first).toISOString());
      expect(isOpen(window, now), what).toBe(first === now);
      expect(isOpen(window, first), what).toBe(true);
    }
  });

  it("a change of clocks is found to the millisecond", () => {
    const change = clocksChangeAt("Australia/Lord_Howe", utc("2026-04-04T00:00"), utc("2026-04-05T00:00"));
    expect(change).toBe(utc("2026-04-04T15:00"));
    expect(offsetMs("Australia/Lord_Howe", (change ?? 0) - 1)).toBe(660 * minute);
    expect(offsetMs("Australia/Lord_Howe", change ?? 0)).toBe(630 * minute);
  });
});
