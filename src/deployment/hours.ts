/**
 * Hours that recur. They are open exactly while the clocks of their time zone show them: hours that a change of the
 * clocks leaves out don't come on that day, and those that it doubles come twice.
 */
import { clocksChangeAt, isTimezone, offsetMs } from "./zones.ts";

/** Recurring hours, as written: `Mon-Fri 09:00-16:00`, `22:00-04:00`, `Sat,Sun 10:00-12:00`. */
export interface Window {
  hours: string;
  /** IANA name, such as `Europe/Berlin`. */
  timezone: string;
}

/** Whether the window is open; its closing moment is outside. */
export function isOpen(window: Window, now: number): boolean {
  return shows(read(window), now + offsetMs(window.timezone, now));
}

/** The first moment from `now` on at which it is open. */
export function opensAt(window: Window, now: number): number {
  const hours = read(window);
  let at = now;
  while (!shows(hours, at + offsetMs(window.timezone, at))) {
    const offset = offsetMs(window.timezone, at);
    const opening = nextOpening(hours, at + offset) - offset;
    // A day at most, so that no change of the clocks is overlooked.
    const until = Math.min(opening, at + dayMs);
    at = clocksChangeAt(window.timezone, at, until) ?? until;
  }
  return at;
}

/** What is wrong with a window as written; undefined where nothing is. */
export function windowFault({ hours, timezone }: Window): string | undefined {
  if (!isTimezone(timezone)) return `names no time zone: ${timezone}; write one such as Europe/Berlin`;
  return parse(hours) ? undefined : `must be like "Mon-Fri 09:00-16:00" or "22:00-04:00"`;
}

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const pattern = /^(?:([a-z]{3}(?:[-,][a-z]{3})*) )?(\d\d):(\d\d)-(\d\d):(\d\d)$/i;
const minuteMs = 60_000;
const dayMinutes = 24 * 60;
const dayMs = dayMinutes * minuteMs;

interface Hours {
  /** On which they begin; 0 is Sunday. */
  days: ReadonlySet<number>;
  /** Minutes of the day; `close` is up to 24 h, and of the next day where it is not after `open`. */
  open: number;
  close: number;
}

function read({ hours }: Window): Hours {
  const parsed = parse(hours);
  if (!parsed) throw new Error(`the window ${hours} passed the checks unseen`);
  return parsed;
}

function parse(hours: string): Hours | undefined {
  const found = pattern.exec(hours.trim().replace(/\s+/g, " "));
  if (!found) return undefined;
  const [, listed = "sun-sat", ...times] = found;
  const [openHour = 0, openMinute = 0, closeHour = 0, closeMinute = 0] = times.map(Number);
  const days = listed.toLowerCase().split(",").map(daysOf);
  const open = openHour * 60 + openMinute;
  const close = closeHour * 60 + closeMinute;
  const fits = openMinute < 60 && closeMinute < 60 && open < dayMinutes && close <= dayMinutes;
  return fits && days.every((some) => some.length > 0)
    ? { days: new Set(days.flat()), open, close }
    : undefined;
}

/** `mon`, or `fri-mon` over the end of the week; empty where a day is unknown. */
function daysOf(range: string): number[] {
  const [from, to, more] = range.split("-").map((day) => dayNames.findIndex((name) => name === day));
  if (from === undefined || from < 0 || (to !== undefined && to < 0) || more !== undefined) return [];
  const count = to === undefined ? 1 : ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, i) => (from + i) % 7);
}

/** @param local what clocks show, as if it were UTC */
function shows({ days, open, close }: Hours, local: number): boolean {
  const day = Math.floor(local / dayMs);
  const minute = Math.floor(local / minuteMs) - day * dayMinutes;
  const overnight = close <= open;
  const today = days.has(weekdayOf(day)) && minute >= open && (overnight || minute < close);
  return today || (overnight && days.has(weekdayOf(day - 1)) && minute < close);
}

/** When they begin next, if nobody changes the clocks. */
function nextOpening({ days, open }: Hours, local: number): number {
  const today = Math.floor(local / dayMs);
  for (let day = today; ; day++) {
    const opening = day * dayMs + open * minuteMs;
    if (days.has(weekdayOf(day)) && opening > local) return opening;
  }
}

/** Of days since 1 January 1970, a Thursday. */
function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
