/**
 * Where a worker is killed. The points are not listed anywhere: a worker that watches itself tells each one it
 * passes, and the matrix is made of what an undisturbed deployment told. So a new effect is covered by existing.
 */

/**
 * - `commit`: before the commit that writes the effect down.
 * - `call`: the effect is written down, its call not yet begun.
 * - `sent`: AWS has performed the request, its answer gets lost with the worker.
 * - `next`: the answer is here, the commit that would tell of it isn't.
 */
export const moments = ["commit", "call", "sent", "next"] as const;

export type Moment = (typeof moments)[number];

export interface Point {
  moment: Moment;
  /** The effect's kind; for `sent` the API action, as the wire sees it. */
  what: string;
  /** Counted from 1 over the deployment. */
  occurrence: number;
}

/** `commit:setWeights:2` */
export function showPoint({ moment, what, occurrence }: Point): string {
  return `${moment}:${what}:${occurrence}`;
}

export function readPoint(text: string): Point {
  const [first, what, occurrence] = text.split(":");
  const moment = moments.find((one) => one === first);
  if (!moment || !what || !Number(occurrence)) throw new Error(`${text} is not a point`);
  return { moment, what, occurrence: Number(occurrence) };
}

/** How a worker tells that it is at a point. */
export const pointLine = "at point ";

/** The points that a worker's output tells of, in their order. */
export function pointsIn(output: string): Point[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith(pointLine))
    .map((line) => readPoint(line.slice(pointLine.length)));
}
