/** API and worker, as processes, on a Redis that could lose what it is given: neither starts, and both say why. */
import { createServer, type Server } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { RedisServerOptions } from "../../support/redis-server.ts";
import { type RunningProcess, startBuilt } from "../../support/processes.ts";
import { startDedicatedRedis } from "../../support/redis.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function startBoth(env: Record<string, string>): RunningProcess[] {
  const common = {
    REDIS_URL: undefined,
    TEAL_CONFIG: "examples/teal.yaml",
    TEAL_TOKEN: "a-token-of-the-tests",
    TEAL_PORT: "0",
    TEAL_HEALTH_PORT: "0",
    ...env,
  };
  return ["src/main.js", "workers/main.js"].map((program) => startBuilt(program, [], { env: common }));
}

async function expectRefused(env: Record<string, string>, why: RegExp): Promise<void> {
  for (const started of startBoth(env)) {
    expect(await started.exited).toEqual({ code: 1, signal: null });
    expect(started.output()).toMatch(why);
    // A sentence and what to do, no stack.
    expect(started.output()).toMatch(/Use Redis 6\.2 or newer/);
    expect(started.output()).not.toMatch(/\n {4}at /);
  }
}

async function dedicated(options: RedisServerOptions): Promise<Record<string, string>> {
  const server = await startDedicatedRedis(options);
  closing.push(() => server.close());
  return { REDIS_URL: server.url };
}

it("a Redis that evicts", async () => {
  const env = await dedicated({ settings: { "maxmemory-policy": "volatile-lru" } });
  await expectRefused(env, /maxmemory-policy volatile-lru/);
});

it("a replica", async () => {
  const env = await dedicated({ settings: { replicaof: "127.0.0.1 1" } });
  await expectRefused(env, /is a replica of 127\.0\.0\.1:1 and accepts nothing/);
});

it("an old Redis", async () => {
  const server = await pretendRedis("redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n");
  closing.push(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await expectRefused({ REDIS_URL: `redis://127.0.0.1:${port}` }, /version 6\.0\.16/);
});

it("but both start, with a warning, on one that syncs once a second or has too few replicas", async () => {
  const env = await dedicated({ appendOnly: true, settings: { appendfsync: "everysec" } });
  for (const started of startBoth(env)) {
    expect(await started.waitForLine(/appendfsync everysec.*two seconds/)).toContain('"level":"warn"');
  }
  for (const started of startBoth({ ...env, TEAL_REDIS_WAIT: "2:0.5s" })) {
    const warning = await started.waitForLine(/has 0 replicas and TEAL_REDIS_WAIT asks for 2/);
    expect(warning).toContain('"level":"warn"');
  }
});

/** Answers INFO as it is told to, and everything else with OK. */
async function pretendRedis(info: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const [, command = ""] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        const isInfo = command.toLowerCase() === "info";
        socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n");
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}
