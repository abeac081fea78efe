/** Measuring at CloudWatch, against the sandbox: every kind of ask, pages, delays, and what goes wrong. */
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { Measured, MetricQuery, TrafficAsk } from "../../src/deployment/check.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import { errorCodeOf } from "../../src/aws/faults.ts";
import { createMetrics, type AwsAsk, type MetricsOptions } from "../../src/aws/metrics.ts";
import type { Settings } from "../../sandbox/model/settings.ts";
import type { InProcessHandler } from "../../sandbox/wire/handler.ts";
import { forward, region, sandbox, shop, taskSet } from "../sandbox/support.ts";
import { atOnce } from "./stub.ts";

const minuteMs = 60_000;
const atMinuteEnd: Partial<Settings> = { metricDelayMs: 0, metricDelaySpreadMs: 0 };

function scene(settings: Partial<Settings> = atMinuteEnd, options: Partial<MetricsOptions> = {}) {
  const box = sandbox(settings);
  const metrics = createMetrics({
    clock: box.clock,
    after: (ms, fn) => box.clock.after(ms, fn),
    requestHandler: box.config.requestHandler,
    credentials: box.config.credentials,
    endpoint: box.config.endpoint,
    maxAttempts: 1,
    ...options,
  });
  onTestFinished(() => metrics.close());
  const measure = (ask: AwsAsk) => metrics.measure({ region }, ask, box.clock.now() + 15_000);
  return {
    ...box,
    measure,
    async measured(ask: AwsAsk): Promise<Measured> {
      const reading = await measure(ask);
      if (!reading.ok) throw new Error(JSON.stringify(reading.fault));
      return reading.value;
    },
    async fault(ask: AwsAsk): Promise<Fault> {
      const reading = await measure(ask);
      if (reading.ok) throw new Error("it was measured");
      return reading.fault;
    },
    publish(name: string, value: number, more: { at?: number; colour?: string } = {}) {
      box.aws.cloudwatch(region, "PutMetricData", {
        Namespace: "Shop",
        MetricData: [
          {
            MetricName: name,
            Value: value,
            ...(more.at !== undefined && { Timestamp: new Date(more.at) }),
            ...(more.colour !== undefined && { Dimensions: [{ Name: "Colour", Value: more.colour }] }),
          },
        ],
      });
    },
    alarm(name: string, more: object = {}) {
      box.aws.cloudwatch(region, "PutMetricAlarm", {
        AlarmName: name,
        Namespace: "Shop",
        MetricName: "Failures",
        Statistic: "Sum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 5,
        ComparisonOperator: "GreaterThanThreshold",
        TreatMissingData: "ignore",
        ...more,
      });
    },
  };
}

/** Version 1 in blue's group and version 2 in green's, both serving; the weights as said. */
function twoColours(settings: Partial<Settings> = atMinuteEnd, weights: [number, number] = [90, 10]) {
  const box = scene(settings);
  const { blue, green, listener, balancer, definition, register } = shop({ ...box });
  box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
  box.aws.ecs(region, "CreateTaskSet", taskSet(register("shop:2"), green));
  box.aws.elb(region, "ModifyListener", {
    ListenerArn: listener,
    DefaultActions: [forward([blue, weights[0]], [green, weights[1]])],
  });
  box.clock.advance(minuteMs - (box.clock.now() % minuteMs) + minuteMs);
  const from = box.clock.now();
  const ask = (minutes: number, more: Partial<TrafficAsk> = {}): TrafficAsk => ({
    kind: "traffic",
    loadBalancer: balancer.split(":loadbalancer/")[1] ?? "",
    blue: blue.split(":").at(-1) ?? "",
    green: green.split(":").at(-1) ?? "",
    from,
    to: from + minutes * minuteMs,
    ...more,
  });
  const counted = async (asked: TrafficAsk) => {
    const found = await box.measured(asked);
    if (found.kind !== "traffic") throw new Error(found.kind);
    return found;
  };
  const recorded = (group: string, minute: number) =>
    box.aws.recorder
      .minutes(from + minute * minuteMs, from + (minute + 1) * minuteMs)[0]
      ?.groups.find((one) => one.targetGroupArn === group);
  return { ...box, blue, green, listener, from, ask, counted, recorded };
}

const sum = (id: string, name: string, more: Partial<MetricQuery> = {}): MetricQuery => ({
  id,
  metric: { namespace: "Shop", name, dimensions: {}, stat: "Sum" },
  periodSeconds: 60,
  returnData: true,
  ...more,
});

const textOf = (body: unknown) => new TextDecoder().decode(z.instanceof(Uint8Array).parse(body));

