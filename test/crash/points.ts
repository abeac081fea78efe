/**
 * Where a worker is killed. The points are not listed anywhere: a worker that watches itself tells each one it
 * passes, and the matrix is made of what an undisturbed deployment told. So a new effect is covered by existing;
 * one that no course has in it is missed.
 */
import type { EffectKind } from "../../src/deployment/effect.ts";

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

/** What each effect is on the wire. */
const sentAs = {
  registerTaskDefinition: ["RegisterTaskDefinition"],
  createTaskSet: ["CreateTaskSet"],
  scaleTaskSet: ["UpdateTaskSet"],
  setWeights: ["ModifyListener", "ModifyRule"],
  makePrimary: ["UpdateServicePrimaryTaskSet"],
  tagTaskSet: ["TagResource"],
  deleteTaskSet: ["DeleteTaskSet"],
  callHook: ["callHook"],
} as const satisfies Record<EffectKind, readonly string[]>;

/** Effects, by moment, that have no point among these: `sent:TagResource`. */
export function missingFrom(points: readonly Point[]): string[] {
  const have = new Set(points.map(({ moment, what }) => `${moment}:${what}`));
  const wanted = moments.flatMap((moment) => {
    const names: readonly string[] = moment === "sent" ? Object.values(sentAs).flat() : Object.keys(sentAs);
    return names.map((what) => `${moment}:${what}`);
  });
  return wanted.filter((one) => !have.has(one));
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
