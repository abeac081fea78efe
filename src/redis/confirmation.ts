/**
 * Acceptance that outlives the master: what is written counts only once enough replicas have it.
 *
 * WAIT answers for what its own connection wrote before (Redis docs, WAIT), so the write and the WAIT go through
 * one connection, and a round in between which that connection was lost confirms nothing: the server at its
 * other end may be another one. Each round begins with a small write, so that a repetition that finds everything
 * written already waits for it too.
 */
import type { Redis } from "ioredis";
import { TealError } from "../errors.ts";
import { asking } from "./errors.ts";
import { defineScripts } from "./scripts.ts";

/**
 * Runs a write, here or through a connection that confirms it. `ask` asks the replicas beforehand too, so that
 * nothing is written where they are missing; `write` writes at once, for what must not wait for a replica.
 */
export type Keep = <T>(first: "ask" | "write", write: (redis: Redis) => Promise<T>) => Promise<T>;

export interface ConfirmationOptions {
  /** A connection of use `records` that nothing else uses: WAIT blocks it. */
  redis: Redis;
  prefix: string;
  replicas: number;
  /** How long replicas may take. Two rounds must fit into the limit of a command. */
  timeoutMs: number;
}

const retryAfterMs = 2_000;

/** What isn't confirmed is refused with `unavailable`, which says whether it was written; safe to repeat if the write is. */
export function confirming({ redis, prefix, replicas, timeoutMs }: ConfirmationOptions): Keep {
  defineScripts(redis);
  let connections = 0;
  redis.on("close", () => {
    connections += 1;
  });
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  const ask = async (): Promise<number> => {
    await redis.set(`${prefix}:confirmation`, "1");
    return redis.wait(replicas, timeoutMs);
  };
  /** Whoever asks while a round runs shares the next one; resolves to how many replicas confirmed. */
  const round = (): Promise<number> => {
    next ??= (running ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        running = next;
        next = undefined;
        return ask();
      });
    return next;
  };

  return async (first, write) => {
    if (first === "ask") await confirm("nothing was written");
    const before = connections;
    const result = await write(redis);
    await confirm("it was written and may be acted on; repeat it to have it confirmed");
    if (connections !== before) throw unconfirmed("the connection was lost meanwhile; repeat it");
    return result;
  };

  async function confirm(otherwise: string): Promise<void> {
    const confirmed = await asking("ask its replicas", round);
    if (confirmed >= replicas) return;
    throw unconfirmed(`${confirmed} of ${replicas} replicas confirmed within ${timeoutMs} ms: ${otherwise}`);
  }
}

function unconfirmed(why: string): TealError {
  return new TealError("unavailable", `Redis could not confirm the request: ${why}`, { retryAfterMs });
}
