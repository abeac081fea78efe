/** Teal whole, as processes, on a Redis that will be hurt: a sandbox behind a socket, the API, two workers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { endableClock, realClock } from "../../../sandbox/clock.ts";
import { type LocalAws, startAws } from "../../../sandbox/start.ts";
import { serveWire } from "../../../sandbox/wire/http.ts";
import { buildWorld, type WorldArns } from "../../../sandbox/world/build.ts";
import { type RunningProcess, startBuilt } from "../../support/processes.ts";
import { quick, region, targetOf, worldOf } from "../../support/quick-world.ts";
import { freePort } from "../../support/redis-server.ts";

const token = "a-token-of-the-tests";

/** Short, so that what a dead connection left behind is taken over within seconds. */
const timing = { TEAL_LOCK_MS: "2000", TEAL_STALLED_MS: "1000", TEAL_SWEEP_MS: "1000", TEAL_STOP_MS: "5000" };

export interface Answer {
  status: number;
  /** Of the header Retry-After, in seconds. */
  retryAfter: number | undefined;
  body: string;
  tookMs: number;
}

export interface Asked {
  all: number;
  refused: number;
}

export interface Stage {
  local: LocalAws;
  arns: WorldArns;
  api: RunningProcess;
  workers: RunningProcess[];
  /** Where the command line finds the API. */
  cliEnv: Record<string, string>;
  /** When a worker read or asked AWS, ms since the epoch. */
  calledAt: readonly number[];
  /** Task sets that AWS made, by the service's name. */
  made: ReadonlyMap<string, Set<string>>;
  /** How many requests were answered so far, and how many of these were refused with 503. */
  asked(): Asked;
  ask(method: "GET" | "POST", path: string, options?: { body?: object; key?: string }): Promise<Answer>;
  /** Polls until it holds; fails with what the processes said. */
  until<T>(what: string, look: () => Promise<T | undefined>, limitMs: number): Promise<T>;
  close(): Promise<void>;
}

/** `env` says where Redis is. The processes are ready when it resolves. */
export async function openStage(services: string[], env: Record<string, string>): Promise<Stage> {
  const clock = endableClock(realClock());
  const local = startAws({ clock, seed: 1, settings: { ...quick, healthCheckIntervalMs: 500 } });
  const arns = buildWorld(local.aws, worldOf(services, 1));
  const server = await serveWire(local.handle);
  const calledAt: number[] = [];
  const made = new Map<string, Set<string>>();
  local.calls.subscribe(({ action, result }) => {
    calledAt.push(Date.now());
    if (action !== "CreateTaskSet" || result === undefined) return;
    const [, service = "", id = ""] = /task-set\/[^/]+\/([^/]+)\/([^"]+)"/.exec(JSON.stringify(result)) ?? [];
    made.set(service, (made.get(service) ?? new Set()).add(id));
  });

  const directory = mkdtempSync(join(tmpdir(), "teal-outage-"));
  const config = join(directory, "teal.yaml");
  writeFileSync(config, JSON.stringify(fileOf(services.map((service) => targetOf(arns, service)))));
  const port = await freePort();
  const common = {
    REDIS_URL: undefined,
    TEAL_CONFIG: config,
    TEAL_TOKEN: token,
    TEAL_PORT: String(port),
    TEAL_HEALTH_PORT: "0",
    ...timing,
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: "sandbox",
    AWS_SECRET_ACCESS_KEY: "sandbox",
    AWS_REGION: region,
    ...env,
  };
  const api = startBuilt("src/main.js", [], { name: "api", env: common });
  const workers = ["worker 1", "worker 2"].map((name) =>
    startBuilt("workers/main.js", [], { name, env: common }),
  );
  const processes = [api, ...workers];

  const asked: Asked = { all: 0, refused: 0 };
  const stage: Stage = {
    local,
    arns,
    api,
    workers,
    cliEnv: { TEAL_URL: `http://127.0.0.1:${port}`, TEAL_TOKEN: token, NO_COLOR: "1" },
    made,
    calledAt,
    asked: () => ({ ...asked }),
    async ask(method, path, { body, key } = {}) {
      const startedAt = Date.now();
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { "content-type": "application/json" }),
          ...(key !== undefined && { "idempotency-key": key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await response.text();
      asked.all += 1;
      asked.refused += response.status === 503 ? 1 : 0;
      const retryAfter = response.headers.get("retry-after");
      return {
        status: response.status,
        retryAfter: retryAfter === null ? undefined : Number(retryAfter),
        body: text,
        tookMs: Date.now() - startedAt,
      };
    },
    async until(what, look, limitMs) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        if (Date.now() > deadline) {
          const said = processes.map((one) => `${one.name}:\n${one.output().slice(-4_000)}`);
          throw new Error(`not ${what} within ${limitMs} ms\n${said.join("\n")}`);
        }
        await pause(pollMs);
      }
    },
    async close() {
      await Promise.all(processes.map((one) => one.kill()));
      await server.close();
      await local.close();
      clock.end();
      rmSync(directory, { recursive: true });
    },
  };
  try {
    await Promise.all([
      api.waitForHttp(`http://127.0.0.1:${port}/readyz`, startMs),
      ...workers.map((worker) => worker.waitForLine(/worker started/, startMs)),
    ]);
  } catch (error) {
    await stage.close();
    throw error;
  }
  return stage;
}

const pollMs = 50;
const startMs = 90_000;

/** A canary that is under way for some seconds. */
function fileOf(targets: ReturnType<typeof targetOf>[]): object {
  const services = targets.map(({ name, cluster, service, targetGroups, routes }) => [
    name,
    {
      region,
      cluster,
      service,
      targetGroups,
      routes: routes.map(({ kind, arn }) => ({ [kind]: arn })),
      strategy: "canary",
    },
  ]);
  return {
    services: Object.fromEntries(services),
    strategies: {
      canary: { steps: [{ weight: 50 }, { pause: "10s" }, { weight: 100 }], bake: "1s", hold: "1s" },
    },
  };
}
