/**
 * The whole configuration: `teal.yaml` and the environment, read once at the start, checked as a whole, frozen.
 * Nothing else reads the environment.
 */
import { readFileSync } from "node:fs";
import { type Problem, TealError } from "../errors.ts";
import type { Strategy } from "../deployment/strategy.ts";
import { codeOf, type Environment, readEnvironment } from "./environment.ts";
import { type ConfiguredService, type FileConfig, readConfigText } from "./file.ts";
import { placeOf, type RedisPlace, type ReplicaWait } from "./redis.ts";
import type { Secret } from "./secret.ts";

export type { ConfiguredService } from "./file.ts";

export interface Config {
  services: Readonly<Record<string, ConfiguredService>>;
  /** The configured strategies and the presets, by name. */
  strategies: Readonly<Record<string, Strategy>>;
  http: {
    host: string;
    /** 0: any free port. */
    port: number;
    /** The bearer token of the API; without one it serves loopback only, and only with `insecure`. */
    token?: Secret;
    insecure: boolean;
    /** How long a stopping process may take for what it has begun. */
    stopMs: number;
  };
  /** The secret of the generic webhook; without one the webhook is off. */
  webhookSecret?: Secret;
  redis: {
    /** May contain passwords: never log it. */
    place: RedisPlace;
    keyPrefix: string;
    /** What is accepted must have reached replicas; left out, the master alone answers for it. */
    wait?: ReplicaWait;
  };
  worker: {
    healthPort: number;
    /** Deployments whose turns run at the same time in one worker. */
    concurrency: number;
    /** How long a job belongs to a worker that stopped renewing it. */
    lockMs: number;
    stalledMs: number;
    sweepMs: number;
    /** How often task sets without a record are looked for; 0: never. */
    straysMs: number;
    stopMs: number;
  };
  log: { level: Environment["TEAL_LOG_LEVEL"] };
}

/** Throws TealError('bad-config') that lists everything wrong with the environment and with the file. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const { environment, problems } = readEnvironment(env);
  const path = environment?.TEAL_CONFIG ?? (env["TEAL_CONFIG"] || "teal.yaml");
  const file = readFile(path);
  const all = [...problems, ...file.problems];
  if (!environment || !file.config || all.length > 0) throw badConfig(all);
  return freeze(assemble(environment, file.config));
}

function readFile(path: string): ReturnType<typeof readConfigText> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const message = `can't be read (${codeOf(error)}); set TEAL_CONFIG to the path of your teal.yaml`;
    return { problems: [{ code: "bad-config", path, message }] };
  }
  return readConfigText(text, path);
}

function assemble(env: Environment, file: FileConfig): Config {
  return {
    services: file.services,
    strategies: file.strategies,
    http: {
      host: env.TEAL_HOST,
      port: env.TEAL_PORT,
      ...(env.TEAL_TOKEN && { token: env.TEAL_TOKEN }),
      insecure: env.TEAL_INSECURE === "1",
      stopMs: env.TEAL_STOP_MS,
    },
    ...(env.TEAL_WEBHOOK_SECRET && { webhookSecret: env.TEAL_WEBHOOK_SECRET }),
    redis: {
      place: placeOf(env),
      keyPrefix: env.TEAL_KEY_PREFIX,
      ...(env.TEAL_REDIS_WAIT && { wait: env.TEAL_REDIS_WAIT }),
    },
    worker: {
      healthPort: env.TEAL_HEALTH_PORT,
      concurrency: env.TEAL_CONCURRENCY,
      lockMs: env.TEAL_LOCK_MS,
      stalledMs: env.TEAL_STALLED_MS,
      sweepMs: env.TEAL_SWEEP_MS,
      straysMs: env.TEAL_STRAYS_MS,
      stopMs: env.TEAL_STOP_MS,
    },
    log: { level: env.TEAL_LOG_LEVEL },
  };
}

function badConfig(problems: Problem[]): TealError {
  const lines = problems.map(({ path, message }) => `  ${path ?? ""}  ${message}`);
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new TealError("bad-config", [`The configuration has ${count}:`, ...lines].join("\n"), { problems });
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null && !Object.isFrozen(part)) freeze(part);
  }
  return Object.freeze(value);
}
