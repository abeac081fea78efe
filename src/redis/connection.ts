/** Connections to Redis, each made for what it is used for. */
import { Redis, type RedisOptions, type SentinelConnectionOptions, SentinelConnector } from "ioredis";
import { TealError } from "../errors.ts";

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

/** A master that sentinels know by name. */
export interface SentinelPlace {
  sentinels: readonly { host: string; port: number }[];
  masterName: string;
  username?: string;
  password?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  /** TLS to the master and to the sentinels. */
  tls: boolean;
}

/** A URL, or sentinels that are asked at every connection who the master is. */
export type RedisPlace = string | SentinelPlace;

const retryAfter = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), retryMsMax);

/**
 * Makes a connection; it reconnects by itself for ever, also away from a server that has become a replica.
 * Failures of the connection itself are told to `log`, which should limit their rate.
 */
export function connectRedis(place: RedisPlace, use: ConnectionUse, log: ConnectionLog): Redis {
  const options: RedisOptions = {
    ...uses[use],
    connectTimeout: connectLimitMs,
    keepAlive: 10_000,
    retryStrategy: retryAfter,
    reconnectOnError: (error) => error.message.includes("READONLY"),
    connectionName: `teal-${use}`,
  };
  const redis =
    typeof place === "string"
      ? new Redis(place, options)
      : new Redis({ ...options, ...throughSentinels(place) });
  redis.on("error", (error: Error) => log.warn({ use, err: error }, "the connection to Redis failed"));
  return redis;
}

function throughSentinels(place: SentinelPlace): RedisOptions {
  const { username, password, sentinelUsername, sentinelPassword } = place;
  return {
    sentinels: place.sentinels.map(({ host, port }) => ({ host, port })),
    name: place.masterName,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(place.tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: retryAfter,
    // A sentinel that hangs must not keep the others from being asked.
    sentinelCommandTimeout: connectLimitMs,
    // Leaves a master that hangs as soon as the sentinels have chosen another one.
    failoverDetector: true,
    Connector: SteadfastConnector,
  };
}

/**
 * What tells of a failover is meant for the connection that it was made with. ioredis 6.0 leaves it listening when that
 * one is gone by itself: told while the sentinels are asked for the next one, it ends the asking, and for good.
 * As an option, BullMQ's duplicates have it too.
 */
class SteadfastConnector extends SentinelConnector {
  constructor(options: unknown) {
    if (!isSentinelOptions(options)) throw new TypeError("sentinels are needed");
    super(options);
  }

  override connect(
    ...given: Parameters<SentinelConnector["connect"]>
  ): ReturnType<SentinelConnector["connect"]> {
    this.disconnect();
    return super.connect(...given);
  }
}

function isSentinelOptions(options: unknown): options is SentinelConnectionOptions {
  return typeof options === "object" && options !== null && "sentinels" in options;
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
  throw new TealError("unavailable", `Redis at ${whereabouts(redis)} did not answer within ${limitMs} ms`);
}

/** Where a connection goes, for people; no password in it. */
export function whereabouts({ options: { host, port, sentinels, name } }: Redis): string {
  if (!sentinels) return `${host}:${port}`;
  const all = sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port}`);
  return `the master ${name} of the sentinels ${all.join(", ")}`;
}
