/** How much likelier a minute's counts are if something is wrong than if nothing is. */

/** Of so many, how many were bad: requests that failed, answers that were slow. */
export interface Compared {
  blue: number;
  blueBad: number;
  green: number;
  greenBad: number;
}

/** Requests, and how many of them green's weight promises it. */
export interface Traffic {
  blue: number;
  green: number;
  promised: number;
}

/** Green may be as bad as `factor` times blue's share, and `floor` (a share of green's own) on top. */
export interface Bound {
  factor: number;
  floor: number;
}

/**
 * The alternatives: green is so many times worse than it may be, from 1.16 to 300. Their logarithms grow by half each
 * time: counts that tell 1 from 1.2 at all can hardly tell 1.2 from 1.3, nor those that tell 1 from 100 tell 100
 * from 500. Twice as many find nothing sooner.
 */
const timesWorse = Array.from({ length: 10 }, (_, step) => Math.exp(0.15 * 38 ** (step / 9)));

/** The alternatives for an empty green: it gets so much of half of what is promised. The first is next to nothing. */
const partsOfHalf = [0.001, 0.1, 0.3, 0.5, 0.7];

/**
 * Log ratios for each alternative. With green's requests g, blue's b and the alternative t times worse than the
 * bound's factor f, a bad one of green's counts t × B and one of blue's B, where B = (f g + b) / (t f g + b). For
 * counts that are Poisson this is the likelihood ratio of how the bad ones fall on the colours, given how many there
 * are. For requests that fail one by one, each with a chance of its own, its mean is smaller still (1 + x ≤ e^x), as
 * long as green's chances are within the bound. The floor is paid for by its share of green's requests.
 */
export function againstRates({ blue, blueBad, green, greenBad }: Compared, bound: Bound): number[] {
  const pull = bound.factor * green;
  return timesWorse.map((times) => {
    const logBlue = Math.log((pull + blue) / (times * pull + blue));
    const won = Math.exp(logBlue + Math.log(times)) - 1;
    return greenBad * Math.log(times) + (greenBad + blueBad) * logBlue - green * bound.floor * won;
  });
}

/**
 * Log ratios for each alternative of a share of the requests that lies below half of what the weights promise,
 * against exactly half of it: requests that each choose green with at least that chance.
 */
export function againstShare({ blue, green, promised }: Traffic): number[] {
  const least = promised / (blue + green) / 2;
  return partsOfHalf.map(
    (part) => green * Math.log(part) + blue * (Math.log1p(-least * part) - Math.log1p(-least)),
  );
}
