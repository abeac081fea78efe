/** Where Redis is, as the environment says it: one address, or sentinels that know the master's. */
import { z } from "zod";
import { duration, type DurationLimits } from "./duration.ts";

/** A master that sentinels know by name. The passwords are never logged. */
export interface SentinelPlace {
  sentinels: { host: string; port: number }[];
  masterName: string;
  username?: string;
  password?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  /** TLS to the master and to the sentinels. */
  tls: boolean;
}

/** A URL, which may contain a password: never log it. */
export type RedisPlace = string | SentinelPlace;

/** What must have reached how many replicas, and by when, before it counts as accepted. */
export interface ReplicaWait {
  replicas: number;
  timeoutMs: number;
}

export const usualUrl = "redis://127.0.0.1:6379";

const address = /^(\[[0-9a-fA-F:]+\]|[^\s:,[\]]+):(\d{1,5})$/;

/** `host:port,host:port,…` */
export const sentinelList = z
  .string()
  .max(1_000)
  .transform((text) =>
    text.split(",").map((one) => {
      const [, host = "", port = "0"] = address.exec(one.trim()) ?? [];
      return { host: host.replaceAll(/^\[|\]$/g, ""), port: Number(port) };
    }),
  )
  .refine((all) => all.every(({ host, port }) => host !== "" && port > 0 && port <= 65_535), {
    error: "must list the sentinels as host:port,host:port",
  });

/** Below the limit of a command (`commandLimitMs`), which waits for one that waits. */
const waitLimits: DurationLimits = { min: "0.1s", max: "2s" };

/** `1:0.5s`: one replica, within half a second. */
export const replicaWait = z
  .string()
  .regex(/^[1-9]:[^:]+$/, {
    error: "must say how many replicas (1 to 9) and how long to wait, such as 1:0.5s",
    abort: true,
  })
  .transform((text) => ({ replicas: Number(text[0]), timeout: text.slice(2) }))
  .pipe(z.object({ replicas: z.number(), timeout: duration(waitLimits) }))
  .transform(({ replicas, timeout }): ReplicaWait => ({ replicas, timeoutMs: timeout }));

/** The variables that say where Redis is. */
export interface RedisVariables {
  REDIS_URL?: string | undefined;
  REDIS_SENTINELS?: { host: string; port: number }[] | undefined;
  REDIS_MASTER_NAME?: string | undefined;
  REDIS_USERNAME?: string | undefined;
  REDIS_PASSWORD?: string | undefined;
  REDIS_SENTINEL_USERNAME?: string | undefined;
  REDIS_SENTINEL_PASSWORD?: string | undefined;
  REDIS_TLS: "0" | "1";
}

/** What is wrong with these together, by variable. Only whether they are given counts, not their values. */
export function misfitsOfRedis(
  given: Readonly<Record<string, unknown>>,
): { name: string; message: string }[] {
  if (given["REDIS_SENTINELS"] === undefined) {
    const idle = sentinelOnly.filter((name) => given[name] !== undefined);
    return idle.map((name) => ({ name, message: "belongs to REDIS_SENTINELS; a URL says that itself" }));
  }
  return [
    ...(given["REDIS_URL"] === undefined
      ? []
      : [{ name: "REDIS_SENTINELS", message: "is set and REDIS_URL too; set one of them" }]),
    ...(given["REDIS_MASTER_NAME"] === undefined
      ? [
          {
            name: "REDIS_MASTER_NAME",
            message: "is missing; it is the name by which the sentinels know the master",
          },
        ]
      : []),
  ];
}

const sentinelOnly = [
  "REDIS_MASTER_NAME",
  "REDIS_USERNAME",
  "REDIS_PASSWORD",
  "REDIS_SENTINEL_USERNAME",
  "REDIS_SENTINEL_PASSWORD",
  "REDIS_TLS",
] as const;

export function placeOf(env: RedisVariables): RedisPlace {
  const { REDIS_SENTINELS: sentinels, REDIS_MASTER_NAME: masterName } = env;
  if (!sentinels || masterName === undefined) return env.REDIS_URL ?? usualUrl;
  return {
    sentinels,
    masterName,
    ...(env.REDIS_USERNAME !== undefined && { username: env.REDIS_USERNAME }),
    ...(env.REDIS_PASSWORD !== undefined && { password: env.REDIS_PASSWORD }),
    ...(env.REDIS_SENTINEL_USERNAME !== undefined && { sentinelUsername: env.REDIS_SENTINEL_USERNAME }),
    ...(env.REDIS_SENTINEL_PASSWORD !== undefined && { sentinelPassword: env.REDIS_SENTINEL_PASSWORD }),
    tls: env.REDIS_TLS === "1",
  };
}
