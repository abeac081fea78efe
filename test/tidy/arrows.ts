import { posix } from "node:path";
import type { Source } from "./sources.ts";

/** Who may import whom. A room is a folder of `src`, one of its single files, or a folder beside `src`. */

/** Every room may also import itself, and `errors` where the table doesn't say otherwise. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  telemetry: [],
  deployment: [],
  /** `auth/roles.ts`: what may be done. Configuration, requests and whoever keeps tokens speak of it. */
  roles: ["pattern"],
  /** `config/pattern.ts`: texts with stars. */
  pattern: [],
  config: ["deployment", "roles", "pattern", "telemetry"],
  /** `engine/ports.ts`: what the engine needs of others, and all that its adapters know of it. */
  ports: ["deployment"],
  engine: ["ports", "deployment", "telemetry"],
  aws: ["ports", "deployment", "telemetry"],
  redis: ["ports", "auth-ports", "deployment", "telemetry"],
  outbound: ["ports", "auth-ports", "deployment", "telemetry"],
  /** `auth/ports.ts`: what finding out who asks needs of others. */
  "auth-ports": ["roles", "deployment"],
  auth: ["auth-ports", "roles", "pattern", "deployment", "config", "telemetry"],
  /** `api/contract.ts` and its parts: all that the command line and the dashboard know of us. */
  contract: ["deployment", "roles"],
  api: [
    "contract",
    "engine",
    "ports",
    "deployment",
    "auth",
    "auth-ports",
    "roles",
    "pattern",
    "config",
    "telemetry",
  ],
  /** `config/review.ts`: what a teal.yaml comes to. `teal validate` must work without Teal, so it can't ask the API. */
  review: ["config", "deployment"],
  /** What the command line and the GitHub Action share of speaking to the API. */
  client: ["contract"],
  /** `aws/policy.ts`: what IAM must grant, for `teal policy`; it calls nobody. */
  policy: ["deployment"],
  cli: ["contract", "client", "review", "policy"],
  /** The GitHub Action, run from its sources: it has no packages, and of the contract only the types. */
  action: ["contract", "client"],
  web: ["contract"],
  build: [
    "aws",
    "redis",
    "wakes",
    "outbound",
    "engine",
    "ports",
    "deployment",
    "config",
    "auth",
    "auth-ports",
    "api",
    "telemetry",
  ],
  main: ["build", "config", "auth", "api", "telemetry"],
  /** `redis/wakes.ts` declares the queue and the job that a worker consumes. */
  wakes: ["redis", "ports", "deployment", "telemetry"],
  workers: ["build", "engine", "ports", "wakes", "config", "deployment", "telemetry"],
  sandbox: [],
  test: ["anything"],
  bench: ["anything"],
  examples: ["anything"],
  scripts: [],
  "vitest.config": ["anything"],
};

/** Packages that belong to rooms; one that isn't listed may be used by all but the pure rooms. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  "@aws-sdk": ["aws", "sandbox"],
  "@smithy": ["aws", "sandbox"],
  bullmq: ["redis", "wakes", "workers"],
  ioredis: ["redis", "wakes", "workers", "build"],
  fastify: ["api", "main"],
  jose: ["auth"],
  pino: ["telemetry"],
  commander: ["cli", "sandbox"],
};

/** Rooms without I/O or without packages, and the packages they may use all the same. */
export const pure: Readonly<Record<string, readonly string[]>> = {
  deployment: ["ms", "cron-parser", "node:crypto"],
  ports: [],
  engine: ["node:crypto"],
  client: ["node:timers/promises"],
  action: ["node:crypto", "node:fs"],
};

const single = new Map([
  ["src/engine/ports.ts", "ports"],
  ["src/auth/ports.ts", "auth-ports"],
  ["src/auth/roles.ts", "roles"],
  ["src/config/pattern.ts", "pattern"],
  ["src/api/contract.ts", "contract"],
  ["src/redis/wakes.ts", "wakes"],
  ["src/config/review.ts", "review"],
  ["src/aws/policy.ts", "policy"],
]);

/** The room of a file, e.g. `src/aws/tasks.ts` → `aws`, `src/build.ts` → `build`, `workers/main.ts` → `workers`. */
export function roomOf(path: string): string {
  const parts = path.split("/");
  const name = parts[0] === "src" ? parts[1] : parts[0];
  if (path.startsWith("src/api/contract/")) return "contract";
  return single.get(path) ?? (name ?? path).replace(/\.ts$/, "");
}

/** What a file imports, re-exports or loads by `import()`, types included. */
export function importsOf(text: string): string[] {
  const found = text.matchAll(
    /^\s*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? "");
}

/** Every import that goes against the table, as a line for people. */
export function forbiddenImports({ path, text }: Source): string[] {
  const room = roomOf(path);
  const allowed = arrows[room];
  if (allowed === undefined) return [`${path}: no arrows are written for the room "${room}"`];
  if (allowed.includes("anything")) return [];
  return importsOf(text).flatMap((specifier) => {
    const wrong = `${path} (${room}) must not import ${specifier}`;
    if (!specifier.startsWith(".")) return packageAllowed(room, specifier) ? [] : [wrong];
    const target = roomOf(posix.join(posix.dirname(path), specifier));
    const open = target === room || (target === "errors" && room !== "sandbox") || allowed.includes(target);
    return open ? [] : [`${wrong}: ${room} → ${target}`];
  });
}

function packageAllowed(room: string, specifier: string): boolean {
  const own = pure[room];
  if (own !== undefined) return own.includes(specifier);
  const owner = Object.entries(packages).find(
    ([name]) => specifier === name || specifier.startsWith(`${name}/`),
  );
  return owner === undefined || owner[1].includes(room);
}
