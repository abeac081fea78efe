/** What checks measure, each kind from its own source, and what follows from what they find. */
import { describe, expect, it } from "vitest";
import type { Measured } from "../../src/deployment/check.ts";
import { createGauges } from "../../src/outbound/gauges.ts";
import { answering, loopback, startStranger } from "../outbound/scene.ts";
import { type Laid, region, type World } from "../support/world.ts";
import { given, type Given, minute, onBlue } from "./given.ts";

/** Version 2 is well, but fails so many of its requests, which the sandbox's CloudWatch counts. */
const failing = (share: number) => ({
  metrics: true,
  settings: { behaviours: { "demo/checkout:2": { failShare: share } } },
});

/** As CloudWatch's dimensions have it. */
const tail = (arn: string) => arn.slice(arn.lastIndexOf(":") + 1).replace(/^loadbalancer\//, "");

function layAlarm(world: World, laid: Laid): void {
  world.aws.cloudwatch(region, "PutMetricAlarm", {
    AlarmName: "checkout-5xx",
    Namespace: "AWS/ApplicationELB",
    MetricName: "HTTPCode_Target_5XX_Count",
    Dimensions: [
      { Name: "LoadBalancer", Value: tail(laid.loadBalancer) },
      { Name: "TargetGroup", Value: tail(laid.groups[1]) },
    ],
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 20,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "notBreaching",
  });
}

async function turnsBack({ world, laid, teal }: Given, id: string): Promise<string> {
  await world.ends(id, "rolled_back");
  expect(world.weights(laid)).toEqual(onBlue);
  const { cause } = await teal.look(id);
  expect(cause?.code).toBe("analysis-failed");
  return cause?.message ?? "";
}

describe("CloudWatch", () => {
  it("an alarm that goes off turns the deployment back", async () => {
    const checkout = await given(
      `
steps: [{ weight: 10 }, { analyze: { checks: [errors], for: 10m } }, { weight: 100 }]
`,
      { world: failing(0.2), file: "checks: { errors: { alarms: [checkout-5xx] } }" },
    );
    layAlarm(checkout.world, checkout.laid);
    checkout.world.traffic(checkout.laid.listener, { perMinute: 2_000 });
    const id = await checkout.deploy();
    expect(await turnsBack(checkout, id)).toMatch(/^errors: the alarm checkout-5xx fires: Threshold Crossed/);
  });

  it("a quiet alarm lets it go on", async () => {
    const { world, laid, teal, deploy } = await given(
      `
steps: [{ weight: 10 }, { analyze: { checks: [errors], for: 5m } }, { weight: 100 }]
`,
      { world: failing(0), file: "checks: { errors: { alarms: [checkout-5xx] } }" },
    );
    layAlarm(world, laid);
    world.traffic(laid.listener, { perMinute: 2_000 });
    const id = await deploy();
    await world.ends(id, "succeeded");
    expect((await teal.look(id)).gates[0]?.checks).toMatchObject([
      { name: "errors", bad: 0, last: { what: "no alarm fires" } },
    ]);
  });

  const share = `
checks:
  errors:
    cloudwatch:
      queries:
        - { id: bad, metric: HTTPCode_Target_5XX_Count, namespace: AWS/ApplicationELB, stat: Sum,
            dimensions: { LoadBalancer: "{{loadBalancer}}", TargetGroup: "{{green.targetGroup}}" } }
        - { id: all, metric: RequestCount, namespace: AWS/ApplicationELB, stat: Sum,
            dimensions: { LoadBalancer: "{{loadBalancer}}", TargetGroup: "{{green.targetGroup}}" } }
        - { id: share, expression: 100 * bad / all, return: true }
    success: value < 5
`;

  it.each([
    [0.2, "rolled_back"],
    [0.01, "succeeded"],
  ] as const)("a metric query of a version that fails %d of its requests: %s", async (failShare, end) => {
    const checkout = await given(
      `
steps: [{ weight: 10 }, { analyze: { checks: [errors], for: 6m } }, { weight: 100 }]
`,
      { world: failing(failShare), file: share },
    );
    const { world, laid, teal, deploy } = checkout;
    world.traffic(laid.listener, { perMinute: 2_000 });
    const id = await deploy();
    if (end === "rolled_back") {
      expect(await turnsBack(checkout, id)).toMatch(/^errors: (1\d|2\d)[.\d]*, not value < 5$/);
    } else {
      await world.ends(id, "succeeded");
      expect((await teal.look(id)).gates[0]?.checks?.[0]?.last?.what).toMatch(/^\d[.\d]*: value < 5$/);
    }
  });
});

/** Their real gauges, at servers on this machine. */
function measureOutside({ world }: Given): void {
  const gauges = createGauges({ clock: world.clock, allow: loopback, secrets: {}, after: () => () => {} });
  world.outside.measure = async (_, ask) =>
    ask.kind === "prometheus" || ask.kind === "http"
      ? await gauges.measure(ask, world.clock.now() + 10_000)
      : { ok: true, value: { kind: "nothing", why: "only outside" }, at: world.clock.now() };
}

/** What Prometheus answers to an instant query. */
const sample = (value: string) => ({
  status: "success",
  data: { resultType: "vector", result: [{ metric: {}, value: [0, value] }] },
});

describe("Prometheus", () => {
  it.each([
    ["0.31", "succeeded"],
    ["0.55", "rolled_back"],
  ] as const)("says %s where less than 0.4 is wanted: %s", async (value, end) => {
    const prometheus = await answering(sample(value));
    const checkout = await given(
      `
steps: [{ weight: 10 }, { analyze: { checks: [p99], for: 3m } }, { weight: 100 }]
`,
      {
        file: `
checks:
  p99: { prometheus: "http://outside.example", query: 'p99{task_set="{{green.taskSet}}"}', success: value < 0.4 }
`.replace("http://outside.example", prometheus.url),
      },
    );
    measureOutside(checkout);
    const id = await checkout.deploy();
    await checkout.world.ends(id, end);
    const { green } = await checkout.teal.look(id);
    const asked = new URL(prometheus.received[0]?.path ?? "", prometheus.url);
    expect(asked.pathname).toBe("/api/v1/query");
    expect(asked.searchParams.get("query")).toBe(`p99{task_set="${green.id}"}`);
    if (end === "rolled_back") {
      expect((await checkout.teal.look(id)).cause?.message).toBe("p99: 0.55, not value < 0.4");
    }
  });
});

it("JSON over HTTP is read by its path, by success and failure conditions", async () => {
  let said: unknown = { checks: [{ name: "db", state: "up" }] };
  const health = await startStranger((response) => response.end(JSON.stringify(said)));
  const checkout = await given(
    `
steps: [{ weight: 10 }, { analyze: { checks: [db], for: 3m, id: before } }, { pause: 5m }, { weight: 100 }]
analysis: [db]
`,
    {
      file: `
checks:
  db:
    http: ${health.url}/health
    path: "$.checks[?@.name == 'db'].state"
    success: 'value == "up"'
    failure: 'value == "down"'
    interval: 30s
`,
    },
  );
  measureOutside(checkout);
  const { world, teal, deploy, standsAt } = checkout;
  const id = await deploy();
  await standsAt(id, "pause-3");
  said = { checks: [{ name: "db", state: "starting" }] };
  await world.run(minute);
  expect((await teal.look(id)).analysis[0]?.last).toMatchObject({
    outcome: "unclear",
    what: '"starting": neither value == "up" nor value == "down"',
  });
  said = { checks: [{ name: "db", state: "down" }] };
  expect(await turnsBack(checkout, id)).toBe('db: "down": value == "down"');
});

/** What the check `p99` is, and what it measures one time after the other. */
async function measuring(keys: string, values: (number | undefined)[], step = "for: 10m") {
  const checkout = await given(
    `
steps: [{ weight: 10 }, { analyze: { checks: [p99], id: prove, ${step} } }, { weight: 100 }]
`,
    { file: `checks: { p99: { prometheus: "https://p.example", query: q, success: value < 1, ${keys} } }` },
  );
  const left = [...values];
  const at: number[] = [];
  checkout.world.outside.value = (): Measured => {
    at.push(checkout.world.clock.now());
    const value = left.length > 1 ? left.shift() : left[0];
    return value === undefined ? { kind: "nothing", why: "no data" } : { kind: "value", value };
  };
  return { ...checkout, at };
}

describe("a check", () => {
  it("with a count passes the step once it was measured so often, at its interval", async () => {
    const { world, deploy, at } = await measuring("count: 4, interval: 20s", [0.5]);
    await world.ends(await deploy(), "succeeded");
    expect(at).toHaveLength(4);
    for (const [n, time] of at.slice(1).entries()) expect(time - (at[n] ?? 0)).toBe(20_000);
  });

  it("may be bad as often as its failure limit says, and no more", async () => {
    const borne = await measuring("failureLimit: 2", [0.5, 3, 3, 0.5]);
    await borne.world.ends(await borne.deploy(), "succeeded");
    const beyond = await measuring("failureLimit: 2", [0.5, 3, 3, 0.5, 3]);
    expect(await turnsBack(beyond, await beyond.deploy())).toBe("p99: 3, not value < 1 (3 times)");
  });

  it("may be inconclusive as often in a row as its limit says, and then pauses for a person", async () => {
    const borne = await measuring("inconclusiveLimit: 2", [undefined, undefined, 0.5]);
    await borne.world.ends(await borne.deploy(), "succeeded");
    const { world, teal, deploy, at } = await measuring("inconclusiveLimit: 2", [undefined]);
    const id = await deploy();
    await world.until("paused", async () => (await teal.look(id)).hold?.kind === "paused");
    expect(at).toHaveLength(3);
    expect((await teal.look(id)).hold?.reason).toBe(
      "the analysis can't tell: p99: no data; resume to analyze again, skip prove, or roll back",
    );
    await teal.ask(id, "skip", { gate: "prove" });
    await world.ends(id, "succeeded");
  });

  it("that can't tell is passed where the step says so", async () => {
    const { world, deploy } = await measuring(
      "inconclusiveLimit: 2",
      [undefined],
      "for: 10m, onInconclusive: proceed",
    );
    await world.ends(await deploy(), "succeeded");
  });

  it("that is a dry run is shown, and nothing follows", async () => {
    const { world, teal, deploy } = await measuring("dryRun: true", [7]);
    const id = await deploy();
    await world.ends(id, "succeeded");
    expect((await teal.look(id)).gates[0]?.checks).toMatchObject([
      { dryRun: true, last: { outcome: "bad", what: "7, not value < 1" } },
    ]);
  });
});
