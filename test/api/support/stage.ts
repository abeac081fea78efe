/** An API over records in memory and an engine played by the test: what happens to a deployment is told step by step. */
import { buildApp } from "../../../src/api/app.ts";
import type { App, ApiParts, Intake } from "../../../src/api/parts.ts";
import type { TokenBook } from "../../../src/auth/ports.ts";
import type { Config } from "../../../src/config/config.ts";
import { readConfigText } from "../../../src/config/file.ts";
import { Secret } from "../../../src/config/secret.ts";
import type { Command } from "../../../src/deployment/command.ts";
import type { SlotChange } from "../../../src/deployment/decision.ts";
import { createdEvent, type DeploymentEvent, type EventBody } from "../../../src/deployment/event.ts";
import { isTerminal } from "../../../src/deployment/phases.ts";
import { type Deployment, recordSchema } from "../../../src/deployment/record.ts";
import type { Stray } from "../../../src/deployment/recover.ts";
import type { StrayBook, StraysFound } from "../../../src/engine/ports.ts";
import { TealError } from "../../../src/errors.ts";
import { createMemoryRepeats } from "../../support/memory-repeats.ts";
import { createMemoryTokens } from "../../support/memory-tokens.ts";
import { createMemoryDeliveries } from "../../support/memory-deliveries.ts";
import { createLogger } from "../../../src/telemetry.ts";
import { createMemoryRecords, type MemoryRecords } from "../../support/memory-records.ts";

export const token = "a-token-of-the-tests";
export const webhookKeys = {
  github: "a-secret-of-the-tests-for-github",
  eventbridge: "a-key-of-the-tests-for-eventbridge",
  generic: "a-secret-of-the-tests",
};

export const arn = (kind: string, name: string) =>
  `arn:aws:elasticloadbalancing:eu-west-1:123456789012:${kind}/${name}/73e2d6bc24d8a067`;

/** Two services: one behind a balancer, one without. */
export const stageYaml = `
services:
  checkout:
    region: eu-west-1
    cluster: prod
    service: checkout
    targetGroups: [${arn("targetgroup", "a")}, ${arn("targetgroup", "b")}]
    routes: [{ listener: ${arn("listener", "app/web")} }]
    strategy: careful
  worker: { region: eu-west-1, cluster: prod, service: worker, strategy: by-scale, onBusy: queue }
strategies:
  careful:
    steps: [{ weight: 10 }, { pause: 10m }, { weight: 50 }, { weight: 100 }]
    bake: 5m
  by-scale:
    steps: [{ scale: 50 }, { scale: 100 }]
`;

export function testConfig(change: Partial<Config> = {}): Config {
  const { config, problems } = readConfigText(stageYaml, "test.yaml");
  if (!config) throw new Error(JSON.stringify(problems));
  return {
    ...config,
    http: {
      host: "127.0.0.1",
      port: 0,
      token: new Secret(token),
      insecure: false,
      adminTokenFile: "unused",
      stopMs: 1_000,
      limits: { perSecond: 1_000, failuresPerMinute: 1_000 },
    },
    webhookKeys: {
      github: [new Secret(webhookKeys.github)],
      eventbridge: [new Secret(webhookKeys.eventbridge)],
      generic: [new Secret(webhookKeys.generic)],
    },
    outbound: { allow: { names: [], suffixes: [], ranges: [] }, hookKeys: [], secrets: {} },
    source: { path: "test.yaml", digest: "0123456789ab" },
    redis: { place: "redis://unused", keyPrefix: "{teal}" },
    worker: { healthPort: 0, concurrency: 1, lockMs: 1, stalledMs: 1, sweepMs: 1, straysMs: 0, stopMs: 1 },
    log: { level: "silent" },
    ...change,
  };
}

export interface Stage {
  app: App;
  records: MemoryRecords;
  clock: { now(): number };
  tokens: TokenBook;
  /** Task sets without a record, as the engine finds them. */
  strays: Stray[];
  /** What the engine was asked. */
  asked: Command[];
  log: string[];
  /** While set, whatever needs the records is refused so. */
  fail: (error: TealError | Error | undefined) => void;
  failPing: (how: "rejects" | "hangs" | undefined) => void;
  /** How commands end: `obey` and `refuse` write the answer at once, `keep` leaves it to the test. */
  answers: (how: "obey" | "refuse" | "keep") => void;
  /** Starts a deployment of the service past the API. */
  start(service?: string): Promise<string>;
  /** Commits a change of the record with events. */
  commit(id: string, change: (d: Deployment) => void, ...events: [EventBody, string][]): Promise<void>;
  /** Commits that green is PRIMARY and blue is kept: the next one acts. */
  retains(id: string): Promise<void>;
  answer(id: string, command: Command, obeyed: boolean, message: string): Promise<void>;
}

