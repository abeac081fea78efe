import type { Random } from "../random.ts";

/** From this variance on a sum of so many tosses is drawn from its normal approximation. */
const varianceMin = 30;

/**
 * How many of `count` trials succeed, each with this probability: drawn, not computed. Costs the same for a
 * million trials as for a hundred.
 */
export function drawn(random: Random, count: number, probability: number): number {
  if (probability <= 0 || count <= 0) return 0;
  if (probability >= 1) return count;
  const mean = count * probability;
  const variance = mean * (1 - probability);
  if (variance >= varianceMin) {
    const found = Math.round(mean + Math.sqrt(variance) * normal(random));
    return Math.min(Math.max(found, 0), count);
  }
  if (probability > 0.5) return count - drawn(random, count, 1 - probability);
  // Few successes: leap from one to the next (geometric gaps).
  let successes = 0;
  for (let at = gap(random, probability); at < count; at += 1 + gap(random, probability)) successes++;
  return successes;
}

/** Failures before the next success. */
function gap(random: Random, probability: number): number {
  return Math.floor(Math.log(1 - random()) / Math.log(1 - probability));
}

/** Box and Muller's. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
