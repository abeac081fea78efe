/** Records in the tests' Redis, each under a prefix of its own, which is emptied at the end. */
import { randomBytes } from "node:crypto";
import { connectRedis, openRedis } from "../../src/redis/connection.ts";
import type { RecordLimits } from "../../src/redis/limits.ts";
import { createRecords, type RedisRecords } from "../../src/redis/records.ts";
const testRedisUrl = async (): Promise<string> => process.env["REDIS_URL"] ?? "redis://127.0.0.1:7391";

const quiet = { warn: () => {} };

export interface TestRecords {
  records: RedisRecords;
  prefix: string;
  url: string;
  close(): Promise<void>;
}

export async function openTestRecords(limits: Partial<RecordLimits> = {}): Promise<TestRecords> {
  const url = await testRedisUrl();
  const redis = connectRedis(url, "records", quiet);
  await openRedis(redis);
  const prefix = `{test-${randomBytes(6).toString("hex")}}`;
  const subscriber = (): ReturnType<typeof connectRedis> => connectRedis(url, "subscriber", quiet);
  const records = createRecords({ redis, subscriber, prefix, limits });
  return {
    records,
    prefix,
    url,
    close: async () => {
      await records.close();
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    },
  };
}
