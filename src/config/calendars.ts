/** `windows` and `freezes`: when traffic may move, and when not. */
import { z } from "zod";
import type { Freeze } from "../deployment/calendar.ts";
import type { Window } from "../deployment/hours.ts";
import { momentForms, momentOf } from "./moments.ts";
import { hours, limits, name, noneTwice, text, timezone } from "./words.ts";

export const windowsSchema = z
  .array(
    z.union([hours, z.strictObject({ hours, timezone: timezone.optional() })], {
      error: 'must be hours such as "Mon-Fri 09:00-16:00", or { hours, timezone }',
    }),
  )
  .max(limits.windows);

export function toWindows(written: z.output<typeof windowsSchema>, zone: string): Window[] {
  return written.map((one) => {
    return typeof one === "string"
      ? { hours: one, timezone: zone }
      : { hours: one.hours, timezone: one.timezone ?? zone };
  });
}

const day = z.string().refine((written) => momentOf(written, "UTC") !== undefined, {
  error: `must be ${momentForms}`,
});

/** A year and a day: what is meant to last for longer is no freeze. */
const freezeMsMax = 366 * 86_400_000;

const freeze = z
  .strictObject({
    from: day.describe("A date (from its first minute) or a moment with its offset."),
    to: day.describe("A date (to its last minute) or a moment with its offset."),
    reason: text(200),
    timezone: timezone.optional(),
    services: z
      .array(name)
      .min(1)
      .max(limits.services)
      .superRefine(noneTwice)
      .optional()
      .describe("Left out: all."),
    id: name.optional().describe("What an override names. Left out: freeze-1, freeze-2, … by its place."),
  })
  .superRefine((written, context) => {
    if (context.issues.length > 0) return;
    const { from, to } = spanOf(written, "UTC");
    const wrong = (message: string) => context.addIssue({ code: "custom", path: ["to"], message });
    if (to <= from) wrong(`must be after from: ${written.to} is not after ${written.from}`);
    else if (to - from > freezeMsMax) wrong("must be at most 366 days after from");
  });

export const freezesSchema = z
  .array(freeze)
  .max(limits.freezes)
  .superRefine((all, context) => {
    if (context.issues.some(({ code }) => code !== "custom")) return;
    const ids = all.map(idOf);
    ids.forEach((id, index) => {
      const wrong = (message: string) => context.addIssue({ code: "custom", path: [index, "id"], message });
      // As closuresAt names what it closes: an override of the one would be one of the other.
      if (/^window(-\d+)?$/.test(id))
        wrong("must not be window or window-<number>, which stand for the windows");
      if (ids.indexOf(id) < index) wrong(`is that of another freeze: ${id}`);
    });
  });

export function toFreezes(written: z.output<typeof freezesSchema>, zone: string): Freeze[] {
  return written.map((one, index) => ({
    id: idOf(one, index),
    ...spanOf(one, one.timezone ?? zone),
    reason: one.reason,
    ...(one.services && { services: one.services }),
  }));
}

type Written = z.output<typeof freeze>;

function idOf({ id }: Written, index: number): string {
  return id ?? `freeze-${index + 1}`;
}

function spanOf({ from, to }: Pick<Written, "from" | "to">, zone: string): Pick<Freeze, "from" | "to"> {
  return { from: momentOf(from, zone) ?? 0, to: momentOf(to, zone, true) ?? 0 };
}
