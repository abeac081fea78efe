/**
 * A stage for tests that hurt real worker processes: a sandbox behind a socket, a corner of a real Redis, the
 * composition root as the API has it, and workers that are processes of their own. Each stage has its own
 * sandbox and its own keys, so that many stand side by side; the same seed gives each the same ARNs.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { endableClock, realClock } from "../../sandbox/clock.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import { type LocalAws, startAws } from "../../sandbox/start.ts";
import { serveWire } from "../../sandbox/wire/http.ts";
import type { Handle } from "../../sandbox/wire/message.ts";
import { routeOf } from "../../sandbox/wire/route.ts";
import { buildWorld, type WorldArns } from "../../sandbox/world/build.ts";
import { build, type Teal } from "../../src/build.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import type { Actor, Deployment } from "../../src/deployment/record.ts";
import { type Step, type Strategy, strategyDefaults } from "../../src/deployment/strategy.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";
import { TealError } from "../../src/errors.ts";
import { quick, region, targetOf, worldOf } from "../support/quick-world.ts";
import { type RunningProcess, startBuilt } from "../support/processes.ts";

export const ada: Actor = { kind: "operator", name: "ada" };

/** How workers on a stage are set; short, so that a take-over is seen within seconds. */
export const timing = { lockMs: 2_000, stalledMs: 1_000, sweepMs: 1_000, stopMs: 5_000 } as const;

export function strategy(steps: Step[], more: Partial<Strategy> = {}): Strategy {
  return { name: "short", ...strategyDefaults, holdMs: 200, steps, ...more };
}

export interface StageOptions {
  redisUrl: string;
  /** No other stage's; contains a hash tag. */
  prefix: string;
  /** Names of the services; one where left out. */
  services?: string[];
  /** Tasks of each service. */
  desired?: number;
  /** Each service has a test route too. */
  tested?: boolean;
  settings?: Partial<Settings>;
}

/** A mutating request as it was met: `ModifyRule:2` is the second one of its action. */
export type Sent = string;

