import { Redis, type RedisOptions } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { type Surroundings, chooseRedis } from "./redis-source.ts";
import { startDedicatedRedis, startRedis } from "./redis.ts";

const opened: { close(): Promise<unknown> | void }[] = [];
const keep = <T extends { close(): Promise<unknown> | void }>(thing: T): T => {
  opened.push(thing);
  return thing;
};
const connect = (url: string, options: RedisOptions = {}): Redis => {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, ...options });
  redis.on("error", () => {});
  opened.push({ close: () => redis.disconnect() });
  return redis;
};
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

describe("a corner of the shared Redis", () => {
  test("flushes its own keys alone", async () => {
    const mine = keep(await startRedis());
    const other = keep(await startRedis());
    const redis = connect(mine.url);
    await redis.mset({ [`${mine.prefix}:a`]: "1", [`${other.prefix}:a`]: "2" });
    await mine.flush();
    expect(await redis.mget(`${mine.prefix}:a`, `${other.prefix}:a`)).toEqual([null, "2"]);
  });

  test("can be a database of its own, given back empty", async () => {
    const [mine, other] = [
      keep(await startRedis({ isolate: "database" })),
      keep(await startRedis({ isolate: "database" })),
    ];
    expect(mine.url).not.toBe(other.url);
    const redis = connect(mine.url);
    await redis.set("anything", "1");
    await mine.close();
    expect(await redis.dbsize()).toBe(0);
  });
});

describe("a Redis of the test’s own", () => {
  test("comes back with what it acknowledged after a SIGKILL", async () => {
    const server = keep(await startDedicatedRedis({ appendOnly: true }));
    const redis = connect(server.url);
    await redis.set("kept", "yes");
    await server.kill();
    await server.restart();
    expect(await redis.get("kept")).toBe("yes");
  });

  test("is silent while frozen and goes on when thawed", async () => {
    const server = keep(await startDedicatedRedis());
    const redis = connect(server.url, { commandTimeout: 200 });
    await redis.ping();
    await server.freeze();
    await expect(redis.ping()).rejects.toThrow(/timed out/);
    await server.thaw();
    expect(await redis.ping()).toBe("PONG");
  });
});

const around = (given: Partial<Surroundings>): Surroundings => ({
  forced: undefined,
  url: undefined,
  dockerAnswers: async () => false,
  localVersion: () => undefined,
  ...given,
});

describe("where Redis comes from", () => {
  const docker = { dockerAnswers: async () => true };
  const local = { localVersion: () => "7.0.15" };
  const url = { url: "redis://127.0.0.1:1" };

  test.each<[string, Partial<Surroundings>, string]>([
    ["an address given", { ...url, ...docker, ...local }, "url"],
    ["an engine that answers", { ...docker, ...local }, "docker"],
    ["a server on PATH", local, "local"],
    ["the one that is forced", { ...url, ...docker, ...local, forced: "local" }, "local"],
  ])("%s", async (_name, given, expected) => {
    expect(await chooseRedis(around(given))).toBe(expected);
  });

  test.each<[string, Partial<Surroundings>, RegExp]>([
    ["nowhere: all three are named", {}, /REDIS_URL.*Docker.*redis-server/],
    [
      "a forced one that is missing",
      { ...url, ...local, forced: "docker" },
      /no Docker engine.*TEAL_TEST_REDIS=docker/,
    ],
    ["a server too old", { localVersion: () => "6.0.16" }, /6\.0\.16, older than 6\.2/],
    ["a word nobody knows", { ...local, forced: "podman" }, /must be url, docker or local/],
  ])("%s", async (_name, given, message) => {
    await expect(chooseRedis(around(given))).rejects.toThrow(message);
  });
});
