/** What the environment says: addresses, limits and secrets. Every variable of Teal's own is listed here. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Problem } from "../errors.ts";
import { explain } from "./explain.ts";
import { trustedProxies } from "./exposure.ts";
import { headerSecrets, hookKeys, outboundAllow, secretNamesIn, secretPrefix } from "./outbound.ts";
import { misfitsOfRedis, replicaWait, sentinelList } from "./redis.ts";
import { Secret } from "./secret.ts";

/** Variables that are secrets, or may contain one; each may be given by a file whose path is in `…_FILE`. */
const secretNames = [
  "TEAL_TOKEN",
  "TEAL_WEBHOOK_SECRET",
  "TEAL_GITHUB_SECRET",
  "TEAL_EVENTBRIDGE_KEY",
  "TEAL_GITHUB_TOKEN",
  "TEAL_HOOK_SECRET",
  "REDIS_URL",
  "REDIS_PASSWORD",
  "REDIS_SENTINEL_PASSWORD",
] as const;

const whole = (min: number, max: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: `must be a whole number from ${min} to ${max}`, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .default(usual);

const secret = z
  .string()
  .min(16, { error: "must be at least 16 characters" })
  .max(4096)
  .transform((value) => new Secret(value))
  .optional();

/** While a key is replaced by another both are valid, with a space between. */
const keys = z
  .string()
  .max(8_193)
  .transform((text) => text.split(/\s+/))
  .refine((all) => all.length <= 2 && all.every((key) => key.length >= 16), {
    error: "must be at least 16 characters without spaces; or two such keys with a space between",
  })
  .transform((all) => all.map((key) => new Secret(key)))
  .default([]);

const schema = z.object({
  TEAL_CONFIG: z.string().default("teal.yaml"),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\/\S+$/, { error: "must be a URL such as redis://127.0.0.1:6379 or rediss://…" })
    .optional(),
  REDIS_SENTINELS: sentinelList.optional(),
  REDIS_MASTER_NAME: z.string().max(255).optional(),
  REDIS_USERNAME: z.string().max(255).optional(),
  REDIS_PASSWORD: z.string().max(4096).optional(),
  REDIS_SENTINEL_USERNAME: z.string().max(255).optional(),
  REDIS_SENTINEL_PASSWORD: z.string().max(4096).optional(),
  REDIS_TLS: z.enum(["0", "1"]).default("0"),
  TEAL_REDIS_WAIT: replicaWait.optional(),
  TEAL_KEY_PREFIX: z
    .string()
    .max(100)
    .regex(/\{[^{}\s]+\}/, {
      error: "must contain a hash tag such as {teal}, so that all keys share one slot",
    })
    .default("{teal}"),
  TEAL_HOST: z.string().max(255).default("127.0.0.1"),
  TEAL_PORT: whole(0, 65_535, 8080),
  TEAL_HEALTH_PORT: whole(0, 65_535, 8081),
  TEAL_TOKEN: secret,
  TEAL_ADMIN_TOKEN_FILE: z.string().max(4096).default("teal-admin-token"),
  TEAL_WEBHOOK_SECRET: keys,
  TEAL_GITHUB_SECRET: keys,
  TEAL_EVENTBRIDGE_KEY: keys,
  TEAL_GITHUB_TOKEN: secret,
  TEAL_HOOK_SECRET: hookKeys.default([]),
  TEAL_OUTBOUND_ALLOW: outboundAllow.default({ names: [], suffixes: [], ranges: [] }),
  TEAL_INSECURE: z.enum(["0", "1"]).default("0"),
  TEAL_TRUST_PROXY: trustedProxies.optional(),
  TEAL_RATE_LIMIT: whole(0, 100_000, 50),
  TEAL_RATE_LIMIT_FAILURES: whole(1, 100_000, 20),
  TEAL_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  TEAL_CONCURRENCY: whole(1, 1000, 50),
  TEAL_LOCK_MS: whole(500, 600_000, 10_000),
  TEAL_STALLED_MS: whole(250, 600_000, 2_000),
  TEAL_SWEEP_MS: whole(250, 600_000, 5_000),
  TEAL_STRAYS_MS: whole(0, 86_400_000, 600_000),
  TEAL_STOP_MS: whole(0, 600_000, 20_000),
});

export type Environment = z.output<typeof schema> & {
  /** Values of headers, by the names after `TEAL_SECRET_`. */
  secrets: Record<string, Secret>;
};

/** Reads the environment and the files it points to. An empty variable counts as left out. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): { environment: Environment; problems: [] } | { environment?: undefined; problems: Problem[] } {
  const given: Record<string, string> = {};
  const problems: Problem[] = [];
  const wrong = (path: string, message: string) =>
    problems.push({ code: "bad-config", path, message: `${path} ${message}` });

  const named = secretNamesIn(env).map((name) => secretPrefix + name);
  for (const name of [...Object.keys(schema.shape), ...named]) {
    const value = env[name]?.trim();
    if (value) given[name] = value;
  }
  for (const name of [...secretNames, ...named]) {
    const path = env[`${name}_FILE`]?.trim();
    if (!path) continue;
    if (given[name] !== undefined) wrong(`${name}_FILE`, `is set and ${name} too; set one of them`);
    try {
      given[name] = readFileSync(path, "utf8").trim();
    } catch (error) {
      wrong(`${name}_FILE`, `names ${path}, which can't be read (${codeOf(error)})`);
    }
  }
  for (const { name, message } of misfitsOfRedis(given)) wrong(name, message);
  const parsed = schema.safeParse(given, { error: explain });
  // Never the value itself: it may be a secret.
  for (const issue of parsed.error?.issues ?? []) wrong(issue.path.join("."), issue.message);
  const secrets = headerSecrets.safeParse(valuesOf(given, named), { error: explain });
  for (const issue of secrets.error?.issues ?? []) wrong(secretPrefix + issue.path.join("."), issue.message);
  return parsed.success && secrets.success && problems.length === 0
    ? { environment: { ...parsed.data, secrets: secrets.data }, problems: [] }
    : { problems };
}

/** By what follows `TEAL_SECRET_`; what could not be read is told of already. */
function valuesOf(given: Readonly<Record<string, string>>, named: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    named.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[name.slice(secretPrefix.length), value]];
    }),
  );
}

/** The system's code of a file error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
