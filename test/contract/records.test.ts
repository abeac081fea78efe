/** What every implementation of `Records` must do. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditQuery, Claimed, Committed, Records } from "../../src/engine/ports.ts";
import type { Doubt } from "../../src/deployment/doubt.ts";
import type { Decision } from "../../src/deployment/decision.ts";
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { RecordLimits } from "../../src/redis/limits.ts";
import { createMemoryRecords } from "../support/memory-records.ts";
import { openTestRecords } from "../redis/records.ts";
import { command, decision, deployment, note } from "./deployment.ts";

interface Opened {
  records: Records;
  close(): Promise<void>;
}

const implementations: Record<string, (limits?: Partial<RecordLimits>) => Promise<Opened>> = {
  memory: async (limits) => ({ records: createMemoryRecords({ limits }), close: async () => {} }),
  redis: (limits) => openTestRecords(limits),
};

const now = 5_000;

function doubt(weightsUntil: number): Doubt {
  return { weightsUntil, asked: { "arn:route": [{ "arn:a": 50, "arn:b": 50 }] } };
}

describe.each(Object.keys(implementations))("records in %s", (name) => {
  let opened: Opened[] = [];
  let records: Records;

  const open = async (limits?: Partial<RecordLimits>): Promise<Records> => {
    const one = await implementations[name]?.(limits);
    if (!one) throw new Error(`no implementation ${name}`);
    opened.push(one);
    return one.records;
  };
  beforeEach(async () => {
    records = await open();
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
    opened = [];
  });

  const create = async (id: string, change: Partial<Deployment> = {}): Promise<void> => {
    const created = await records.create(deployment(id, change), [note(0)], { whenBusy: "queue" });
    expect(created.kind).toBe("created");
  };
  const claim = async (id: string): Promise<Claimed> => {
    const claimed = await records.claim(id);
    if (!claimed) throw new Error(`${id} is absent`);
    return claimed;
  };
  /** Claims and commits in one go, whatever the inbox and the slot are. */
  const commit = async (
    id: string,
    change: Partial<Deployment> = {},
    rest: Partial<Decision> = {},
  ): Promise<Extract<Committed, { kind: "committed" }>> => {
    const claimed = await claim(id);
    const done = await records.commit(claimed, { ...decision(claimed.deployment, change), ...rest }, now);
    if (done.kind !== "committed") throw new Error(`the commit of ${id} was ${done.kind}`);
    return done;
  };
  const slot = async (id: string): Promise<Claimed["slot"]> => (await claim(id)).slot;

  describe("creating", () => {
    it("gives the free slot to the first and queues the next", async () => {
      await create("a");
      await create("b");
      await create("c");
      expect(await slot("a")).toEqual({ acting: "a", queue: ["b", "c"] });
      expect(await records.load("b")).toEqual(deployment("b"));
      expect(await records.load("x")).toBeUndefined();
      expect(await records.events("a", 0, 10)).toEqual([note(0)]);
      expect(await records.dueAt("b")).toBe(1_000);
    });

    it("keeps services apart", async () => {
      await create("a");
      await create("b", { service: "search" });
      expect(await slot("b")).toEqual({ acting: "b", queue: [] });
    });

    it("refuses where the service is busy, if asked to", async () => {
      await create("a");
      const busy = await records.create(deployment("b"), [note(0)], {
        whenBusy: "reject",
        idempotencyKey: "k",
      });
      expect(busy).toEqual({ kind: "busy", acting: "a" });
      expect(await records.load("b")).toBeUndefined();
      await commit("a", { phase: "cancelled", settled: true }, { slot: "done" });
      const again = await records.create(deployment("b"), [note(0)], {
        whenBusy: "reject",
        idempotencyKey: "k",
      });
      expect(again.kind).toBe("created");
    });

    it("refuses when the queue is full", async () => {
      records = await open({ queue: 1 });
      await create("a");
      await create("b");
      const busy = await records.create(deployment("c"), [note(0)], { whenBusy: "queue" });
      expect(busy).toEqual({ kind: "busy", acting: "a" });
    });

    it("lets one in before all others, and asks whoever acts, also where the queue is full", async () => {
      records = await open({ queue: 1 });
      const first = command("back", { kind: "rollback" });
      const ask = (id: string): ReturnType<Records["create"]> =>
        records.create(deployment(id), [note(0)], { whenBusy: "queue", first });
      expect(await ask("a")).toEqual({ kind: "created", deployment: deployment("a") });
      await commit("a");
      await create("b");
      expect(await ask("c")).toEqual({ kind: "created", deployment: deployment("c"), asked: "a" });
      expect(await ask("d")).toMatchObject({ kind: "created", asked: "a" });
      expect(await slot("a")).toEqual({ acting: "a", queue: ["d", "c", "b"] });
      expect((await claim("a")).inbox).toEqual([first]);
      expect(await records.dueAt("a")).toBe(1_000);
    });

    it("refuses a build that is older than the last accepted one, unless it is forced", async () => {
      const build = (id: string, number: number, force = false): ReturnType<Records["create"]> =>
        records.create(deployment(id), [note(0)], { whenBusy: "queue", build: { number, force } });
      expect((await build("a", 9_007_199_254_740_991)).kind).toBe("created");
      expect(await build("b", 7)).toEqual({ kind: "stale", accepted: 9_007_199_254_740_991 });
      expect(await records.load("b")).toBeUndefined();
      expect((await build("c", 9_007_199_254_740_991)).kind).toBe("created");
      expect((await build("d", 7, true)).kind).toBe("created");
      expect(await build("e", 8)).toMatchObject({ kind: "stale" });
      expect((await records.slot("checkout")).build).toBe(9_007_199_254_740_991);
      // One without a number, and one of another service, are no older ones.
      await create("f");
      const other = await records.create(deployment("g", { service: "search" }), [note(0)], {
        whenBusy: "queue",
        build: { number: 0, force: false },
      });
      expect(other.kind).toBe("created");
    });

    it("takes no build for stale that undoes a newer one", async () => {
      const build = { number: 9, force: false };
      await records.create(deployment("a"), [note(0)], { whenBusy: "queue", build });
      const spawn = deployment("s", { request: { taskDefinition: "web:1", build: 3 } });
      await commit("a", { phase: "succeeded", settled: true }, { slot: "done", spawn });
      expect(await records.slot("checkout")).toEqual({ acting: "s", queue: [], build: 9 });
    });

    it("answers an idempotency key for a build that has become old meanwhile", async () => {
      for (const [i, id] of ["a", "b"].entries()) {
        const build = { number: i, force: false };
        await records.create(deployment(id), [note(0)], { whenBusy: "queue", idempotencyKey: id, build });
      }
      const build = { number: 0, force: false };
      const options = { whenBusy: "queue", idempotencyKey: "a", build } as const;
      const again = await records.create(deployment("c"), [note(0)], options);
      expect(again).toMatchObject({ kind: "existing", deployment: { id: "a" } });
    });

    it("answers the same idempotency key with the same deployment", async () => {
      const ask = (id: string, fingerprint: string): ReturnType<Records["create"]> =>
        records.create(deployment(id), [note(0)], { whenBusy: "reject", idempotencyKey: "k", fingerprint });
      expect((await ask("a", "f")).kind).toBe("created");
      expect(await ask("b", "f")).toEqual({ kind: "existing", deployment: deployment("a") });
      expect(await ask("c", "g")).toEqual({ kind: "conflict" });
      expect(await records.load("b")).toBeUndefined();
    });

    it("is safe to repeat with the same id", async () => {
      await create("a");
      const again = await records.create(deployment("a"), [note(0)], { whenBusy: "queue" });
      expect(again).toEqual({ kind: "existing", deployment: deployment("a") });
      expect(await slot("a")).toEqual({ acting: "a", queue: [] });
    });

    it("refuses a history with a hole", async () => {
      const broken = records.create(deployment("a"), [note(1)], { whenBusy: "queue" });
      await expect(broken).rejects.toMatchObject({ code: "internal" });
      expect(await records.load("a")).toBeUndefined();
    });
  });

  describe("claiming", () => {
    it("takes the right to commit from whoever had it", async () => {
      await create("a");
      const first = await claim("a");
      expect(await records.holds(first.claim)).toBe(true);
      const second = await claim("a");
      expect(second.claim.epoch).toBe(first.claim.epoch + 1);
      expect(await records.holds(first.claim)).toBe(false);
      expect(await records.commit(first, decision(first.deployment), now)).toEqual({ kind: "lost" });
      expect((await records.commit(second, decision(second.deployment), now)).kind).toBe("committed");
    });

    it("finds nothing where there is nothing", async () => {
      expect(await records.claim("x")).toBeUndefined();
      expect(await records.holds({ id: "x", epoch: 1 })).toBe(false);
      const claimed: Claimed = {
        claim: { id: "x", epoch: 1 },
        deployment: deployment("x"),
        version: 0,
        inbox: [],
        slot: { queue: [] },
      };
      expect(await records.commit(claimed, decision(deployment("x")), now)).toEqual({ kind: "lost" });
    });
  });

  describe("committing", () => {
    it("replaces the record, continues the history and sets the due time", async () => {
      await create("a");
      const claimed = await claim("a");
      const next = decision(claimed.deployment, { phase: "preparing" }, 2);
      const done = await records.commit(claimed, { ...next, wakeAt: 9_000 }, now);
      expect(done).toEqual({
        kind: "committed",
        version: claimed.version + 1,
        inbox: [],
        slot: { acting: "a", queue: [] },
        wake: [],
      });
      expect(await records.load("a")).toEqual(next.next);
      expect((await records.events("a", 0, 10)).map((event) => event.seq)).toEqual([0, 1, 2]);
      expect((await records.events("a", 1, 1)).map((event) => event.seq)).toEqual([1]);
      expect(await records.dueAt("a")).toBe(9_000);
      await commit("a");
      expect(await records.dueAt("a")).toBeUndefined();
    });

    it("can go on under one claim, and refuses a repetition", async () => {
      await create("a");
      const claimed = await claim("a");
      const first = decision(claimed.deployment);
      const done = await records.commit(claimed, first, now);
      if (done.kind !== "committed") throw new Error(done.kind);
      expect(await records.commit(claimed, first, now)).toEqual({ kind: "lost" });
      const second = await records.commit(
        { claim: claimed.claim, version: done.version, inbox: done.inbox, slot: done.slot },
        decision(first.next),
        now,
      );
      expect(second.kind).toBe("committed");
    });

    it("refuses a history with a hole, and writes nothing", async () => {
      await create("a");
      const claimed = await claim("a");
      const skipping = decision({ ...claimed.deployment, events: 2 });
      await expect(records.commit(claimed, skipping, now)).rejects.toMatchObject({ code: "internal" });
      const miscounted = decision(claimed.deployment);
      miscounted.next.events += 1;
      await expect(records.commit(claimed, miscounted, now)).rejects.toMatchObject({ code: "internal" });
      const uncounted = { ...decision(claimed.deployment, {}, 0) };
      uncounted.next.events = 7;
      await expect(records.commit(claimed, uncounted, now)).rejects.toMatchObject({ code: "internal" });
      expect(await records.events("a", 0, 10)).toEqual([note(0)]);
      expect((await claim("a")).version).toBe(claimed.version);
    });

    it("asks to decide again when a command arrived, then trims what was decided on", async () => {
      await create("a");
      const claimed = await claim("a");
      await records.post("a", command("c1"), now);
      const again = await records.commit(claimed, decision(claimed.deployment), now);
      expect(again).toEqual({
        kind: "again",
        inbox: [command("c1")],
        slot: { acting: "a", queue: [] },
      });
      if (again.kind !== "again") throw new Error(again.kind);
      const done = await records.commit({ ...claimed, ...again }, decision(claimed.deployment), now);
      expect(done).toMatchObject({ kind: "committed", inbox: [] });
      expect((await claim("a")).inbox).toEqual([]);
    });

    it("asks to decide again when the slot changed", async () => {
      await create("a");
      const claimed = await claim("a");
      await create("b");
      expect(await records.commit(claimed, decision(claimed.deployment), now)).toEqual({
        kind: "again",
        inbox: [],
        slot: { acting: "a", queue: ["b"] },
      });
      expect(await records.load("a")).toEqual(deployment("a"));
    });

    it("asks to decide again when nobody retains any more", async () => {
      await create("a");
      await create("b");
      await commit("a", { phase: "retaining" }, { slot: "retain" });
      const claimed = await claim("b");
      await commit("a", { phase: "succeeded" }, { slot: "done" });
      expect(await records.commit(claimed, decision(claimed.deployment), now)).toEqual({
        kind: "again",
        inbox: [],
        slot: { acting: "b", queue: [] },
      });
    });

    it("tells whoever acts next what was in doubt when the service was let go, until somebody else leaves a doubt", async () => {
      for (const id of ["a", "b", "c"]) await create(id);
      await commit("a", { phase: "retaining" }, { slot: "retain", doubt: doubt(9_000) });
      expect(await slot("b")).toEqual({ acting: "b", retaining: "a", queue: ["c"], doubt: doubt(9_000) });
      await commit("a", { phase: "succeeded" }, { slot: "done" });
      expect(await slot("b")).toEqual({ acting: "b", queue: ["c"], doubt: doubt(9_000) });
      await commit("b", { phase: "rolled_back" }, { slot: "done", doubt: doubt(12_000) });
      expect(await slot("c")).toEqual({ acting: "c", queue: [], doubt: doubt(12_000) });
    });

    it("keeps the newest events only, and numbers on", async () => {
      records = await open({ events: 3 });
      await create("a");
      for (let i = 0; i < 4; i++) await commit("a");
      expect((await records.events("a", 0, 10)).map((event) => event.seq)).toEqual([2, 3, 4]);
      expect((await records.events("a", 3, 10)).map((event) => event.seq)).toEqual([3, 4]);
      expect(await records.events("a", 5, 10)).toEqual([]);
    });
  });

  describe("commands", () => {
    it("wait in the order they came, and make the deployment due now", async () => {
      await create("a");
      await commit("a", {}, { wakeAt: 90_000 });
      expect(await records.post("a", command("c1"), now)).toBe("posted");
      expect(await records.post("a", command("c2", { kind: "rollback", reason: "bad" }), now)).toBe("posted");
      expect((await claim("a")).inbox).toEqual([
        command("c1"),
        command("c2", { kind: "rollback", reason: "bad" }),
      ]);
      expect(await records.dueAt("a")).toBe(now);
    });

    it("don't put off what was due before them", async () => {
      await create("a");
      await records.post("a", command("c1"), now);
      expect(await records.dueAt("a")).toBe(1_000);
    });

    it("are dropped when they come a second time, even after they were obeyed", async () => {
      await create("a");
      await records.post("a", command("c1"), now);
      await records.post("a", command("c1"), now);
      expect((await claim("a")).inbox).toEqual([command("c1")]);
      await commit("a");
      expect(await records.post("a", command("c1"), now)).toBe("posted");
      expect((await claim("a")).inbox).toEqual([]);
    });

    it("are refused by what is absent, and by a full inbox", async () => {
      expect(await records.post("x", command("c1"), now)).toBe("absent");
      records = await open({ inbox: 1 });
      await create("a");
      await records.post("a", command("c1"), now);
      await expect(records.post("a", command("c2"), now)).rejects.toMatchObject({ code: "unavailable" });
      expect(await records.post("a", command("c1"), now)).toBe("posted");
    });

    it("that go back fit in, though the inbox is full of others", async () => {
      records = await open({ inbox: 1 });
      await create("a");
      await records.post("a", command("c1", { kind: "look" }), now);
      expect(await records.post("a", command("c2", { kind: "rollback" }), now)).toBe("posted");
      await expect(records.post("a", command("c3", { kind: "rollback" }), now)).rejects.toMatchObject({
        code: "unavailable",
      });
    });
  });

  describe("the slot", () => {
    it("can be read without a claim, of an unknown service too", async () => {
      expect(await records.slot("checkout")).toEqual({ queue: [] });
      await create("a");
      await create("b");
      await commit("a", { phase: "retaining" }, { slot: "retain" });
      await create("c");
      expect(await records.slot("checkout")).toEqual({ acting: "b", retaining: "a", queue: ["c"] });
      expect(await records.slot("search")).toEqual({ queue: [] });
    });

    it("goes to the next when the one who acts retains, and is let go of when that is done", async () => {
      await create("a");
      await create("b");
      await commit("b", {});
      expect((await commit("a", { phase: "retaining" }, { slot: "retain" })).wake).toEqual(["b"]);
      expect(await records.dueAt("b")).toBe(now);
      expect(await slot("a")).toEqual({ acting: "b", retaining: "a", queue: [] });
      await commit("a", { phase: "succeeded" }, { slot: "done" });
      expect(await slot("b")).toEqual({ acting: "b", queue: [] });
    });

    it("skips those in the queue that have ended", async () => {
      await create("a");
      await create("b");
      await create("c");
      await commit("b", { phase: "cancelled" });
      expect((await commit("a", { phase: "failed" }, { slot: "done" })).wake).toEqual(["c"]);
      expect(await slot("c")).toEqual({ acting: "c", queue: [] });
    });

    it("is left by a queued deployment that is called off", async () => {
      await create("a");
      await create("b");
      expect((await commit("b", { phase: "cancelled" }, { slot: "done" })).wake).toEqual([]);
      expect(await slot("a")).toEqual({ acting: "a", queue: [] });
    });

    it("is taken back at once where nobody acts", async () => {
      await create("a");
      await commit("a", { phase: "retaining" }, { slot: "retain" });
      expect(await slot("a")).toEqual({ retaining: "a", queue: [] });
      const taken = await commit("a", {}, { slot: "retake", wakeAt: 90_000 });
      expect(taken).toMatchObject({ slot: { acting: "a", queue: [] }, wake: [] });
      expect(await records.dueAt("a")).toBe(now);
    });

    it("is taken back before all others where somebody acts", async () => {
      await create("a");
      await create("b");
      await create("c");
      await commit("a", { phase: "retaining" }, { slot: "retain" });
      await commit("a", {}, { slot: "retake" });
      await commit("a", {}, { slot: "retake" });
      expect(await slot("a")).toEqual({ acting: "b", retaining: "a", queue: ["a", "c"] });
      expect((await commit("b", { phase: "rolled_back" }, { slot: "done" })).wake).toEqual(["a"]);
      expect(await slot("a")).toEqual({ acting: "a", queue: ["c"] });
    });
  });

  describe("others", () => {
    it("are told once", async () => {
      await create("a");
      await create("b");
      await commit("b");
      const tell = [
        { deployment: "b", command: command("t1") },
        { deployment: "x", command: command("t2") },
      ];
      expect((await commit("a", {}, { tell })).wake).toEqual(["b"]);
      await commit("a", {}, { tell });
      expect((await claim("b")).inbox).toEqual([command("t1")]);
      expect(await records.dueAt("b")).toBe(now);
      expect(await records.dueAt("x")).toBeUndefined();
    });

    it("are created, at the head of the queue, once", async () => {
      await create("a");
      await create("b");
      const spawn = deployment("s", { createdAt: 4_000, events: 0 });
      expect((await commit("a", {}, { spawn })).wake).toEqual(["s"]);
      await commit("a", {}, { spawn });
      expect(await slot("a")).toEqual({ acting: "a", queue: ["s", "b"] });
      expect(await records.load("s")).toEqual({ ...spawn, events: 1 });
      expect(await records.events("s", 0, 10)).toMatchObject([
        { seq: 0, at: 4_000, type: "created", request: "web:2" },
      ]);
      expect(await records.dueAt("s")).toBe(4_000);
    });

    it("act at once when they are created while the slot is free", async () => {
      await create("a");
      await commit("a", { phase: "succeeded", settled: true }, { slot: "done" });
      await commit("a", {}, { spawn: deployment("s") });
      expect(await slot("s")).toEqual({ acting: "s", queue: [] });
    });
  });

  it("says who is due, the longest first", async () => {
    for (const [i, id] of ["a", "b", "c", "d"].entries()) {
      await create(id, { service: id });
      await commit(id, {}, i < 3 ? { wakeAt: 3_000 - i * 1_000 } : {});
    }
    expect(await records.due(3_000, 10)).toEqual(["c", "b"]);
    expect(await records.due(3_001, 10)).toEqual(["c", "b", "a"]);
    expect(await records.due(3_001, 1)).toEqual(["c"]);
    expect(await records.due(3_001, 2, 1)).toEqual(["b", "a"]);
  });

  it("lists the newest first, page by page", async () => {
    for (const [i, id] of ["a", "b", "c", "d", "e"].entries()) {
      await create(id, { service: i % 2 === 0 ? "even" : "odd", createdAt: i < 2 ? 10 : i * 10 });
    }
    await commit("c", { phase: "failed" });
    const ids = async (filter: Parameters<Records["list"]>[0]): Promise<[string[], boolean]> => {
      const page = await records.list(filter);
      return [page.deployments.map((d) => d.id), page.next !== undefined];
    };
    expect(await ids({ limit: 10 })).toEqual([["e", "d", "c", "b", "a"], false]);
    expect(await ids({ limit: 10, service: "even" })).toEqual([["e", "c", "a"], false]);
    expect(await ids({ limit: 10, phases: ["failed"] })).toEqual([["c"], false]);
    expect(await ids({ limit: 10, service: "none" })).toEqual([[], false]);
    const first = await records.list({ limit: 2 });
    expect(first.deployments.map((d) => d.id)).toEqual(["e", "d"]);
    await create("f", { service: "late", createdAt: 100 });
    expect(await ids({ limit: 3, before: first.next })).toEqual([["c", "b", "a"], false]);
    expect(await ids({ limit: 2, before: first.next })).toEqual([["c", "b"], true]);
  });

  it("deletes settled deployments beyond the newest, and no other", async () => {
    records = await open({ settled: 2 });
    await create("open", { createdAt: 1 });
    await commit("open", { phase: "retaining" }, { slot: "retain" });
    for (let i = 1; i <= 4; i++) {
      await create(`d${i}`, { createdAt: 10 * i });
      await commit(`d${i}`, { phase: "failed", settled: true }, { slot: "done" });
    }
    const left = await records.list({ limit: 10, service: "checkout" });
    expect(left.deployments.map((d) => d.id)).toEqual(["d4", "d3", "open"]);
    expect((await records.list({ limit: 10 })).deployments).toHaveLength(3);
    expect(await records.events("d1", 0, 10)).toEqual([]);
    expect(await records.dueAt("d1")).toBeUndefined();
  });

  it("does not delete a settled deployment that still holds its service", async () => {
    records = await open({ settled: 0 });
    await create("a");
    await commit("a", { phase: "succeeded", settled: true });
    expect(await records.load("a")).toBeDefined();
    await commit("a", {}, { slot: "done" });
    expect(await records.load("a")).toBeUndefined();
  });

  it("does not delete a settled deployment that has a command to answer", async () => {
    records = await open({ settled: 1 });
    await create("a");
    await commit("a", { phase: "succeeded", settled: true }, { slot: "done" });
    await records.post("a", command("c1"), now);
    await create("b", { createdAt: 2_000 });
    await commit("b", { phase: "failed", settled: true }, { slot: "done" });
    expect(await records.load("a")).toBeDefined();
    await commit("a");
    expect(await records.load("a")).toBeUndefined();
  });

  const lines = async (query: Partial<AuditQuery> = {}) => {
    const page = await records.audit({ limit: 100, ...query });
    return page.lines.map(({ deployment, event }) => `${deployment} ${event.seq}`);
  };

  describe("the audit", () => {
    const ada = { kind: "operator", name: "ada" } as const;
    const call = { kind: "makePrimary", arn: "green" } as const;
    /** A history of its own moment: asked for, called, answered, commanded. */
    const history = async (id: string, at: number, change: Partial<Deployment> = {}) => {
      const d = deployment(id, { createdAt: at, ...change });
      const events: DeploymentEvent[] = [
        { seq: 0, at, type: "created", actor: ada, request: "web:2", message: "asked" },
        { seq: 1, at, type: "effect", effect: call, reason: "it is well", actor: ada, message: "called" },
        { seq: 2, at, type: "done", effect: "makePrimary", requestId: "r-1", message: "done" },
        {
          seq: 3,
          at,
          type: "command",
          command: "pause",
          commandId: "c",
          actor: ada,
          obeyed: true,
          message: "ok",
        },
      ];
      await records.create({ ...d, events: events.length }, events, { whenBusy: "queue" });
    };

    it("has what was asked and what was called, newest first, with what came of it", async () => {
      await history("a", 1_000);
      await history("b", 2_000, { service: "search" });
      expect(await lines()).toEqual(["b 3", "b 1", "b 0", "a 3", "a 1", "a 0"]);
      const [, called] = (await records.audit({ limit: 2 })).lines;
      expect(called).toEqual({
        deployment: "b",
        service: "search",
        event: expect.objectContaining({ reason: "it is well" }),
        outcome: expect.objectContaining({ type: "done", requestId: "r-1" }),
      });
    });

    it("goes on where a page ended, also while more comes", async () => {
      for (const [n, id] of ["a", "b", "c"].entries()) await history(id, 1_000 * (n + 1));
      const first = await records.audit({ limit: 4 });
      await history("d", 9_000);
      const rest = await records.audit({
        limit: 100,
        ...(first.next !== undefined && { before: first.next }),
      });
      const told = [...first.lines, ...rest.lines].map(
        ({ deployment, event }) => `${deployment} ${event.seq}`,
      );
      expect(told).toEqual(["c", "b", "a"].flatMap((id) => [`${id} 3`, `${id} 1`, `${id} 0`]));
      expect(rest.next).toBeUndefined();
    });

    it("is asked for by service, by time, and by what its lines are", async () => {
      await history("a", 1_000);
      await history("b", 2_000, { service: "search" });
      await history("c", 3_000);
      expect(new Set(await lines({ service: "checkout" }))).toEqual(
        new Set(["c 3", "c 1", "c 0", "a 3", "a 1", "a 0"]),
      );
      expect(await lines({ since: 2_000, until: 3_000 })).toEqual(["b 3", "b 1", "b 0"]);
      expect(await lines({ fits: ({ event }) => event.type === "command" })).toEqual(["c 3", "b 3", "a 3"]);
    });

    it("has what a commit adds, and what that starts", async () => {
      await create("a");
      const d = (await claim("a")).deployment;
      await commit(
        "a",
        { events: d.events + 1 },
        {
          events: [
            { seq: 1, at: now, type: "effect", effect: call, reason: "why", actor: ada, message: "called" },
          ],
          spawn: deployment("s", { createdAt: now }),
        },
      );
      expect(new Set(await lines())).toEqual(new Set(["a 1", "s 0"]));
    });

    it("loses the lines of what is no longer kept, and no others", async () => {
      records = await open({ settled: 1, trimBatch: 10 });
      for (const [n, id] of ["a", "b"].entries()) {
        await history(id, 1_000 * (n + 1));
        await commit(id, { phase: "succeeded", settled: true }, { slot: "done" });
      }
      expect(await lines()).toEqual(["b 3", "b 1", "b 0"]);
    });
  });

  it("tells those who listen of every change, until they stop", async () => {
    const heard: string[] = [];
    const stop = await records.subscribe((id) => heard.push(id));
    await create("a");
    await commit("a", {}, { spawn: deployment("s") });
    await expect.poll(() => [...heard].sort()).toEqual(["a", "a", "s"]);
    await stop();
    const more: string[] = [];
    await records.subscribe((id) => more.push(id));
    await commit("a");
    await expect.poll(() => more).toEqual(["a"]);
    expect(heard).toHaveLength(3);
  });

  it("refuses a record of a newer schema, and does not take it from who can read it", async () => {
    const newer: Partial<Deployment> = JSON.parse('{ "schema": 1000 }');
    await create("a", newer);
    await expect(records.claim("a")).rejects.toMatchObject({ code: "too-new" });
    await expect(records.load("a")).rejects.toMatchObject({ code: "too-new" });
    expect(await records.holds({ id: "a", epoch: 0 })).toBe(true);
  });
});
