import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, startProcess } from "./processes.ts";

/** A redis-server of our own on this machine: in a directory of its own, on a port of its own, and ours to break. */

export interface RedisServerOptions {
  /** Append-only file, synced at every write. Without it nothing is kept on disk. */
  readonly appendOnly?: boolean;
  /** Further settings as in redis.conf, e.g. `{ maxmemory: '8mb', hz: 100 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and directory; with `appendOnly` it comes back with its data. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends it and removes its directory. Safe to repeat. */
  close(): Promise<void>;
}

/** The version of the redis-server on PATH, or undefined where there is none. */
export function localRedisVersion(): string | undefined {
  const asked = spawnSync("redis-server", ["--version"], { encoding: "utf8", timeout: 5_000 });
  return asked.status === 0 ? /v=([\d.]+)/.exec(asked.stdout)?.[1] : undefined;
}

/** Starts a redis-server; rejects with what it said when it isn't ready within ten seconds. */
export async function startLocalRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), "teal-redis-"));
  const settings = {
    save: "",
    appendonly: options.appendOnly ? "yes" : "no",
    appendfsync: "always",
    "maxmemory-policy": "noeviction",
    ...options.settings,
  };
  const attemptsMax = 3;
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return await serve(port, directory, settings);
    } catch (error) {
      // Another process may have taken the port between our look and the server's bind.
      if (attempt < attemptsMax && String(error).includes("Address already in use")) continue;
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }
}

async function serve(
  port: number,
  directory: string,
  settings: Readonly<Record<string, string | number>>,
): Promise<RedisServer> {
  let server: RunningProcess;
  const start = async () => {
    const args = Object.entries({ port, bind: "127.0.0.1", dir: directory, ...settings }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    );
    server = startProcess("redis-server", args, { name: `redis-server on port ${port}` });
    await server.waitForLine(/Ready to accept connections/, 10_000);
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: async () => {
      await server.kill();
    },
    restart: async () => {
      await server.kill();
      await start();
    },
    freeze: async () => server.freeze(),
    thaw: async () => server.thaw(),
    close: async () => {
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("The system gave no port"));
      });
    });
  });
}
