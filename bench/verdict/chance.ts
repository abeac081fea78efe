/** Counts as chance deals them, from a seed. */
import type { Random } from "../../sandbox/random.ts";

/**
 * How many of `trials` succeed, each with chance `share`: exact, by inversion outwards from the likeliest count, so
 * that it takes as many steps as the spread is wide.
 */
export function binomial(random: Random, trials: number, share: number): number {
  if (trials <= 0 || share <= 0) return 0;
  if (share >= 1) return trials;
  const middle = Math.floor((trials + 1) * share);
  const odds = share / (1 - share);
  const likeliest = Math.exp(
    logFactorial(trials) -
      logFactorial(middle) -
      logFactorial(trials - middle) +
      middle * Math.log(share) +
      (trials - middle) * Math.log1p(-share),
  );
  let left = random() - likeliest;
  let [low, below] = [middle, likeliest];
  let [high, above] = [middle, likeliest];
  while (left > 0 && (low > 0 || high < trials)) {
    if (high < trials) {
      above *= ((trials - high) / (high + 1)) * odds;
      high += 1;
      left -= above;
      if (left <= 0) return high;
    }
    if (low > 0) {
      below *= low / ((trials - low + 1) * odds);
      low -= 1;
      left -= below;
      if (left <= 0) return low;
    }
    // Both ends are too rare for a number: what is left of `left` is rounding.
    if (above < 1e-300 && below < 1e-300) return middle;
  }
  return middle;
}

/** A count of things that come independently of each other, `mean` of them on average. */
export function poisson(random: Random, mean: number): number {
  const trials = Math.ceil(1000 * mean);
  return trials === 0 ? 0 : binomial(random, trials, mean / trials);
}

const factorials = [0];

function logFactorial(n: number): number {
  // Stirling's series: at 256 already exact to the last digit.
  if (n > 256) return (n + 0.5) * Math.log(n) - n + 0.918938533204673 + 1 / (12 * n) - 1 / (360 * n ** 3);
  for (let i = factorials.length; i <= n; i++) factorials.push((factorials[i - 1] ?? 0) + Math.log(i));
  return factorials[n] ?? 0;
}
