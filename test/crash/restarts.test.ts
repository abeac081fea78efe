/**
 * Workers that are stopped and started, one after the other, over and over, under many deployments. A stop is
 * SIGTERM: what the worker runs must end or be handed over within the time that it is given.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Exit } from "../support/processes.ts";
import { startDedicatedRedis, type DedicatedRedis } from "../support/redis.ts";
import { endingOf } from "./ending.ts";
import { openStage, type Stage, strategy, timing } from "./stage.ts";

const services = Array.from({ length: 100 }, (_, i) => `shop-${i}`);
const workersMax = 3;
/** Each worker is restarted so often at least. */
const roundsMin = 4;
/** Long enough for so many restarts while all deployments are under way. */
const short = strategy([
  { kind: "weight", percent: 50 },
  { kind: "pause", ms: 15_000 },
  { kind: "weight", percent: 100 },
]);

/** Beyond the time given: for the process to close and go, on a loaded machine. */
const goodbyeMs = 5_000;

let redis: DedicatedRedis;
let stage: Stage;

beforeEach(async () => {
  redis = await startDedicatedRedis();
  stage = await openStage({
    redisUrl: redis.url,
    prefix: "{restarts}",
    services,
    desired: 1,
    settings: { healthCheckIntervalMs: 1_000 },
  });
});

afterEach(async () => {
  await stage.close();
  await redis.close();
});

it(
  `${services.length} deployments end well while workers are restarted in turn`,
  { timeout: 240_000 },
  async () => {
    const workers = Array.from({ length: workersMax }, () => stage.startWorker());
    for (const worker of workers) await worker.waitForLine(/worker started/);
    const ids = await Promise.all(services.map((service) => stage.deploy(short, service)));
    const exits: (Exit | undefined)[] = [];
    let slowestMs = 0;
    for (let left = ids; left.length > 0; left = await unsettled(ids)) {
      const oldest = workers.shift();
      const startedAt = Date.now();
      exits.push(await oldest?.stop(timing.stopMs + goodbyeMs));
      slowestMs = Math.max(slowestMs, Date.now() - startedAt);
      const next = stage.startWorker();
      await next.waitForLine(/worker started/);
      workers.push(next);
    }
    expect(new Set(exits.map((exit) => exit?.code))).toEqual(new Set([0]));
    expect(exits.length).toBeGreaterThanOrEqual(roundsMin * workersMax);
    expect(slowestMs).toBeLessThan(timing.stopMs + goodbyeMs);

    const endings = await Promise.all(ids.map((id) => endingOf(stage, id)));
    for (const ending of endings) {
      expect(ending).toMatchObject({
        phase: "succeeded",
        pending: false,
        whole: true,
        made: { taskSets: 1, revisions: 2 },
        sets: [{ who: "green", status: "PRIMARY" }],
        course: endings[0]?.course,
      });
    }
  },
);

async function unsettled(ids: string[]): Promise<string[]> {
  const all = await Promise.all(ids.map((id) => stage.deployment(id)));
  return all.filter((d) => !d.settled).map((d) => d.id);
}
