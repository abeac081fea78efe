/**
 * The whole configuration: `teal.yaml` and the environment, checked as a whole, frozen. Nothing else reads the
 * environment, which is read once; the file is read again when it changes (`reload.ts`).
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Problem, TealError } from "../errors.ts";
import type { FileConfig } from "./configured.ts";
import { codeOf, type Environment, readEnvironment } from "./environment.ts";
import { readConfigText } from "./file.ts";
import type { OutboundAllow } from "./outbound.ts";
import type { Outside } from "./outside.ts";
import { placeOf, type RedisPlace, type ReplicaWait } from "./redis.ts";
import type { Secret } from "./secret.ts";
import type { WebhookSource } from "./webhooks.ts";

export interface Config extends FileConfig {
  /** The file that it is read from. */
  source: {
    path: string;
    /** Tells one content from another. */
    digest: string;
    /** What the environment gives for it; left out in a process that calls nobody. */
    outside?: Outside;
  };
  http: {
    host: string;
    /** 0: any free port. */
    port: number;
    /** A token that may do everything, beside those that Teal makes. */
    token?: Secret;
    /** Where the first admin token is written to, where none is given and none was made. */
    adminTokenFile: string;
    /** Without any token at all; on loopback only. */
    insecure: boolean;
    /** Networks of proxies whose word about addresses counts; nobody's where left out. */
    proxies?: string[];
    /** How often is too often. */
    limits: {
      /** Requests of one identity, or of one address that proved nothing, on average; 0: as many as they like. */
      perSecond: number;
      /** Refused credentials and signatures from one address. */
      failuresPerMinute: number;
    };
    /** How long a stopping process may take for what it has begun. */
    stopMs: number;
  };
  /** What deliveries are checked with, by who sends them; without a key its webhook is off. Each one is valid. */
  webhookKeys: Record<WebhookSource, Secret[]>;
  /** GitHub's; without one it is told nothing. */
  githubToken?: Secret;
  /** Calls to others' systems: hooks and sources of measurements. */
  outbound: {
    allow: OutboundAllow;
    /** Each hook is signed with all of them; without one none is called. */
    hookKeys: Secret[];
    /** Values of headers, by the names that `teal.yaml` gives them. */
    secrets: Record<string, Secret>;
  };
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

/**
 * Throws TealError('bad-config') that lists everything wrong with the environment and with the file.
 * @param calls whether this process calls hooks and sources of measurements, and so needs their secrets
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  { calls }: { calls: boolean } = { calls: true },
): Config {
  const { environment, problems } = readEnvironment(env);
  const path = environment?.TEAL_CONFIG ?? (env["TEAL_CONFIG"] || "teal.yaml");
  const outside = environment && calls ? outsideOf(environment) : undefined;
  const { text = "", problem } = readText(path);
  const file = problem ? { problems: [problem] } : readConfigText(text, path, outside);
  const all = [...problems, ...file.problems];
  if (!environment || !("config" in file) || !file.config || all.length > 0) throw badConfig(all);
  const source = { path, digest: digestOf(text), ...(outside && { outside }) };
  return freeze(assemble(environment, source, file.config));
}

/** The same configuration with another content of its file. */
export function withFile(config: Config, text: string, file: FileConfig): Config {
  return freeze({ ...config, ...file, source: { ...config.source, digest: digestOf(text) } });
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function readText(path: string): { text?: string; problem?: Problem } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    const message = `can't be read (${codeOf(error)}); set TEAL_CONFIG to the path of your teal.yaml`;
    return { problem: { code: "bad-config", path, message } };
  }
}

function outsideOf({ TEAL_OUTBOUND_ALLOW: allow, TEAL_HOOK_SECRET: keys, secrets }: Environment): Outside {
  return { allow, secrets: Object.keys(secrets), signs: keys.length > 0 };
}

function assemble(env: Environment, source: Config["source"], file: FileConfig): Config {
  return {
    ...file,
    source,
    http: {
      host: env.TEAL_HOST,
      port: env.TEAL_PORT,
      ...(env.TEAL_TOKEN && { token: env.TEAL_TOKEN }),
      adminTokenFile: env.TEAL_ADMIN_TOKEN_FILE,
      insecure: env.TEAL_INSECURE === "1",
      ...(env.TEAL_TRUST_PROXY !== undefined && { proxies: env.TEAL_TRUST_PROXY }),
      limits: { perSecond: env.TEAL_RATE_LIMIT, failuresPerMinute: env.TEAL_RATE_LIMIT_FAILURES },
      stopMs: env.TEAL_STOP_MS,
    },
    webhookKeys: {
      github: env.TEAL_GITHUB_SECRET,
      eventbridge: env.TEAL_EVENTBRIDGE_KEY,
      generic: env.TEAL_WEBHOOK_SECRET,
    },
    ...(env.TEAL_GITHUB_TOKEN && { githubToken: env.TEAL_GITHUB_TOKEN }),
    outbound: { allow: env.TEAL_OUTBOUND_ALLOW, hookKeys: env.TEAL_HOOK_SECRET, secrets: env.secrets },
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
