/**
 * When traffic may move: windows that recur, and freezes. Local times are those of a time zone, so a window keeps its
 * hours when the clocks change.
 */
import { CronExpressionParser } from "cron-parser";

/** Recurring hours, as written: `Mon-Fri 09:00-16:00`, `22:00-04:00`, `Sat,Sun 10:00-12:00`. */
export interface Window {
  hours: string;
  /** IANA name, such as `Europe/Berlin`. */
  timezone: string;
}

/** A stretch of time in which no traffic moves forward and nothing starts. */
export interface Freeze {
  id: string;
  /** [from, to), ms since the epoch. */
  from: number;
  to: number;
  reason: string;
  /** Names of services; left out: all. */
  services?: string[];
}

/** Why nothing may start or gain traffic now. */
export interface Closed {
  kind: "window" | "freeze";
  /** What an override names. */
  id: string;
  reason: string;
  /** When it opens again, ms since the epoch. */
  until: number;
}

/** What decides for a service: at least one of its windows must be open (none: always), and no freeze in force. */
export interface Calendar {
  windows: Window[];
  freezes: Freeze[];
}

/** Everything that closes the service at `now`, freezes first; empty where it is open. */
export function closuresAt(calendar: Calendar, service: string, now: number): Closed[] {
  const freezes = calendar.freezes.filter(
    ({ from, to, services }) => from <= now && now < to && (services?.includes(service) ?? true),
  );
  const closed = freezes.map(({ id, reason, to }): Closed => ({ kind: "freeze", id, reason, until: to }));
  const { windows } = calendar;
  if (windows.length === 0 || windows.some((window) => isOpen(window, now))) return closed;
  const hours = windows.map(({ hours, timezone }) => `${hours} ${timezone}`).join(" or ");
  const until = Math.min(...windows.map((window) => opensAt(window, now)));
  // By its end: to override tonight's closing is not to override tomorrow's.
  return [...closed, { kind: "window", id: `window-${until}`, reason: `outside of ${hours}`, until }];
}

/** Whether the window is open; its closing moment is outside. */
export function isOpen(window: Window, now: number): boolean {
  const { open, close } = bounds(window);
  return nextOf(close, window.timezone, now) <= nextOf(open, window.timezone, now);
}

/** When it opens next; `now` where it is open. */
export function opensAt(window: Window, now: number): number {
  return isOpen(window, now) ? now : nextOf(bounds(window).open, window.timezone, now);
}

/**
 * The next moment of a cron expression after `now`, in local time of the zone. A time that the change of clocks
 * leaves out comes when the clocks have changed; one that it doubles comes once.
 */
export function nextOf(cron: string, timezone: string, now: number): number {
  return CronExpressionParser.parse(cron, { tz: timezone, currentDate: new Date(now) })
    .next()
    .getTime();
}

/** What is wrong with a window as written; undefined where nothing is. */
export function windowFault({ hours, timezone }: Window): string | undefined {
  if (!isTimezone(timezone)) return `names no time zone: ${timezone}; write one such as Europe/Berlin`;
  return parseHours(hours) ? undefined : `must be like "Mon-Fri 09:00-16:00" or "22:00-04:00"`;
}

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const hoursPattern = /^(?:([a-z]{3}(?:[-,][a-z]{3})*) )?(\d\d):(\d\d)-(\d\d):(\d\d)$/i;

interface Hours {
  /** 0 is Sunday. */
  days: number[];
  /** Minutes of the day; `close` is up to 24 h, and of the next day where it is not after `open`. */
  open: number;
  close: number;
}

function parseHours(hours: string): Hours | undefined {
  const found = hoursPattern.exec(hours.trim().replace(/\s+/g, " "));
  if (!found) return undefined;
  const [, listed = "sun-sat", ...times] = found;
  const [openHour = 0, openMinute = 0, closeHour = 0, closeMinute = 0] = times.map(Number);
  const days = listed.toLowerCase().split(",").map(daysOf);
  const open = openHour * 60 + openMinute;
  const close = closeHour * 60 + closeMinute;
  const fits = openMinute < 60 && closeMinute < 60 && open < dayMinutes && close <= dayMinutes;
  return fits && days.every((some) => some.length > 0) ? { days: days.flat(), open, close } : undefined;
}

const dayMinutes = 24 * 60;

/** `mon`, or `fri-mon` over the end of the week; empty where a day is unknown. */
function daysOf(range: string): number[] {
  const [from, to, more] = range.split("-").map((day) => dayNames.findIndex((name) => name === day));
  if (from === undefined || from < 0 || (to !== undefined && to < 0) || more !== undefined) return [];
  const count = to === undefined ? 1 : ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, i) => (from + i) % 7);
}

/** As cron expressions: a window is open exactly where its next closing comes no later than its next opening. */
function bounds({ hours }: Window): { open: string; close: string } {
  const parsed = parseHours(hours);
  if (!parsed) throw new Error(`the window ${hours} passed the checks unseen`);
  const { days, open, close } = parsed;
  const later = close <= open || close === dayMinutes ? 1 : 0;
  return {
    open: cronOf(open, days),
    close: cronOf(
      close % dayMinutes,
      days.map((day) => (day + later) % 7),
    ),
  };
}

function cronOf(minutes: number, days: number[]): string {
  return `${minutes % 60} ${Math.floor(minutes / 60)} * * ${[...new Set(days)].sort((a, b) => a - b).join(",")}`;
}
