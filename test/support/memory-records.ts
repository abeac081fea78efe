/**
 * Records in memory, with the semantics of the Redis ones (one contract suite runs against both): for scenarios
 * and the simulation. Every method does its work in one synchronous step, so nothing interleaves with it. What is
 * kept is frozen instead of copied: a record that somebody changes by the way fails at once.
 */
import { auditLine, outcomeWithin } from "../../src/deployment/audit.ts";
import type { Command } from "../../src/deployment/command.ts";
import type { Decision, SlotChange } from "../../src/deployment/decision.ts";
import { createdEvent, type DeploymentEvent } from "../../src/deployment/event.ts";
import type { SlotSeen } from "../../src/deployment/observation.ts";
import { isTerminal } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Claimed, Created, Records } from "../../src/engine/ports.ts";
import { TealError } from "../../src/errors.ts";
import {
  auditPlace,
  checkEvents,
  checkSchema,
  defaultLimits,
  position,
  type RecordLimits,
} from "../../src/redis/limits.ts";

interface Entry {
  deployment: Deployment;
  version: number;
  epoch: number;
  inbox: Command[];
  /** Ids of commands that were posted, oldest first. */
  seen: string[];
  events: DeploymentEvent[];
  eventCount: number;
}

/** Everything there is; opaque to whoever takes a snapshot. */
export interface MemoryState {
  entries: Map<string, Entry>;
  due: Map<string, number>;
  slots: Map<string, SlotSeen>;
  /** The greatest accepted build, by service. */
  builds: Map<string, number>;
  idempotency: Map<string, { id: string; fingerprint: string; expiresAt: number }>;
}

export interface MemoryRecords extends Records {
  /** Everything as it is now, for `restore`: a Redis that comes back older. */
  snapshot(): MemoryState;
  restore(snapshot: MemoryState): void;
  /** A Redis that comes back empty. */
  clear(): void;
}

