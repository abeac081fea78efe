/** What a run comes to. */
import type { Watch } from "../support/promises.ts";
import type { World } from "../support/world.ts";
import { checkEnd, checkRecord } from "./ends.ts";
import type { Journal } from "./journal.ts";
import type { Service } from "./layout.ts";
import { type Tally, tellOccasions } from "./occasions.ts";
import type { Others } from "./others.ts";
import type { RedisMemory } from "./redis.ts";
import type { Requests } from "./requests.ts";

export interface Verdict {
  seed: number;
  /** What was broken, in words that begin with the promise's number; empty when all is well. */
  violations: string[];
  /** What happened, a line each. */
  history: string[];
  turns: number;
  /** Runs of turns that a deployment took to its end once things were calm, on average over the world's. */
  calmTurns: number;
  /** Deployments by the phase they ended in. */
  ends: Record<string, number>;
  /** How often what puts promises to the test came up. */
  occasions: Tally;
  /** Of the history; equal for equal runs. */
  digest: string;
}

export interface Judged {
  world: World;
  services: Service[];
  /** When deployments ended, by the clock of the world. */
  endedAt: ReadonlyMap<string, number>;
  redis: RedisMemory;
  requests: Requests;
  others: Others;
  journal: Journal;
}

/** Everything has ended: what services and records look like now goes into the journal. */
export async function judgeEnds(judged: Judged): Promise<void> {
  const { world, services, endedAt, redis, requests, others, journal } = judged;
  // What is read lags no more.
  world.clock.advance(120_000);
  const deployments = await redis.deployments();
  for (const service of services) {
    const { name } = service.target;
    const { rest, sum, test } = service;
    const meddled = others.meddled.has(name);
    const drift = meddled || others.drifted.has(name);
    const about = { drift, meddled, lost: redis.lost, rest, endedAt, sum, test };
    const ended = deployments.filter((d) => d.service === name);
    journal.violations.push(...checkEnd(world, service, ended, about));
  }
  for (const d of deployments) {
    journal.tally["6 deployment ended"] += 1;
    const events = await world.events(d.id);
    tellOccasions(events, journal.tally);
    const asked = requests.commands.filter(({ id }) => id === d.id).map(({ commandId }) => commandId);
    // What Redis lost may have been a command or its answer.
    journal.violations.push(...checkRecord(d, events, redis.lost ? [] : asked));
  }
}

/** How often there was something to keep, by what the watch saw too. */
export function occasionsOf({ tally }: Journal, { exercised }: Watch): Tally {
  return {
    ...tally,
    "1 weight raised": exercised[1],
    "2 something taken away": exercised[2],
    "3 task set made": exercised[3],
    "4 turn while acting": exercised[4],
    "5 call made": exercised[5],
    "9 weights written": exercised[9],
    "10 step forward after that": exercised[10],
  };
}
