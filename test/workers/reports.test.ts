/** Telling GitHub of deployments: what it is told, in which order, and what it bears. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Deployment } from "../../src/deployment/record.ts";
import type { ReportBook } from "../../src/engine/ports.ts";
import { createGithub } from "../../src/outbound/github.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { createReportBook } from "../../src/redis/reports.ts";
import { limits, type Place, report, type ReportParts, startReports } from "../../workers/reports.ts";
import { createStage, type Stage } from "../api/support/stage.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";

/** What every ref of the repository leads to. */
const commit = "a".repeat(40);
const token = "ghs_of-the-tests-of-the-tests";

/** GitHub, as far as deployments go. */
interface Hub {
  url: string;
  deployments: {
    id: number;
    ref: string;
    sha: string;
    environment: string;
    payload: unknown;
    statuses: string[];
  }[];
  /** `POST /repos/…` */
  asked: string[];
  /** The bodies that came with them. */
  bodies: Record<string, unknown>[];
  /** What becomes of the next requests: not carried out, or carried out and the answer lost. */
  faults: ("outage" | "lost")[];
  close: () => Promise<void>;
}

async function startHub(): Promise<Hub> {
  const hub: Hub = { url: "", deployments: [], asked: [], bodies: [], faults: [], close: async () => {} };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { pathname, searchParams } = new URL(request.url ?? "", hub.url);
      hub.asked.push(`${request.method} ${pathname}`);
      const said = body ? JSON.parse(body) : {};
      if (body) hub.bodies.push(said);
      const fault = hub.faults.shift();
      const json = (status: number, value: unknown) =>
        fault === "lost" ? response.destroy() : response.writeHead(status).end(JSON.stringify(value));
      if (fault === "outage") return json(502, { message: "Server Error" });
      if (request.headers.authorization !== `Bearer ${token}`)
        return json(401, { message: "Bad credentials" });
      const [, , owner, , kind, number, statuses] = pathname.split("/");
      if (owner !== "acme" || kind !== "deployments") return json(404, { message: "Not Found" });
      if (request.method === "GET") {
        const fits = (one: Hub["deployments"][number]) =>
          (["sha", "ref", "environment"] as const).every((key) => {
            const asked = searchParams.get(key);
            return asked === null || one[key] === asked;
          });
        return json(200, hub.deployments.filter(fits).toReversed());
      }
      if (statuses === undefined) {
        const { ref, environment, payload } = said;
        const made = {
          id: 100 + hub.deployments.length,
          ref,
          sha: commit,
          environment,
          payload,
          statuses: [],
        };
        hub.deployments.push(made);
        return json(201, { ...made, task: "deploy", creator: { login: "teal[bot]" } });
      }
      const found = hub.deployments.find(({ id }) => id === Number(number));
      if (!found) return json(404, { message: "Not Found" });
      found.statuses.push(`${said.state} ${said.description}`);
      return json(201, { id: 1, state: said.state });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hub.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  return hub;
}

let hub: Hub;
let stage: Stage;
let store: TestRecords;
let book: ReportBook;
let lateMs: number;
const clock = { now: () => Date.now() + lateMs };
const troubles: string[] = [];
beforeEach(async () => {
  lateMs = 0;
  troubles.length = 0;
  [hub, stage, store] = await Promise.all([startHub(), createStage(), openTestRecords()]);
  book = newBook();
});
afterEach(async () => {
  await Promise.all([hub.close(), stage.app.close(), store.close()]);
});

const newBook = () => createReportBook(store.redis, store.prefix, clock.now);

const usual: Place = {
  repository: "acme/checkout",
  ref: commit,
  environment: "production",
  made: false,
};

function parts(place: (d: Deployment) => Place | undefined = () => usual): ReportParts {
  const allow = { names: [], suffixes: [], ranges: ["127.0.0.0/8"] };
  return {
    records: stage.records,
    book,
    github: createGithub({ clock, allow, secrets: {}, token: { reveal: () => token }, api: () => hub.url }),
    place,
    clock,
    log: { warn: (fields, line) => void troubles.push(`${line} ${inspect(fields)}`), error: () => {} },
  };
}

const enter = (id: string, phase: Deployment["phase"], note: string, more: Partial<Deployment> = {}) =>
  stage.commit(id, (d) => Object.assign(d, { phase, note, phaseSince: clock.now() }, more));
