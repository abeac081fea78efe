/**
 * The crash matrix: a deployment for every point at which a worker can die, each on a stage of its own. One
 * worker dies there by SIGKILL, another one goes on, and the ending must be that of an undisturbed deployment.
 */
import { inspect, isDeepStrictEqual } from "node:util";
import type { RunningProcess } from "../support/processes.ts";
import { type Ending, endingOf } from "./ending.ts";
import { type Point, pointsIn, readPoint, showPoint } from "./points.ts";
import { ada, canary, openStage, type Stage, type StageOptions, warm } from "./stage.ts";

/** `canary`: to its end. `rollback`: until green is PRIMARY, and then all the way back. */
export type Course = "canary" | "rollback";

export interface Undisturbed {
  course: Course;
  ending: Ending;
  /** In their order; of a rollback only those after it was asked for. */
  points: Point[];
}

export interface CellResult {
  course: Course;
  point: string;
  /** From the kill until another worker claimed the deployment: so long nobody was in control. */
  gapMs: number;
  totalMs: number;
  /** What went otherwise than undisturbed; absent where nothing did. */
  deviation?: string;
}

/** Makes stages on one Redis, no two alike. */
export type Stages = () => Promise<Stage>;

export function stagesOn(redisUrl: string, options: Partial<StageOptions> = {}): Stages {
  let count = 0;
  return () => openStage({ redisUrl, prefix: `{crash-${process.pid}-${count++}}`, ...options });
}

/** Runs a deployment that nothing disturbs, and writes down which points it passes. */
export async function undisturbed(course: Course, stages: Stages): Promise<Undisturbed> {
  const stage = await stages();
  try {
    const worker = stage.startWorker({ crashAt: "never" });
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

/** Starts the deployment and, for a rollback, asks for it as soon as green is PRIMARY. */
async function start(stage: Stage, course: Course, beforeAsking = (): void => {}): Promise<string> {
  const id = await stage.deploy((course === "canary" ? canary : warm)(stage.hookUrl));
  if (course === "canary") return id;
  await stage.until(`${id} retaining`, async () => (await stage.deployment(id)).phase === "retaining");
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
    const doomed = stage.startWorker({ name: "doomed", crashAt: name });
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
      course,
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

function difference(expected: Ending, found: Ending): string | undefined {
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
export async function runCells(
  cells: { point: Point; of: Undisturbed }[],
  stages: Stages,
  options: { atATime: number; onResult?: (result: CellResult) => void },
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const left = [...cells];
  const lane = async (): Promise<void> => {
    for (let cell = left.shift(); cell; cell = left.shift()) {
      const { point, of } = cell;
      const result = await crash(point, of, stages).catch((error: unknown): CellResult => ({
        course: of.course,
        point: showPoint(point),
        gapMs: Number.NaN,
        totalMs: Number.NaN,
        deviation: error instanceof Error ? error.message : String(error),
      }));
      results.push(result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.atATime }, lane));
  return results;
}
