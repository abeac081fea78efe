/**
 * Everything of a worker that is real but AWS: records and wake-ups in a Redis, the engine, BullMQ. In place of AWS
 * stands a cloud that answers at once that all is well, to deployments that bake: what is left is what Teal costs.
 */
import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { type Decide, decide } from "../src/deployment/decide.ts";
import { createdEvent } from "../src/deployment/event.ts";
import type { Deployment } from "../src/deployment/record.ts";
import { createEngine, type Engine } from "../src/engine/engine.ts";
import type { Clock, Cloud, Records } from "../src/engine/ports.ts";
import { type ConnectionUse, connectRedis, openRedis } from "../src/redis/connection.ts";
import { createRecords } from "../src/redis/records.ts";
import { createWakes, type RedisWakes } from "../src/redis/wakes.ts";
import { scene } from "../test/support/fixtures.ts";
import { nothingOutside } from "../test/support/outside.ts";
import { silent } from "../test/support/silent.ts";
import { consumeDeployments } from "../workers/deployments.ts";

export interface StageOptions {
  url: string;
  /** Begins every key; a hash tag. */
  prefix: string;
  /**
   * The engine's clock is so far behind BullMQ's: with an hour, a sleep of minutes is over at once for BullMQ, and a
   * sleep all the same for the engine.
   */
  behindMs?: number;
  /** When the next look comes, in place of what the rules say; undefined: never, the job ends. */
  wakeAt: (id: string, now: number) => number | undefined;
  /** Hears what is committed. */
  onCommit?: (id: string, commandIds: string[]) => void;
  /** Called at every look; the look waits for it. */
  onLook?: (service: string) => Promise<void>;
}

export interface WorkerSettings {
  concurrency: number;
  lockMs: number;
  stalledMs: number;
}

export interface Stage {
  redis: Redis;
  engine: Engine;
  wakes: RedisWakes;
  /** A deployment that has baked for a moment and will for hours; its id and its service's name. */
  bake(id: string): Promise<void>;
  /** A worker on connections of its own; `requests` tells how many it has sent and its records' connection too. */
  work(settings: WorkerSettings): { requests: () => number };
  close(): Promise<void>;
}

/** Safe to open more than once on one Redis with prefixes of their own. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { url, prefix, behindMs = 0, wakeAt, onCommit, onLook } = options;
  const clock: Clock = { now: () => Date.now() - behindMs };
  const connections: Redis[] = [];
  const connect = (use: ConnectionUse): Redis => {
    const connection = connectRedis(url, use, silent);
    connections.push(connection);
    return connection;
  };
  const redis = connect("records");
  await openRedis(redis);
  const kept = createRecords({ redis, subscriber: () => connect("subscriber"), prefix });
  const records: Records = {
    ...kept,
    commit: async (claimed, decision, now) => {
      const result = await kept.commit(claimed, decision, now);
      if (result.kind === "committed")
        onCommit?.(
          claimed.claim.id,
          decision.answers.map((answer) => answer.commandId),
        );
      return result;
    },
  };
  const wakes = createWakes({ redis, prefix, log: silent });
  const paced: Decide = (before, seen, commands, now) => {
    const { wakeAt: _byTheRules, ...decision } = decide(before, seen, commands, now);
    const at = wakeAt(before.id, now);
    return { ...decision, ...(at !== undefined && { wakeAt: at }) };
  };
  const engine = createEngine({
    records,
    wakes,
    cloud: instantCloud(clock, onLook),
    ...nothingOutside(clock),
    clock,
    random: () => randomBytes(8).toString("hex"),
    log: silent,
    decide: paced,
  });
  const stops: (() => Promise<void>)[] = [];

  return {
    redis,
    engine,
    wakes,
    bake: async (id) => {
      const d = baking(id, clock.now());
      await records.create(d, [createdEvent(d)], { whenBusy: "reject" });
    },
    work: (settings) => {
      const connection = connect("jobs");
      const counts = [countRequests(redis), countRequests(connection)];
      const worker = consumeDeployments({
        connection,
        prefix,
        engine,
        records,
        wakes,
        // BullMQ's, which the engine's is behind.
        clock: { now: () => Date.now() },
        log: silent,
        ...settings,
      });
      stops.push(() => worker.stop(5_000));
      return { requests: () => counts.reduce((sum, count) => sum + count(), 0) };
    },
    close: async () => {
      for (const stop of stops) await stop();
      await wakes.close();
      await kept.close();
      for (const connection of connections) connection.disconnect();
    },
  };
}

/** Counts what is sent through a connection from now on; a script is one request. */
export function countRequests(redis: Redis): () => number {
  const send = redis.sendCommand.bind(redis);
  let sent = 0;
  redis.sendCommand = (command, stream) => {
    sent += 1;
    return send(command, stream);
  };
  return () => sent;
}

function baking(id: string, now: number): Deployment {
  const { d } = scene("baking");
  return {
    ...d,
    id,
    service: id,
    target: { ...d.target, name: id, service: id },
    strategy: { ...d.strategy, bakeMs: 24 * 3_600_000 },
    createdAt: now,
    phaseSince: now,
    stepSince: now,
    events: 1,
  };
}

/** All the reads of a deployment that bakes, as fresh as can be. Nothing here performs anything. */
function instantCloud(clock: Clock, onLook: StageOptions["onLook"]): Cloud {
  const { service, routes, health, tasks } = scene("baking").seen;
  return {
    look: async (target, look) => {
      await onLook?.(target.name);
      const at = clock.now();
      const fresh = <R>(reading: R): R => ({ ...reading, at });
      return {
        service: fresh(service),
        routes: each(routes, fresh),
        health: each(health, fresh),
        ...(tasks && look.tasks.length > 0 && { tasks: fresh(tasks) }),
      };
    },
    perform: async (_target, effect) => {
      throw new Error(`a deployment that bakes has nothing to perform, least of all ${effect.kind}`);
    },
  };
}

function each<R>(readings: Record<string, R>, change: (reading: R) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(readings).map(([key, reading]) => [key, change(reading)]));
}
