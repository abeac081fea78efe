/** Durations as people write them in `teal.yaml` and on the command line: `30s`, `10m`, `24h`, `7d`. */
import ms, { type StringValue } from "ms";
import { z } from "zod";

const pattern = /^\d{1,6}(?:\.\d{1,3})?(?:s|m|h|d)$/;

/** Limits of a duration, both written as durations themselves, so that an error can quote them. */
export interface DurationLimits {
  min: string;
  max: string;
}

/** A duration within limits, read into milliseconds. A bare number is refused: it would not say its unit. */
export function duration(limits: DurationLimits) {
  const minMs = toMs(limits.min);
  const maxMs = toMs(limits.max);
  const allowed = `a duration from ${limits.min} to ${limits.max}, written like 30s, 10m, 24h or 7d`;
  return z
    .string({ error: `must be ${allowed}` })
    .regex(pattern, { error: `must be ${allowed}`, abort: true })
    .refine((text) => toMs(text) >= minMs && toMs(text) <= maxMs, { error: `must be ${allowed}` })
    .transform(toMs);
}

/** Throws a RangeError for what is no duration. */
export function toMs(text: string): number {
  if (!isDuration(text)) throw new RangeError(`not a duration: ${text}`);
  return Math.round(ms(text));
}

function isDuration(text: string): text is StringValue {
  return pattern.test(text);
}