export function createMemoryRecords(options: { limits?: Partial<RecordLimits> } = {}): MemoryRecords {
  const limits = { ...defaultLimits, ...options.limits };
  const listeners = new Set<(id: string) => void>();
  let state = empty();

  const slotOf = (service: string): SlotSeen => {
    const slot = state.slots.get(service) ?? { queue: [] };
    state.slots.set(service, slot);
    return slot;
  };
  const dueBy = (id: string, at: number): void => {
    state.due.set(id, Math.min(at, state.due.get(id) ?? Infinity));
  };
  const changed = (id: string): void => {
    for (const listener of listeners) listener(id);
  };
  const oldestFirst = (): Entry[] =>
    [...state.entries.values()].sort((a, b) => (position(a.deployment) < position(b.deployment) ? -1 : 1));

  /** Gives a free slot to the head of the queue. */
  const fill = (service: string, now: number): string[] => {
    const slot = slotOf(service);
    while (slot.acting === undefined) {
      const id = slot.queue.shift();
      if (id === undefined) return [];
      const entry = state.entries.get(id);
      if (!entry || isTerminal(entry.deployment.phase)) continue;
      slot.acting = id;
      if (slot.retaining === id) delete slot.retaining;
      dueBy(id, now);
      return [id];
    }
    return [];
  };

  const append = (id: string, command: Command, now: number): void => {
    const entry = state.entries.get(id);
    if (!entry || entry.seen.includes(command.id)) return;
    entry.seen = [...entry.seen, command.id].slice(-limits.seen);
    entry.inbox = [...entry.inbox, frozen(command)];
    dueBy(id, now);
  };

  const insert = (deployment: Deployment, events: DeploymentEvent[]): void => {
    state.entries.set(deployment.id, {
      deployment: frozen(deployment),
      version: 0,
      epoch: 0,
      inbox: [],
      seen: [],
      events: frozen(events),
      eventCount: events.length,
    });
    dueBy(deployment.id, deployment.createdAt);
  };

  const trim = (service: string): void => {
    const slot = slotOf(service);
    const settled = oldestFirst().filter((e) => e.deployment.service === service && e.deployment.settled);
    const excess = settled.slice(0, Math.min(Math.max(0, settled.length - limits.settled), limits.trimBatch));
    for (const { deployment, inbox } of excess) {
      const inSlot = [slot.acting, slot.retaining, ...slot.queue].includes(deployment.id);
      if (inSlot || inbox.length > 0) continue;
      state.entries.delete(deployment.id);
      state.due.delete(deployment.id);
    }
  };

  const create = (
    deployment: Deployment,
    events: DeploymentEvent[],
    options: Parameters<Records["create"]>[2],
  ): Created => {
    checkEvents(deployment, events, 0);
    const { idempotencyKey: key, fingerprint = "" } = options;
    const earlier = key === undefined ? undefined : state.idempotency.get(key);
    const known = earlier && state.entries.get(earlier.id);
    if (earlier && known && earlier.expiresAt > deployment.createdAt) {
      if (earlier.fingerprint !== fingerprint) return { kind: "conflict" };
      return { kind: "existing", deployment: known.deployment };
    }
    const same = state.entries.get(deployment.id);
    if (same) return { kind: "existing", deployment: same.deployment };
    const { build } = options;
    const accepted = state.builds.get(deployment.service);
    if (build && !build.force && accepted !== undefined && build.number < accepted) {
      return { kind: "stale", accepted };
    }
    const slot = slotOf(deployment.service);
    const acting = slot.acting ?? slot.queue[0];
    const full = !options.first && slot.queue.length >= limits.queue;
    if (acting !== undefined && (options.whenBusy === "reject" || full)) {
      return { kind: "busy", acting };
    }
    insert(deployment, events);
    if (key !== undefined) {
      const expiresAt = deployment.createdAt + limits.idempotencyMs;
      state.idempotency.set(key, { id: deployment.id, fingerprint, expiresAt });
    }
    if (build) state.builds.set(deployment.service, Math.max(build.number, accepted ?? 0));
    const { first } = options;
    const asked = first && slot.acting;
    if (first) slot.queue.unshift(deployment.id);
    else slot.queue.push(deployment.id);
    if (first && asked) append(asked, first, deployment.createdAt);
    fill(deployment.service, deployment.createdAt);
    trim(deployment.service);
    changed(deployment.id);
    return { kind: "created", deployment, ...(asked && { asked }) };
  };

  const write = (entry: Entry, decision: Decision, now: number): string[] => {
    const { id, service } = entry.deployment;
    entry.deployment = frozen(decision.next);
    entry.version += 1;
    entry.events = [...entry.events, ...frozen(decision.events)].slice(-limits.events);
    entry.eventCount += decision.events.length;
    entry.inbox = [];
    if (decision.wakeAt === undefined) state.due.delete(id);
    else state.due.set(id, decision.wakeAt);

    if (decision.slot) changeSlot(slotOf(service), id, decision.slot);
    if (decision.doubt) slotOf(service).doubt = frozen(decision.doubt);
    const wake = new Set<string>();
    const { spawn } = decision;
    if (spawn && !state.entries.has(spawn.id)) {
      insert({ ...spawn, events: 1 }, [createdEvent(spawn)]);
      slotOf(service).queue.unshift(spawn.id);
      wake.add(spawn.id);
    }
    for (const next of fill(service, now)) wake.add(next);
    for (const { deployment, command } of decision.tell) {
      append(deployment, command, now);
      if (state.entries.has(deployment)) wake.add(deployment);
    }
    wake.delete(id);
    trim(service);
    changed(id);
    if (spawn && wake.has(spawn.id)) changed(spawn.id);
    return [...wake];
  };

  const records: Records = {
    create: async (deployment, events, options) => create(deployment, events, options),

    claim: async (id) => {
      const entry = state.entries.get(id);
      if (!entry) return undefined;
      checkSchema(entry.deployment);
      entry.epoch += 1;
      const { deployment, version, inbox } = entry;
      const slot = copyOf(slotOf(deployment.service));
      return { claim: { id, epoch: entry.epoch }, deployment, version, inbox, slot } satisfies Claimed;
    },

    holds: async (claim) => state.entries.get(claim.id)?.epoch === claim.epoch,

    commit: async ({ claim, version, inbox, slot }, decision, now) => {
      const entry = state.entries.get(claim.id);
      if (!entry || entry.epoch !== claim.epoch || entry.version !== version) return { kind: "lost" };
      const { service } = entry.deployment;
      if (!sameInbox(entry.inbox, inbox) || !sameSlot(slotOf(service), slot)) {
        return { kind: "again", inbox: entry.inbox, slot: copyOf(slotOf(service)) };
      }
      checkEvents(decision.next, decision.events, entry.eventCount);
      const wake = write(entry, decision, now);
      const { version: written, inbox: left } = entry;
      return { kind: "committed", version: written, inbox: left, slot: copyOf(slotOf(service)), wake };
    },

    post: async (id, command, now) => {
      const entry = state.entries.get(id);
      if (!entry) return "absent";
      const room = (command.kind === "rollback" ? 2 : 1) * limits.inbox;
      if (entry.inbox.length >= room && !entry.seen.includes(command.id)) {
        throw new TealError("unavailable", `${id} has ${limits.inbox} commands waiting already`, {
          retryAfterMs: 1_000,
        });
      }
      append(id, command, now);
      return "posted";
    },

    load: async (id) => {
      const found = state.entries.get(id)?.deployment;
      return found && checkSchema(found);
    },

    slot: async (service) => {
      const build = state.builds.get(service);
      return structuredClone({
        ...(state.slots.get(service) ?? { queue: [] }),
        ...(build !== undefined && { build }),
      });
    },

    list: async ({ service, phases, before, limit }) => {
      const found = oldestFirst()
        .map((entry) => entry.deployment)
        .reverse()
        .filter((d) => before === undefined || position(d) < before)
        .filter((d) => service === undefined || d.service === service)
        .filter((d) => phases === undefined || phases.includes(d.phase));
      const size = Math.min(limit, limits.page);
      const page = found.slice(0, size);
      const last = page.at(-1);
      return { deployments: page, ...(found.length > size && last && { next: position(last) }) };
    },

    events: async (id, from, limit) => {
      const events = state.entries.get(id)?.events ?? [];
      return events.filter((event) => event.seq >= from).slice(0, limit);
    },

    audit: async ({ service, since = 0, until = Infinity, fits = () => true, limit, before }) => {
      const lines = [...state.entries.values()].flatMap(({ deployment, events }) =>
        events.flatMap((event, index) => {
          const line = auditLine(deployment, events.slice(index, index + outcomeWithin + 1));
          const inTime = event.at >= since && event.at < until;
          return line && inTime && (service === undefined || service === deployment.service)
            ? [{ place: auditPlace(deployment, event), line }]
            : [];
        }),
      );
      const all = lines.toSorted((a, b) => (a.place < b.place ? 1 : -1));
      const left = all.filter(({ place, line }) => (before === undefined || place < before) && fits(line));
      const page = left.slice(0, limit);
      const last = page.at(-1);
      return {
        lines: page.map(({ line }) => line),
        ...(left.length > limit && last && { next: last.place }),
      };
    },

    subscribe: async (listener) => {
      const own = (id: string): void => listener(id);
      listeners.add(own);
      return async () => {
        listeners.delete(own);
      };
    },

    due: async (before, limit, skip = 0) =>
      [...state.due]
        .filter(([, at]) => at < before)
        .sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1))
        .slice(skip, skip + limit)
        .map(([id]) => id),

    dueAt: async (id) => state.due.get(id),
  };

  return {
    ...records,
    snapshot: () => snapshotOf(state),
    restore: (snapshot) => {
      state = snapshotOf(snapshot);
    },
    clear: () => {
      state = empty();
    },
  };
}

