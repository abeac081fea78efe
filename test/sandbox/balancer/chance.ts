/**
 * The counts of `trials` with probability `share` outside of which chance alone lands once in a million times:
 * exact binomial tails of 5e-7 on either side.
 */
export function binomialInterval(trials: number, share: number, tail = 5e-7): { low: number; high: number } {
  if (share <= 0) return { low: 0, high: 0 };
  if (share >= 1) return { low: trials, high: trials };
  const probability = (count: number) =>
    Math.exp(
      logFactorial(trials) -
        logFactorial(count) -
        logFactorial(trials - count) +
        count * Math.log(share) +
        (trials - count) * Math.log1p(-share),
    );
  let low = 0;
  for (let below = probability(0); below <= tail && low < trials; below += probability(++low));
  let high = trials;
  for (let above = probability(trials); above <= tail && high > 0; above += probability(--high));
  return { low, high };
}

const factorials = [0];
function logFactorial(n: number): number {
  for (let i = factorials.length; i <= n; i++) factorials.push((factorials[i - 1] ?? 0) + Math.log(i));
  return factorials[n] ?? 0;
}
