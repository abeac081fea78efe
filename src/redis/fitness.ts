/** The check at the start: whether this Redis keeps what it is given. */
import type { Redis } from "ioredis";
import { TealError } from "../errors.ts";
import { whereabouts } from "./connection.ts";
import { asking } from "./errors.ts";

const versionMin = [6, 2] as const;

/**
 * Refuses a Redis that could lose jobs: one older than 6.2, one that evicts keys when its memory is full (BullMQ
 * docs, "Going to production"), and a replica, which accepts nothing. Returns warnings about what a crash would
 * lose. `replicas` is how many must confirm what is accepted, if any must. Safe to repeat.
 */
export async function checkRedis(redis: Redis, replicas = 0): Promise<string[]> {
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
  if (info["role"] === "slave") {
    const master = `${info["master_host"]}:${info["master_port"]}`;
    throw new TealError(
      "bad-redis",
      `Redis at ${whereabouts(redis)} is a replica of ${master} and accepts nothing; ` +
        "give the master's address, or sentinels that know it",
    );
  }
  return [...(await persistence(redis, info, replicas)), ...replication(info, replicas)];
}

async function persistence(
  redis: Redis,
  info: Readonly<Record<string, string>>,
  replicas: number,
): Promise<string[]> {
  if (info["aof_enabled"] === "1") {
    const sync = await setting(redis, "appendfsync");
    // What replicas have confirmed outlives the master's machine.
    if (sync === "always" || replicas > 0) return [];
    const lost = { everysec: "up to two seconds", no: "what the system has not written yet, about 30 s" };
    const told =
      sync === "everysec" || sync === "no"
        ? `syncs its append-only file with appendfsync ${sync}: if its machine crashes, ${lost[sync]} are lost`
        : "does not tell how often it syncs its append-only file";
    return [`Redis ${told}; set appendfsync always to keep every accepted deployment`];
  }
  const save = await setting(redis, "save");
  const what =
    save === undefined
      ? "has no append-only file, and does not tell whether it saves snapshots"
      : save === ""
        ? "keeps nothing on disk: neither an append-only file nor snapshots"
        : "saves snapshots only: what was accepted since the last one is lost if it crashes";
  return [`Redis ${what}; set appendonly yes to keep every accepted deployment`];
}

function replication(info: Readonly<Record<string, string>>, replicas: number): string[] {
  const connected = Number(info["connected_slaves"] ?? 0);
  if (connected >= replicas) return [];
  return [
    `Redis has ${connected} replicas and TEAL_REDIS_WAIT asks for ${replicas}: nothing is accepted until then`,
  ];
}

/** A setting; undefined where CONFIG is forbidden, as on managed services. */
async function setting(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const reply = await redis.config("GET", name);
    return Array.isArray(reply) && reply.length > 1 ? String(reply[1]) : undefined;
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
