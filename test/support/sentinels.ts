import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { type RunningProcess, startProcess } from "./processes.ts";
import { type RedisServer, type RedisServerOptions, freePort, startLocalRedis } from "./redis-server.ts";

/** A master, a replica and three sentinels as processes of this machine: needs redis-server on PATH. */

export interface Sentinels {
  /** The name by which sentinels know the master; ioredis's `name`. */
  readonly name: string;
  /** For ioredis's `sentinels`. */
  readonly addresses: readonly { host: string; port: number }[];
  /** The sentinels themselves, in the order of their addresses. */
  readonly processes: readonly RunningProcess[];
  /** The server that began as master. Kill it to see a failover. */
  readonly first: RedisServer;
  /** The server that began as its replica. */
  readonly second: RedisServer;
  /** Where the sentinels say that the master is now. */
  master(): Promise<string>;
  /** Ends all five and removes their directories. Safe to repeat. */
  close(): Promise<void>;
}

export interface SentinelOptions extends RedisServerOptions {
  /** Silence after which a sentinel takes the master for down, in milliseconds. */
  readonly downAfterMs?: number;
}

const name = "teal";
const host = "127.0.0.1";
const sentinelCount = 3;
const quorum = 2;

/** Resolves when the replica follows and every sentinel knows it and the others; rejects after 20 seconds. */
export async function startSentinels(options: SentinelOptions = {}): Promise<Sentinels> {
  const directory = mkdtempSync(join(tmpdir(), "teal-sentinels-"));
  const started: { close(): Promise<unknown> }[] = [];
  const close = async () => {
    await Promise.all(started.splice(0).map((one) => one.close()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const first = await startLocalRedis(options);
    started.push(first);
    const second = await startLocalRedis({
      ...options,
      settings: { ...options.settings, replicaof: `${host} ${first.port}` },
    });
    started.push(second);

    const processes: RunningProcess[] = [];
    const addresses: { host: string; port: number }[] = [];
    for (let index = 0; index < sentinelCount; index++) {
      const port = await freePort();
      const path = join(directory, `sentinel-${index}.conf`);
      writeFileSync(path, sentinelConfig(port, first.port, options.downAfterMs ?? 1_000));
      const sentinel = startProcess("redis-server", [path, "--sentinel"], {
        name: `sentinel on port ${port}`,
      });
      started.push({ close: () => sentinel.kill() });
      processes.push(sentinel);
      addresses.push({ host, port });
    }
    // They find each other by the master's hello channel; only then can they agree on a failover.
    const acquainted = sentinelCount - 1;
    await Promise.all(
      addresses.map(async ({ port }, index) => {
        await processes[index]?.waitForLine(/Sentinel ID is/);
        const deadline = performance.now() + 20_000;
        while (!(await knows(port, acquainted))) {
          if (performance.now() > deadline)
            throw new Error(`The sentinel on port ${port} met no others in 20 s`);
        }
      }),
    );
    const ask = addresses[0]?.port ?? 0;
    return { name, addresses, processes, first, second, master: () => masterOf(ask), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function sentinelConfig(port: number, masterPort: number, downAfterMs: number): string {
  return [
    `port ${port}`,
    `bind ${host}`,
    `sentinel monitor ${name} ${host} ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
    `sentinel parallel-syncs ${name} 1`,
    "",
  ].join("\n");
}

/** Whether a sentinel sees the replica and the other sentinels. */
async function knows(port: number, others: number): Promise<boolean> {
  const [replicas, sentinels] = await Promise.all([
    sentinel(port, ["REPLICAS", name]),
    sentinel(port, ["SENTINELS", name]),
  ]);
  return (
    Array.isArray(replicas) && replicas.length > 0 && Array.isArray(sentinels) && sentinels.length >= others
  );
}

async function masterOf(port: number): Promise<string> {
  const answer = await sentinel(port, ["GET-MASTER-ADDR-BY-NAME", name]);
  if (!Array.isArray(answer)) throw new Error(`The sentinel on port ${port} knows no master called ${name}`);
  return `redis://${answer.join(":")}`;
}

async function sentinel(port: number, args: readonly string[]): Promise<unknown> {
  const redis = new Redis({ host, port, maxRetriesPerRequest: 1, lazyConnect: true });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return await redis.call("SENTINEL", ...args);
  } finally {
    redis.disconnect();
  }
}
