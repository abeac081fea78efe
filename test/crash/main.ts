/**
 * `make crash`, `make crash ARGS="--times 5"`: the whole crash matrix and a table of it, then stale workers and late
 * calls, those that are too long for CI among them. Options: `--times N` repeats the matrix, `--lanes N` sets how many
 * cells run side by side, `--only text` takes the cells and scenarios whose name contains the text.
 */
import { cpus } from "node:os";
import { inspect, isDeepStrictEqual, parseArgs } from "node:util";
import { reapProcesses } from "../support/processes.ts";
import { startOwnRedis } from "../support/redis-source.ts";
import { courses } from "./courses.ts";
import { lateCalls, tooLateCalls } from "./late-calls.ts";
import { lateSenders } from "./late-senders.ts";
import { type Cell, type CellResult, runCells, stagesOn, undisturbed } from "./matrix.ts";
import { missingFrom, showPoint } from "./points.ts";
import { type Outcome, playAll } from "./scenario.ts";
import { timing } from "./stage.ts";
import { staleWorkers } from "./stale-workers.ts";
import { summary } from "./summary.ts";

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "1" },
    lanes: { type: "string", default: String(4 * cpus().length) },
    only: { type: "string", default: "" },
  },
});

const redis = await startOwnRedis();
const results: CellResult[] = [];
const scenarios = new Map(
  [...tooLateCalls, ...lateSenders, ...lateCalls, ...staleWorkers].filter(([name]) =>
    name.includes(values.only),
  ),
);
const wrong: string[] = [];
const startedAt = Date.now();
let missing: string[] = [];
try {
  const stages = stagesOn(redis.url);
  const plain = await Promise.all(courses.map((course) => undisturbed(course, stages)));
  missing = missingFrom(plain.flatMap(({ points }) => points));
  const once = plain.flatMap((of) =>
    of.points
      .filter((point) => `${of.course.name} ${showPoint(point)}`.includes(values.only))
      .map((point): Cell => ({ of, point })),
  );
  const cells = Array.from({ length: Number(values.times) }, () => once).flat();
  results.push(
    ...(await runCells(cells, stages, {
      atATime: Number(values.lanes),
      onResult: ({ course, point, gapMs, totalMs, deviation }) =>
        console.log(
          `${course.padEnd(17)} ${point.padEnd(36)} gap ${String(gapMs).padStart(5)} ms  total ${String(totalMs).padStart(6)} ms  ${deviation ?? "as undisturbed"}`,
        ),
    })),
  );
  console.log(`\n${summary(results)}`);
  await playAll(scenarios, stages, (name, outcome) => {
    const failure = failureOf(outcome);
    if (failure !== undefined) wrong.push(name);
    console.log(`${name}: ${failure ?? "as it should"}`);
  });
} finally {
  await reapProcesses();
  await redis.close();
}

console.log(
  `${Math.round((Date.now() - startedAt) / 1000)} s; lock ${timing.lockMs} ms, looked for every ${timing.stalledMs} ms; ` +
    "a gap is the time in which nobody is in control, the start of the next worker among it",
);
if (missing.length > 0) console.log(`No point has ${missing.join(", ")}: no course has that effect in it.`);
console.log(`${scenarios.size} scenarios of stale workers and late calls, ${wrong.length} deviations`);
const all = missing.length + wrong.length + results.filter(({ deviation }) => deviation !== undefined).length;
process.exit(all === 0 && results.length + scenarios.size > 0 ? 0 : 1);

function failureOf(outcome: Outcome | Error): string | undefined {
  if (outcome instanceof Error) return outcome.message;
  const { found, expected } = outcome;
  return isDeepStrictEqual(found, expected)
    ? undefined
    : inspect({ found, expected }, { depth: 8, breakLength: 110 });
}
