/** API tokens: a hash of records by id. No more than the hash of a token's secret is ever kept. */
import type { Redis } from "ioredis";
import { type TokenBook, type TokenRecord, tokensMax } from "../auth/ports.ts";
import { TealError } from "../errors.ts";
import { asking } from "./errors.ts";

/** Arguments: id, record, most tokens (0: only where there is none). */
const write = /* lua */ `
local known = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if not known and redis.call('HLEN', KEYS[1]) > math.max(0, tonumber(ARGV[3]) - 1) then return 0 end
if known and ARGV[3] == '0' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`;

/** Implements the port `TokenBook`. */
export function createTokenBook(redis: Redis, prefix: string): TokenBook {
  const key = `${prefix}:tokens`;
  const keep = (record: TokenRecord, most: number) =>
    asking(
      "keep a token",
      async () => (await redis.eval(write, 1, key, record.id, JSON.stringify(record), most)) === 1,
    );
  return {
    write: async (record) => {
      if (await keep(record, tokensMax)) return;
      throw new TealError(
        "command-refused",
        `There are ${tokensMax} tokens already; revoke those that nobody uses.`,
      );
    },
    writeFirst: (record) => keep(record, 0),
    find: (id) =>
      asking("look for a token", async () => {
        const text = await redis.hget(key, id);
        return text === null ? undefined : recordOf(text);
      }),
    list: () =>
      asking("list the tokens", async () => {
        const texts = Object.values(await redis.hgetall(key));
        return texts.map(recordOf).toSorted((a, b) => b.createdAt - a.createdAt || a.id.localeCompare(b.id));
      }),
    remove: (id) => asking("revoke a token", async () => (await redis.hdel(key, id)) === 1),
  };
}

function recordOf(text: string): TokenRecord {
  return JSON.parse(text);
}
