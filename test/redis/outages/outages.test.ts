/**
 * Redis killed, hung, full or turned into a replica under deployments: nothing acknowledged is lost, nothing is
 * accepted by halves. The outages are played side by side, because they mostly wait.
 */
import { afterEach, expect, it } from "vitest";
import { Redis } from "ioredis";
import { type DedicatedRedis, startDedicatedRedis } from "../../support/redis.ts";
import { early, endure, late, type Outage, type Report } from "./drama.ts";
import { openStage } from "./stage.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const short = { ms: 6_000, recoveryMsMax: 30_000, rollback: 503 } as const;

const outages: Record<string, (server: DedicatedRedis, admin: Redis) => Outage> = {
  "killed and restarted": (server) => ({ ...short, begin: server.kill, end: server.restart, ready: 503 }),
  // Longer than every limit of a connection.
  hangs: (server) => ({ ...short, begin: server.freeze, end: server.thaw, ready: 503, ms: 30_000 }),
  "without memory": (_, admin) => ({
    ...short,
    begin: () => admin.config("SET", "maxmemory", "1"),
    end: () => admin.config("SET", "maxmemory", "0"),
    ready: 200,
    // The way back is taken all the same.
    rollback: 202,
    ms: 15_000,
  }),
  "a replica": (_, admin) => ({
    ...short,
    begin: () => admin.replicaof("127.0.0.1", 1),
    end: () => admin.replicaof("NO", "ONE"),
    ready: 200,
  }),
};

async function play([name, outageOn]: [string, (typeof outages)[string]]): Promise<[string, Report]> {
  const server = await startDedicatedRedis({ appendOnly: true });
  closing.push(() => server.close());
  const admin = new Redis(server.url, { maxRetriesPerRequest: null });
  admin.on("error", () => {});
  closing.push(() => admin.disconnect());
  const stage = await openStage([...early, ...late], { REDIS_URL: server.url });
  closing.push(() => stage.close());
  try {
    return [name, await endure(stage, outageOn(server, admin))];
  } catch (error) {
    throw new Error(`Redis ${name}`, { cause: error });
  }
}

/** Each message once in ten seconds, and of the API one more line for each request that it refuses. */
const troubleMax = 60;

it("nothing is lost, and all ends well", async () => {
  const reports = new Map(await Promise.all(Object.entries(outages).map(play)));
  for (const [name, report] of reports) {
    console.info(`Redis ${name}: ${JSON.stringify(report)}`);
    expect(Math.max(...Object.values(report.trouble)), name).toBeLessThan(troubleMax);
  }
  expect(reports.get("without memory")?.backMs).toBeDefined();
  // A Redis that answers, or that refuses connections, lets nobody wait.
  for (const [name, { slowestRefusalMs }] of reports) {
    if (name !== "hangs") expect(slowestRefusalMs, name).toBeLessThan(3_000);
  }
});
