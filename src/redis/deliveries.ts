/**
 * The book of deliveries. Keys, after the prefix:
 *
 *     delivery:<id>         hash: delivery (JSON), payload; expires
 *     delivery:<id>:spent   it had its answer; expires
 *     deliveries            sorted set of places (time of receipt, id), all scores 0
 */
import type { Redis, Result } from "ioredis";
import { asking } from "./errors.ts";
import { idAt, position } from "./limits.ts";

export interface BookLimits {
  /** Newest deliveries kept. */
  count: number;
  /** How long each is kept. */
  keptMs: number;
  /** Deliveries read by one call of `list`. */
  scan: number;
}

export const bookLimits: BookLimits = { count: 1_000, keptMs: 7 * 86_400_000, scan: 200 };

declare module "ioredis" {
  interface RedisCommander<Context> {
    tealKeepDelivery(prefix: string, json: string, payload: string): Result<null, Context>;
  }
}

/** Arguments: id, place, oldest (place), delivery, hasPayload, spentMs, limits; and the payload as it is. */
const keepDelivery = /* lua */ `
local call = redis.call
local p = KEYS[1] .. ':'
local a = cjson.decode(ARGV[1])
local key = p .. 'delivery:' .. a.id
call('SET', key .. ':spent', '1', 'PX', a.spentMs)
call('HSET', key, 'delivery', a.delivery)
if a.hasPayload then call('HSET', key, 'payload', ARGV[2]) end
call('PEXPIRE', key, a.limits.keptMs)
call('ZADD', p .. 'deliveries', 0, a.place)
call('ZREMRANGEBYLEX', p .. 'deliveries', '-', '(' .. a.oldest)
local excess = call('ZCARD', p .. 'deliveries') - a.limits.count
if excess > 0 then
  for _, place in ipairs(call('ZRANGE', p .. 'deliveries', 0, excess - 1)) do
    call('DEL', p .. 'delivery:' .. string.match(place, '^%d+:(.*)$'))
    call('ZREM', p .. 'deliveries', place)
  end
end
return nil
`;

/**
 * Implements the port `Deliveries` of the webhooks, whatever they keep. What these keys hold was written by this file
 * alone, so it has the type it was written with.
 */
export function createDeliveries<D extends { id: string; receivedAt: number }>(
  redis: Redis,
  prefix: string,
  limits: BookLimits = bookLimits,
) {
  redis.defineCommand("tealKeepDelivery", { numberOfKeys: 1, lua: keepDelivery });
  const keyOf = (id: string) => `${prefix}:delivery:${id}`;

  return {
    isSpent: (id: string): Promise<boolean> =>
      asking("look for an earlier delivery", async () => (await redis.exists(`${keyOf(id)}:spent`)) === 1),

    keep: async (delivery: D, payload: string | undefined, spentMs: number): Promise<void> => {
      const { id, receivedAt } = delivery;
      const order = JSON.stringify({
        id,
        place: position({ id, createdAt: receivedAt }),
        oldest: position({ id: "", createdAt: receivedAt - limits.keptMs }),
        delivery: JSON.stringify(delivery),
        hasPayload: payload !== undefined,
        spentMs,
        limits,
      });
      await asking("keep a delivery", () => redis.tealKeepDelivery(prefix, order, payload ?? ""));
    },

    load: async (id: string): Promise<D | undefined> => {
      const found = await asking("read a delivery", () => redis.hget(keyOf(id), "delivery"));
      return found === null ? undefined : JSON.parse(found);
    },

    payload: async (id: string): Promise<string | undefined> =>
      (await asking("read a payload", () => redis.hget(keyOf(id), "payload"))) ?? undefined,

    list: async ({
      limit,
      before,
      fits,
    }: {
      limit: number;
      before?: string;
      fits: (delivery: D) => boolean;
    }) => {
      const deliveries: D[] = [];
      const places = await asking("list deliveries", () =>
        redis.zrevrangebylex(
          `${prefix}:deliveries`,
          before === undefined ? "+" : `(${before}`,
          "-",
          "LIMIT",
          0,
          limits.scan,
        ),
      );
      const found = await asking("list deliveries", () => read(places.map(idAt)));
      let next = before;
      for (const [index, place] of places.entries()) {
        if (deliveries.length === limit) return { deliveries, ...(next !== undefined && { next }) };
        next = place;
        const text = found[index];
        const delivery: D | undefined = text === undefined ? undefined : JSON.parse(text);
        if (delivery && fits(delivery)) deliveries.push(delivery);
      }
      return { deliveries, ...(places.length === limits.scan && next !== undefined && { next }) };
    },
  };

  async function read(ids: string[]): Promise<(string | undefined)[]> {
    if (ids.length === 0) return [];
    const batch = redis.pipeline();
    for (const id of ids) batch.hget(keyOf(id), "delivery");
    return ((await batch.exec()) ?? []).map(([error, text]) => {
      if (error) throw error;
      return typeof text === "string" ? text : undefined;
    });
  }
}
