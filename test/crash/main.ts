/**
 * `npm run crash`: the whole crash matrix, as a table. Options: `--times N` repeats it, `--lanes N` sets how many
 * cells run side by side, `--only text` takes the cells whose name contains the text.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { reapProcesses } from "../support/processes.ts";
import { startOwnRedis } from "../support/redis-source.ts";
import { type CellResult, type Course, runCells, stagesOn, undisturbed } from "./matrix.ts";
import { moments, showPoint } from "./points.ts";
import { timing } from "./stage.ts";

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "1" },
    lanes: { type: "string", default: String(6 * cpus().length) },
    only: { type: "string", default: "" },
  },
});

const courses: Course[] = ["canary", "rollback"];
const redis = await startOwnRedis();
const results: CellResult[] = [];
const startedAt = Date.now();
try {
  const stages = stagesOn(redis.url);
  const plain = await Promise.all(courses.map((course) => undisturbed(course, stages)));
  const once = plain.flatMap((of) =>
    of.points
      .filter((point) => `${of.course} ${showPoint(point)}`.includes(values.only))
      .map((point) => ({ of, point })),
  );
  const cells = Array.from({ length: Number(values.times) }, () => once).flat();
  for (const { course, points } of plain) {
    const count = (moment: string): number => points.filter((point) => point.moment === moment).length;
    console.log(`${course}: ${moments.map((moment) => `${count(moment)} ${moment}`).join(", ")}`);
  }
  results.push(
    ...(await runCells(cells, stages, {
      atATime: Number(values.lanes),
      onResult: ({ course, point, gapMs, totalMs, deviation }) =>
        console.log(
          `${course.padEnd(9)} ${point.padEnd(32)} gap ${String(gapMs).padStart(5)} ms  total ${String(totalMs).padStart(6)} ms  ${deviation ?? "as undisturbed"}`,
        ),
    })),
  );
} finally {
  await reapProcesses();
  await redis.close();
}

const deviations = results.filter((result) => result.deviation !== undefined).length;
const gaps = results
  .map((result) => result.gapMs)
  .filter(Number.isFinite)
  .sort((a, b) => a - b);
const percentile = (p: number): number | undefined =>
  gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * p))];
console.log(
  `${results.length} crashes, ${deviations} deviations, ${Math.round((Date.now() - startedAt) / 1000)} s; ` +
    `nobody in control for p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, most ${gaps.at(-1)} ms ` +
    `(lock ${timing.lockMs} ms, looked for every ${timing.stalledMs} ms)`,
);
process.exit(deviations === 0 && results.length > 0 ? 0 : 1);
