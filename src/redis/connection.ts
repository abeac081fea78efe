/** Connections to Redis, each made for what it is used for, and the check that this Redis keeps what it is given. */
import { Redis, type RedisOptions } from "ioredis";
import { TealError } from "../errors.ts";
import { asking } from "./errors.ts";

/** The part of a logger that connections use. */
export interface ConnectionLog {
  warn(fields: object, message: string): void;
}

/**
 * - `records`: requests that fail fast, so that whoever asked is told: nothing waits for a reconnection, nothing
 *   is sent a second time, every command ends within `commandLimitMs`.
 * - `subscriber`: subscriptions, renewed by themselves after an outage.
 * - `jobs`: BullMQ's workers, whose commands wait for the connection to come back (BullMQ asks for that).
 */
export type ConnectionUse = "records" | "subscriber" | "jobs";

/** How long a command may take before it counts as lost. */
export const commandLimitMs = 5_000;

const connectLimitMs = 3_000;
const retryMsMax = 1_000;
/** A connection on which Redis owes an answer for so long is given up for a new one. */
const silenceMsMax = 15_000;

const uses = {
  records: {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandLimitMs,
    socketTimeout: silenceMsMax,
  },
  subscriber: { maxRetriesPerRequest: null, autoResubscribe: true, commandTimeout: commandLimitMs },
  jobs: { maxRetriesPerRequest: null, enableReadyCheck: true, socketTimeout: silenceMsMax },
} satisfies Record<ConnectionUse, RedisOptions>;

/**
 * Makes a connection; it reconnects by itself for ever, also away from a server that has become a replica.
 * Failures of the connection itself are told to `log`, which should limit their rate.
 */
export function connectRedis(url: string, use: ConnectionUse, log: ConnectionLog): Redis {
  const redis = new Redis(url, {
    ...uses[use],
    connectTimeout: connectLimitMs,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), retryMsMax),
    reconnectOnError: (error) => error.message.includes("READONLY"),
    connectionName: `teal-${use}`,
  });
  redis.on("error", (error: Error) => log.warn({ use, err: error }, "the connection to Redis failed"));
  return redis;
}

/** Waits until a `records` connection is ready; throws `unavailable` where it isn't within `limitMs`. */
export async function openRedis(redis: Redis, limitMs = 30_000): Promise<void> {
  const ready = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    redis.once("ready", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  // A failure of the first attempt is told to the log; the connection tries again by itself.
  redis.connect().catch(() => {});
  if (await ready) return;
  redis.disconnect();
  const { host, port } = redis.options;
  throw new TealError("unavailable", `Redis at ${host}:${port} did not answer within ${limitMs} ms`);
}

const versionMin = [6, 2] as const;

/**
 * Refuses a Redis that could lose jobs: one older than 6.2, or one that evicts keys when its memory is full
 * (BullMQ docs, "Going to production"). Returns warnings about persistence. Safe to repeat.
 */
export async function checkRedis(redis: Redis): Promise<string[]> {
  const info = parseInfo(await asking("describe itself", () => redis.info()));
  const version = info["redis_version"] ?? "unknown";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const policy = info["maxmemory_policy"] ?? "unknown";
  const old = major < versionMin[0] || (major === versionMin[0] && minor < versionMin[1]);
  if (old || policy !== "noeviction") {
    throw new TealError(
      "bad-redis",
      `Redis is version ${version} with maxmemory-policy ${policy}; ` +
        `Teal needs version ${versionMin.join(".")} or newer with maxmemory-policy noeviction`,
    );
  }
  if (info["aof_enabled"] === "1") return [];
  const save = await savePoints(redis);
  const what =
    save === undefined
      ? "has no append-only file, and does not tell whether it saves snapshots"
      : save === ""
        ? "keeps nothing on disk: neither an append-only file nor snapshots"
        : "saves snapshots only: what was accepted since the last one is lost if it crashes";
  return [`Redis ${what}; set appendonly yes to keep every accepted deployment`];
}

/** The `save` setting; undefined where CONFIG is forbidden, as on managed services. */
async function savePoints(redis: Redis): Promise<string | undefined> {
  try {
    const reply = await redis.config("GET", "save");
    return Array.isArray(reply) ? String(reply[1]) : undefined;
  } catch {
    return undefined;
  }
}

function parseInfo(info: string): Record<string, string> {
  const lines = info.split("\r\n").filter((line) => line.includes(":"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}
