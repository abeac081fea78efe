import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Phase } from "../../src/deployment/phases.ts";
import { createStage, type Stage, token } from "../api/support/stage.ts";
import { type RunningProcess, startBuilt } from "../support/processes.ts";

let stage: Stage;
let url: string;
beforeEach(async () => {
  stage = await createStage();
  url = await stage.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => stage.app.close());

function teal(...args: string[]): RunningProcess {
  const env = {
    TEAL_URL: url,
    TEAL_TOKEN: token,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
  };
  return startBuilt("src/cli/main.js", args, { name: "teal", env });
}

async function result(...args: string[]): Promise<{ code: number | null; output: string }> {
  const process = teal(...args);
  const { code } = await process.exited;
  return { code, output: process.output() };
}

/** The id of the only deployment, once it is there. */
async function accepted(): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(async () => (id = (await stage.records.list({ limit: 1 })).deployments[0]?.id), { timeout: 10_000 })
    .toBeDefined();
  return id ?? "";
}

async function enter(
  id: string,
  to: Phase,
  message: string,
  more: Parameters<Stage["commit"]>[1] = () => {},
) {
  const from = (await stage.records.load(id))?.phase ?? "queued";
  const change: Parameters<Stage["commit"]>[1] = (d) => {
    d.phase = to;
    more(d);
  };
  await stage.commit(id, change, [{ type: "phase", from, to }, message]);
}

describe("teal deploy", () => {
  it("waits until green is PRIMARY, telling what happens", async () => {
    const deploy = teal("deploy", "checkout", "-t", "web:2", "--reason", "ticket 7");
    const id = await accepted();
    await enter(id, "shifting", "green is healthy");
    await deploy.waitForLine(/green is healthy/);
    await enter(id, "retaining", "green is PRIMARY");
    expect(await deploy.exited).toEqual({ code: 0, signal: null });
    expect(deploy.output()).toMatch(/✓ checkout: green serves after \d+s\n$/);
    expect((await stage.records.load(id))?.request).toEqual({ taskDefinition: "web:2", reason: "ticket 7" });
  });

  it("fails with the reason and what to do when it goes back", async () => {
    const deploy = teal("deploy", "checkout", "-i", "web=shop/web:3");
    const id = await accepted();
    await enter(id, "rolling_back", "going back");
    await enter(id, "rolled_back", "blue serves as before", (d) => {
      d.cause = { code: "green-failing", message: "3 tasks stopped: exit code 1 \u001b[2J in web" };
    });
    expect((await deploy.exited).code).toBe(1);
    expect(deploy.output()).toContain("✗ checkout: rolled back");
    expect(deploy.output()).toContain("3 tasks stopped: exit code 1  [2J in web");
    expect(deploy.output()).toContain("→ Read the reason of the stopped tasks");
  });

  it("survives a restart of the API and tells every event once", async () => {
    const deploy = teal("deploy", "checkout", "-t", "web:2");
    const id = await accepted();
    await stage.commit(id, () => {}, [{ type: "note" }, "one"]);
    await deploy.waitForLine(/one/);
    const { port } = new URL(url);
    await stage.app.close();
    const records = stage.records;
    await stage.commit(id, () => {}, [{ type: "note" }, "two"]);
    const again = await createStage({}, { records });
    await again.app.listen({ host: "127.0.0.1", port: Number(port) });
    await deploy.waitForLine(/two/, 12_000);
    await enter(id, "retaining", "green is PRIMARY");
    expect((await deploy.exited).code).toBe(0);
    const told = deploy.output().match(/\b(one|two|green is PRIMARY)\b/g);
    expect(told).toEqual(["one", "two", "green is PRIMARY"]);
    await again.app.close();
  });

  it("tells who must approve, so that nobody wonders why a job stands still", async () => {
    const deploy = teal("deploy", "checkout", "-t", "web:2");
    const id = await accepted();
    const until = { kind: "approval" as const, by: ["bob"], notStarter: false };
    const release = { kind: "wait" as const, id: "release", until, timeoutMs: 7_200_000 };
    await enter(id, "shifting", "green is healthy", (d) => {
      d.strategy = { ...d.strategy, steps: [{ ...release, onTimeout: "rollback" }] };
      d.stepSince = Date.now();
    });
    await deploy.waitForLine(/waits for approval of release, by bob; /);
    await deploy.waitForLine(new RegExp(`teal approve ${id} release`));
    expect((await result("list")).output).toContain("shifting (approval)");
    await stage.commit(id, () => {}, [{ type: "step", index: 0, what: "x" }, "a step"]);
    await enter(id, "retaining", "green is PRIMARY");
    expect((await deploy.exited).code).toBe(0);
    expect(deploy.output().match(/waits for approval/g)).toHaveLength(1);
  });

  it("gives programs one JSON document, and returns at once when told not to wait", async () => {
    const { code, output } = await result("deploy", "checkout", "-t", "web:2", "--no-wait", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ service: "checkout", phase: "queued" });
  });

  it("leaves after --timeout, and the deployment goes on", async () => {
    const { code, output } = await result("deploy", "checkout", "-t", "web:2", "--timeout", "1s");
    expect(code).toBe(5);
    expect(output).toContain("It goes on for longer than 1s");
  });
});

