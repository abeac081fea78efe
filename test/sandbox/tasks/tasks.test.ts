import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SteppedClock } from "../../../sandbox/clock.ts";
import type { Behaviour } from "../../../sandbox/model/behaviour.ts";
import { httpProber, matches } from "../../../sandbox/tasks/prober.ts";
import { versionOf } from "../../../sandbox/tasks/taskServer.ts";
import { binomialInterval } from "../balancer/chance.ts";
import { ask, forward, group, many, openScene, until } from "../balancer/scene.ts";

let clock: SteppedClock;
let scene: Awaited<ReturnType<typeof openScene>>;
beforeEach(async () => {
  clock = new SteppedClock(1_000);
  scene = await openScene({ clock });
});
afterEach(() => scene.close());

/** A running task and how to reach it without the balancer. */
async function start(behaviour: Behaviour = {}, image = "registry.example:5000/demo/checkout:7") {
  const target = scene.traffic.run("t1", image, behaviour, clock.now());
  await scene.network.ready();
  const url = () => {
    const place = scene.network.locate(target.address, target.port);
    return `http://${place?.host ?? "127.0.0.1"}:${place?.port ?? 1}`;
  };
  return { target, task: scene.traffic.live.get(target.taskArn), url };
}

function probe(target: { address: string; port: number }, path = "/health", timeoutMs = 5_000) {
  const prober = httpProber({ clock, locate: scene.network.locate });
  const asked = { targetGroupArn: "a", path, matcher: "200", timeoutMs, task: undefined };
  return prober({ ...asked, address: target.address, port: target.port });
}

test("answers with its version and its name", async () => {
  const { url, target } = await start();
  const reply = await ask(`${url()}/any/path`);
  expect(reply.status).toBe(200);
  expect([reply.headers["x-version"], reply.headers["x-task"]]).toEqual(["7", target.taskArn]);
  expect(JSON.parse(reply.body.toString())).toMatchObject({ service: "checkout", version: "7" });
});

