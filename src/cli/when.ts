/** Moments as people write them: `09:00`, `tomorrow 09:00`, `fri 14:30`, `2026-12-01 09:00`, or with an offset. */
import { CronExpressionParser } from "cron-parser";

export const momentForms =
  '"09:00", "tomorrow 09:00", "fri 09:00", "2026-12-01 09:00" or "2026-12-01T09:00:00+01:00"';

const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const dayMs = 86_400_000;
/** No zone is further ahead of UTC. */
const aheadMsMax = 15 * 3_600_000;

/**
 * Ms since the epoch; a time alone is the next one, be it today or tomorrow. Undefined for what is none of the forms,
 * no day of the calendar, or over.
 */
export function momentOf(written: string, timezone: string, now: number): number | undefined {
  const text = written.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if (/^\d{4}-\d\d-\d\dt\d\d:\d\d(:\d\d(\.\d+)?)?(z|[+-]\d\d:?\d\d)$/.test(text)) {
    const at = Date.parse(text.toUpperCase());
    return at > now ? at : undefined;
  }
  const found = /^(?:(\S+) )?([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!found) return undefined;
  const [, day, hour = "", minute = ""] = found;
  const time = `${Number(minute)} ${Number(hour)}`;
  if (day === undefined) return next(`${time} * * *`, timezone, now);
  const weekday = weekdays.indexOf(day.slice(0, 3));
  if (/^(sun|mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?)(day)?$/.test(day)) {
    return next(`${time} * * ${weekday}`, timezone, now);
  }
  const midnight = midnightOf(day, timezone, now);
  if (midnight === undefined) return undefined;
  const date = new Date(midnight);
  // From before the day begins anywhere, so that a change of clocks leaves out no time that exists.
  const at = next(
    `${time} ${date.getUTCDate()} ${date.getUTCMonth() + 1} *`,
    timezone,
    midnight - aheadMsMax,
  );
  return at !== undefined && at > now && at - midnight < 2 * dayMs ? at : undefined;
}

/** As Canada writes it: 2026-12-01. */
const ymd = { year: "numeric", month: "2-digit", day: "2-digit" } as const;

/** In UTC, the midnight of the day that is meant. */
function midnightOf(day: string, timezone: string, now: number): number | undefined {
  const local = new Intl.DateTimeFormat("en-CA", { ...ymd, timeZone: timezone }).format(now);
  const today = Date.parse(`${local}T00:00:00Z`);
  if (day === "today") return today;
  if (day === "tomorrow") return today + dayMs;
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day) ? at : undefined;
}

function next(cron: string, timezone: string, after: number): number | undefined {
  try {
    return CronExpressionParser.parse(cron, { tz: timezone, currentDate: new Date(after) })
      .next()
      .getTime();
  } catch {
    // A day that never comes, such as 31 February.
    return undefined;
  }
}

/** Where this runs. */
export function localTimezone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

/** `Tue 2 Jun 09:00 Europe/Berlin` */
export function inZone(at: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  return `${parts.format(at).replaceAll(",", "")} ${timezone}`;
}
