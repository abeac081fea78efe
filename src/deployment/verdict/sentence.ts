/** A verdict in one sentence, with the numbers it rests on. */
import type { Compared } from "./ratios.ts";
import type { Signal, VerdictState } from "./state.ts";

/** @param suspect the signal that speaks against green */
export function explain(
  state: VerdictState,
  suspect: Signal | undefined,
  chance: Record<Signal, number>,
  leastRequests: number,
): string {
  if (suspect) return `${accusation(state, suspect)}: ${certainty(state, chance[suspect])}`;
  const { errors, slow } = state.totals;
  if (errors.blue === 0 && errors.green === 0) return "no traffic has been counted yet";
  const lacking = [
    ...(errors.green < leastRequests ? [`green has had ${amount(errors.green)}`] : []),
    ...(errors.blue < leastRequests ? [`blue has had ${amount(errors.blue)}`] : []),
  ];
  if (lacking.length > 0) {
    return `too little traffic: ${lacking.join(" and ")} of the ${amount(leastRequests)} requests that a verdict needs`;
  }
  const failing = rates(errors);
  const failed =
    `${failing.green} of its requests failed (${of(errors.greenBad, errors.green)}), ` +
    `blue's ${failing.blue} (${of(errors.blueBad, errors.blue)})`;
  if (slow.green === 0 || slow.blue === 0) return `no sign that green is worse: ${failed}`;
  const slowing = rates(slow);
  return `no sign that green is worse: ${failed}; ${slowing.green} of its answers were slow, blue's ${slowing.blue}`;
}

function accusation(state: VerdictState, signal: Signal): string {
  const within = `in ${minutes(state[signal].minutes)}`;
  switch (signal) {
    case "errors": {
      const { counts } = state.errors;
      const { green, blue } = rates(counts);
      const silent = counts.unanswered >= 0.5 ? `, ${amount(counts.unanswered)} of them unanswered` : "";
      return (
        `green fails ${green} of its requests (${of(counts.greenBad, counts.green)} ${within}${silent}), ` +
        `blue ${blue} (${of(counts.blueBad, counts.blue)})`
      );
    }
    case "slow": {
      const { counts } = state.slow;
      const { green, blue } = rates(counts);
      return (
        `${green} of green's answers are slow (${of(counts.greenBad, counts.green)} ${within}), ` +
        `blue's ${blue} (${of(counts.blueBad, counts.blue)})`
      );
    }
    case "traffic": {
      const { blue, green, promised } = state.traffic.counts;
      const [got, due] = [percent(green, blue + green, 2), percent(promised, blue + green, 2)];
      return `green gets ${got} of the requests (${of(green, blue + green)} ${within}) where its weight promises ${due}`;
    }
  }
}

function certainty({ worse }: VerdictState, chance: number): string {
  const early = "too early to tell";
  if (worse) return rarity(chance);
  return chance > 0.5 ? early : `${early}, ${rarity(chance)}`;
}

/** Two digits, rounded down; past a million there is nothing more to say. */
function rarity(chance: number): string {
  const times = Math.min(1_000_000, 1 / chance);
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(times)) - 1);
  return `chance alone does that in fewer than 1 of ${amount(Math.floor(times / digits + 1e-9) * digits)} deployments`;
}

/** As many digits as tell the two apart, where they differ at all. */
function rates(counts: Compared): { green: string; blue: string } {
  const at = (digits: number) => ({
    green: percent(counts.greenBad, counts.green, digits),
    blue: percent(counts.blueBad, counts.blue, digits),
  });
  return [2, 3, 4].map(at).find(({ green, blue }) => green !== blue) ?? at(2);
}

/** `3.1 %`. What isn't all or nothing never reads as 100 or 0. */
function percent(part: number, all: number, digits: number): string {
  if (all === 0 || part === 0) return "0 %";
  const value = (100 * part) / all;
  const shown = Number(value.toPrecision(value >= 10 ? Math.max(digits, 2) : digits));
  const honest = shown === 100 && part < all ? Math.floor(value * 10) / 10 : shown;
  return `${significant.format(honest)} %`;
}

function of(part: number, all: number): string {
  return `${amount(part)} of ${amount(all)}`;
}

function minutes(count: number): string {
  return count === 1 ? "1 minute" : `${amount(count)} minutes`;
}

function amount(count: number): string {
  return whole.format(count);
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const significant = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });
