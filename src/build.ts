/** The composition root: the only place that makes adapters and puts them together. */
import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { createClients } from "./aws/clients.ts";
import { createCloud } from "./aws/cloud.ts";
import { createMetrics } from "./aws/metrics.ts";
import type { Config } from "./config/config.ts";
import { type LiveConfig, watchConfig } from "./config/reload.ts";
import { closuresAt } from "./deployment/calendar.ts";
import type { Decide } from "./deployment/decide.ts";
import { type AwsHint, createEngine, type Engine } from "./engine/engine.ts";
import type { Clock, Cloud, Github, Hooks, Records, ReportBook, StrayBook, Wakes } from "./engine/ports.ts";
import { createGithub } from "./outbound/github.ts";
import { createGauges } from "./outbound/gauges.ts";
import { createHooks } from "./outbound/hooks.ts";
import { createIssuers } from "./outbound/issuers.ts";
import { createSharedClock, followTime } from "./redis/clock.ts";
import { confirming, type Keep } from "./redis/confirmation.ts";
import { type ConnectionUse, connectRedis, openRedis } from "./redis/connection.ts";
import type { KeySource } from "./auth/issuerKeys.ts";
import type { TokenBook } from "./auth/ports.ts";
import type { Kept, RepeatBook } from "./api/repeats.ts";
import type { Deliveries, Delivery } from "./api/webhooks/delivery.ts";
import { createDeliveries } from "./redis/deliveries.ts";
import { asking } from "./redis/errors.ts";
import { checkRedis } from "./redis/fitness.ts";
import { createReportBook } from "./redis/reports.ts";
import { createRecords } from "./redis/records.ts";
import { createStrayBook } from "./redis/strays.ts";
import { createRepeatBook } from "./redis/repeats.ts";
import { createTokenBook } from "./redis/tokens.ts";
import { createWakes } from "./redis/wakes.ts";
import { createLogger, type Logger, limitRate, type TroubleLog } from "./telemetry.ts";

export interface Teal {
  /** Read again while the process runs. */
  config: LiveConfig;
  clock: Clock;
  log: Logger;
  /** Lets each message through once in a while: for what can fail a thousand times a second. */
  troubleLog: TroubleLog;
  records: Records;
  wakes: Wakes;
  engine: Engine;
  /** See the engine's; of all that is configured now. */
  hints: (event: AwsHint) => Promise<string[]>;
  deliveries: Deliveries;
  /** Where a token is configured. */
  github: Github | undefined;
  reportBook: ReportBook;
  /** Where the keys of issuers of tokens are asked for. */
  issuers: KeySource;
  strayBook: StrayBook;
  tokens: TokenBook;
  /** Which request has which idempotency key, and what was answered to it. */
  repeats: RepeatBook;
  /** Throws `unavailable` where Redis doesn't answer. */
  ping: () => Promise<void>;
  /** A connection for BullMQ's workers; closed with everything else. */
  connectJobs(): Redis;
  /** Closes all connections, without waiting for what is under way. */
  close(): Promise<void>;
}

const troubleEveryMs = 10_000;

/** Parts to put in another's place: for tests, which see by a broken one whether its breaking shows. */
export interface Instead {
  records?: (records: Records) => Records;
  cloud?: (cloud: Cloud) => Cloud;
  hooks?: (hooks: Hooks) => Hooks;
  decide?: Decide;
}

/** Connects and checks; throws TealError('unavailable' | 'bad-redis'). `name` is the process's, for its logs. */
export async function build(config: Config, name: "api" | "worker", instead: Instead = {}): Promise<Teal> {
  const clock = createSharedClock();
  const log = createLogger({ name, level: config.log.level });
  const troubleLog = limitRate(log, troubleEveryMs, () => clock.now());
  const { place, keyPrefix: prefix, wait } = config.redis;
  const connections: Redis[] = [];
  const connect = (use: ConnectionUse): Redis => {
    const connection = connectRedis(place, use, troubleLog);
    connections.push(connection);
    return connection;
  };
  const disconnect = (): void => {
    for (const connection of connections) connection.disconnect();
  };

  const redis = connect("records");
  let keep: Keep | undefined;
  let time: { stop(): void } | undefined;
  try {
    await openRedis(redis);
    time = await followTime(clock, redis);
    for (const warning of await checkRedis(redis, wait?.replicas)) log.warn(warning);
    if (wait) {
      const accepting = connect("records");
      await openRedis(accepting);
      keep = confirming({ redis: accepting, prefix, ...wait });
    }
  } catch (error) {
    time?.stop();
    disconnect();
    throw error;
  }
  const live = watchConfig(config, { now: () => clock.now(), log });
  const records = createRecords({
    redis,
    subscriber: () => connect("subscriber"),
    prefix,
    clock,
    ...(keep && { keep }),
  });
  const wakes = createWakes({ redis, prefix, log: troubleLog });
  const clients = createClients({ clock });
  const cloud = createCloud({ clock, log, clients });
  const metrics = createMetrics({ clock, log, clients });
  const outbound = { clock, log, ...config.outbound };
  const gauges = createGauges(outbound);
  const hooks = createHooks({ ...outbound, keys: config.outbound.hookKeys });
  const engine = createEngine({
    records: instead.records?.(records) ?? records,
    wakes,
    cloud: instead.cloud?.(cloud) ?? cloud,
    gauge: {
      measure: (target, ask, deadline) =>
        ask.kind === "prometheus" || ask.kind === "http"
          ? gauges.measure(ask, deadline)
          : metrics.measure(target, ask, deadline),
    },
    hooks: instead.hooks?.(hooks) ?? hooks,
    closed: (service, now) => {
      const calendar = live.current().services[service]?.calendar;
      return calendar ? closuresAt(calendar, service, now) : [];
    },
    ...(instead.decide && { decide: instead.decide }),
    clock,
    random: () => randomBytes(8).toString("hex"),
    log,
  });

  return {
    config: live,
    clock,
    log,
    troubleLog,
    records,
    wakes,
    engine,
    hints: (event) =>
      engine.hint(
        event,
        Object.values(live.current().services).map(({ target }) => target),
      ),
    issuers: createIssuers(outbound),
    github:
      config.githubToken &&
      createGithub({ ...outbound, token: config.githubToken, api: () => live.current().github.api }),
    reportBook: createReportBook(redis, prefix, () => clock.now()),
    deliveries: createDeliveries<Delivery>(redis, prefix),
    strayBook: createStrayBook(redis, prefix),
    tokens: createTokenBook(redis, prefix),
    repeats: createRepeatBook<Kept>(redis, prefix),
    ping: async () => {
      await asking("answer", () => redis.ping());
    },
    connectJobs: () => connect("jobs"),
    close: async () => {
      live.stop();
      time.stop();
      await records.close();
      await wakes.close();
      disconnect();
      cloud.close();
      metrics.close();
    },
  };
}