function empty(): MemoryState {
  return { entries: new Map(), due: new Map(), slots: new Map(), builds: new Map(), idempotency: new Map() };
}

/** Deployments, events and inboxes are replaced, never changed; only the rest needs copying. */
function snapshotOf({ entries, due, slots, builds, idempotency }: MemoryState): MemoryState {
  return {
    entries: new Map([...entries].map(([id, entry]) => [id, { ...entry }])),
    due: new Map(due),
    slots: new Map([...slots].map(([service, slot]) => [service, copyOf(slot)])),
    builds: new Map(builds),
    idempotency: new Map(idempotency),
  };
}

function copyOf(slot: SlotSeen): SlotSeen {
  return { ...slot, queue: [...slot.queue] };
}

function frozen<T extends object>(value: T): T {
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) {
    const item: unknown = value[key];
    if (typeof item === "object" && item !== null) frozen(item);
  }
  return value;
}

function changeSlot(slot: SlotSeen, id: string, change: SlotChange): void {
  slot.queue = slot.queue.filter((queued) => queued !== id);
  if (change === "retake") {
    if (slot.acting !== id) slot.queue.unshift(id);
    return;
  }
  if (slot.acting === id) delete slot.acting;
  if (change === "retain") slot.retaining = id;
  else if (slot.retaining === id) delete slot.retaining;
}

function sameInbox(a: Command[], b: Command[]): boolean {
  return a.length === b.length && a.every((command, i) => command.id === b[i]?.id);
}

function sameSlot(a: SlotSeen, b: SlotSeen): boolean {
  return (
    a.acting === b.acting &&
    a.retaining === b.retaining &&
    a.queue.length === b.queue.length &&
    a.queue.every((id, i) => id === b.queue[i])
  );
}
