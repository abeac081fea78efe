/**
 * The crash matrix: a deployment for every point at which a worker can die, each on a stage of its own. One
 * worker dies there by SIGKILL, another one goes on, and the ending must be that of an undisturbed deployment.
 */
import { inspect, isDeepStrictEqual } from "node:util";
import type { RunningProcess } from "../support/processes.ts";
import { type Ending, endingOf } from "./ending.ts";
import { inLanes } from "./lanes.ts";
import { type Point, pointsIn, readPoint, showPoint } from "./points.ts";
import type { Course } from "./courses.ts";
import { ada, openStage, type Stage, type StageOptions, type WorkerOptions } from "./stage.ts";

export interface Undisturbed {
  course: Course;
  ending: Ending;
  /** In their order; where it goes back only those after that was asked for. */
  points: Point[];
}

export interface CellResult {
  course: string;
  point: string;
  /** From the kill until another worker claimed the deployment: so long nobody was in control. */
  gapMs: number;
  totalMs: number;
  /** What went otherwise than undisturbed; absent where nothing did. */
  deviation?: string;
}

/** A point of a course at which a worker is to die. */
export interface Cell {
  of: Undisturbed;
  point: Point;
}

/** Makes stages on one Redis, no two alike. */
export type Stages = () => Promise<Stage>;

export function stagesOn(redisUrl: string, options: Partial<StageOptions> = {}): Stages {
  let count = 0;
  return () => openStage({ redisUrl, prefix: `{crash-${process.pid}-${count++}}`, tested: true, ...options });
}

/** Runs a deployment that nothing disturbs, and writes down which points it passes. */
export async function undisturbed(course: Course, stages: Stages): Promise<Undisturbed> {
  const stage = await stages();
  try {
    const worker = stage.startWorker(watching("never"));
    const passed = (): Point[] => [
      ...pointsIn(worker.output()),
      ...stage.sent.map((sent) => readPoint(`sent:${sent}`)),
    ];
    const early = new Set<string>();
    const id = await start(stage, course, () => passed().forEach((point) => early.add(showPoint(point))));
    await stage.settled(id);
    return {
      course,
      ending: await endingOf(stage, id),
      points: passed().filter((point) => !early.has(showPoint(point))),
    };
  } finally {
    await stage.close();
  }
}

/** A worker that tells its points, and dies at this one. */
function watching(crashAt: string): WorkerOptions {
  return { program: "test/crash/crashing-worker.js", env: { CRASH_AT: crashAt } };
}

/** Starts the deployment and asks for the rollback, if the course has one, when it is time. */
async function start(stage: Stage, course: Course, beforeAsking = (): void => {}): Promise<string> {
  const id = await stage.deploy(course.strategy(stage.hookUrl));
  const { isTimeToGoBack } = course;
  if (!isTimeToGoBack) return id;
  await stage.until(`${id} where it goes back`, async () => isTimeToGoBack(await stage.deployment(id)));
  beforeAsking();
  await stage.until("asked", () => stage.engine.ask(id, { kind: "rollback", actor: ada, commandId: "back" }));
  return id;
}

/** One cell: the worker dies at the point, another one goes on. */
export async function crash(
  point: Point,
  { course, ending }: Undisturbed,
  stages: Stages,
): Promise<CellResult> {
  const stage = await stages();
  try {
    const startedAt = Date.now();
    const name = showPoint(point);
    const doomed = stage.startWorker({ name: "doomed", ...watching(name) });
    if (point.moment === "sent")
      stage.onSent(name.slice("sent:".length), () => {
        doomed.signal("SIGKILL");
        return "cut";
      });
    const id = await start(stage, course);
    await died(stage, doomed);
    const gap = takeOver(stage, id, Date.now());
    stage.startWorker({ name: "successor" });
    const gapMs = await gap;
    await stage.settled(id);
    const deviation = difference(ending, await endingOf(stage, id));
    return {
      course: course.name,
      point: name,
      gapMs,
      totalMs: Date.now() - startedAt,
      ...(deviation !== undefined && { deviation }),
    };
  } finally {
    await stage.close();
  }
}

async function died(stage: Stage, worker: RunningProcess): Promise<void> {
  let signal: string | null | undefined;
  void worker.exited.then((exit) => (signal = exit.signal));
  await stage.until(`${worker.name} killed`, () => signal !== undefined);
  if (signal !== "SIGKILL") throw new Error(`${worker.name} ended by itself:\n${worker.output()}`);
}

/** Milliseconds from `since` until somebody claims the deployment. */
async function takeOver(stage: Stage, id: string, since: number): Promise<number> {
  const epoch = (): Promise<string | null> => stage.redis.hget(`${stage.prefix}:d:${id}`, "epoch");
  const before = await epoch();
  await stage.until(`${id} taken over`, async () => (await epoch()) !== before);
  return Date.now() - since;
}

/** What is otherwise than expected, part by part; undefined where nothing is. */
export function difference(expected: Ending, found: Ending): string | undefined {
  const parts = new Map<string, unknown>(Object.entries(expected));
  const differing = Object.entries(found).filter(([key, value]) => !isDeepStrictEqual(value, parts.get(key)));
  if (differing.length === 0) return undefined;
  return differing
    .map(([key, value]) => `${key}: ${show(value)}, undisturbed ${show(parts.get(key))}`)
    .join("\n");
}

function show(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 110 });
}

/** Runs cells side by side, so many at a time; they mostly wait. */
export function runCells(
  cells: readonly Cell[],
  stages: Stages,
  { atATime, onResult }: { atATime: number; onResult?: (result: CellResult) => void },
): Promise<CellResult[]> {
  return inLanes(cells, atATime, async ({ point, of }) => {
    const result = await crash(point, of, stages).catch((error: unknown): CellResult => ({
      course: of.course.name,
      point: showPoint(point),
      gapMs: Number.NaN,
      totalMs: Number.NaN,
      deviation: error instanceof Error ? error.message : String(error),
    }));
    onResult?.(result);
    return result;
  });
}