const statuses = () => hub.deployments.map((one) => one.statuses);

describe("GitHub is told", () => {
  it("how a deployment stands, once, from its beginning to its end", async () => {
    const id = await stage.start();
    expect(await report(parts())).toBe(1);
    expect(hub.bodies[0]).toEqual({
      ref: usual.ref,
      environment: "production",
      description: "queued: waits until the service is free",
      payload: { teal: id },
      auto_merge: false,
      required_contexts: [],
    });
    expect(await report(parts())).toBe(0);
    await enter(id, "provisioning", "creates green");
    await report(parts());
    await enter(id, "provisioning", "waits for green");
    await enter(id, "shifting", "25 % of the traffic is green's");
    await report(parts());
    await enter(id, "retaining", "green serves");
    await report(parts());
    await enter(id, "succeeded", "blue is gone", { settled: true });
    expect(await report(parts())).toBe(0);
    expect(statuses()).toEqual([
      [
        "queued queued: waits until the service is free",
        "in_progress provisioning: creates green and waits until it is steady and healthy",
        "in_progress shifting: goes through the steps of the strategy",
        "success retaining: keeps blue warm: a rollback is one change of weights",
      ],
    ]);
    // Nothing more is told of it, and nothing asked for it.
    expect(await book.open()).toEqual([]);
    const before = hub.asked.length;
    await report(parts());
    expect(hub.asked).toHaveLength(before);
  });

  it.each<[Deployment["phase"], Partial<Deployment>, string]>([
    [
      "failed",
      { cause: { code: "not-external", message: "the controller is ECS" } },
      "failure failed: the controller is ECS",
    ],
    ["rolled_back", { cause: { code: "green-failing", message: "exit 1" } }, "failure rolled back: exit 1"],
    [
      "rolled_back",
      { cause: { code: "operator", message: "ada asked for it" } },
      "inactive rolled back: ada asked for it",
    ],
    ["cancelled", {}, "inactive cancelled: called off before anything was touched"],
    ["superseded", {}, "inactive superseded: made way for a newer one before anything was touched"],
    ["abandoned", {}, "error abandoned: given up on request; what is left is listed"],
    ["rolling_back", {}, "in_progress rolling back: puts everything back as it was"],
  ])("what became of it: %s", async (phase, more, status) => {
    const id = await stage.start();
    await report(parts());
    await enter(id, phase, "so", more);
    await report(parts());
    expect(statuses()[0]?.at(-1)).toBe(status);
  });

  it("in the deployment that asked for it, with the page of the run", async () => {
    hub.deployments.push({
      id: 7,
      ref: "main",
      sha: commit,
      environment: "production",
      payload: {},
      statuses: [],
    });
    await stage.start();
    await report(
      parts(() => ({ ...usual, number: 7, url: "https://github.com/acme/checkout/actions/runs/1" })),
    );
    expect(statuses()).toEqual([["queued queued: waits until the service is free"]]);
    expect(hub.bodies).toMatchObject([{ log_url: "https://github.com/acme/checkout/actions/runs/1" }]);
  });

  it("in the deployment that GitHub made for the workflow's environment, where there is one", async () => {
    hub.deployments.push({
      id: 7,
      ref: "main",
      sha: commit,
      environment: "production",
      payload: "",
      statuses: [],
    });
    const id = await stage.start();
    await report(parts(() => ({ ...usual, made: true })));
    expect(statuses()).toEqual([[expect.stringContaining("queued")]]);
    await enter(id, "failed", "so", { settled: true });
    await report(parts(() => ({ ...usual, made: true })));
    // One that Teal made for another deployment of the same commit is not taken.
    hub.deployments.splice(0, 1, {
      ...usual,
      sha: commit,
      id: 8,
      payload: { teal: "another" },
      statuses: [],
    });
    await stage.start();
    await report(parts(() => ({ ...usual, made: true })));
    expect(hub.deployments).toHaveLength(2);
  });

  it("what is left to tell of one, however many came since", async () => {
    const id = await stage.start();
    await report(parts());
    await enter(id, "retaining", "green serves");
    const others = { ...parts(), records: { ...stage.records, list: async () => ({ deployments: [] }) } };
    expect(await report(others)).toBe(1);
    expect(statuses()[0]?.at(-1)).toMatch(/^success/);
    // One that is gone is not looked for again.
    const none = { ...others, records: { ...others.records, load: async () => undefined } };
    await report(none);
    expect(await book.open()).toEqual([]);
  });

  it("nothing of what has no place there, nor of what ended before anybody told", async () => {
    await stage.start();
    await report(parts(() => undefined));
    const id = await stage.start("worker");
    await enter(id, "failed", "so", { settled: true, phaseSince: clock.now() - limits.newMs - 1 });
    await report(parts());
    expect(hub.asked).toEqual([]);
  });
});

