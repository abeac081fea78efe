/**
 * Redis killed, hung, cut off, full or turned into a replica under deployments: nothing acknowledged is lost, nothing
 * is accepted by halves. The outages are played side by side, because they mostly wait.
 */
import { afterEach, expect, it } from "vitest";
import { Redis } from "ioredis";
import { type DedicatedRedis, startDedicatedRedis } from "../../support/redis.ts";
import { openLine, type TcpLine } from "../../support/tcp-line.ts";
import { early, endure, late, type Outage, type Report, rowOf, tableHead } from "./drama.ts";
import { openStage } from "./stage.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const short = { ms: 6_000, recoveryMsMax: 30_000, rollback: 503 } as const;

/** Longer than every limit of a connection. */
const long = { ...short, ms: 30_000 } as const;

interface Hurt {
  server: DedicatedRedis;
  /** Past the line. */
  admin: Redis;
  /** Between Teal and Redis. */
  line: TcpLine;
}

const outages: Record<string, (hurt: Hurt) => Outage> = {
  "killed and restarted": ({ server }) => ({ ...short, begin: server.kill, end: server.restart, ready: 503 }),
  hangs: ({ server }) => ({ ...long, begin: server.freeze, end: server.thaw, ready: 503 }),
  "cut off, connections reset": ({ line }) => ({
    ...long,
    begin: () => line.reset(),
    end: () => line.mend(),
    ready: 503,
  }),
  "cut off, connections swallowed": ({ line }) => ({
    ...long,
    begin: () => line.swallow(),
    end: () => line.mend(),
    ready: 503,
  }),
  "without memory": ({ admin }) => ({
    ...short,
    begin: () => admin.config("SET", "maxmemory", "1"),
    end: () => admin.config("SET", "maxmemory", "0"),
    ready: 200,
    // The way back is taken all the same.
    rollback: 202,
    ms: 15_000,
  }),
  "a replica": ({ admin }) => ({
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
  const line = await openLine(server.port);
  closing.push(() => line.close());
  const stage = await openStage([...early, ...late], { REDIS_URL: `redis://127.0.0.1:${line.port}` });
  closing.push(() => stage.close());
  try {
    return [name, await endure(stage, outageOn({ server, admin, line }))];
  } catch (error) {
    throw new Error(`Redis ${name}`, { cause: error });
  }
}

/** Each message once in ten seconds; of the API one more line for each request that it refuses. */
const troubleMax = 40;
/** What a process may log beside its requests: what happens to seven deployments, and the trouble. */
const linesMax = 400;
/** When it comes, and when it is answered. */
const linesOfRequest = 2;
const bytesEachMax = 700;

it("nothing is lost, and all ends well", async () => {
  const reports = new Map(await Promise.all(Object.entries(outages).map(play)));
  for (const [name, report] of reports) console.info(`Redis ${name}: ${JSON.stringify(report)}`);
  console.info([tableHead, ...[...reports].map(([name, report]) => rowOf(name, report))].join("\n"));
  for (const [name, { lost, logged, asked }] of reports) {
    expect(lost, name).toEqual([]);
    expect(logged.trouble, name).toBeLessThan(troubleMax + asked.refused);
    const linesWanted = linesMax + linesOfRequest * asked.all;
    expect(logged.lines, name).toBeLessThan(linesWanted);
    expect(logged.bytes, name).toBeLessThan(bytesEachMax * linesWanted);
  }
  expect(reports.get("without memory")?.backMs).toBeDefined();
  // A Redis that answers, or that refuses connections, lets nobody wait.
  for (const [name, { slowestRefusalMs }] of reports) {
    const answers = name !== "hangs" && name !== "cut off, connections swallowed";
    if (answers) expect(slowestRefusalMs, name).toBeLessThan(3_000);
  }
});
