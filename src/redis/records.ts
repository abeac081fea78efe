/** Records in Redis: see scripts.ts for the keys and the steps that are atomic. */
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { auditLine, type AuditLine, isAudited, outcomeWithin } from "../deployment/audit.ts";
import type { Command } from "../deployment/command.ts";
import { createdEvent, type DeploymentEvent } from "../deployment/event.ts";
import type { SlotSeen } from "../deployment/observation.ts";
import { isTerminal } from "../deployment/phases.ts";
import { type Deployment, recordSchema } from "../deployment/record.ts";
import type { Records } from "../engine/ports.ts";
import { TealError } from "../errors.ts";
import { type SharedClock, timeOf } from "./clock.ts";
import type { Keep } from "./confirmation.ts";
import { commandLimitMs } from "./connection.ts";
import { asking } from "./errors.ts";
import { createFeed } from "./feed.ts";
import {
  auditPlace,
  auditTime,
  checkEvents,
  checkSchema,
  defaultLimits,
  holeError,
  idAt,
  position,
  type RecordLimits,
} from "./limits.ts";
import { defineScripts, type SlotReply } from "./scripts.ts";

export interface RecordsOptions {
  redis: Redis;
  /** A connection of its own for what is published; made when somebody first subscribes. */
  subscriber: () => Redis;
  /** Begins every key; contains a hash tag, so that all keys share a slot of a cluster. */
  prefix: string;
  limits?: Partial<RecordLimits>;
  /** Hears Redis's time with every claim. */
  clock?: SharedClock;
  /** How what is accepted from outside (a new deployment, a command) is written; by `redis` where left out. */
  keep?: Keep;
  /** How long such a write may take until it is carried out; one that comes later is refused. */
  permitMs?: number;
}

/** `close` ends the subscriptions; the connection that was passed in stays open. */
export type RedisRecords = Records & { close(): Promise<void> };

/** Places looked at by one call of `list`; a page may be short, or empty, and still have a next one. */
const scanMax = 1_000;

