import { dockerAnswers, startDockerRedis } from "./redis-docker.ts";
import {
  type RedisServer,
  type RedisServerOptions,
  localRedisVersion,
  startLocalRedis,
} from "./redis-server.ts";

/**
 * Where the tests' Redis comes from: `REDIS_URL`, else a Docker engine that answers, else a redis-server on
 * PATH, else an error that names all three. `TEAL_TEST_REDIS=url|docker|local` forces one, so that what CI is
 * meant to run on is what it ran on.
 */

export type RedisSource = "url" | "docker" | "local";

export interface Surroundings {
  /** Value of `TEAL_TEST_REDIS`. */
  readonly forced: string | undefined;
  /** Value of `REDIS_URL`. */
  readonly url: string | undefined;
  dockerAnswers(): Promise<boolean>;
  /** Undefined where redis-server isn't on PATH. */
  localVersion(): string | undefined;
}

export const versionMin = "6.2";

const here: Surroundings = {
  forced: process.env["TEAL_TEST_REDIS"] || undefined,
  url: process.env["REDIS_URL"] || undefined,
  dockerAnswers,
  localVersion: localRedisVersion,
};

/** Decides once where Redis comes from; throws an error that says what to do when it can come from nowhere. */
export async function chooseRedis(around: Surroundings = here): Promise<RedisSource> {
  const { forced, url } = around;
  if (forced !== undefined && forced !== "url" && forced !== "docker" && forced !== "local") {
    throw new Error(`TEAL_TEST_REDIS is "${forced}"; it must be url, docker or local, or left out.`);
  }
  const missing: string[] = [];
  const wanted = (source: RedisSource) => forced === undefined || forced === source;

  if (wanted("url")) {
    if (url !== undefined) return "url";
    missing.push("REDIS_URL is not set");
  }
  if (wanted("docker")) {
    if (await around.dockerAnswers()) return "docker";
    missing.push("no Docker engine answers");
  }
  if (wanted("local")) {
    const version = around.localVersion();
    if (version !== undefined && recent(version)) return "local";
    missing.push(
      version === undefined
        ? "redis-server is not on PATH"
        : `redis-server on PATH is ${version}, older than ${versionMin}`,
    );
  }
  const why = forced === undefined ? "" : ` (TEAL_TEST_REDIS=${forced} allows nothing else)`;
  throw new Error(
    `The tests found no Redis: ${missing.join("; ")}${why}. ` +
      `Set REDIS_URL, start Docker, or install redis-server ${versionMin} or newer ("make setup" does that).`,
  );
}

/** Starts a server that is ours to break. An address we were only given is never used for that. */
export async function startOwnRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const source = await chooseRedis({
    ...here,
    forced: here.forced === "url" ? undefined : here.forced,
    url: undefined,
    // A local server starts in milliseconds and needs no image, so it comes first here.
    dockerAnswers: async () =>
      (here.forced === "docker" || !recent(localRedisVersion() ?? "0")) && (await dockerAnswers()),
  });
  return source === "docker" ? startDockerRedis(options) : startLocalRedis(options);
}

function recent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [majorMin = 0, minorMin = 0] = versionMin.split(".").map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}
