/** What is sent for each effect, when nothing may be sent, and what an answer that never came is called. */
import { expect, test } from "vitest";
import type { AwsEffect } from "../../src/deployment/effect.ts";
import { openGuard, sampleClock, setArn, Stub, stubCloud, target, type WireRequest } from "./stub.ts";

const arn = setArn("1");
const promote: AwsEffect = { kind: "makePrimary", arn };
const ok = { ok: {} };

test("a new set is asked for with all that the record's request has", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ ok: { taskSet: { taskSetArn: arn } } }));
  const request = {
    cluster: "prod",
    service: "checkout",
    taskDefinition: "checkout:2",
    clientToken: "token",
    scalePercent: 12.5,
    externalId: "mine",
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: ["subnet-1"],
        securityGroups: ["sg-1"],
        assignPublicIp: "ENABLED" as const,
      },
    },
    loadBalancers: [{ targetGroupArn: "tg", containerName: "web", containerPort: 80 }],
    serviceRegistries: [{ registryArn: "registry", port: 53 }],
    capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1, base: 0 }],
    platformVersion: "1.4.0",
    tags: [{ key: "empty", value: "" }],
  };
  const outcome = await stubCloud(stub, { clock }).perform(
    target,
    { kind: "createTaskSet", request },
    openGuard(clock),
  );
  expect(outcome).toMatchObject({ kind: "done", value: { arn }, requestId: "request-1" });
  const { scalePercent, ...same } = request;
  expect(stub.received).toEqual([
    { action: "ecs:CreateTaskSet", input: { ...same, scale: { value: scalePercent, unit: "PERCENT" } } },
  ]);
});

const simple: [AwsEffect, string, object][] = [
  [
    { kind: "scaleTaskSet", arn, scalePercent: 0 },
    "ecs:UpdateTaskSet",
    { cluster: "prod", service: "checkout", taskSet: arn, scale: { value: 0, unit: "PERCENT" } },
  ],
  [promote, "ecs:UpdateServicePrimaryTaskSet", { cluster: "prod", service: "checkout", primaryTaskSet: arn }],
  [
    { kind: "tagTaskSet", arn, tags: [{ key: "a", value: "b" }] },
    "ecs:TagResource",
    { resourceArn: arn, tags: [{ key: "a", value: "b" }] },
  ],
  [
    { kind: "deleteTaskSet", arn, force: true },
    "ecs:DeleteTaskSet",
    { cluster: "prod", service: "checkout", taskSet: arn, force: true },
  ],
];

test.each(simple)("$kind is one call", async (effect, action, input) => {
  const clock = sampleClock();
  const stub = new Stub(() => ok);
  const outcome = await stubCloud(stub, { clock }).perform(target, effect, openGuard(clock));
  expect(outcome.kind).toBe("done");
  expect(stub.received).toEqual([{ action, input }]);
});

test("a revision is registered as it was read, with tags if there are any, and is never repeated", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ ok: { taskDefinition: { taskDefinitionArn: "arn:new" } } }));
  const cloud = stubCloud(stub, { clock });
  const registration = { family: "checkout", containerDefinitions: [{ name: "web", image: "shop:2" }] };
  const plain: AwsEffect = { kind: "registerTaskDefinition", registration, tags: [] };
  const tagged: AwsEffect = { ...plain, tags: [{ key: "a", value: "" }] };
  expect(await cloud.perform(target, plain, openGuard(clock))).toMatchObject({ value: { arn: "arn:new" } });
  await cloud.perform(target, tagged, openGuard(clock));
  expect(stub.received.map((call) => call.input)).toEqual([
    registration,
    { ...registration, tags: tagged.tags },
  ]);
  stub.answer(() => ({ error: "ServerException", status: 500 }));
  expect(await cloud.perform(target, tagged, openGuard(clock))).toMatchObject({ kind: "unknown" });
  expect(stub.received).toHaveLength(3);
});

test("what the record holds but AWS could never take is refused before it is sent", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ok);
  const cloud = stubCloud(stub, { clock });
  const request = { cluster: "c", service: "s", taskDefinition: "t", clientToken: "k", scalePercent: 1 };
  const strange: AwsEffect[] = [
    { kind: "registerTaskDefinition", registration: {}, tags: [] },
    { kind: "createTaskSet", request: { ...request, launchType: "MOON" } },
  ];
  for (const effect of strange) {
    const outcome = await cloud.perform(target, effect, openGuard(clock));
    expect(outcome).toMatchObject({ kind: "refused", fault: { class: "refuse", code: "NotSendable" } });
  }
  expect(stub.received).toEqual([]);
});

test("deleting a set that is gone is done; scaling it is refused as absent", async () => {
  const clock = sampleClock();
  const cloud = stubCloud(new Stub(() => ({ error: "TaskSetNotFoundException" })), { clock });
  const remove: AwsEffect = { kind: "deleteTaskSet", arn, force: false };
  expect(await cloud.perform(target, remove, openGuard(clock))).toMatchObject({ kind: "done", value: {} });
  const scale: AwsEffect = { kind: "scaleTaskSet", arn, scalePercent: 0 };
  expect(await cloud.perform(target, scale, openGuard(clock))).toMatchObject({
    kind: "refused",
    fault: { class: "absent", code: "TaskSetNotFoundException", action: "ecs:UpdateTaskSet" },
  });
});

