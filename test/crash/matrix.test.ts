/**
 * The crash matrix as CI runs it: every effect at every moment, the first time that it happens; and in each course
 * every effect once more at the worst moment, when AWS has performed it and nobody knows. `npm run crash` runs all.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { courses } from "./courses.ts";
import {
  type Cell,
  difference,
  runCells,
  type Stages,
  stagesOn,
  type Undisturbed,
  undisturbed,
} from "./matrix.ts";
import { missingFrom, moments } from "./points.ts";

/** They mostly wait; with more, a machine of two cores is busy starting processes. */
const atATime = 8;

let redis: TestRedis;
let stages: Stages;
let plain: Undisturbed[];

beforeAll(async () => {
  redis = await startRedis();
  stages = stagesOn(redis.url);
  plain = await Promise.all(courses.map((course) => undisturbed(course, stages)));
});

afterAll(() => redis.close());

it("an undisturbed deployment passes every moment of each of its effects, and creates one set", () => {
  for (const { points, ending } of plain) {
    const counts = moments.map((moment) => points.filter((point) => point.moment === moment).length);
    expect(new Set(counts)).toEqual(new Set([points.length / moments.length]));
    expect(ending).toMatchObject({ made: { taskSets: 1, revisions: 2 }, pending: false, whole: true });
    expect(ending.sets).toHaveLength(1);
  }
  expect(plain.map(({ ending }) => ending.phase)).toEqual(["succeeded", "rolled_back", "rolled_back"]);
});

it("every effect that there is has its points", () => {
  const points = plain.flatMap((of) => of.points);
  expect(missingFrom(points)).toEqual([]);
  expect(missingFrom(points.filter(({ what }) => what !== "ModifyRule"))).toEqual(["sent:ModifyRule"]);
});

it("an ending that differs is seen, and in what", () => {
  const [to, back] = plain.map(({ ending }) => ending);
  if (!to || !back) throw new Error("two courses are needed");
  expect(difference(to, back)).toMatch(/^phase: 'rolled_back', undisturbed 'succeeded'$/m);
  const twice = { ...to, made: { ...to.made, taskSets: 2 } };
  expect(difference(to, twice)).toBe(
    "made: { taskSets: 2, revisions: 2 }, undisturbed { taskSets: 1, revisions: 2 }",
  );
  expect(difference(to, structuredClone(to))).toBeUndefined();
});

it(
  "a worker killed at any point leaves nothing undone and nothing done twice",
  { timeout: 400_000 },
  async () => {
    const cells = selection(plain);
    const results = await runCells(cells, stages, { atATime });
    expect(results.filter((result) => result.deviation !== undefined)).toEqual([]);
    expect(results).toHaveLength(cells.length);
  },
);

function selection(courses: Undisturbed[]): Cell[] {
  const all = courses.flatMap((of) => of.points.map((point) => ({ of, point })));
  return all.filter(({ of, point: { moment, what } }, i) => {
    const first = all.findIndex(
      (other) =>
        other.point.moment === moment &&
        other.point.what === what &&
        (moment !== "sent" || other.of.course === of.course),
    );
    return first === i;
  });
}
