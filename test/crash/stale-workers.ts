/**
 * Workers that stand still while others go on: what they would write when they are thawed is refused. And two workers
 * that are given one deployment at once.
 */
import { Queue } from "bullmq";
import { turnsQueue } from "../../src/redis/wakes.ts";
import { canary, warm } from "./courses.ts";
import { endingOf } from "./ending.ts";
import { askBack, restored, type Scenario } from "./scenario.ts";
import type { Sent, Stage } from "./stage.ts";

/** Freezes the first worker when AWS has performed the request; the answer waits in its socket. */
async function freezeAt(stage: Stage, sent: Sent): Promise<{ id: string; thaw: () => Promise<void> }> {
  const frozen = stage.startWorker({ name: "frozen" });
  let stands = false;
  stage.onSent(sent, () => {
    frozen.freeze();
    stands = true;
    return "answer";
  });
  const id = await stage.deploy(canary(stage.hookUrl));
  await stage.until(`frozen at ${sent}`, () => stands || undefined);
  return {
    id,
    thaw: async () => {
      frozen.thaw();
      await frozen.waitForLine(/another worker has taken over/, 20_000);
    },
  };
}

function thawedAfter(sent: Sent): Scenario {
  return async (stage, { back }) => {
    const { id, thaw } = await freezeAt(stage, sent);
    stage.startWorker({ name: "other" });
    await askBack(stage, id);
    const ended = await stage.settled(id);
    const calls = stage.sent.length;
    await thaw();
    const found = [restored(await endingOf(stage, id)), await stage.deployment(id), stage.sent.length];
    return { found, expected: [restored(back), ended, calls] };
  };
}

function thawedMeanwhile(sent: Sent): Scenario {
  return async (stage, { back }) => {
    const { id, thaw } = await freezeAt(stage, sent);
    stage.startWorker({ name: "other" });
    await askBack(stage, id);
    await stage.until("going back", async () => (await stage.deployment(id)).phase === "rolling_back");
    await thaw();
    await stage.settled(id);
    return { found: restored(await endingOf(stage, id)), expected: restored(back) };
  };
}

const twoAtOnce: Scenario = async (stage, { back }) => {
  const workers = ["one", "other"].map((name) => stage.startWorker({ name, concurrency: 1 }));
  const id = await stage.deploy(warm(stage.hookUrl));
  const queue = new Queue(turnsQueue, { connection: stage.redis, prefix: stage.prefix });
  await queue.add("turn", { id }, { jobId: "its-double", removeOnComplete: true, removeOnFail: true });
  await queue.close();
  await stage.until("retaining", async () => (await stage.deployment(id)).phase === "retaining");
  await askBack(stage, id);
  await stage.settled(id);
  // Each lost it to the other one, so each had claimed it.
  const lost = workers.map((worker) => /another worker has taken over/.test(worker.output()));
  return { found: [lost, restored(await endingOf(stage, id))], expected: [[true, true], restored(back)] };
};

const frozenAt = ["CreateTaskSet:1", "ModifyListener:1", "ModifyRule:3", "UpdateTaskSet:1"] satisfies Sent[];

export const staleWorkers: ReadonlyMap<string, Scenario> = new Map([
  ...frozenAt.flatMap((sent): [string, Scenario][] => [
    [
      `frozen at ${sent} until another worker has rolled back and ended: its commit is refused`,
      thawedAfter(sent),
    ],
    [`frozen at ${sent} and thawed in the middle of the rollback`, thawedMeanwhile(sent)],
  ]),
  ["two workers given one deployment at once, at every turn", twoAtOnce],
]);
