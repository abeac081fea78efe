/** The worker as a process: how it starts, says how it is, and stops. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningProcess, startBuilt } from "../support/processes.ts";
import { startDedicatedRedis, startRedis, type TestRedis } from "../support/redis.ts";

let directory: string;
let redis: TestRedis;

beforeEach(async () => {
  redis = await startRedis();
  directory = mkdtempSync(join(tmpdir(), "teal-worker-"));
  writeFileSync(join(directory, "teal.yaml"), "services: {}\n");
});

afterEach(async () => {
  rmSync(directory, { recursive: true });
  await redis.close();
});

function start(env: Record<string, string> = {}): RunningProcess {
  return startBuilt("workers/main.js", [], {
    env: {
      TEAL_CONFIG: join(directory, "teal.yaml"),
      REDIS_URL: redis.url,
      TEAL_KEY_PREFIX: redis.prefix,
      TEAL_HEALTH_PORT: "0",
      TEAL_LOCK_MS: "1000",
      TEAL_STALLED_MS: "500",
      TEAL_STOP_MS: "2000",
      ...env,
    },
  });
}

async function healthPort(worker: RunningProcess): Promise<number> {
  const { healthPort: port }: { healthPort: number } = JSON.parse(await worker.waitForLine(/worker started/));
  return port;
}

it.each(["SIGTERM", "SIGINT"] as const)(
  "answers for its health and stops on %s with code 0",
  async (signal) => {
    const worker = start();
    const port = await healthPort(worker);
    await worker.waitForHttp(`http://127.0.0.1:${port}/readyz`);
    await worker.waitForHttp(`http://127.0.0.1:${port}/healthz`);
    expect((await fetch(`http://127.0.0.1:${port}/else`)).status).toBe(404);
    worker.signal(signal);
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(worker.output()).toContain("worker stopped");
  },
);

describe("does not start", () => {
  it("on a Redis that could lose jobs", async () => {
    const evicting = await startDedicatedRedis({ settings: { "maxmemory-policy": "allkeys-lru" } });
    try {
      const worker = start({ REDIS_URL: evicting.url });
      expect(await worker.exited).toEqual({ code: 1, signal: null });
      expect(worker.output()).toMatch(/maxmemory-policy allkeys-lru/);
    } finally {
      await evicting.close();
    }
  });

  it("with a configuration that is not valid", async () => {
    const worker = start({ TEAL_CONCURRENCY: "many" });
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.output()).toMatch(/TEAL_CONCURRENCY/);
  });
});
