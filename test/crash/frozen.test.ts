/**
 * Workers that stand still while others go on, and requests that AWS performs when nobody waits for them any
 * more. Whoever was late must neither write nor leave anything behind. `make crash` plays later ones too.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DedicatedRedis, startDedicatedRedis } from "../support/redis.ts";
import { lateCalls } from "./late-calls.ts";
import { lateSenders } from "./late-senders.ts";
import { stagesOn } from "./matrix.ts";
import { type Outcome, playAll } from "./scenario.ts";
import { staleWorkers } from "./stale-workers.ts";

const scenarios = new Map([...lateSenders, ...lateCalls, ...staleWorkers]);
let redis: DedicatedRedis;
let outcomes: Map<string, Outcome | Error>;

beforeAll(async () => {
  redis = await startDedicatedRedis();
  outcomes = await playAll(scenarios, stagesOn(redis.url));
}, 400_000);

afterAll(() => redis.close());

it.each([...scenarios.keys()])("%s", (name) => {
  const outcome = outcomes.get(name);
  if (outcome instanceof Error) throw outcome;
  expect(outcome).toBeDefined();
  expect(outcome?.found).toEqual(outcome?.expected);
});