export async function createStage(
  change: Partial<Config> = {},
  parts: Partial<ApiParts> = {},
  reloaded: (config: Config) => Config = (config) => config,
): Promise<Stage> {
  const records = createMemoryRecords();
  const config = testConfig(change);
  const clock = { now: () => Date.now() };
  const asked: Command[] = [];
  const strays: Stray[] = [];
  const log: string[] = [];
  let failure: Error | undefined;
  let pingFailure: "rejects" | "hangs" | undefined;
  let how: "obey" | "refuse" | "keep" = "obey";
  let count = 0;

  const failing = <A extends unknown[], T>(method: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      if (failure) throw failure;
      return method(...args);
    };
  };

  const engine: Intake = {
    start: failing(async (order) => {
      const id = `d${(count += 1)}`;
      const d = blank(id, order, clock.now());
      const created = await records.create(d, [createdEvent(d)], {
        whenBusy: order.whenBusy === "reject" ? "reject" : "queue",
        ...(order.idempotencyKey !== undefined && { idempotencyKey: order.idempotencyKey }),
        fingerprint: JSON.stringify([order.target.name, order.strategy.name, order.request]),
      });
      if (created.kind === "busy") throw new TealError("busy", `${created.acting} acts on ${d.service}`);
      if (created.kind === "stale") throw new TealError("stale-build", `build ${created.accepted} is newer`);
      if (created.kind === "conflict") throw new TealError("idempotency-conflict", "the key was used before");
      return { deployment: created.deployment, existing: created.kind === "existing" };
    }),
    ask: failing(async (id, { commandId, ...order }) => {
      const d = await records.load(id);
      if (!d) throw new TealError("unknown-deployment", `There is no deployment ${id}.`);
      const command: Command = { ...order, id: commandId ?? `c${asked.length}`, at: clock.now() };
      const repeated = asked.some((earlier) => earlier.id === command.id);
      asked.push(command);
      if (how !== "keep" && !repeated) {
        await stage.answer(id, command, how === "obey", how === "obey" ? "done" : "not now: it is drifting");
      }
      return command;
    }),
    // What it tells is told in a whole world, in plan.test.ts.
    plan: failing(async () => {
      throw new TealError("unavailable", "there is no AWS on this stage");
    }),
    // What it decides between is told in a whole world, in redeploy.test.ts.
    redeploy: failing(async (id, order) => {
      const earlier = await records.load(id);
      if (!earlier) throw new TealError("unknown-deployment", `There is no deployment ${id}.`);
      const { deployment } = await engine.start({ ...order, request: earlier.request, whenBusy: "queue" });
      return { kind: "started", deployment, existing: false };
    }),
    strays: failing(async () => strays),
    recover: failing(async ({ deployment, way, ...order }) => {
      const stray = strays.find((one) => one.deployment === deployment);
      if (!stray?.ways.includes(way)) throw new TealError("command-refused", `${deployment} can't go ${way}`);
      strays.splice(strays.indexOf(stray), 1);
      const d = { ...blank(`d${(count += 1)}`, { ...order, request: {}, whenBusy: "reject" }, clock.now()) };
      const created = await records.create({ ...d, recovers: deployment }, [createdEvent(d)], {
        whenBusy: "reject",
      });
      if (created.kind !== "created") throw new TealError("busy", "another acts");
      return created.deployment;
    }),
  };

  const book = new Map<string, StraysFound>();
  const strayBook: StrayBook = {
    write: failing(async (service, found) => void book.set(service, found)),
    read: failing(async (services) =>
      Object.fromEntries([...book].filter(([service]) => services.includes(service))),
    ),
    mayTell: async () => true,
  };

  const memory = createMemoryTokens();
  const tokens: TokenBook = {
    write: failing((record) => memory.write(record)),
    writeFirst: failing((record) => memory.writeFirst(record)),
    find: failing((id) => memory.find(id)),
    list: failing(() => memory.list()),
    remove: failing((id) => memory.remove(id)),
  };
  const repeats = createMemoryRepeats();
  const deliveries = createMemoryDeliveries(() => (parts.clock ?? clock).now());

  const app = await buildApp({
    engine,
    records: {
      load: failing((id) => records.load(id)),
      list: failing((filter) => records.list(filter)),
      events: failing((id, from, limit) => records.events(id, from, limit)),
      audit: failing((query) => records.audit(query)),
      slot: failing((service) => records.slot(service)),
      subscribe: failing((listener) => records.subscribe(listener)),
    },
    tokens,
    repeats: {
      take: failing((key, request) => repeats.take(key, request)),
      keep: failing((key, request, answer) => repeats.keep(key, request, answer)),
      release: failing((key) => repeats.release(key)),
    },
    issuers: { fetchJson: () => Promise.reject(new Error("no issuer is configured")) },
    deliveries: {
      isSpent: failing((id) => deliveries.isSpent(id)),
      keep: failing((delivery, payload, spentMs) => deliveries.keep(delivery, payload, spentMs)),
      load: failing((id) => deliveries.load(id)),
      payload: failing((id) => deliveries.payload(id)),
      list: failing((page) => deliveries.list(page)),
    },
    strayBook,
    config: { current: () => reloaded(config), state: () => ({ digest: config.source.digest, since: 0 }) },
    clock,
    log: createLogger({ name: "api", level: "trace", write: (line) => void log.push(line) }),
    ping: async () => {
      if (pingFailure === "rejects") throw new Error("refused by redis://user:hunter2@host");
      if (pingFailure === "hangs") await new Promise(() => {});
    },
    stream: { pollMs: 50, heartbeatMs: 100, lastsMs: 60_000, most: { all: 5, each: 3 } },
    ...parts,
  });

  const commit = async (
    id: string,
    change: (d: Deployment) => void,
    bodies: [EventBody, string][],
    retain?: SlotChange,
  ) => {
    const claimed = await records.claim(id);
    if (!claimed) throw new Error(`no ${id}`);
    const next = structuredClone(claimed.deployment);
    change(next);
    const events = bodies.map(([body, message], index): DeploymentEvent => {
      return { seq: claimed.deployment.events + index, at: clock.now(), message, ...body };
    });
    next.events += events.length;
    const slot = retain ?? (isTerminal(next.phase) ? "done" : undefined);
    const decision = { next, perform: false, events, answers: [], tell: [], ...(slot && { slot }) };
    const { kind } = await records.commit(claimed, decision, clock.now());
    if (kind !== "committed") throw new Error(kind);
  };

  const stage: Stage = {
    app,
    tokens,
    strays,
    records,
    clock,
    asked,
    log,
    fail: (error) => {
      failure = error;
    },
    failPing: (next) => {
      pingFailure = next;
    },
    answers: (next) => {
      how = next;
    },
    start: async (service = "checkout") => {
      const configured = config.services[service];
      if (!configured) throw new Error(service);
      const { deployment } = await engine.start({
        ...configured,
        request: { taskDefinition: "web:2" },
        actor: { kind: "operator", name: "test" },
        whenBusy: "queue",
      });
      return deployment.id;
    },
    commit: (id, change, ...bodies) => commit(id, change, bodies),
    retains: (id) => commit(id, (d) => (d.phase = "retaining"), [], "retain"),
    answer: (id, { kind, id: commandId, actor }, obeyed, message) =>
      stage.commit(id, () => {}, [{ type: "command", command: kind, commandId, actor, obeyed }, message]),
  };
  return stage;
}

function blank(id: string, order: Parameters<Intake["start"]>[0], now: number): Deployment {
  return {
    schema: recordSchema,
    gates: {},
    verdicts: {},
    shares: [],
    overrides: [],
    id,
    service: order.target.name,
    target: order.target,
    strategy: order.strategy,
    request: order.request,
    actor: order.actor,
    createdAt: now,
    phase: "queued",
    phaseSince: now,
    step: 0,
    stepSince: now,
    note: "waits until the service is free",
    green: {},
    routes: [],
    carriedAt: { blue: 0, green: 0 },
    deleting: {},
    unsureUntil: 0,
    trouble: {},
    problems: [],
    told: [],
    settled: false,
    events: 1,
  };
}
