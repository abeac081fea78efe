/**
 * The book of reports. Keys, after the prefix:
 *
 *     report:<id>       what was told of a deployment; expires
 *     reports           sorted set of the deployments of which more will be told, by when they came in
 *     reports:taken     who tells now; expires
 */
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { ReportBook, Told } from "../engine/ports.ts";
import { asking } from "./errors.ts";

/** Longer than a deployment is kept warm. */
const keptMs = 40 * 86_400_000;
const openMax = 500;

/** Arguments: the one who took it. */
const leave = /* lua */ `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return nil
`;

export function createReportBook(redis: Redis, prefix: string, now: () => number): ReportBook {
  const keyOf = (id: string) => `${prefix}:report:${id}`;
  const opened = `${prefix}:reports`;
  const taken = `${prefix}:reports:taken`;
  const own = randomUUID();
  return {
    read: async (ids) => {
      if (ids.length === 0) return [];
      const texts = await asking("read what was reported", () => redis.mget(ids.map(keyOf)));
      return texts.map((text) => (text === null ? undefined : toldOf(text)));
    },
    write: async (id, told, open) => {
      await asking("note what was reported", async () => {
        const batch = redis.multi().set(keyOf(id), JSON.stringify(told), "PX", keptMs);
        await (open ? batch.zadd(opened, "NX", String(now()), id) : batch.zrem(opened, id)).exec();
      });
    },
    open: () => asking("list what is to be reported", () => redis.zrange(opened, "0", String(openMax - 1))),
    take: async (ms) =>
      (await asking("begin to report", () => redis.set(taken, own, "PX", ms, "NX"))) === "OK",
    leave: async () => {
      await asking("end reporting", () => redis.eval(leave, 1, taken, own));
    },
  };
}

/** Written by this file alone. */
function toldOf(text: string): Told {
  return JSON.parse(text);
}