describe("an outage", () => {
  it("leaves nothing behind but what is true when it is over", async () => {
    const id = await stage.start();
    await report(parts());
    hub.faults.push("outage");
    await enter(id, "provisioning", "creates green");
    expect(await report(parts())).toBe(0);
    expect(troubles).toEqual([expect.stringContaining("answered 502")]);
    expect(troubles.join()).not.toContain(token);
    // Not asked again at once.
    await report(parts());
    expect(hub.asked).toHaveLength(3);
    await enter(id, "retaining", "green serves");
    lateMs += limits.retryMs.first;
    expect(await report(parts())).toBe(1);
    expect(statuses()).toEqual([
      [expect.stringContaining("queued"), expect.stringContaining("success retaining")],
    ]);
  });

  it("ends a round for all after some failures, and is given up after a day", async () => {
    for (let n = 0; n < 5; n += 1) await stage.start("worker");
    hub.faults.push(...Array.from({ length: 50 }, () => "outage" as const));
    await report(parts());
    expect(hub.asked).toHaveLength(limits.failures);
    hub.faults.splice(0);
    lateMs += limits.retryMs.last;
    expect(await report(parts())).toBe(5);
    const id = await stage.start();
    hub.faults.push("outage", "outage");
    await report(parts());
    lateMs += limits.retryMs.all + 1;
    await report(parts());
    expect(troubles.at(-1)).toContain("given up");
    expect(await book.open()).not.toContain(id);
    lateMs += limits.retryMs.all;
    const before = hub.asked.length;
    await report(parts());
    expect(hub.asked).toHaveLength(before);
  });

  it("between a deployment's making and its answer makes no second one", async () => {
    await stage.start();
    hub.faults.push("lost");
    expect(await report(parts())).toBe(0);
    expect(hub.deployments).toHaveLength(1);
    lateMs += limits.retryMs.first;
    // Another worker, which knows no more than what is written down.
    book = newBook();
    expect(await report(parts())).toBe(1);
    expect(hub.asked.slice(1)).toEqual([
      "GET /repos/acme/checkout/deployments",
      "POST /repos/acme/checkout/deployments/100/statuses",
    ]);
    expect(hub.deployments).toHaveLength(1);
  });

  it("says what GitHub says", async () => {
    await stage.start();
    await report(parts(() => ({ ...usual, repository: "evil/x" })));
    expect(troubles).toEqual([expect.stringContaining("answered 404: Not Found")]);
  });
});

describe("workers", () => {
  it("tell one at a time, so that nothing old is told after something new", async () => {
    await stage.start();
    expect(await newBook().take(60_000)).toBe(true);
    expect(await report(parts())).toBe(0);
    expect(hub.asked).toEqual([]);
  });

  it("let the next one tell, whatever failed", async () => {
    await stage.start();
    const broken = { ...parts(), records: { ...stage.records, list: () => Promise.reject(new Error("no")) } };
    await expect(report(broken)).rejects.toThrow("no");
    expect(await report(parts())).toBe(1);
    const others = newBook();
    expect(await others.take(60_000)).toBe(true);
    // What somebody else took is not for this one to leave.
    await book.leave();
    expect(await book.take(1_000)).toBe(false);
  });

  it("do so by themselves", async () => {
    await stage.start();
    const connection = connectRedis(store.url, "jobs", { warn: () => {} });
    const rounds = startReports({
      ...parts(),
      connection,
      prefix: store.prefix,
      lockMs: 5_000,
      stalledMs: 5_000,
    });
    await expect.poll(statuses).toEqual([[expect.stringContaining("queued")]]);
    await rounds.stop();
    connection.disconnect();
  });
});
