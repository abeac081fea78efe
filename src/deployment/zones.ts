/** Time zones: what their clocks show, and when those are changed. */

export function isTimezone(name: string): boolean {
  try {
    return formatter(name).format(0) !== "";
  } catch {
    return false;
  }
}

/** What has to be added to a moment for what the zone's clocks show then, in ms. */
export function offsetMs(timezone: string, at: number): number {
  const [, sign, hours, minutes, seconds = "0"] = offset.exec(formatter(timezone).format(at)) ?? [];
  const ms = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds)) * 1000;
  return sign === "-" ? -ms : ms;
}

/** The first moment after `from`, up to `to`, at which the clocks have been changed; of two changes that cancel, none. */
export function clocksChangeAt(timezone: string, from: number, to: number): number | undefined {
  const before = offsetMs(timezone, from);
  if (offsetMs(timezone, to) === before) return undefined;
  let [unchanged, changed] = [from, to];
  while (changed - unchanged > 1) {
    const middle = Math.floor((unchanged + changed) / 2);
    if (offsetMs(timezone, middle) === before) unchanged = middle;
    else changed = middle;
  }
  return changed;
}

/** `GMT`, `GMT+02:00` */
const offset = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** Making one takes a hundred times as long as asking it; there are some hundred zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en", { timeZone: timezone, timeZoneName: "longOffset" });
  formatters.set(timezone, made);
  return made;
}
