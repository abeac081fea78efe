import { CreateTaskSetCommand, DescribeServicesCommand } from "@aws-sdk/client-ecs";
import { DescribeRulesCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { expect, test } from "vitest";
import type { Fault } from "../../../sandbox/faults.ts";
import { sandbox, shop, taskSet } from "../support.ts";

function world() {
  const box = sandbox();
  const { blue, definition, listener } = shop(box);
  return {
    ...box,
    listener,
    create: (abortSignal?: AbortSignal) =>
      box.ecs.send(new CreateTaskSetCommand(taskSet(definition, blue)), { abortSignal }),
    count: async () => {
      const { services } = await box.ecs.send(
        new DescribeServicesCommand({ cluster: "demo", services: ["shop"] }),
      );
      return services?.[0]?.taskSets?.length;
    },
  };
}

test.each<[Fault, object, number]>([
  [{ kind: "throttle" }, { name: "ThrottlingException" }, 0],
  [
    { kind: "serverError" },
    { name: "ServerException", $metadata: expect.objectContaining({ httpStatusCode: 500 }) },
    0,
  ],
  [{ kind: "error", code: "AccessDeniedException" }, { name: "AccessDeniedException" }, 0],
  [{ kind: "loseRequest" }, { code: "ECONNRESET" }, 0],
  [{ kind: "loseAnswer" }, { code: "ECONNRESET" }, 1],
])("%o: what the caller sees, and how many sets it left", async (fault, error, left) => {
  const box = world();
  box.faults.add({ action: "CreateTaskSet", times: 1, fault });
  await expect(box.create()).rejects.toMatchObject(error);
  expect(await box.count()).toBe(left);
  await box.create();
  expect(await box.count()).toBe(left + 1);
});

test("the query protocol has its own word for throttling", async () => {
  const box = world();
  box.faults.add({ fault: { kind: "throttle" } });
  await expect(box.elb.send(new DescribeRulesCommand({ ListenerArn: box.listener }))).rejects.toMatchObject({
    name: "Throttling",
    message: "Rate exceeded",
  });
});

test("a late write is performed after its caller has given up", async () => {
  const box = world();
  box.faults.add({ action: "CreateTaskSet", times: 1, fault: { kind: "delayRequest", ms: 60_000 } });
  const abort = new AbortController();
  const ended = box.create(abort.signal).catch((error: unknown) => error);
  await untilTimerOf(box, 60_000);
  abort.abort();
  expect(await ended).toMatchObject({ name: "AbortError" });
  expect(await box.count()).toBe(0);
  box.clock.advance(60_000);
  await Promise.resolve();
  expect(await box.count()).toBe(1);
});

test("a delayed answer has been performed at once", async () => {
  const box = world();
  box.faults.add({ action: "CreateTaskSet", times: 1, fault: { kind: "delayAnswer", ms: 60_000 } });
  const call = box.create();
  await untilTimerOf(box, 60_000);
  expect(await box.count()).toBe(1);
  box.clock.advance(60_000);
  await expect(call).resolves.toMatchObject({ taskSet: { status: "ACTIVE" } });
});

test("a repeated request makes a second set without a token", async () => {
  const box = world();
  box.faults.add({ action: "CreateTaskSet", skip: 1, times: 1, fault: { kind: "repeat" } });
  await box.create();
  expect(await box.count()).toBe(1);
  await box.create();
  expect(await box.count()).toBe(3);
});

test("calls are counted by outcome and told to subscribers", async () => {
  const box = world();
  const heard: string[] = [];
  const stop = box.calls.subscribe((call) => heard.push(`${call.action} ${call.outcome}`));
  box.faults.add({ action: "CreateTaskSet", times: 1, fault: { kind: "throttle" } });
  await box.create().catch(() => undefined);
  await box.create();
  stop();
  await box.create();
  expect(heard).toEqual(["CreateTaskSet ThrottlingException", "CreateTaskSet ok"]);
  expect(box.calls.byOutcome()).toEqual({
    "ecs:CreateTaskSet ThrottlingException": 1,
    "ecs:CreateTaskSet ok": 2,
  });
});

test("the control paths change behaviours, settings and faults, and refuse what they don't know", async () => {
  const box = world();
  const ask = async (method: string, path: string, body?: unknown) => {
    const reply = await box.handle({
      method,
      path: `/_sandbox${path}`,
      headers: {},
      body: JSON.stringify(body ?? null),
    });
    if ("cut" in reply) throw new Error("cut");
    return { status: reply.status, body: JSON.parse(String(reply.body)) as unknown };
  };
  await ask("POST", "/behaviours", { "shop:1": { failHealthChecks: true } });
  expect(box.aws.settings.behaviours).toEqual({ "shop:1": { failHealthChecks: true } });
  await ask("POST", "/behaviours", { "shop:1": null });
  expect(box.aws.settings.behaviours).toEqual({});
  await ask("POST", "/settings", { propagationMs: 7 });
  expect(box.aws.settings.propagationMs).toBe(7);
  expect(await ask("POST", "/settings", { propagationMS: 7 })).toMatchObject({ status: 400 });
  expect(await ask("POST", "/faults", { fault: { kind: "throttle" } })).toEqual({
    status: 200,
    body: { id: 1 },
  });
  await expect(box.create()).rejects.toMatchObject({ name: "ThrottlingException" });
  expect(await ask("GET", "/calls")).toMatchObject({ body: { byAction: { "ecs:CreateTaskSet": 1 } } });
  expect(await ask("GET", "/nothing")).toMatchObject({ status: 404 });
});

/** Waits until the request has reached the sandbox, seen by the timer it left there. */
async function untilTimerOf(box: ReturnType<typeof world>, ms: number): Promise<void> {
  const due = box.clock.now() + ms;
  for (let turn = 0; turn < 1_000 && box.clock.nextAt() !== due; turn++)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}
