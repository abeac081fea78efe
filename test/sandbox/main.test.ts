import { expect, test } from "vitest";
import { startBuilt } from "../support/processes.ts";
import { ask, until } from "./balancer/scene.ts";

/* The command as a user starts it; it must have been built. */

const world = new URL("../../examples/worlds/checkout.yaml", import.meta.url).pathname;

interface Facts {
  endpoint: string;
  listeners: { name: string; url: string }[];
}

test("prints its facts as one line of JSON, serves, and ends cleanly on SIGTERM and on SIGINT", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const sandbox = startBuilt("sandbox/main.js", [
      "start",
      "--world",
      world,
      "--port",
      "0",
      "--free-ports",
      "--json",
    ]);
    const facts: Facts = JSON.parse(await sandbox.waitForLine(/^\{/));
    expect(facts).toMatchObject({
      region: "eu-west-1",
      seed: 1,
      listeners: [{ name: "checkout", port: 8080 }],
    });
    const url = facts.listeners[0]?.url ?? "";
    await until("a task answers", async () => (await ask(url)).status === 200);
    sandbox.signal(signal);
    expect(await sandbox.exited).toEqual({ code: 0, signal: null });
    expect(sandbox.output().trim().split("\n")).toHaveLength(1);
    await expect(ask(facts.endpoint)).rejects.toThrow(/ECONNREFUSED/);
  }
});

test("prints where to look and the commands to look with", async () => {
  const sandbox = startBuilt("sandbox/main.js", ["start", "--world", world, "--port", "0", "--free-ports"]);
  await sandbox.waitForLine(/Ctrl-C ends it/);
  const text = sandbox.output();
  expect(text).toMatch(/^AWS endpoint +http:\/\/127\.0\.0\.1:\d+/m);
  expect(text).toMatch(/^Listener +http:\/\/127\.0\.0\.1:\d+ +checkout/m);
  expect(text).toContain("ecs describe-services --cluster demo --services checkout");
  expect(text).toContain("elbv2 describe-listeners --listener-arns arn:aws:elasticloadbalancing:");
  expect(await sandbox.stop()).toEqual({ code: 0, signal: null });
});

test.each([
  { args: ["--world", "nowhere.yaml"], says: /There is no world file nowhere\.yaml/ },
  { args: ["--port", "lots"], says: /whole number from 0 to 65535/ },
  {
    args: ["--world", new URL(import.meta.url).pathname],
    says: /is not a world that the sandbox can build:\n {2}line/,
  },
])("refuses $args with a reason", async ({ args, says }) => {
  const sandbox = startBuilt("sandbox/main.js", ["start", ...args]);
  expect(await sandbox.exited).toEqual({ code: 1, signal: null });
  expect(sandbox.output()).toMatch(says);
});

test("says which port is taken", async () => {
  const first = startBuilt("sandbox/main.js", ["start", "--port", "0", "--json"]);
  const facts: Facts = JSON.parse(await first.waitForLine(/^\{/));
  const { port } = new URL(facts.endpoint);
  const second = startBuilt("sandbox/main.js", ["start", "--port", port]);
  expect((await second.exited).code).toBe(1);
  expect(second.output()).toContain(`Port ${port} is taken`);
});
