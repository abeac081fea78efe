/**
 * Workers that stop when nothing keeps their call back any more, and send it when others have gone on: what a claim
 * can't fence. It must do no harm that isn't put right.
 */
import { canary } from "./courses.ts";
import { endingOf } from "./ending.ts";
import { askBack, lookedOnceMore, restored, type Scenario } from "./scenario.ts";
import type { Stage } from "./stage.ts";

interface Sender {
  id: string;
  /** Thaws it and waits until it has sent, and was told that it is replaced; false where it sent nothing. */
  sendsLate: () => Promise<boolean>;
}

/** A deployment whose worker stands before this effect, past its guard. */
async function stoppedBefore(stage: Stage, effect: string): Promise<Sender> {
  const frozen = stage.startWorker({
    name: "frozen",
    program: "test/crash/freezing-worker.js",
    env: { FREEZE_AT: effect },
  });
  const id = await stage.deploy(canary(stage.hookUrl));
  await frozen.waitForLine(/frozen past the guard/, 120_000);
  const sentByIt = () => [...stage.senders.values()].filter((name) => name === "frozen").length;
  return {
    id,
    sendsLate: async () => {
      const before = sentByIt();
      frozen.thaw();
      await frozen.waitForLine(/another worker has taken over/, 30_000);
      return sentByIt() > before;
    },
  };
}

/**
 * Those for which it has a connection from an earlier call. Where it must make one first, the call's time is over
 * meanwhile, and nothing is sent.
 */
const effects = ["scaleTaskSet:1", "setWeights:2", "makePrimary:1"];

function backMeanwhile(effect: string): Scenario {
  return async (stage, { back }) => {
    const { id, sendsLate } = await stoppedBefore(stage, effect);
    stage.startWorker({ name: "other" });
    await askBack(stage, id);
    await stage.until("going back", async () => (await stage.deployment(id)).phase === "rolling_back");
    const sent = await sendsLate();
    await stage.settled(id);
    return { found: [sent, restored(await endingOf(stage, id))], expected: [true, restored(back)] };
  };
}

function backBefore(effect: string): Scenario {
  return async (stage, { back }) => {
    const { id, sendsLate } = await stoppedBefore(stage, effect);
    stage.startWorker({ name: "other" });
    await askBack(stage, id);
    await stage.settled(id);
    const sent = await sendsLate();
    await lookedOnceMore(stage, id);
    return { found: [sent, restored(await endingOf(stage, id))], expected: [true, restored(back)] };
  };
}

function forwardBefore(effect: string): Scenario {
  return async (stage, { forward }) => {
    const { id, sendsLate } = await stoppedBefore(stage, effect);
    stage.startWorker({ name: "other" });
    await stage.settled(id);
    const sent = await sendsLate();
    await lookedOnceMore(stage, id);
    return { found: [sent, await endingOf(stage, id)], expected: [true, forward] };
  };
}

/** By their names, the longest first. */
export const lateSenders: ReadonlyMap<string, Scenario> = new Map([
  [
    "setWeights:2 sent late, when the new version serves alone: put right by the last look",
    forwardBefore("setWeights:2"),
  ],
  ...effects.map((one): [string, Scenario] => [
    `${one} sent late, when the rollback has ended: put right by the last look`,
    backBefore(one),
  ]),
  ...effects.map((one): [string, Scenario] => [
    `${one} sent late, in the middle of the rollback`,
    backMeanwhile(one),
  ]),
]);
