/** How many turns a second one process makes, beside BullMQ that makes none. */
import type { Redis } from "ioredis";
import { type Figure, type Measurement, quantile } from "./figures.ts";
import { openRawQueue } from "./raw.ts";
import { openStage } from "./stage.ts";

export interface TurnsSizes {
  deployments: number;
  turnsEach: number;
  rounds: number;
  concurrency: number;
}

interface Round {
  perSecond: number;
  /** Requests that the client sent, for each turn. */
  requests?: number;
  /** Commands that Redis ran for each turn, those inside scripts included. */
  commands: number;
}

const limitMs = 30_000;

/** A version that is compared, a text that is set: the least that a fenced commit can be. */
const compareAndSet = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1] + 1, 'record', ARGV[2])
return 1
`;

/** Every re-queue goes through BullMQ's sleep, and that is over when it begins; in all three alike. */
const behindMs = 3_600_000;
const sleepMs = 60_000;

export async function measureTurns(url: string, sizes: TurnsSizes): Promise<Measurement> {
  const { deployments, turnsEach, rounds, concurrency } = sizes;
  const all: Record<"requeues" | "fenced" | "turns", Round[]> = { requeues: [], fenced: [], turns: [] };
  for (let round = 0; round <= rounds; round++) {
    const requeues = await rawRound(url, `{raw-${round}}`, sizes, "requeue");
    const fenced = await rawRound(url, `{fenced-${round}}`, sizes, "fenced");
    const turns = await tealRound(url, `{teal-${round}}`, sizes);
    // The first round warms up.
    if (round === 0 && rounds > 0) continue;
    all.requeues.push(requeues);
    all.fenced.push(fenced);
    all.turns.push(turns);
  }
  const middle = (rounds: Round[], of: (round: Round) => number) => quantile(rounds.map(of), 0.5);
  const perSecond = {
    requeues: middle(all.requeues, (round) => round.perSecond),
    fenced: middle(all.fenced, (round) => round.perSecond),
    turns: middle(all.turns, (round) => round.perSecond),
  };
  const figures: Figure[] = [
    {
      what: "turns",
      value: perSecond.turns,
      unit: "/s",
      beside: { what: "re-queues alone", value: perSecond.requeues },
    },
    {
      what: "turns",
      value: perSecond.turns,
      unit: "/s",
      beside: { what: "with a read and a compare-and-set", value: perSecond.fenced },
    },
    { what: "requests to Redis", value: middle(all.turns, (round) => round.requests ?? 0), unit: "per turn" },
    {
      what: "commands run by Redis",
      value: middle(all.turns, (round) => round.commands),
      unit: "per turn",
      beside: { what: "re-queues alone", value: middle(all.requeues, (round) => round.commands) },
    },
  ];
  const how = `${deployments} deployments, ${turnsEach} turns each, ${concurrency} at once, median of ${Math.max(1, rounds)}`;
  return { name: "turns", how, figures };
}

async function tealRound(
  url: string,
  prefix: string,
  { deployments, turnsEach, concurrency }: TurnsSizes,
): Promise<Round> {
  const left = new Map<string, number>();
  const finish = finishing(deployments);
  const stage = await openStage({
    url,
    prefix,
    behindMs,
    wakeAt: (id, now) => ((left.get(id) ?? 0) > 1 ? now + sleepMs : undefined),
    onCommit: (id) => {
      const turns = (left.get(id) ?? 0) - 1;
      left.set(id, turns);
      if (turns === 0) finish.one();
    },
  });
  try {
    const ids = Array.from({ length: deployments }, (_, n) => `d${n}`);
    for (const id of ids) {
      left.set(id, turnsEach);
      await stage.bake(id);
    }
    await Promise.all(ids.map((id) => stage.wakes.wake(id)));
    const commands = await commandsRun(stage.redis);
    const began = Date.now();
    const { requests } = stage.work({ concurrency, lockMs: 30_000, stalledMs: 10_000 });
    await finish.all();
    const turns = deployments * turnsEach;
    const sent = requests();
    const perSecond = (turns * 1000) / (Date.now() - began);
    const run = (await commandsRun(stage.redis)) - commands;
    return { perSecond, requests: sent / turns, commands: run / turns };
  } finally {
    await stage.close();
  }
}

async function rawRound(
  url: string,
  prefix: string,
  { deployments, turnsEach, concurrency }: TurnsSizes,
  kind: "requeue" | "fenced",
): Promise<Round> {
  const left = new Map<string, number>();
  const finish = finishing(deployments);
  const queue = await openRawQueue(url, prefix);
  const { redis } = queue;
  const keyOf = (id: string) => `${prefix}:record:${id}`;
  // As large as a record is.
  const text = "x".repeat(4_000);
  try {
    const ids = Array.from({ length: deployments }, (_, n) => `d${n}`);
    for (const id of ids) {
      left.set(id, turnsEach);
      await redis.hset(keyOf(id), { version: 0, record: text });
    }
    await Promise.all(ids.map((id) => queue.add(id)));
    const digest = String(await redis.script("LOAD", compareAndSet));
    const commands = await commandsRun(redis);
    const began = Date.now();
    queue.work(concurrency, async ({ data: { id } }) => {
      if (kind === "fenced") {
        const [version] = await redis.hmget(keyOf(id), "version", "record");
        const written = await redis.evalsha(digest, 1, keyOf(id), version ?? "", text);
        if (written !== 1) throw new Error(`${id}: the compare-and-set failed though nobody else writes`);
      }
      const turns = (left.get(id) ?? 0) - 1;
      left.set(id, turns);
      if (turns > 0) return sleepMs - behindMs;
      finish.one();
      return undefined;
    });
    await finish.all();
    const turns = deployments * turnsEach;
    const perSecond = (turns * 1000) / (Date.now() - began);
    return { perSecond, commands: ((await commandsRun(redis)) - commands) / turns };
  } finally {
    await queue.close();
  }
}

/** Counts down what has finished; `all` resolves at none left and rejects past the limit. */
function finishing(count: number): { one: () => void; all: () => Promise<void> } {
  let left = count;
  let last: (() => void) | undefined;
  return {
    one: () => {
      left -= 1;
      if (left === 0) last?.();
    },
    all: () =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Error(`${left} of ${count} had not ended after ${limitMs} ms`));
        const timer = setTimeout(late, limitMs);
        last = () => {
          clearTimeout(timer);
          resolve();
        };
        if (left === 0) last();
      }),
  };
}

async function commandsRun(redis: Redis): Promise<number> {
  const stats = await redis.info("commandstats");
  return [...stats.matchAll(/:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
