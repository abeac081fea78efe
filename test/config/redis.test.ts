import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/environment.ts";
import { placeOf } from "../../src/config/redis.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-redis-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const placed = (env: Record<string, string>) => {
  const { environment, problems } = readEnvironment(env);
  if (!environment) throw new Error(JSON.stringify(problems));
  return placeOf(environment);
};
const wrong = (env: Record<string, string>) => readEnvironment(env).problems.map(({ message }) => message);

describe("where Redis is", () => {
  it("is a URL, and the usual one where nothing is said", () => {
    expect(placed({})).toBe("redis://127.0.0.1:6379");
    expect(placed({ REDIS_URL: "rediss://r:6380" })).toBe("rediss://r:6380");
  });

  it("is what sentinels know, with passwords from variables or files", () => {
    const path = join(folder, "password");
    writeFileSync(path, "from-a-file\n");
    const place = placed({
      REDIS_SENTINELS: "one:26379, [::1]:26380",
      REDIS_MASTER_NAME: "teal",
      REDIS_USERNAME: "app",
      REDIS_PASSWORD_FILE: path,
      REDIS_SENTINEL_PASSWORD: "of-the-sentinels",
      REDIS_TLS: "1",
    });
    expect(place).toEqual({
      sentinels: [
        { host: "one", port: 26_379 },
        { host: "::1", port: 26_380 },
      ],
      masterName: "teal",
      username: "app",
      password: "from-a-file",
      sentinelPassword: "of-the-sentinels",
      tls: true,
    });
  });

  it.each([
    [{ REDIS_SENTINELS: "one:1", REDIS_MASTER_NAME: "m", REDIS_URL: "redis://r" }, /REDIS_URL too/],
    [{ REDIS_SENTINELS: "one:1" }, /REDIS_MASTER_NAME is missing/],
    [{ REDIS_PASSWORD: "hidden" }, /^REDIS_PASSWORD belongs to REDIS_SENTINELS/],
    [{ REDIS_SENTINELS: "one", REDIS_MASTER_NAME: "m" }, /host:port,host:port/],
    [{ REDIS_SENTINELS: "one:99999", REDIS_MASTER_NAME: "m" }, /host:port,host:port/],
  ])("is refused as %j", (env, message) => {
    const all = wrong(env);
    expect(all).toEqual([expect.stringMatching(message)]);
    expect(all.join()).not.toContain("hidden");
  });
});

describe("what replicas must confirm", () => {
  it("is a number and a time", () => {
    expect(readEnvironment({ TEAL_REDIS_WAIT: "2:0.5s" }).environment?.TEAL_REDIS_WAIT).toEqual({
      replicas: 2,
      timeoutMs: 500,
    });
  });

  it.each(["1", "0:1s", "1:5s", "one:1s", "1:500"])("is not %s", (text) => {
    expect(wrong({ TEAL_REDIS_WAIT: text })).toEqual([expect.stringMatching(/^TEAL_REDIS_WAIT/)]);
  });
});