export function createRecords({ redis, subscriber, prefix, ...options }: RecordsOptions): RedisRecords {
  if (!/\{[^}]+\}/.test(prefix)) {
    throw new TealError("bad-config", `the key prefix must contain a hash tag such as {teal}, not ${prefix}`);
  }
  const limits = { ...defaultLimits, ...options.limits };
  const feed = createFeed(subscriber, `${prefix}:changes`);
  const { keep = (_, write) => write(redis), permitMs = commandLimitMs } = options;
  defineScripts(redis);

  /**
   * Whoever asks is told that it failed once the limit of a command has passed, but what it sent may still lie in
   * the connection to a Redis that hangs, and be carried out when that goes on. So it names a key that goes by
   * itself in the same time, by Redis's own clock, and without that key nothing is done.
   */
  const permit = async (what: string): Promise<string> => {
    const key = `${prefix}:permit:${randomUUID()}`;
    const order = JSON.stringify({ permit: key, ms: permitMs });
    await asking(what, () => redis.tealPermit(prefix, order));
    return key;
  };

  return {
    create: async (deployment, events, { whenBusy, first, idempotencyKey: key, fingerprint = "", build }) => {
      checkEvents(deployment, events, 0);
      const what = `create ${deployment.id}`;
      const order = JSON.stringify({
        permit: await permit(what),
        deployment: toInsert(deployment, events),
        reject: whenBusy === "reject",
        ...(first && { first: { commandId: first.id, command: JSON.stringify(first) } }),
        ...(build && { build }),
        ...(key !== undefined && { idempotency: { key, fingerprint } }),
        limits,
      });
      const reply = await asking(what, () =>
        keep("ask", (connection) => connection.tealCreate(prefix, order)),
      );
      if (reply[0] === "late") throw late(what, permitMs);
      if (reply[0] === "existing") return { kind: "existing", deployment: toDeployment(reply[1]) };
      if (reply[0] === "stale") return { kind: "stale", accepted: Number(reply[1]) };
      if (reply[0] === "busy") return { kind: "busy", acting: reply[1] };
      if (reply[0] === "conflict") return { kind: "conflict" };
      return { kind: "created", deployment, ...(reply[1] !== "" && { asked: reply[1] }) };
    },

    claim: async (id) => {
      const order = JSON.stringify({ id, schema: recordSchema });
      const hear = options.clock?.ask();
      const reply = await asking(`claim ${id}`, () => redis.tealClaim(prefix, order));
      if (!reply) return undefined;
      const [epoch, version, record, inbox, slot, time] = reply;
      hear?.(timeOf(time));
      return {
        claim: { id, epoch },
        deployment: toDeployment(record),
        version: Number(version),
        inbox: inbox.map(toCommand),
        slot: toSlot(slot),
      };
    },

    holds: async ({ id, epoch }) => {
      const latest = await asking(`read the claim of ${id}`, () => redis.hget(`${prefix}:d:${id}`, "epoch"));
      return latest !== null && Number(latest) === epoch;
    },

    commit: async ({ claim: { id, epoch }, version, inbox, slot }, decision, now) => {
      const { next, events, wakeAt, spawn } = decision;
      const seq = next.events - events.length;
      checkEvents(next, events, seq);
      const reply = await asking(`commit ${id}`, () =>
        redis.tealCommit(
          prefix,
          JSON.stringify({
            id,
            wayBack: next.phase === "rolling_back" || isTerminal(next.phase),
            epoch,
            version,
            inbox: inbox.map((command) => command.id),
            slot: { acting: slot.acting ?? "", retaining: slot.retaining ?? "", queue: slot.queue },
            now,
            record: JSON.stringify(next),
            terminal: isTerminal(next.phase),
            settled: next.settled,
            seq,
            events: events.map((event) => JSON.stringify(event)),
            audit: placesOf(next, events),
            wakeAt,
            change: decision.slot,
            doubt: decision.doubt && JSON.stringify(decision.doubt),
            spawn: spawn && toInsert({ ...spawn, events: 1 }, [createdEvent(spawn)]),
            tell: decision.tell.map(({ deployment, command }) => ({
              id: deployment,
              commandId: command.id,
              command: JSON.stringify(command),
            })),
            limits,
          }),
        ),
      );
      if (reply[0] === "lost") return { kind: "lost" };
      if (reply[0] === "defect") throw holeError(next, events, reply[1]);
      if (reply[0] === "again") {
        return { kind: "again", inbox: reply[1].map(toCommand), slot: toSlot(reply[2]) };
      }
      const [kind, committed, left, after, wake] = reply;
      return { kind, version: committed, inbox: left.map(toCommand), slot: toSlot(after), wake };
    },

    post: async (id, command, now) => {
      const what = `post to ${id}`;
      const order = JSON.stringify({
        permit: await permit(what),
        wayBack: command.kind === "rollback",
        id,
        commandId: command.id,
        command: JSON.stringify(command),
        now,
        limits,
      });
      // The operator wins: a command is obeyed also where no replica is there to confirm it, but then it isn't acknowledged.
      const reply = await asking(what, () =>
        keep("write", (connection) => connection.tealPost(prefix, order)),
      );
      if (reply === "late") throw late(what, permitMs);
      if (reply !== "full") return reply;
      throw new TealError("unavailable", `${id} has ${limits.inbox} commands waiting already`, {
        retryAfterMs: 1_000,
      });
    },

    load: async (id) => {
      const record = await asking(`load ${id}`, () => redis.hget(`${prefix}:d:${id}`, "record"));
      return record === null ? undefined : toDeployment(record);
    },

    slot: async (service) => {
      const [acting, retaining, queue, doubt, build] = await asking(`read the slot of ${service}`, () =>
        redis.tealSlot(prefix, JSON.stringify({ service })),
      );
      return { ...toSlot([acting, retaining, queue, doubt]), ...(build !== "" && { build: Number(build) }) };
    },

    list: async ({ service, phases, before, limit }) => {
      const size = Math.min(limit, limits.page);
      const key = service === undefined ? `${prefix}:all` : `${prefix}:service:${service}`;
      const deployments: Deployment[] = [];
      let end = before;
      for (let scanned = 0; scanned < scanMax; scanned += limits.page) {
        const places = await asking("list deployments", () =>
          redis.zrevrangebylex(key, end === undefined ? "+" : `(${end}`, "-", "LIMIT", 0, limits.page),
        );
        const records = await asking("list deployments", () => load(redis, prefix, places.map(idAt)));
        for (const [i, place] of places.entries()) {
          if (deployments.length === size) return { deployments, ...(end !== undefined && { next: end }) };
          end = place;
          const deployment = records[i];
          if (!deployment || (phases && !phases.includes(deployment.phase))) continue;
          deployments.push(deployment);
        }
        if (places.length < limits.page) return { deployments };
      }
      return { deployments, ...(end !== undefined && { next: end }) };
    },

    events: async (id, from, limit) => {
      const order = JSON.stringify({ id, from, limit });
      const events = await asking(`read the events of ${id}`, () => redis.tealEvents(prefix, order));
      return events.map(toEvent);
    },

    audit: async ({ service, since = 0, until, fits = () => true, limit, before }) => {
      const size = Math.min(limit, limits.page);
      const least = `[${auditTime(since)}`;
      const lines: AuditLine[] = [];
      let end = before ?? (until === undefined ? undefined : auditTime(until));
      for (let scanned = 0; scanned < scanMax; scanned += limits.page) {
        const places = await asking("read the audit", () =>
          redis.zrevrangebylex(
            `${prefix}:audit`,
            end === undefined ? "+" : `(${end}`,
            least,
            "LIMIT",
            0,
            limits.page,
          ),
        );
        const found = await asking("read the audit", () => linesAt(redis, prefix, places, service));
        for (const [i, place] of places.entries()) {
          if (lines.length === size) return { lines, ...(end !== undefined && { next: end }) };
          end = place;
          const line = found[i];
          if (line && fits(line)) lines.push(line);
        }
        if (places.length < limits.page) return { lines };
      }
      return { lines, ...(end !== undefined && { next: end }) };
    },

    subscribe: (listener) => feed.subscribe(listener),

    due: (before, limit, skip = 0) =>
      asking("list what is due", () =>
        redis.zrangebyscore(`${prefix}:due`, "-inf", `(${before}`, "LIMIT", skip, limit),
      ),

    dueAt: async (id) => {
      const at = await asking(`read when ${id} is due`, () => redis.zscore(`${prefix}:due`, id));
      return at === null ? undefined : Number(at);
    },

    close: () => feed.close(),
  };
}

