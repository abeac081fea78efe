/**
 * The demo as the program that `make demo` runs, and what it shows when a promise is broken. Each scene is played
 * twice side by side, with a sound worker and with a broken one: only the broken one may lose a request.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunningProcess } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import { emptyDirectory, ended, failedChecks, startDemo } from "./played.ts";

let directory: string;

beforeEach(() => {
  directory = emptyDirectory();
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function start(path: string, args: string[], redisUrl?: string): RunningProcess {
  return startDemo(path, args, directory, redisUrl);
}

/** Processes whose environment names the directory. */
function processesLeft(): number {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(directory);
      } catch {
        return false;
      }
    }).length;
}

async function nothingLeft(): Promise<void> {
  await expect.poll(() => [processesLeft(), readdirSync(directory)], { timeout: 10_000 }).toEqual([0, []]);
}

describe("the demo can fail", () => {
  it.each([
    ["hold-zero", "blue is taken away while old weights still send it traffic"],
    ["health-ignored", "tasks get traffic before they can serve"],
    ["not-read-back", "blue goes though the new weights never arrived"],
    ["stale-routes", "blue goes though somebody gave it the traffic back"],
  ])(
    "%s: %s",
    async (scene) => {
      const [sound, sabotaged] = await Promise.all([
        ended(start("test/demo/scene.js", [scene])),
        ended(start("test/demo/scene.js", [scene, "--sabotaged"])),
      ]);
      expect(failedChecks(sound.result)).toEqual([]);
      expect(sound).toMatchObject({ code: 0, result: { ok: true, lost: 0 } });
      expect(sabotaged).toMatchObject({ code: 1, result: { ok: false } });
      const { lost, services } = sabotaged.result;
      expect(services).toMatchObject([{ service: "checkout", losses: { "status 503": lost } }]);
      expect(lost).toBeGreaterThan(50);
      await nothingLeft();
    },
    90_000,
  );
});

it("succeeds with checkout in a Redis that is given, and leaves nothing in it", async () => {
  const redis = await startRedis({ isolate: "database" });
  try {
    const { code, result } = await ended(
      start("examples/demo/main.js", ["--json", "--service", "checkout"], redis.url),
    );
    expect(failedChecks(result)).toEqual([]);
    expect(code).toBe(0);
    expect(result.lost).toBe(0);
    expect(result.requests).toBeGreaterThan(10_000);
    expect(result.deployments.map(({ phase }) => phase)).toEqual(["succeeded", "rolled_back", "rolled_back"]);
    for (const { tookMs, leastMs } of result.deployments) expect(tookMs).toBeGreaterThanOrEqual(leastMs);
    expect(result.calls["ecs:CreateTaskSet"]).toBeGreaterThanOrEqual(3);
    expect(await keysOf(redis.url)).toBe(0);
    await nothingLeft();
  } finally {
    await redis.close();
  }
}, 200_000);

describe("leaves nothing behind", () => {
  it.skipIf(!existsSync("/proc"))(
    "when it is interrupted",
    async () => {
      const demo = start("examples/demo/main.js", []);
      await demo.waitForLine(/teal deploy/, 40_000);
      expect(processesLeft()).toBeGreaterThanOrEqual(6);
      demo.signal("SIGINT");
      expect(await demo.exited).toEqual({ code: 130, signal: null });
      expect(demo.output()).toContain("The demo ends early: stopped by SIGINT");
      await nothingLeft();
    },
    60_000,
  );

  it.skipIf(!existsSync("/proc"))(
    "when it is killed",
    async () => {
      const demo = start("examples/demo/main.js", []);
      await demo.waitForLine(/teal deploy/, 40_000);
      expect(await demo.kill()).toEqual({ code: null, signal: "SIGKILL" });
      await nothingLeft();
    },
    60_000,
  );
});

async function keysOf(url: string): Promise<number> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  try {
    return await redis.dbsize();
  } finally {
    redis.disconnect();
  }
}
