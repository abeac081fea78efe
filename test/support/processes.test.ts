import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { type RunningProcess, reapProcesses, runningProcesses, startProcess } from "./processes.ts";
import { startSentinels } from "./sentinels.ts";

const node = (script: string) => startProcess(process.execPath, ["-e", script], { name: "sample" });
const forever = "setInterval(() => {}, 1000); console.log('ready')";

let left: RunningProcess | undefined;

test("a line is found, also when it was said before", async () => {
  left = node(forever);
  expect(await left.waitForLine(/^ready$/)).toBe("ready");
  expect(await left.waitForLine(/^ready$/, 0)).toBe("ready");
});

test("what the last test left running is gone", async () => {
  expect(await left?.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("an early end rejects with the exit code and what was said", async () => {
  const child = node("console.error('no such luck'); process.exit(3)");
  await expect(child.waitForLine(/ready/)).rejects.toThrow(/code 3[^]*no such luck/);
});

test("a wait has a deadline", async () => {
  const child = node(forever);
  await expect(child.waitForLine(/never/, 50)).rejects.toThrow(/within 50 ms/);
});

test("a program that isn't there ends at once", async () => {
  expect(await startProcess("no-such-program").exited).toEqual({ code: 127, signal: null });
});

test("SIGTERM is followed by SIGKILL, frozen or not", async () => {
  const deaf = node(`process.on('SIGTERM', () => {}); ${forever}`);
  await deaf.waitForLine(/ready/);
  expect(await deaf.stop(100)).toEqual({ code: null, signal: "SIGKILL" });

  const frozen = node(forever);
  await frozen.waitForLine(/ready/);
  frozen.freeze();
  expect(await frozen.stop()).toEqual({ code: null, signal: "SIGTERM" });
});

test("an endpoint is ready when it answers 2xx", async () => {
  let status = 503;
  const server = createServer((_request, response) => {
    response.writeHead(status).end();
    status = 200;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  await node(forever).waitForHttp(`http://127.0.0.1:${port}/readyz`);
  expect(status).toBe(200);
});

test("output is bounded", async () => {
  const child = node("for (let i = 0; i < 40000; i++) console.log(`line ${i} of many`); console.log('last')");
  await child.exited;
  expect(child.output().length).toBeLessThanOrEqual(300 * 1024);
  expect(child.output()).toMatch(/last\n$/);
});

test("reaping leaves alone what was there before", async () => {
  const before = node(forever);
  const known = runningProcesses();
  const after = node(forever);
  await reapProcesses(known);
  expect(await after.exited).toMatchObject({ signal: "SIGKILL" });
  expect(runningProcesses()).toContain(before);
});

test("three sentinels agree on a new master when the first one dies", { timeout: 40_000 }, async () => {
  const sentinels = await startSentinels({ downAfterMs: 500 });
  try {
    expect(await sentinels.master()).toBe(sentinels.first.url);
    await sentinels.first.kill();
    await expect.poll(() => sentinels.master(), { timeout: 20_000 }).toBe(sentinels.second.url);
  } finally {
    await sentinels.close();
  }
});
