/** Minutes of two versions as a load balancer would count them, dealt from a seed. */
import type { Random } from "../../sandbox/random.ts";
import type { ColourCounts } from "../../src/deployment/check.ts";
import type { WeighedMinute } from "../../src/deployment/verdict/verdict.ts";
import { binomial, poisson } from "./chance.ts";

export interface World {
  /** Requests a minute on green, on the average of a day. */
  green: number;
  /** Green's share of the weights. */
  share: number;
  /** How good both are, */
  blue: Quality;
  /** but green from minute `from` on. */
  worse?: Partial<Quality> & { empty?: boolean };
  from?: number;
  /**
   * Both versions run on ten tasks in all. In any minute a task has this chance of failing so much of its requests.
   */
  bursts?: { chance: number; failing: number };
}

export interface Quality {
  errors: number;
  slow: number;
  /** The share of requests that never get an answer. */
  unanswered?: number;
}

const tasks = 10;

/** Endless, at a random time of a day whose traffic swings by half. */
export function* minutesOf(world: World, random: Random): Generator<WeighedMinute> {
  const phase = random();
  for (let minute = 0; ; minute++) {
    const swing = 1 + 0.5 * Math.sin(2 * Math.PI * (phase + minute / 1440));
    const all = poisson(random, (world.green / world.share) * swing);
    const chosen = binomial(random, all, world.share);
    const worse = minute >= (world.from ?? 0) ? world.worse : undefined;
    const green = worse?.empty ? 0 : chosen;
    yield {
      at: minute * 60_000,
      share: world.share,
      blue: counted(random, all - chosen, world.blue, tasks * (1 - world.share), world.bursts),
      green: counted(random, green, { ...world.blue, ...worse }, tasks * world.share, world.bursts),
    };
  }
}

function counted(
  random: Random,
  requests: number,
  quality: Quality,
  running: number,
  bursts: World["bursts"],
): ColourCounts {
  const bad = bursts ? binomial(random, Math.round(running), bursts.chance) / running : 0;
  const failing = bursts ? bad * bursts.failing + (1 - bad) * quality.errors : quality.errors;
  const answered = requests - binomial(random, requests, quality.unanswered ?? 0);
  return {
    requests,
    answered,
    errors: binomial(random, answered, failing),
    slow: binomial(random, answered, quality.slow),
  };
}
