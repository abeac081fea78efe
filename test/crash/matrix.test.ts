/**
 * The crash matrix as CI runs it: every effect at every moment, the first time that it happens; and in each course
 * every effect once more at the worst moment, when AWS has performed it and nobody knows. `npm run crash` runs all.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { courses, forward } from "./courses.ts";
import {
  type Cell,
  crash,
  runCells,
  type Stages,
  stagesOn,
  type Undisturbed,
  undisturbed,
} from "./matrix.ts";
import { missingFrom, moments, readPoint } from "./points.ts";

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

it(
  "a worker killed at any point leaves nothing undone and nothing done twice",
  { timeout: 400_000 },
  async () => {
    const cells = selection(plain);
    const [results, sabotaged] = await Promise.all([runCells(cells, stages, { atATime }), sabotage(plain)]);
    expect(results.filter((result) => result.deviation !== undefined)).toEqual([]);
    expect(results).toHaveLength(cells.length);
    // The comparison sees a set too many where the worker that goes on breaks its promise.
    expect(sabotaged).toContain(
      "made: { taskSets: 2, revisions: 2 }, undisturbed { taskSets: 1, revisions: 2 }",
    );
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

/** What deviates when a set was created, nobody knows, and the next worker asks with another token. */
async function sabotage(courses: Undisturbed[]): Promise<string | undefined> {
  const of = courses.find(({ course }) => course === forward);
  if (!of) throw new Error(`${forward.name} was not run`);
  const { deviation } = await crash(readPoint("sent:CreateTaskSet:1"), of, stages, {
    program: "test/support/sabotaged-worker.js",
    env: { TEAL_SABOTAGE: "tokens-forgotten" },
  });
  return deviation;
}