describe("exit codes", () => {
  it.each<[string, string[], number, string]>([
    ["an unknown command", ["deplyo"], 2, "unknown command"],
    ["nothing to deploy", ["deploy", "checkout"], 2, "There is nothing to deploy"],
    ["a malformed image", ["deploy", "checkout", "-i", "web:2"], 2, "is not CONTAINER=IMAGE"],
    ["an unknown service", ["deploy", "nope", "-t", "web:2"], 2, "teal.yaml has no service nope"],
    ["an unknown deployment", ["status", "d9"], 2, "There is no deployment d9"],
    ["a wrong token", ["list", "--token", "wrong"], 2, "Teal knows no such token"],
    ["a malformed address", ["list", "--url", "teal:80"], 2, "is not an address of Teal"],
    ["nobody there", ["list", "--url", "http://127.0.0.1:9", "--patience", "1s"], 4, "can't be reached"],
  ])("%s", async (_, args, code, text) => {
    const ended = await result(...args);
    expect(ended.output).toContain(text);
    expect(ended.output).not.toMatch(/\n {4}at /);
    expect(ended.code).toBe(code);
  });

  it("says busy, with the request's id", async () => {
    await stage.start();
    const ended = await result("deploy", "checkout", "-t", "web:2");
    expect(ended.code).toBe(3);
    expect(ended.output).toMatch(/d1 acts on checkout\n {2}→ Wait for it to end.*\n {2}request [\w-]+/);
    const queued = await result("deploy", "checkout", "-t", "web:2", "--queue", "--no-wait");
    expect(queued.code).toBe(0);
  });
});

describe("commands", () => {
  it("reach the newest deployment of a service and print its answer", async () => {
    const id = await stage.start();
    await stage.commit(id, (d) => (d.phase = "shifting"));
    const ended = await result("promote", "checkout", "--full", "-r", "looks good");
    expect(ended).toEqual({ code: 0, output: `✓ ${id}  done\n` });
    expect(stage.asked).toMatchObject([{ kind: "promote", full: true, reason: "looks good" }]);
    stage.answers("refuse");
    expect((await result("pause", id)).code).toBe(3);
  });
});