test("no attempt begins without the claim, nor at or after the deadline", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ok);
  const cloud = stubCloud(stub, { clock });
  const lost = { deadline: clock.now() + 1_000, allowed: async () => false };
  expect(await cloud.perform(target, promote, lost)).toMatchObject({
    kind: "refused",
    fault: { class: "repeat", code: "ClaimLost" },
  });
  const slow = {
    deadline: clock.now() + 1_000,
    allowed: async () => {
      clock.advance(1_000);
      return true;
    },
  };
  expect(await cloud.perform(target, promote, slow)).toMatchObject({
    kind: "refused",
    fault: { class: "repeat", code: "Expired" },
  });
  const failing = {
    deadline: clock.now() + 1_000,
    allowed: () => Promise.reject(new Error("redis is away")),
  };
  expect(await cloud.perform(target, promote, failing)).toMatchObject({ kind: "refused" });
  expect(stub.received).toEqual([]);
});

test("what was given up is not begun later, though a clock that was set back allows it", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ok);
  const claim = { answer: (_holds: boolean): void => {} };
  const allowed = () => new Promise<boolean>((resolve) => (claim.answer = resolve));
  const guard = { deadline: clock.now() + 50, allowed };
  // Nor is the SDK relied upon to notice that it was told to stop.
  const requestHandler = { ...stub.handler, handle: (request: WireRequest) => stub.handler.handle(request) };
  const outcome = await stubCloud(stub, { clock, requestHandler }).perform(target, promote, guard);
  expect(outcome).toMatchObject({ kind: "refused", fault: { code: "Timeout" } });
  claim.answer(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(stub.received).toEqual([]);
});

test("the guard stands before the SDK's own repeats", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ error: "ServerException", status: 500 }));
  let asked = 0;
  const guard = { deadline: clock.now() + 1_000, allowed: async () => ++asked < 2 };
  const outcome = await stubCloud(stub, { clock }).perform(target, promote, guard);
  expect(stub.received).toHaveLength(1);
  expect(asked).toBe(2);
  // The first attempt may have happened, whatever forbade the second.
  expect(outcome).toMatchObject({ kind: "unknown", fault: { code: "ClaimLost" } });
});

test("an attempt that AWS refused before the claim was lost leaves nothing unknown", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ error: "ThrottlingException" }));
  let asked = 0;
  const guard = { deadline: clock.now() + 1_000, allowed: async () => ++asked < 2 };
  const outcome = await stubCloud(stub, { clock }).perform(target, promote, guard);
  expect(stub.received).toHaveLength(1);
  expect(outcome).toMatchObject({ kind: "refused", fault: { code: "ClaimLost" } });
});

test("a refusal after an attempt that nobody heard of is unknown", async () => {
  const clock = sampleClock();
  const stub = new Stub((_call, nth) =>
    nth === 1 ? { cut: "ECONNRESET" } : { error: "AccessDeniedException" },
  );
  const outcome = await stubCloud(stub, { clock }).perform(target, promote, openGuard(clock));
  expect(stub.received).toHaveLength(2);
  expect(outcome).toMatchObject({ kind: "unknown", fault: { class: "stuck" } });
});

test("an attempt after one that nobody heard of may succeed", async () => {
  const clock = sampleClock();
  const stub = new Stub((_call, nth) => (nth === 1 ? { cut: "ECONNRESET" } : ok));
  const outcome = await stubCloud(stub, { clock }).perform(target, promote, openGuard(clock));
  expect(outcome.kind).toBe("done");
});

test.each([
  [{ cut: "ECONNRESET" } as const, "unknown"],
  [{ cut: "ECONNREFUSED" } as const, "refused"],
  [{ error: "ServerException", status: 500 }, "unknown"],
  [{ error: "ServiceUnavailable", status: 503 }, "unknown"],
  [{ error: "ThrottlingException", status: 400 }, "refused"],
  [{ error: "ExpiredTokenException", status: 400 }, "refused"],
])("%o is %s", async (reply, kind) => {
  const clock = sampleClock();
  const outcome = await stubCloud(new Stub(() => reply), { clock }).perform(
    target,
    promote,
    openGuard(clock),
  );
  expect(outcome.kind).toBe(kind);
});

test("an answer that never comes is unknown at the deadline, and nobody waits longer", async () => {
  const clock = { now: () => Date.now() };
  const stub = new Stub(() => ({ hang: true }));
  const startedAt = clock.now();
  const outcome = await stubCloud(stub, { clock }).perform(target, promote, openGuard(clock, 100));
  expect(outcome).toMatchObject({ kind: "unknown", fault: { class: "repeat", code: "Timeout" } });
  expect(clock.now() - startedAt).toBeLessThan(2_000);
});