test("alarms: what fires with its reason, metric alarms and composite ones, and names that no alarm has", async () => {
  const box = scene();
  box.alarm("errors");
  box.alarm("quiet", { Threshold: 50 });
  box.aws.cloudwatch(region, "PutCompositeAlarm", {
    AlarmName: "any",
    AlarmRule: "ALARM(errors) OR ALARM(quiet)",
  });
  const ask = { kind: "alarms" as const, names: ["errors", "any", "quiet", "gone", "errors"] };
  expect(await box.measured(ask)).toEqual({ kind: "alarms", firing: [], missing: ["gone"] });

  box.publish("Failures", 7);
  box.clock.advance(minuteMs);
  expect(await box.measured(ask)).toEqual({
    kind: "alarms",
    firing: [
      { name: "errors", reason: expect.stringMatching(/Threshold Crossed: 1 out of .*\[7 .*greater than/u) },
      { name: "any", reason: expect.stringContaining("errors is ALARM") },
    ],
    missing: ["gone"],
  });
});

test("alarms: more than a call takes are asked for in several", async () => {
  const box = scene();
  const names = Array.from({ length: 201 }, (_, at) => `alarm-${at}`);
  for (const name of names) box.alarm(name);
  box.aws.cloudwatch(region, "SetAlarmState", {
    AlarmName: "alarm-200",
    StateValue: "ALARM",
    StateReason: "a rehearsal",
  });
  expect(await box.measured({ kind: "alarms", names })).toEqual({
    kind: "alarms",
    firing: [{ name: "alarm-200", reason: "a rehearsal" }],
    missing: [],
  });
  expect(box.calls.byAction()["monitoring:DescribeAlarms"]).toBe(3);
});

test("a query: the newest value of the one that returns data", async () => {
  const box = scene();
  const now = box.clock.now();
  for (const [minutesAgo, value] of [
    [3, 1],
    [2, 2],
    [1, 4],
  ] as const) {
    box.publish("Failures", value, { at: now - minutesAgo * minuteMs });
    box.publish("Orders", 100, { at: now - minutesAgo * minuteMs });
  }
  const ask = (queries: MetricQuery[]) => ({
    kind: "cloudwatch" as const,
    queries,
    from: now - 10 * minuteMs,
    to: now,
  });
  expect(await box.measured(ask([sum("failures", "Failures")]))).toEqual({ kind: "value", value: 4 });
  const share = [
    sum("failures", "Failures", { returnData: false }),
    sum("orders", "Orders", { returnData: false }),
    { id: "share", expression: "100 * failures / (orders + failures)", periodSeconds: 60, returnData: true },
  ];
  expect(await box.measured(ask(share))).toEqual({ kind: "value", value: (100 * 4) / 104 });
  box.publish("Failures", 9, { at: now - minuteMs, colour: "green" });
  const green = sum("green", "Failures");
  if (green.metric) green.metric.dimensions = { Colour: "green" };
  expect(await box.measured(ask([green]))).toEqual({ kind: "value", value: 9 });
});

test("a query without a value says so, and one that can't be asked is refused", async () => {
  const box = scene();
  const now = box.clock.now();
  const ask = (query: MetricQuery) => ({
    kind: "cloudwatch" as const,
    queries: [query],
    from: now - 10 * minuteMs,
    to: now,
  });
  expect(await box.measured(ask(sum("failures", "Failures")))).toEqual({
    kind: "nothing",
    why: "failures has no value from 2025-12-31T23:50:00.000Z to 2026-01-01T00:00:00.000Z",
  });
  const fault = await box.fault(ask({ id: "a", expression: "b / 2", periodSeconds: 60, returnData: true }));
  expect(fault).toMatchObject({
    class: "refuse",
    action: "cloudwatch:GetMetricData",
    message: expect.stringContaining("'b'"),
  });
});

test("traffic: what each colour got and answered, minute by minute, in one call", async () => {
  const box = twoColours({ ...atMinuteEnd, behaviours: { "shop:2": { failShare: 0.1, hangShare: 0.05 } } });
  box.flow(box.listener, { perMinute: 1_000 });
  box.clock.advance(3 * minuteMs);
  box.flow(box.listener, { perMinute: 0 });
  box.clock.advance(2 * minuteMs);
  box.calls.reset();
  const { minutes, ...rest } = await box.counted(box.ask(5));
  expect(rest).toEqual({ kind: "traffic" });
  expect(box.calls.byAction()).toEqual({ "monitoring:GetMetricData": 1 });
  expect(minutes.map(({ at }) => (at - box.from) / minuteMs)).toEqual([0, 1, 2]);
  for (const [at, minute] of minutes.entries()) {
    const [blue, green] = [box.recorded(box.blue, at), box.recorded(box.green, at)];
    const ok = green?.HTTPCode_Target_2XX_Count ?? 0;
    const errors = green?.HTTPCode_Target_5XX_Count ?? 0;
    expect(minute.blue).toEqual({
      requests: blue?.RequestCount,
      answered: blue?.RequestCount,
      errors: 0,
    });
    expect(minute.green).toEqual({ requests: green?.RequestCount, answered: ok + errors, errors });
    expect(minute.green.requests).toBeGreaterThan(50);
    expect(minute.green.requests).toBeLessThan(150);
  }
  const total = minutes.reduce(
    (all, { green }) => ({
      errors: all.errors + green.errors,
      lost: all.lost + green.requests - green.answered,
    }),
    { errors: 0, lost: 0 },
  );
  expect(total.errors).toBeGreaterThan(10);
  expect(total.lost).toBeGreaterThan(3);
});

test("traffic: slow answers beyond a threshold, and blue's percentile of the time before", async () => {
  const box = twoColours({
    ...atMinuteEnd,
    behaviours: { "shop:2": { tailShare: 0.2, tailMs: 3_000 } },
  });
  box.flow(box.listener, { perMinute: 600, latencyMs: 100 });
  box.clock.advance(10 * minuteMs);
  const to = box.from + 10 * minuteMs;
  const { minutes, historySeconds } = await box.counted(
    box.ask(10, {
      from: to - 2 * minuteMs,
      to,
      slowSeconds: 2,
      history: { from: box.from, to: to - 2 * minuteMs, percentile: 99 },
    }),
  );
  expect(minutes).toHaveLength(2);
  for (const { green, blue } of minutes) {
    expect(blue.slow).toBe(0);
    expect(green.slow).toBeGreaterThan(2);
    expect(green.slow).toBeLessThan(green.answered / 2);
  }
  // The 99th percentile of a log-logistic time around 0.1 s with shape 4 is 0.1 · 99^¼.
  expect(historySeconds).toBeGreaterThan(0.27);
  expect(historySeconds).toBeLessThan(0.37);
});

test("traffic: without any there is nothing to tell, nor a history", async () => {
  const box = twoColours();
  box.clock.advance(3 * minuteMs);
  const history = { from: box.from - 60 * minuteMs, to: box.from, percentile: 95 };
  expect(await box.counted(box.ask(3, { slowSeconds: 1, history }))).toEqual({
    kind: "traffic",
    minutes: [],
  });
});

test("traffic: a minute can be seen one to two minutes after its end, not before", async () => {
  const box = twoColours({}, [50, 50]);
  box.flow(box.listener, { perMinute: 600 });
  box.clock.advance(minuteMs);
  box.flow(box.listener, { perMinute: 0 });
  const seen: number[] = [];
  for (let waitedMs = 0; waitedMs <= 2 * minuteMs; waitedMs += 5_000) {
    const { minutes } = await box.counted(box.ask(1));
    if (waitedMs < minuteMs) expect(minutes).toEqual([]);
    seen.push((minutes[0]?.blue.requests ?? 0) + (minutes[0]?.green.requests ?? 0));
    box.clock.advance(5_000);
  }
  expect(seen.at(-1)).toBe(600);
  // The two colours come in at their own times.
  expect(new Set(seen).size).toBe(3);
});

test("answers of several pages are put together", async () => {
  const box = twoColours();
  box.flow(box.listener, { perMinute: 600 });
  box.clock.advance(4 * minuteMs);
  const whole = await box.counted(box.ask(4, { slowSeconds: 1 }));
  // A handler between the SDK and the sandbox asks for small pages.
  let pages = 0;
  const { requestHandler } = box.config;
  const between: InProcessHandler = {
    ...requestHandler,
    handle: (request, options) => {
      pages++;
      const asked: object = z.looseObject({}).parse(JSON.parse(textOf(request.body)));
      return requestHandler.handle(
        { ...request, body: JSON.stringify({ ...asked, MaxDatapoints: 7 }) },
        options,
      );
    },
  };
  const small = createMetrics({
    clock: box.clock,
    after: (ms, fn) => box.clock.after(ms, fn),
    credentials: box.config.credentials,
    endpoint: box.config.endpoint,
    requestHandler: between,
  });
  const reading = await small.measure({ region }, box.ask(4, { slowSeconds: 1 }), box.clock.now() + 15_000);
  expect(reading).toMatchObject({ ok: true, value: whole });
  expect(pages).toBe(Math.ceil((4 * 2 * 4) / 7));
});

const asks: AwsAsk[] = [
  { kind: "alarms", names: ["errors"] },
  { kind: "cloudwatch", queries: [sum("failures", "Failures")], from: 0, to: minuteMs },
  {
    kind: "traffic",
    loadBalancer: "app/a/1",
    blue: "targetgroup/b/1",
    green: "targetgroup/g/1",
    from: 0,
    to: minuteMs,
  },
];
const actions = {
  alarms: "cloudwatch:DescribeAlarms",
  cloudwatch: "cloudwatch:GetMetricData",
  traffic: "cloudwatch:GetMetricData",
};

test.each(asks)(
  "$kind: a throttle, trouble at AWS and a broken connection pass; a refusal names who must act",
  async (ask) => {
    const box = scene();
    const meets = async (fault: Parameters<typeof box.faults.add>[0]["fault"]) => {
      box.faults.add({ fault, times: 1 });
      return await box.fault(ask);
    };
    const action = actions[ask.kind];
    expect(await meets({ kind: "throttle" })).toMatchObject({ class: "repeat", code: "Throttling", action });
    expect(await meets({ kind: "serverError" })).toMatchObject({
      class: "repeat",
      code: "InternalServiceFault",
    });
    expect(await meets({ kind: "loseAnswer" })).toMatchObject({ class: "repeat", code: "Network" });
    const denied = await meets({
      kind: "error",
      code: "AccessDenied",
      status: 403,
      message: `User: teal is not authorized to perform: ${action}`,
    });
    expect(denied).toMatchObject({ class: "stuck", action });
    expect(errorCodeOf(denied)).toBe("access-denied");
    expect((await box.measure(ask)).ok).toBe(true);
  },
);

test("one that is slow ends at the deadline", async () => {
  const box = scene();
  box.faults.add({ fault: { kind: "delayAnswer", ms: 60_000 }, times: 1 });
  const pending = box.fault({ kind: "alarms", names: ["errors"] });
  // The request is on its way by the time that the event loop has come round.
  await new Promise((resolve) => setImmediate(resolve));
  box.clock.advance(15_000);
  expect(await pending).toMatchObject({ class: "repeat", code: "Timeout" });
});

test("a throttled call is repeated by itself", async () => {
  const box = scene(atMinuteEnd, { retryStrategy: atOnce(3) });
  box.faults.add({ fault: { kind: "throttle" }, times: 2 });
  expect(await box.measured({ kind: "alarms", names: [] })).toMatchObject({ missing: [] });
  expect(await box.measured({ kind: "alarms", names: ["gone"] })).toMatchObject({ missing: ["gone"] });
  expect(box.calls.byOutcome()).toEqual({
    "monitoring:DescribeAlarms Throttling": 2,
    "monitoring:DescribeAlarms ok": 1,
  });
});

test.each([
  { code: "InvalidNextToken", class: "repeat" },
  { code: "MissingRequiredParameterException", class: "refuse" },
  { code: "InvalidParameterValue", class: "refuse" },
  { code: "ExpiredToken", class: "stuck" },
])("$code is $class", async (one) => {
  const box = scene();
  box.faults.add({ fault: { kind: "error", code: one.code }, times: 1 });
  expect((await box.fault({ kind: "alarms", names: ["errors"] })).class).toBe(one.class);
});

test.each([
  { StatusCode: "InternalError", class: "repeat" },
  { StatusCode: "PartialData", class: "repeat" },
  { StatusCode: "Forbidden", class: "stuck" },
])("a query whose result is $StatusCode isn't measured", async ({ StatusCode, class: expected }) => {
  const box = scene();
  const results = [
    { Id: "failures", StatusCode, Timestamps: [1], Values: [1], Messages: [{ Code: "x", Value: "y" }] },
  ];
  const metrics = createMetrics({
    clock: box.clock,
    credentials: box.config.credentials,
    endpoint: box.config.endpoint,
    requestHandler: {
      ...box.config.requestHandler,
      handle: async () => ({
        response: {
          statusCode: 200,
          headers: { "content-type": "application/x-amz-json-1.0" },
          body: new TextEncoder().encode(JSON.stringify({ MetricDataResults: results })),
        },
      }),
    },
  });
  const ask = { kind: "cloudwatch" as const, queries: [sum("failures", "Failures")], from: 0, to: minuteMs };
  expect(await metrics.measure({ region }, ask, box.clock.now() + 15_000)).toMatchObject({
    ok: false,
    fault: { class: expected, code: StatusCode, message: expect.stringContaining("x: y") },
  });
});
