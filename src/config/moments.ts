/** Days and moments as people write them: `2026-12-20`, `2026-12-01T09:00:00+01:00`. */
import { nextOf } from "../deployment/calendar.ts";

const pattern = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(?::\d\d)?(Z|[+-]\d\d:\d\d)?)?$/;
const hourMs = 3_600_000;

export const momentForms =
  "a date such as 2026-12-20, or a moment with its offset such as 2026-12-20T09:00:00+01:00";

/** Whether it is meant as a day or a moment at all, rather than as hours. */
export function looksLikeDate(written: string): boolean {
  return /^\d{4}-/.test(written);
}

/**
 * Ms since the epoch; of a date alone, when that day begins in the time zone, or with `end` the day after it.
 * Undefined for what is neither, or no day of the calendar.
 */
export function momentOf(written: string, timezone: string, end = false): number | undefined {
  const found = pattern.exec(written);
  const [, year = "", month = "", day = "", time, offset] = found ?? [];
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  if (!found || new Date(midnight).toISOString().slice(5, 10) !== `${month}-${day}`) return undefined;
  if (time === undefined) return startOfDay(end ? midnight + 24 * hourMs : midnight, timezone);
  const at = Date.parse(written);
  return offset === undefined || Number.isNaN(at) ? undefined : at;
}

/** @param midnight the day's, in UTC */
function startOfDay(midnight: number, timezone: string): number | undefined {
  const day = new Date(midnight);
  // The day's first minute, which is not 00:00 where the clocks change just then. No zone is 15 hours ahead of UTC.
  const minutes = `* * ${day.getUTCDate()} ${day.getUTCMonth() + 1} *`;
  const at = nextOf(minutes, timezone, midnight - 15 * hourMs - 1);
  return at - midnight < 24 * hourMs ? at : undefined;
}
