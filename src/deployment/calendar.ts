/** When traffic may move: windows that recur, and freezes. And when schedules come. */
import { CronExpressionParser } from "cron-parser";
import { isOpen, opensAt, type Window } from "./hours.ts";

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

/**
 * The next moment of a cron expression after `now`, in local time of the zone. A time that the change of clocks
 * leaves out comes when the clocks have changed; one that it doubles comes once.
 */
export function nextOf(cron: string, timezone: string, now: number): number {
  return CronExpressionParser.parse(cron, { tz: timezone, currentDate: new Date(now) })
    .next()
    .getTime();
}