test.each([
  ["demo/checkout:1.2.3", "1.2.3"],
  ["localhost:5000/demo/checkout", "latest"],
  ["demo@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "0123456789ab"],
])("the version of %s is %s", (image, version) => {
  expect(versionOf(image)).toBe(version);
});

test("needs time until it is well", async () => {
  const { url, target } = await start({ startsHealthyAfterMs: 2_000 });
  expect((await ask(`${url()}/`)).status).toBe(503);
  expect(await probe(target)).toBe(false);
  clock.advance(2_000);
  expect((await ask(`${url()}/`)).status).toBe(200);
  expect(await probe(target)).toBe(true);
});

test("fails health checks at any path that they ask for, and answers requests all the same", async () => {
  const { url, target } = await start({ failHealthChecks: true });
  expect(await probe(target)).toBe(false);
  expect(await probe(target, "/status")).toBe(false);
  expect((await ask(`${url()}/`)).status).toBe(200);
  scene.traffic.setTaskBehaviour(target.taskArn, {});
  expect(await probe(target)).toBe(true);
});

test("fails the share of requests that it is told to, health checks not among them", async () => {
  const { url, target } = await start({ failShare: 0.2 });
  const replies = await many(2_000, 16, () => ask(`${url()}/`, { agent: scene.agent }));
  const { low, high } = binomialInterval(2_000, 0.2);
  const failed = replies.filter((reply) => reply.status === 500).length;
  expect(failed).toBeGreaterThanOrEqual(low);
  expect(failed).toBeLessThanOrEqual(high);
  for (let i = 0; i < 20; i++) expect(await probe(target)).toBe(true);
});

test("is as slow as it is told to be", async () => {
  const { url } = await start({ slowMs: 700 });
  let answered = false;
  const asked = ask(`${url()}/`).then((reply) => {
    answered = true;
    return reply;
  });
  await until("the answer waits", () => clock.nextAt() !== undefined);
  clock.advance(699);
  await ask(`${url()}/_echo`, { method: "POST" });
  expect(answered).toBe(false);
  clock.advance(1);
  expect((await asked).status).toBe(200);
});

test("a share of its answers takes longer, health checks not among them", async () => {
  const { url, target } = await start({ tailShare: 0.5, tailMs: 5_000 });
  expect(await probe(target)).toBe(true);
  let quick = 0;
  const asked = Array.from({ length: 40 }, () => ask(`${url()}/`).then(() => quick++));
  // What isn't slow is answered without the clock.
  await until("the quick ones are answered", () => quick > 8);
  for (let at = 0; at < 5; at++) expect(await probe(target)).toBe(true);
  expect(quick).toBeLessThan(40);
  await until("the slow ones wait", () => {
    clock.advance(5_000);
    return quick === 40;
  });
  await Promise.all(asked);
});

test("a share of requests is never answered, health checks not among them", async () => {
  const { url, target } = await start({ hangShare: 1 });
  let ended = "";
  const asked = ask(`${url()}/`).then(
    () => (ended = "answered"),
    () => (ended = "cut"),
  );
  for (let at = 0; at < 20; at++) expect(await probe(target)).toBe(true);
  expect(clock.nextAt()).toBeUndefined();
  expect(ended).toBe("");
  // Only the end of the task ends it.
  const task = scene.traffic.live.get(target.taskArn);
  if (task === undefined) throw new Error("the task is gone");
  scene.traffic.emit("stopped", task);
  await asked;
  expect(ended).toBe("cut");
});

test("a probe that isn't answered in time fails", async () => {
  const { target } = await start({ slowMs: 60_000 });
  const probed = probe(target, "/health", 2_000);
  await until("probe and answer wait", () => {
    // The task's own timer is the later one.
    return clock.nextAt() !== undefined;
  });
  clock.advance(2_000);
  expect(await probed).toBe(false);
});

test("POST /_exit ends it, the model is told, connections are refused", async () => {
  const { url, target } = await start();
  const before = url();
  expect((await ask(`${before}/_exit?code=137`, { method: "POST" })).status).toBe(202);
  await until("the model is told", () => scene.traffic.exits.length === 1);
  expect(scene.traffic.exits).toEqual([[target.taskArn, 137]]);
  expect(scene.network.locate(target.address, target.port)).toBeUndefined();
  await expect(ask(before)).rejects.toThrow(/ECONNREFUSED/);
  expect(await probe(target)).toBe(false);
});

describe("stopping", () => {
  test("SIGTERM: what is in flight through the balancer is answered, new connections are refused", async () => {
    const { url, target, task } = await start();
    if (task === undefined) throw new Error("no task");
    scene.traffic.answer = forward([group("a", 1, [target])]);
    const slow = scene.ask("/?waitMs=5000");
    await until("the answer waits", () => clock.nextAt() === clock.now() + 5_000);
    scene.traffic.emit("stopping", task);
    const direct = url();
    await until("it takes no more connections", async () => {
      try {
        await ask(`${direct}/_echo`, { method: "POST" });
        return false;
      } catch {
        return true;
      }
    });
    clock.advance(5_000);
    const reply = await slow;
    expect([reply.status, reply.headers["x-version"]]).toEqual([200, "7"]);
  });

  test("SIGKILL: what is in flight is cut, which the balancer answers with 502", async () => {
    const { target, task } = await start();
    if (task === undefined) throw new Error("no task");
    scene.traffic.answer = forward([group("a", 1, [target])]);
    const slow = scene.ask("/?waitMs=5000");
    await until("the answer waits", () => clock.nextAt() === clock.now() + 5_000);
    scene.traffic.emit("stopping", task);
    scene.traffic.emit("stopped", task);
    expect((await slow).status).toBe(502);
    expect(scene.network.locate(target.address, target.port)).toBeUndefined();
  });

  test("a task that stops before it ever listened leaves nothing behind", async () => {
    const target = scene.traffic.run("t2", "demo:1");
    const task = scene.traffic.live.get(target.taskArn);
    if (task === undefined) throw new Error("no task");
    scene.traffic.emit("stopped", task);
    await scene.network.close();
    expect(scene.network.locate(target.address, target.port)).toBeUndefined();
  });
});

test("a matcher is a list of codes and ranges", () => {
  expect([200, 250, 301, 302, 500].map((status) => matches("200-299,301", status))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
