/**
 * The crash matrix as CI runs it: every effect at every moment, the first time that it happens; and on the way back
 * every effect once more at the worst moment, when AWS has performed it and nobody knows. `npm run crash` runs all.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Course, runCells, type Stages, stagesOn, type Undisturbed, undisturbed } from "./matrix.ts";
import { moments, type Point } from "./points.ts";

/** They mostly wait; with more, a machine of two cores is busy starting processes. */
const atATime = 16;

const courses: Course[] = ["canary", "rollback"];
let redis: TestRedis;
let stages: Stages;
let plain: Undisturbed[];

beforeAll(async () => {
  redis = await startRedis();
  stages = stagesOn(redis.url);
  plain = await Promise.all(courses.map((course) => undisturbed(course, stages)));
});

afterAll(() => redis.close());

it("an undisturbed deployment passes every moment of every effect, and creates one set", () => {
  for (const { points, ending } of plain) {
    const counts = moments.map((moment) => points.filter((point) => point.moment === moment).length);
    expect(new Set(counts)).toEqual(new Set([points.length / moments.length]));
    expect(ending).toMatchObject({ made: { taskSets: 1, revisions: 2 }, pending: false, whole: true });
    expect(ending.sets).toHaveLength(1);
  }
  expect(plain.map(({ ending }) => ending.phase)).toEqual(["succeeded", "rolled_back"]);
});

it(
  "a worker killed at any point leaves nothing undone and nothing done twice",
  { timeout: 170_000 },
  async () => {
    const cells = selection(plain);
    const results = await runCells(cells, stages, { atATime });
    expect(results.filter((result) => result.deviation !== undefined)).toEqual([]);
    expect(results).toHaveLength(cells.length);
  },
);

function selection(courses: Undisturbed[]): { of: Undisturbed; point: Point }[] {
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
