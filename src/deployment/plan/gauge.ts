/** Measurements as they are where nothing is wrong, and traffic enough for every check to tell. */
import { judge } from "../analysis.ts";
import type { Ask, Check, Measured, TrafficAsk } from "../check.ts";
import type { Reading } from "../observation.ts";
import type { Strategy } from "../strategy.ts";

/** Green's share of the production traffic from a moment on, 0 to 1. */
export interface Share {
  from: number;
  green: number;
}

/** Answers by the keys of the asks: `gate/check`, or the check alone. */
export function measureWell(
  { checks }: Strategy,
  asks: Record<string, Ask>,
  shares: readonly Share[],
  now: number,
): Record<string, Reading<Measured>> {
  const answers = Object.entries(asks).map(([key, ask]) => {
    const check = checks[key.split("/").at(-1) ?? key];
    return [key, { ok: true as const, value: wellAnswer(ask, check, shares), at: now }];
  });
  return Object.fromEntries(answers);
}

function wellAnswer(ask: Ask, check: Check | undefined, shares: readonly Share[]): Measured {
  if (ask.kind === "alarms") return { kind: "alarms", firing: [], missing: [] };
  if (ask.kind === "traffic") return wellCounted(ask, shares);
  const value = check && goodValue(check);
  return value === undefined ? { kind: "nothing", why: "no value would be good" } : { kind: "value", value };
}

/** A value that the check calls good; undefined where its conditions leave none. */
function goodValue(check: Check): number | string | boolean | undefined {
  const limits = [check.success, check.failure].flatMap((condition) =>
    (condition?.terms ?? []).map(({ limit }) => limit),
  );
  const numbers = limits.filter((limit) => typeof limit === "number").toSorted((a, b) => a - b);
  const between = numbers.map((limit, index) => (limit + (numbers[index + 1] ?? limit)) / 2);
  const beside = numbers.flatMap((limit) => [limit - Math.abs(limit) - 1, limit + Math.abs(limit) + 1]);
  const candidates = [...limits, ...between, ...beside, 0, true, false, "", "another"];
  return candidates.find(
    (value) => judge(check, { ok: true, value: { kind: "value", value }, at: 0 }).outcome === "good",
  );
}

const minuteMs = 60_000;
const requestsAMinute = 1_000_000;

/** Requests fall on the colours as the weights say; none fails and none is slow. */
function wellCounted({ from, to, slowSeconds, history }: TrafficAsk, shares: readonly Share[]): Measured {
  const slow = slowSeconds === undefined ? {} : { slow: 0 };
  const minutes = Array.from({ length: Math.max(0, (to - from) / minuteMs) }, (_, index) => {
    const at = from + index * minuteMs;
    const share = shares.findLast((share) => share.from <= at)?.green ?? 0;
    const green = Math.round(requestsAMinute * share);
    const blue = requestsAMinute - green;
    return {
      at,
      blue: { requests: blue, answered: blue, errors: 0, ...slow },
      green: { requests: green, answered: green, errors: 0, ...slow },
    };
  });
  return { kind: "traffic", minutes, ...(history && { historySeconds: 0.1 }) };
}
