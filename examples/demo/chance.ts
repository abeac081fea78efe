/** What chance alone can do to a share: the binomial distribution, summed exactly. */

/** How often the bounds below are left by chance. */
export const oncePer = 1_000_000;

export interface Bounds {
  least: number;
  most: number;
}

/**
 * How many of `count` requests a version gets whose share is `share` (0 to 1): outside of these bounds at most
 * once in a million times, half of that on either side.
 */
export function bounds(count: number, share: number): Bounds {
  if (share <= 0) return { least: 0, most: 0 };
  if (share >= 1) return { least: count, most: count };
  return { least: lowerBound(count, share), most: count - lowerBound(count, 1 - share) };
}

/** The greatest k such that fewer than k successes come at most once in two million times. */
function lowerBound(count: number, share: number): number {
  const tail = 1 / (2 * oncePer);
  const odds = Math.log(share) - Math.log1p(-share);
  let logChance = count * Math.log1p(-share);
  let fewer = 0;
  for (let k = 0; k < count; k++) {
    fewer += Math.exp(logChance);
    if (fewer > tail) return k;
    logChance += Math.log(count - k) - Math.log(k + 1) + odds;
  }
  return count;
}
