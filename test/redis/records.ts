/** Records in the tests' Redis, each under a prefix of its own, which is emptied at the end. */
import type { Redis } from "ioredis";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import type { RecordLimits } from "../../src/redis/limits.ts";
import { createRecords, type RedisRecords } from "../../src/redis/records.ts";
import { startRedis } from "../support/redis.ts";

const quiet = { warn: () => {} };

export interface TestRecords {
  records: RedisRecords;
  redis: Redis;
  prefix: string;
  url: string;
  close(): Promise<void>;
}

export async function openTestRecords(limits: Partial<RecordLimits> = {}): Promise<TestRecords> {
  const corner = await startRedis();
  const { url, prefix } = corner;
  const redis = connectRedis(url, "records", quiet);
  await openRedis(redis);
  const subscriber = (): Redis => connectRedis(url, "subscriber", quiet);
  const records = createRecords({ redis, subscriber, prefix, limits });
  return {
    records,
    redis,
    prefix,
    url,
    close: async () => {
      await records.close();
      redis.disconnect();
      await corner.close();
    },
  };
}