function late(what: string, permitMs: number): TealError {
  const message = `Redis could not ${what} within ${permitMs} ms: nothing was written`;
  return new TealError("unavailable", message, { retryAfterMs: 1_000 });
}

async function load(redis: Redis, prefix: string, ids: string[]): Promise<(Deployment | undefined)[]> {
  if (ids.length === 0) return [];
  const batch = redis.pipeline();
  for (const id of ids) batch.hget(`${prefix}:d:${id}`, "record");
  const replies = (await batch.exec()) ?? [];
  return replies.map(([error, record]) => {
    if (error) throw error;
    return typeof record === "string" ? toDeployment(record) : undefined;
  });
}

/** The lines that stand there; undefined where one is another service's, or its deployment is no longer kept. */
async function linesAt(
  redis: Redis,
  prefix: string,
  places: string[],
  only: string | undefined,
): Promise<(AuditLine | undefined)[]> {
  return Promise.all(
    places.map(async (place) => {
      const [, service = "", id = "", seq = ""] = place.split(":");
      if (only !== undefined && only !== service) return undefined;
      const order = JSON.stringify({ id, from: Number(seq), limit: outcomeWithin + 1 });
      const events = (await redis.tealEvents(prefix, order)).map(toEvent);
      // Where the beginning of a history was cut off, another event stands first.
      return events[0]?.seq === Number(seq) ? auditLine({ id, service }, events) : undefined;
    }),
  );
}

function toInsert(deployment: Deployment, events: DeploymentEvent[]): object {
  return {
    id: deployment.id,
    service: deployment.service,
    record: JSON.stringify(deployment),
    events: events.map((event) => JSON.stringify(event)),
    audit: placesOf(deployment, events),
    place: position(deployment),
    createdAt: deployment.createdAt,
  };
}

function placesOf(d: Deployment, events: DeploymentEvent[]): string[] {
  return events.filter(isAudited).map((event) => auditPlace(d, event));
}

function toSlot([acting, retaining, queue, doubt]: SlotReply): SlotSeen {
  return {
    ...(acting !== "" && { acting }),
    ...(retaining !== "" && { retaining }),
    queue,
    ...(doubt !== "" && { doubt: JSON.parse(doubt) }),
  };
}

// What these keys hold was written by this file alone, so it has the type it was written with.

function toDeployment(json: string): Deployment {
  return checkSchema(JSON.parse(json));
}

function toCommand(json: string): Command {
  return JSON.parse(json);
}

function toEvent(json: string): DeploymentEvent {
  return JSON.parse(json);
}
