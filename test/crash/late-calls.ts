/** Requests that AWS performs when nobody waits for them any more. They must leave nothing behind. */
import { isDeepStrictEqual } from "node:util";
import { canary } from "./courses.ts";
import { endingOf } from "./ending.ts";
import { askBack, lookedOnceMore, restored, type Scenario } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** Has AWS perform the attempts of a call so much later, asks for the rollback, and waits for all of it. */
async function rollBackLate(stage: Stage, action: string, ms: number): Promise<string> {
  const { faults, calls } = stage.local;
  faults.add({ action, fault: { kind: "delayRequest", ms }, times: 3 });
  let performed = 0;
  calls.subscribe((call) => (performed += call.action === action ? 1 : 0));
  const sent = (): number => stage.sent.filter((one) => one.startsWith(`${action}:`)).length;
  stage.startWorker();
  const id = await stage.deploy(canary(stage.hookUrl));
  await stage.until(`${action} sent`, () => sent() > 0);
  await askBack(stage, id);
  await stage.settled(id);
  await stage.until(`the last ${action} performed`, () => performed === sent());
  return id;
}

function lateMeanwhile(action: string, ms: number): Scenario {
  return async (stage, { back }) => {
    const id = await rollBackLate(stage, action, ms);
    return { found: restored(await endingOf(stage, id)), expected: restored(back) };
  };
}

function lateAfterwards(action: string, ms: number): Scenario {
  return async (stage, { back }) => {
    const id = await rollBackLate(stage, action, ms);
    const right = async (): Promise<boolean> => {
      const { sets, routes } = await endingOf(stage, id);
      return isDeepStrictEqual({ sets, routes }, { sets: back.sets, routes: back.routes });
    };
    await lookedOnceMore(stage, id);
    return { found: await stage.until("put right", right), expected: true };
  };
}

const hidden: Scenario = async (stage, { back }) => {
  const { faults, aws } = stage.local;
  faults.add({ action: "CreateTaskSet", fault: { kind: "loseAnswer" }, times: 3 });
  let created = false;
  stage.onSent("CreateTaskSet:1", () => {
    aws.settings.ecsReadLagMs = 4_000;
    created = true;
    return "cut";
  });
  stage.startWorker();
  const id = await stage.deploy(canary(stage.hookUrl));
  await stage.until("created", () => created);
  await askBack(stage, id);
  await stage.settled(id);
  // The ending is what there is, not what reads show.
  aws.settings.ecsReadLagMs = 0;
  const ending = await endingOf(stage, id);
  return { found: [ending.made.taskSets, restored(ending)], expected: [1, restored(back)] };
};

/** Later than anybody waits for an answer; every attempt of the SDK meets it. */
const late = { ModifyListener: 8_000, ModifyRule: 8_000, UpdateTaskSet: 18_000, CreateTaskSet: 7_000 };

/** Later than Teal reckons with, after the end; a last look two minutes later puts it right. */
const tooLate = { ModifyListener: 25_000, ModifyRule: 25_000, UpdateTaskSet: 40_000, CreateTaskSet: 40_000 };

export const lateCalls: ReadonlyMap<string, Scenario> = new Map([
  ...Object.entries(late).map(([action, ms]): [string, Scenario] => [
    `${action} performed ${ms} ms late, while the deployment goes back`,
    lateMeanwhile(action, ms),
  ]),
  ["a create whose answer is lost and that reads hide, raced by a rollback", hidden],
]);

/** Too long for CI. */
export const tooLateCalls: ReadonlyMap<string, Scenario> = new Map(
  Object.entries(tooLate).map(([action, ms]) => [
    `${action} performed ${ms} ms late, after the end: put right by the last look`,
    lateAfterwards(action, ms),
  ]),
);