describe("steering", () => {
  it("names the gate, the moment and the reason", async () => {
    const id = await stage.start();
    await stage.commit(id, (d) => (d.phase = "shifting"));
    expect(await result("approve", "checkout", "release", "-r", "looks good")).toEqual({
      code: 0,
      output: `✓ ${id}  done\n`,
    });
    expect((await result("skip", id)).code).toBe(0);
    const at = ["--at", "2126-12-01 09:00", "--timezone", "Europe/Berlin"];
    const later = await result("promote", "checkout", "--full", "--if-healthy", ...at);
    // Refused by the API: a promotion can't be asked for so far ahead.
    expect([later.code, later.output]).toEqual([2, expect.stringContaining("at most 30 days ahead")]);
    const soon = await result("promote", id, "--at", "tomorrow 09:00", "--timezone", "UTC");
    expect(soon.output).toMatch(/that is \w+ \d+ \w+ 09:00 UTC, in /);
    expect((await result("override", "checkout", "-r", "users are hurt")).code).toBe(0);
    expect(stage.asked).toMatchObject([
      { kind: "approve", gate: "release", reason: "looks good" },
      { kind: "skip" },
      { kind: "promote", promoteAt: expect.any(Number) },
      { kind: "override", reason: "users are hurt" },
    ]);
    expect(stage.asked[1]).not.toHaveProperty("gate");
  });

  it.each<[string, string[], string]>([
    ["a moment that is over", ["promote", "d1", "--at", "today 00:00"], "today 00:00 is over, or no moment"],
    ["no time zone", ["promote", "d1", "--at", "09:00", "--timezone", "Berlin"], "Berlin is no time zone"],
    ["an override without a reason", ["override", "d1"], "required option '-r, --reason <text>'"],
    ["half a build", ["deploy", "checkout", "-t", "web:2", "--build", "1.5"], "Write a whole number"],
    [
      "another way to wait",
      ["deploy", "checkout", "-t", "web:2", "--when-busy", "hope"],
      "Allowed choices are",
    ],
  ])("refuses %s", async (_, args, text) => {
    const ended = await result(...args);
    expect([ended.code, ended.output]).toEqual([2, expect.stringContaining(text)]);
    expect(stage.asked).toEqual([]);
  });

  it("asks whoever acts on a service, not whoever waits", async () => {
    const acting = await stage.start();
    await stage.commit(acting, (d) => (d.phase = "shifting"));
    const waiting = await stage.start();
    expect((await result("pause", "checkout")).output).toBe(`✓ ${acting}  done\n`);
    expect((await result("pause", waiting)).code).toBe(3);
    await stage.commit(acting, (d) => (d.phase = "rolled_back"));
    await stage.commit(waiting, (d) => (d.phase = "cancelled"));
    // Nobody acts: what was called off before it began is not what is meant.
    expect((await result("status", "checkout")).output).toContain(`checkout  ${acting} `);
  });

  it("asks which one is to go back, where one has moved no traffic and one serves", async () => {
    const serving = await stage.start();
    const acting = await stage.start();
    await stage.retains(serving);
    await stage.commit(acting, (d) => (d.phase = "provisioning"));
    const unclear = await result("rollback", "checkout");
    expect(unclear.code).toBe(2);
    expect(unclear.output).toContain("d2 has moved no traffic yet, and what d1 brought serves");
    expect(unclear.output).toContain("`teal rollback d1` goes back to what served before");
    expect(stage.asked).toEqual([]);
    expect((await result("rollback", serving)).code).toBe(0);
    // The others know whom they mean.
    expect((await result("pause", "checkout")).output).toContain(acting);
    await stage.commit(acting, (d) => {
      d.phase = "shifting";
      d.routes = [
        {
          ref: { kind: "listener", arn: "l" },
          before: { blue: 1, green: 0 },
          sum: 100,
          asked: { blue: 90, green: 10 },
          askedAt: 0,
          earlier: [],
          rest: "x",
        },
      ];
    });
    expect((await result("rollback", "checkout")).output).toContain(acting);
  });

  it("goes back to an earlier deployment by name", async () => {
    const earlier = await stage.start();
    await stage.commit(earlier, (d) => (d.phase = "succeeded"));
    const back = await result("rollback", "checkout", "--to", earlier, "-r", "the others are bad");
    expect(back.code).toBe(0);
    expect(back.output).toMatch(
      /^✓ checkout {2}d2 deploys again what it brought: web:2.*\n {2}teal watch d2\n$/,
    );
    const other = await result("rollback", "worker", "--to", earlier);
    expect(other.output).toContain("There is no deployment worker");
    await stage.start("worker");
    const wrong = await result("rollback", "worker", "--to", earlier);
    expect([wrong.code, wrong.output]).toEqual([
      2,
      expect.stringContaining("d1 is a deployment of checkout, not of worker"),
    ]);
  });

  it("tells a build, and what becomes of those that wait", async () => {
    await stage.start();
    const args = ["deploy", "checkout", "-t", "web:2", "--no-wait", "--when-busy", "supersede"];
    const { code } = await result(...args, "--committed-at", "2026-06-01T12:00:00+02:00");
    expect(code).toBe(0);
    expect((await stage.records.load("d2"))?.request.build).toBe(1_780_308_000);
    const { output } = await result(...args, "--build", "7", "--force", "--json");
    expect(JSON.parse(output)).toMatchObject({ build: 7 });
    expect((await result("deploy", "checkout", "-t", "web:2", "--queue", "--when-busy", "queue")).code).toBe(
      2,
    );
  });
});

