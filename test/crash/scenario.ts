/**
 * Scenarios that mostly wait: they run side by side before the first test, the longest first, and each test tells
 * what became of one. (Tests that the runner itself runs side by side would end each other's processes.)
 */
import { backFromTheEnd, forward as canaryCourse } from "./courses.ts";
import type { Ending } from "./ending.ts";
import { inLanes } from "./lanes.ts";
import { type Stages, undisturbed } from "./matrix.ts";
import { ada, type Stage } from "./stage.ts";

export interface Outcome {
  found: unknown;
  expected: unknown;
}

/** How deployments end that nothing disturbs. */
export interface Plain {
  /** One that is rolled back. */
  back: Ending;
  forward: Ending;
}

export type Scenario = (stage: Stage, plain: Plain) => Promise<Outcome>;

/** With more, a machine of two cores is busy starting processes. */
const atATime = 8;

/** By the scenario's name what became of it, on a stage of its own. */
export async function playAll(
  scenarios: ReadonlyMap<string, Scenario>,
  stages: Stages,
  onOutcome: (name: string, outcome: Outcome | Error) => void = () => {},
): Promise<Map<string, Outcome | Error>> {
  const [back, forward] = await Promise.all(
    [backFromTheEnd, canaryCourse].map(async (course) => (await undisturbed(course, stages)).ending),
  );
  if (!back || !forward) throw new Error("nothing to compare with");
  const plain = { back, forward };
  const outcomeOf = async (play: Scenario): Promise<Outcome | Error> => {
    const stage = await stages();
    try {
      return await play(stage, plain);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      await stage.close();
    }
  };
  const played = await inLanes([...scenarios], atATime, async ([name, play]) => {
    const outcome = await outcomeOf(play);
    onOutcome(name, outcome);
    return [name, outcome] as const;
  });
  return new Map(played);
}

/** What a rollback must come to, from wherever it began; the way there differs. */
export function restored(ending: Ending): Partial<Ending> {
  const { course: _course, made, ...rest } = ending;
  return { ...rest, made: { ...made, taskSets: Math.max(1, made.taskSets) } };
}

export async function askBack(stage: Stage, id: string): Promise<void> {
  await stage.until("asked", () => stage.engine.ask(id, { kind: "rollback", actor: ada, commandId: "back" }));
}

/** Until the last look for calls that came late is over, two minutes after the end. */
export async function lookedOnceMore(stage: Stage, id: string): Promise<void> {
  const isOver = async () => (await stage.records.dueAt(id)) === undefined;
  await stage.until("looked once more", isOver, 200_000);
}
