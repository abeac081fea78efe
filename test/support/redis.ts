import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { inject } from "vitest";
import type { RedisServer, RedisServerOptions } from "./redis-server.ts";
import { startOwnRedis } from "./redis-source.ts";

/**
 * Redis for tests. `startRedis` gives a corner of the run's shared server; `startDedicatedRedis` a server that
 * the test may kill, freeze and restart. Close both in `afterEach`/`afterAll`.
 */

export interface TestRedis {
  readonly url: string;
  /** Put before every key, a hash tag, no two alike: also BullMQ's `prefix`. */
  readonly prefix: string;
  /** Deletes every key of this corner, and no other. */
  flush(): Promise<void>;
  /** Flushes and hangs up. Safe to repeat. */
  close(): Promise<void>;
}

export interface CornerOptions {
  /**
   * `prefix` (usual): keys that start with `prefix` are ours. `database`: a whole numbered database that was
   * empty, for code whose keys can't be prefixed.
   */
  readonly isolate?: "prefix" | "database";
}

export interface DedicatedRedis extends TestRedis, Omit<RedisServer, "url" | "close"> {}

/** A corner of the run's shared Redis. Throws what to install where there is none. */
export async function startRedis(options: CornerOptions = {}): Promise<TestRedis> {
  const shared = inject("redis");
  if ("missing" in shared) throw new Error(shared.missing);
  return options.isolate === "database" ? claimDatabase(shared.url) : claimPrefix(shared.url);
}

/** A Redis of the test's own; `REDIS_URL` is never used for it. */
export async function startDedicatedRedis(options: RedisServerOptions = {}): Promise<DedicatedRedis> {
  const server = await startOwnRedis(options);
  const corner = claimPrefix(server.url);
  return {
    ...server,
    prefix: corner.prefix,
    flush: () => corner.flush(),
    // The server goes with all that is in it, and may be dead or frozen already: no flush.
    close: () => server.close(),
  };
}

function claimPrefix(url: string): TestRedis {
  const prefix = `{test-${randomUUID().slice(0, 8)}}`;
  const flush = () =>
    withConnection(url, async (redis) => {
      const keysPerPage = 1_000;
      let cursor = "0";
      do {
        const [next, keys] = await redis.scan(cursor, "MATCH", `${prefix}*`, "COUNT", keysPerPage);
        if (keys.length > 0) await redis.unlink(...keys);
        cursor = next;
      } while (cursor !== "0");
    });
  return { url, prefix, flush, close: flush };
}

const claimOf = (number: number) => `{teal-test}:database:${number}`;

/** Databases are claimed by a key in number 0, for an hour at most, and only where nothing is stored. */
async function claimDatabase(url: string): Promise<TestRedis> {
  const databasesMax = 16;
  const claimSeconds = 3_600;
  const address = new URL(url);
  for (let number = 1; number < databasesMax; number++) {
    address.pathname = `/${number}`;
    const own = address.href;
    const claimed = await withConnection(url, (redis) =>
      redis.set(claimOf(number), "1", "EX", claimSeconds, "NX"),
    );
    if (claimed === null) continue;
    const release = () => withConnection(url, (redis) => redis.del(claimOf(number)));
    if ((await withConnection(own, (redis) => redis.dbsize())) > 0) {
      await release();
      continue;
    }
    const flush = () => withConnection(own, async (redis) => void (await redis.flushdb()));
    let closed = false;
    return {
      url: own,
      prefix: "{test}",
      flush,
      close: async () => {
        if (closed) return;
        closed = true;
        await flush();
        await release();
      },
    };
  }
  throw new Error(`All ${databasesMax - 1} numbered databases of ${address.host} are in use or hold data.`);
}

async function withConnection<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 5_000, lazyConnect: true });
  // Without a listener ioredis prints each of its attempts; the command below rejects all the same.
  redis.on("error", () => {});
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