describe("the queue", () => {
  it("shows who acts and who waits, and lets one be called off", async () => {
    expect(await result("queue")).toEqual({ code: 0, output: "Nothing acts and nothing waits.\n" });
    const acting = await stage.start();
    await stage.commit(acting, (d) => (d.phase = "shifting"));
    await result("deploy", "checkout", "-t", "web:3", "--queue", "--no-wait", "--build", "7");
    expect((await result("queue")).output).toMatch(
      /^checkout\n {2}acts {5}d1 {2}shifting {2}test .*web:2\n {2}waits 1 {2}d2 {2}queued {4}\S+ +build 7 .*web:3\n$/,
    );
    const json = JSON.parse((await result("queue", "checkout", "--json")).output);
    expect(json).toMatchObject({ acting: { id: "d1" }, queue: [{ id: "d2", build: 7 }] });
    const called = await result("cancel", "checkout");
    expect(called).toEqual({ code: 0, output: "✓ d2  done\n" });
    expect(stage.asked).toMatchObject([{ kind: "rollback" }]);
    const begun = await result("cancel", "d1");
    expect([begun.code, begun.output]).toEqual([
      3,
      expect.stringContaining("Roll it back with `teal rollback d1`"),
    ]);
    await result("deploy", "checkout", "-t", "web:4", "--queue", "--no-wait");
    const unclear = await result("cancel", "checkout");
    expect([unclear.code, unclear.output]).toEqual([2, expect.stringContaining("Name one of them: d2, d3.")]);
    expect((await result("queue", "nope")).code).toBe(2);
  });
});

describe("looking", () => {
  it("shows, lists and prints the history, for people and for programs", async () => {
    const id = await stage.start();
    expect((await result("status", "checkout")).output).toMatch(
      /^checkout {2}d1 .*QUEUED.*You can: teal rollback d1/s,
    );
    expect((await result("status")).output).toMatch(/deployment.*\n.*d1 +queued +0 % +web:2 +test/s);
    expect(JSON.parse((await result("list", "checkout", "--json")).output).deployments).toHaveLength(1);
    expect((await result("events", id)).output).toMatch(/^\d\d:\d\d:\d\d {2}test asked for web:2/);
    expect(JSON.parse((await result("events", id, "--json")).output)).toMatchObject({
      seq: 0,
      type: "created",
    });
  });

  it("watches line by line where there is no terminal, until nothing more happens", async () => {
    const id = await stage.start();
    const watching = teal("watch", "checkout");
    await watching.waitForLine(/asked for/);
    await enter(id, "cancelled", "called off", (d) => (d.settled = true));
    expect((await watching.exited).code).toBe(1);
    expect(watching.output()).toContain("called off");
  });
});
