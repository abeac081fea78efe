/**
 * Everything that the demo plays on, each a process of its own: Redis, the local AWS, the API, the workers, and
 * the command line. Whatever happens to the demo, none of them outlives it.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SandboxFacts } from "../../sandbox/sandbox.ts";
import { createClient } from "../../src/cli/client.ts";
import { type RunningProcess, startProcess } from "../../test/support/processes.ts";
import { freePort } from "../../test/support/redis-server.ts";
import { guardProcesses } from "./guard.ts";
import { openRedis } from "./redis.ts";
import { type Sandbox, sandboxAt } from "./sandbox.ts";
import type { Plot } from "./act.ts";
import { startLoad } from "./load.ts";
import type { Stage } from "./stage.ts";
import { watchService } from "./watch.ts";

export interface HouseOptions {
  /** A world file. */
  world: string;
  /** The services of it that are played with. */
  plots: Pick<Plot, "service" | "strategy" | "ratePerSecond">[];
  workers: number;
  /** The worker's program, as a path below the built files. */
  workerProgram: string;
  /** Further variables for the workers. */
  workerEnv: Record<string, string>;
  /** Decides which request goes where. */
  seed: number;
  signal: AbortSignal;
}

export interface DemoWorker {
  name: string;
  process: RunningProcess;
}

export interface House {
  /** One for each plot, in the same order. */
  stages: Stage[];
  sandbox: Sandbox;
  workers: DemoWorker[];
  /** Ends all processes and removes everything they wrote. Safe to repeat. */
  close(): Promise<void>;
}

const startMsMax = 30_000;
const built = fileURLToPath(new URL("../../", import.meta.url));
const program = (path: string) => join(built, path);
const root = fileURLToPath(new URL("../../../", import.meta.url));

export async function openHouse(options: HouseOptions): Promise<House> {
  const { signal, plots } = options;
  const directory = mkdtempSync(join(tmpdir(), "teal-demo-"));
  // What the processes write themselves goes there too, and with it.
  process.env["TMPDIR"] = directory;
  const guard = guardProcesses(directory);
  const closing: (() => Promise<unknown>)[] = [];
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      for (const end of closing.reverse()) await end().catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
      guard.end();
    })();
    return closed;
  };
  const start = (name: string, path: string, args: string[], env: Record<string, string> = {}) => {
    signal.throwIfAborted();
    const child = startProcess(process.execPath, ["--enable-source-maps", program(path), ...args], {
      name,
      env,
    });
    guard.watch();
    closing.push(() => child.stop(5_000));
    return child;
  };

  try {
    const redis = await openRedis();
    closing.push(() => redis.close());
    guard.watch();

    const world = join(root, options.world);
    const anyPort = ["--port", "0", "--free-ports"];
    const local = start(
      "the sandbox",
      "sandbox/main.js",
      ["start", "--world", world, "--seed", String(options.seed), "--json"].concat(anyPort),
    );
    const facts: SandboxFacts = JSON.parse(await local.waitForLine(/^\{"endpoint"/, startMsMax));
    const sandbox = sandboxAt(facts);
    const places = plots.map(({ service }) => placeOf(facts, service));
    await settled(sandbox, signal);

    const config = {
      services: Object.fromEntries(
        places.map(({ service, cluster, targetGroups, listenerArn }) => [
          service,
          {
            region: facts.region,
            cluster,
            service,
            targetGroups,
            routes: [{ listener: listenerArn }],
            strategy: service,
            onBusy: "queue",
          },
        ]),
      ),
      strategies: Object.fromEntries(plots.map(({ service, strategy }) => [service, strategy])),
    };
    const configFile = join(directory, "teal.yaml");
    // JSON is YAML.
    writeFileSync(configFile, JSON.stringify(config, undefined, 2));
    const token = randomBytes(24).toString("hex");
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const env = {
      AWS_ENDPOINT_URL: facts.endpoint,
      AWS_REGION: facts.region,
      AWS_ACCESS_KEY_ID: "sandbox",
      AWS_SECRET_ACCESS_KEY: "sandbox",
      REDIS_URL: redis.url,
      TEAL_KEY_PREFIX: redis.prefix,
      TEAL_CONFIG: configFile,
      TEAL_TOKEN: token,
      // Short, so that a dead worker's deployment is taken over while the audience watches.
      TEAL_LOCK_MS: "3000",
      TEAL_STALLED_MS: "1000",
      TEAL_SWEEP_MS: "1000",
      TEAL_STOP_MS: "3000",
    };
    const api = start("the API", "src/main.js", [], { ...env, TEAL_PORT: String(port) });
    const workers = Array.from({ length: options.workers }, (_, index) => ({
      name: `worker ${index + 1}`,
      process: start(`worker ${index + 1}`, options.workerProgram, [], {
        ...env,
        ...options.workerEnv,
        TEAL_HEALTH_PORT: "0",
      }),
    }));
    await api.waitForHttp(`${url}/readyz`, startMsMax);
    for (const worker of workers) await worker.process.waitForLine(/"worker started"/, startMsMax);

    const client = createClient({ url, token, actor: "demo" });
    const teal = (...args: string[]) =>
      // A token on a command line could be read by every user of the machine. Lines are read here; CI would colour them.
      start(`teal ${args[0]}`, "src/cli/main.js", args, { TEAL_URL: url, TEAL_TOKEN: token, NO_COLOR: "1" });
    const stages = places.map(({ url: at, ...place }, index): Stage => {
      const load = startLoad({ url: at, ratePerSecond: plots[index]?.ratePerSecond ?? 0 });
      closing.push(() => load.stop());
      const watch = watchService(sandbox, place);
      closing.push(() => watch.stop());
      return { ...place, sandbox, client, workers, load, watch, teal, signal };
    });
    return { stages, sandbox, workers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where a service is found in the world, by the names of what belongs to it. */
function placeOf({ arns, listeners }: SandboxFacts, service: string) {
  const listener = listeners.find(({ name }) => name === service);
  const cluster = Object.keys(arns.services)
    .find((place) => place.endsWith(`/${service}`))
    ?.split("/")[0];
  const targetGroups = ["a", "b"].flatMap((end) => arns.targetGroups[`${service}-${end}`] ?? []);
  if (!listener || cluster === undefined || targetGroups.length < 2)
    throw new Error(`the world has no service ${service} with a listener of its name and a pair of groups`);
  return { service, cluster, listenerArn: listener.arn, url: listener.url, targetGroups };
}

/** The first versions' tasks run and are healthy. */
async function settled(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + startMsMax;
  for (;;) {
    const { taskSets, targets } = await sandbox.state();
    const steady = taskSets.every(({ stability }) => stability === "STEADY_STATE");
    if (steady && targets.length > 0 && targets.every(({ health }) => health === "healthy")) return;
    if (Date.now() > deadline) throw new Error("the first versions' tasks don't get healthy");
    await sleep(100, undefined, { signal });
  }
}