export interface Stage {
  local: LocalAws;
  arns: WorldArns;
  redis: Redis;
  prefix: string;
  engine: Teal["engine"];
  records: Teal["records"];
  wakes: Teal["wakes"];
  /** Task sets that AWS made or gave again: who asked, as text, and what it got. */
  created: readonly { request: string; arn: string }[];
  /** Where the hook of `canary` is called; it always agrees. */
  hookUrl: string;
  /** The keys that it was called with. */
  hookKeys: readonly string[];
  /** Every mutating request so far, calls of the hook among them, in the order of arrival. */
  sent: readonly Sent[];
  /** The names of the workers that sent them; calls of the hook tell nobody's. */
  senders: ReadonlyMap<Sent, string>;
  /** Runs once when this request was performed and before it is answered; `cut` breaks the connection. */
  onSent(sent: Sent, then: () => "answer" | "cut"): void;
  target(service?: string): ServiceTarget;
  /** Asks for a new version of the service; the answer is the deployment's id. */
  deploy(strategy: Strategy, service?: string): Promise<string>;
  deployment(id: string): Promise<Deployment>;
  events(id: string): Promise<DeploymentEvent[]>;
  startWorker(options?: WorkerOptions): RunningProcess;
  /** Polls until it holds; fails with what the deployments did and what the workers said. */
  until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, limitMs?: number): Promise<T>;
  /** Until nothing is left to do for the deployment but a last look. */
  settled(id: string, limitMs?: number): Promise<Deployment>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  name?: string;
  concurrency?: number;
  /** Another program than the real worker's: one that watches or hurts itself. */
  program?: string;
  /** Added to what every worker of the stage is told. */
  env?: Record<string, string>;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { redisUrl, prefix, services = ["checkout"], desired = 2, tested = false } = options;
  const clock = endableClock(realClock());
  const local = startAws({ clock, seed: 1, settings: { ...quick, ...options.settings } });
  const arns = buildWorld(local.aws, worldOf(services, desired, tested));
  const wire = watchWire(local.handle);
  const server = await serveWire(wire.handle);
  const hook = await serveHook(wire.arrived);
  const directory = mkdtempSync(join(tmpdir(), "teal-stage-"));
  const configFile = join(directory, "teal.yaml");
  writeFileSync(configFile, "services: {}\n");
  const env = {
    TEAL_CONFIG: configFile,
    REDIS_URL: redisUrl,
    TEAL_KEY_PREFIX: prefix,
    TEAL_HEALTH_PORT: "0",
    TEAL_LOCK_MS: String(timing.lockMs),
    TEAL_STALLED_MS: String(timing.stalledMs),
    TEAL_SWEEP_MS: String(timing.sweepMs),
    TEAL_STOP_MS: String(timing.stopMs),
    TEAL_HOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString("base64")}`,
    TEAL_OUTBOUND_ALLOW: "127.0.0.1",
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: "sandbox",
    AWS_SECRET_ACCESS_KEY: "sandbox",
    AWS_REGION: region,
  };
  const teal = await build(loadConfig({ ...env, TEAL_LOG_LEVEL: "silent" }), "api");
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 2 });
  const workers: RunningProcess[] = [];
  const deployments: string[] = [];

  const created: { request: string; arn: string }[] = [];
  local.calls.subscribe(({ action, params, result }) => {
    if (action !== "CreateTaskSet" || result === undefined) return;
    const arn = /"taskSetArn":"([^"]+)"/.exec(JSON.stringify(result))?.[1] ?? "";
    created.push({ request: JSON.stringify(params), arn });
  });

  const stage: Stage = {
    local,
    created,
    arns,
    redis,
    prefix,
    engine: teal.engine,
    records: teal.records,
    wakes: teal.wakes,
    hookUrl: hook.url,
    hookKeys: hook.keys,
    sent: wire.sent,
    senders: wire.senders,
    onSent: wire.onSent,
    target: (service = "checkout") => targetOf(arns, service),
    async deploy(strategy, service = "checkout") {
      const start = () =>
        teal.engine.start({
          target: targetOf(arns, service),
          strategy,
          request: { images: { app: "demo/app:2" } },
          actor: ada,
          whenBusy: "reject",
          idempotencyKey: `${prefix} ${service}`,
        });
      const { deployment } = await stage.until(`${service} accepted`, start);
      deployments.push(deployment.id);
      return deployment.id;
    },
    async deployment(id) {
      const found = await teal.records.load(id);
      if (!found) throw new Error(`${id} is gone`);
      return found;
    },
    events: (id) => teal.records.events(id, 0, 1_000),
    startWorker({
      name = `worker ${workers.length + 1}`,
      concurrency = 50,
      program = "workers/main.js",
      env: more = {},
    } = {}) {
      const worker = startBuilt(program, [], {
        name,
        env: {
          ...env,
          TEAL_CONCURRENCY: String(concurrency),
          // The SDK writes it into the header User-Agent.
          AWS_SDK_UA_APP_ID: name.replaceAll(" ", "-"),
          ...more,
        },
      });
      workers.push(worker);
      return worker;
    },
    async until(what, look, limitMs = 120_000) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const found = await Promise.resolve(look()).catch(notNow);
        if (found !== undefined && found !== false) return found;
        if (Date.now() > deadline) throw new Error(`not ${what} within ${limitMs} ms\n${await story()}`);
        await pause(pollMs);
      }
    },
    settled: (id, limitMs = 90_000) =>
      stage.until(
        `${id} settled`,
        async () => {
          const d = await stage.deployment(id);
          return d.settled ? d : undefined;
        },
        limitMs,
      ),
    async close() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await teal.close();
      await server.close();
      await hook.close();
      await local.close();
      clock.end();
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.unlink(...keys);
      redis.disconnect();
      rmSync(directory, { recursive: true });
    },
  };

  async function story(): Promise<string> {
    const lines = deployments.slice(0, storyMax).map(async (id) => {
      const d = await stage.deployment(id);
      const events = (await stage.events(id)).slice(-25);
      const history = events.map(
        (e) => `  ${((e.at - d.createdAt) / 1000).toFixed(1)}s ${e.type} ${e.message}`,
      );
      return [`${id} ${d.phase} step ${d.step} ${d.hold?.kind ?? ""} ${d.note}`, ...history].join("\n");
    });
    const said = workers
      .slice(-storyMax)
      .map((worker) => `${worker.name}:\n${worker.output().slice(-3_000)}`);
    return [...(await Promise.all(lines)), ...said].join("\n");
  }

  return stage;
}

/** On a machine that is busy with many stages Redis may answer too late; what is asked here is safe to repeat. */
function notNow(error: unknown): undefined {
  if (!(error instanceof TealError && error.code === "unavailable")) throw error;
}

const pollMs = 100;
/** Deployments and workers told about when a wait fails. */
const storyMax = 4;

/** A system of somebody else's, which agrees to everything. */
async function serveHook(
  arrived: Wire["arrived"],
): Promise<{ url: string; keys: string[]; close(): Promise<void> }> {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"]));
    request.resume().on("end", () => {
      if (arrived("callHook") === "cut") response.destroy();
      else response.end(JSON.stringify({ status: "SUCCEEDED" }));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the hook has no port");
  return {
    url: `http://127.0.0.1:${address.port}/smoke`,
    keys,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

type Wire = Pick<Stage, "onSent"> & {
  handle: Handle;
  sent: Sent[];
  senders: Map<Sent, string>;
  /** Notes a request that was performed; what is to become of its answer. */
  arrived: (action: string) => "answer" | "cut";
};

/** Counts mutating requests and lets a test act between AWS's doing and its answer. */
function watchWire(inner: Handle): Wire {
  const sent: Sent[] = [];
  const senders = new Map<Sent, string>();
  const counts = new Map<string, number>();
  const ears = new Map<Sent, () => "answer" | "cut">();
  const counted = (action: string): Sent => {
    const count = (counts.get(action) ?? 0) + 1;
    counts.set(action, count);
    sent.push(`${action}:${count}`);
    return `${action}:${count}`;
  };
  const become = (name: Sent): "answer" | "cut" => {
    const then = ears.get(name);
    ears.delete(name);
    return then?.() ?? "answer";
  };
  return {
    sent,
    senders,
    onSent: (name, then) => void ears.set(name, then),
    arrived: (action) => become(counted(action)),
    handle: async (request) => {
      const { action } = routeOf(request);
      if (/^(Describe|List|Get)/.test(action)) return await inner(request);
      const name = counted(action);
      senders.set(name, /app\/(\S+)/.exec(request.headers["user-agent"] ?? "")?.[1] ?? "");
      const reply = await inner(request);
      return become(name) === "cut" ? { cut: true } : reply;
    },
  };
}
