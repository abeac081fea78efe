import { describe, expect, test } from "vitest";
import { AwsError } from "../../../../sandbox/model/error.ts";
import type { Settings } from "../../../../sandbox/model/settings.ts";
import { forward, region, sandbox, shop, taskSet } from "../../support.ts";

const minuteMs = 60_000;
const atMinuteEnd: Partial<Settings> = { metricDelayMs: 0, metricDelaySpreadMs: 0 };

function refusal(call: () => unknown): AwsError {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
  throw new Error("not refused");
}

/** A shop with traffic of 600 a minute for three minutes, a quarter of it green's, all visible. */
function busyShop(settings: Partial<Settings> = atMinuteEnd) {
  const box = sandbox(settings);
  const parts = shop(box);
  const { blue, green, listener, definition, register, balancer } = parts;
  box.aws.ecs(region, "CreateTaskSet", taskSet(definition, blue));
  box.aws.ecs(region, "CreateTaskSet", taskSet(register("shop:2"), green));
  box.aws.elb(region, "ModifyListener", {
    ListenerArn: listener,
    DefaultActions: [forward([blue, 3], [green, 1])],
  });
  box.clock.advance(2 * minuteMs - (box.clock.now() % minuteMs));
  const from = box.clock.now();
  box.flow(listener, { perMinute: 600 });
  box.clock.advance(3 * minuteMs);
  const LoadBalancer = balancer.split(":loadbalancer/")[1] ?? "";
  const dimensions = (group?: string) => [
    { Name: "LoadBalancer", Value: LoadBalancer },
    ...(group === undefined ? [] : [{ Name: "TargetGroup", Value: group.split(":").at(-1) ?? "" }]),
  ];
  const query = (Id: string, MetricName: string, Stat: string, group?: string, Period = 60) => ({
    Id,
    MetricStat: {
      Metric: { Namespace: "AWS/ApplicationELB", MetricName, Dimensions: dimensions(group) },
      Period,
      Stat,
    },
  });
  const data = (queries: object[], more: object = {}) => {
    const answer = box.aws.cloudwatch(region, "GetMetricData", {
      StartTime: new Date(from),
      EndTime: new Date(box.clock.now()),
      ScanBy: "TimestampAscending",
      ...more,
      MetricDataQueries: queries as ReturnType<typeof query>[],
    });
    return answer;
  };
  const values = (...queries: object[]) => data(queries).MetricDataResults.map((result) => result.Values);
  return { ...box, ...parts, from, dimensions, query, data, values };
}

/** When each of a metric's minutes came in, ms after its end. */
function arrivals() {
  const box = busyShop({});
  const arrived: Record<string, number> = {};
  const queries = ["RequestCount", "HTTPCode_Target_2XX_Count", "TargetResponseTime"].map((name, at) =>
    box.query(`q${at}`, name, "SampleCount", box.blue),
  );
  // The last of the three minutes has just ended.
  for (let waitedMs = 0; waitedMs <= 2 * minuteMs; waitedMs += 1_000) {
    for (const { Id, Values } of box.data(queries).MetricDataResults)
      if (Values.length >= 3) arrived[Id] ??= waitedMs;
    box.clock.advance(1_000);
  }
  return arrived;
}

describe("AWS/ApplicationELB", () => {
  test("counts of a group, and of the load balancer over its groups", () => {
    const box = busyShop();
    const [blue = [], green = [], both = []] = box.values(
      box.query("a", "RequestCount", "Sum", box.blue),
      box.query("b", "RequestCount", "Sum", box.green),
      box.query("c", "RequestCount", "Sum"),
    );
    expect(both).toEqual([600, 600, 600]);
    expect(blue.map((count, at) => count + (green[at] ?? 0))).toEqual(both);
    expect(blue.every((count) => count > 400 && count < 500)).toBe(true);
    const answered = box.values(box.query("a", "HTTPCode_Target_2XX_Count", "Sum", box.blue))[0];
    expect(answered).toEqual(blue);
    // Each request is a sample of 1.
    expect(box.values(box.query("a", "RequestCount", "Average"))).toEqual([[1, 1, 1]]);
  });

  test("has no point where nothing was counted, and no metric that AWS hasn't", () => {
    const box = busyShop();
    expect(
      box.values(
        box.query("a", "HTTPCode_Target_5XX_Count", "Sum", box.blue),
        box.query("b", "HTTPCode_ELB_5XX_Count", "Sum"),
        box.query("c", "HTTPCode_ELB_5XX_Count", "Sum", box.blue),
        box.query("d", "Requests", "Sum"),
        box.query("e", "RequestCount", "Sum", `${box.blue}0`),
      ),
    ).toEqual([[], [], [], [], []]);
  });

  test("response times in seconds: means, percentiles, ranks, over periods that begin with the request", () => {
    const box = busyShop();
    const of = (stat: string, period?: number) =>
      box.values(box.query("a", "TargetResponseTime", stat, box.blue, period))[0] ?? [];
    const [p50 = 0, ...others] = of("p50", 180);
    expect(others).toEqual([]);
    expect(p50).toBeGreaterThan(0.018);
    expect(p50).toBeLessThan(0.022);
    const [count = 0] = of("SampleCount", 180);
    const [rank = 0] = of("PR(:0.02)", 180);
    const [within = 0] = of("TC(:0.02)", 180);
    expect(rank / 100).toBeCloseTo(within / count, 9);
    expect(rank).toBeGreaterThan(40);
    expect(rank).toBeLessThan(55);
    expect(of("Maximum", 180)[0]).toBeGreaterThan(0.05);
    const result = box.data([box.query("a", "TargetResponseTime", "p50", box.blue, 120)], {
      StartTime: new Date(box.from + minuteMs + 31_000),
    }).MetricDataResults[0];
    expect(result?.Timestamps).toEqual([new Date(box.from + minuteMs)]);
  });

  test("healthy and unhealthy hosts, as they were at each minute's beginning", () => {
    const box = busyShop();
    const sick = "10.9.9.9";
    box.aws.traffic.useProber(({ address }) => address !== sick);
    const Targets = [{ Id: "10.9.9.8" }, { Id: sick }];
    box.aws.elb(region, "RegisterTargets", { TargetGroupArn: box.green, Targets });
    box.clock.advance(2 * minuteMs);
    const [healthy = [], unhealthy = []] = box.values(
      box.query("a", "HealthyHostCount", "Minimum", box.green),
      box.query("b", "UnHealthyHostCount", "Maximum", box.green),
    );
    expect(healthy).toEqual([4, 4, 4, 5]);
    expect(unhealthy).toEqual([0, 0, 0, 1]);
  });

  test("nothing is told of a network load balancer, whatever it carries", () => {
    const box = busyShop();
    box.aws.recorder.requested(
      `arn:aws:elasticloadbalancing:${region}:0:loadbalancer/net/shop/1`,
      "group",
      5,
    );
    box.clock.advance(minuteMs);
    const { Metrics } = box.aws.cloudwatch(region, "ListMetrics", {});
    expect(Metrics.length).toBeGreaterThan(5);
    expect(JSON.stringify(Metrics)).not.toContain("net/");
    const query = box.query("a", "RequestCount", "Sum");
    query.MetricStat.Metric.Dimensions = [{ Name: "LoadBalancer", Value: "net/shop/1" }];
    expect(box.values(query)).toEqual([[]]);
  });

  test("another region sees none of it", () => {
    const box = busyShop();
    expect(box.aws.cloudwatch("us-west-2", "ListMetrics", {}).Metrics).toEqual([]);
  });

  test("a minute comes in one to two minutes after its end, each metric at its own time, the same for the same seed", () => {
    const first = arrivals();
    expect(Object.keys(first)).toHaveLength(3);
    for (const waitedMs of Object.values(first)) {
      expect(waitedMs).toBeGreaterThanOrEqual(minuteMs);
      expect(waitedMs).toBeLessThanOrEqual(2 * minuteMs);
    }
    expect(new Set(Object.values(first)).size).toBeGreaterThan(1);
    expect(arrivals()).toEqual(first);
  });
});

describe("GetMetricData", () => {
  test("expressions over queries, those that return no data left out", () => {
    const box = busyShop({ ...atMinuteEnd, behaviours: { "shop:2": { failShare: 0.5 } } });
    const queries = [
      { ...box.query("errors", "HTTPCode_Target_5XX_Count", "Sum", box.green), ReturnData: false },
      { ...box.query("requests", "RequestCount", "Sum", box.green), ReturnData: false },
      { Id: "share", Expression: "100 * FILL(errors, 0) / requests", Label: "percent" },
    ];
    const { MetricDataResults: results } = box.data(queries);
    expect(results).toMatchObject([{ Id: "share", Label: "percent", StatusCode: "Complete" }]);
    expect(results[0]?.Values).toHaveLength(3);
    for (const value of results[0]?.Values ?? []) {
      expect(value).toBeGreaterThan(30);
      expect(value).toBeLessThan(70);
    }
  });

  test("pages by data points, in the order asked for", () => {
    const box = busyShop();
    const queries = [
      box.query("a", "RequestCount", "Sum"),
      box.query("none", "HTTPCode_ELB_5XX_Count", "Sum"),
      box.query("b", "RequestCount", "SampleCount"),
    ];
    const shown = (answer: ReturnType<typeof box.data>) =>
      answer.MetricDataResults.map(({ Id, Timestamps, StatusCode }) => [
        Id,
        ...Timestamps.map((at) => (at.getTime() - box.from) / minuteMs),
        StatusCode,
      ]);
    const first = box.data(queries, { MaxDatapoints: 2, ScanBy: "TimestampDescending" });
    expect(shown(first)).toEqual([
      ["a", 2, 1, "PartialData"],
      ["none", "Complete"],
    ]);
    const next = (token: string | undefined) =>
      box.data(queries, { MaxDatapoints: 2, ScanBy: "TimestampDescending", NextToken: token });
    const second = next(first.NextToken);
    expect(shown(second)).toEqual([
      ["a", 0, "Complete"],
      ["b", 2, "PartialData"],
    ]);
    const third = next(second.NextToken);
    expect(shown(third)).toEqual([["b", 1, 0, "Complete"]]);
    expect(third.NextToken).toBeUndefined();
    expect(refusal(() => next("bm9uc2Vuc2U")).code).toBe("InvalidNextToken");
  });

  test("refuses what it can't answer, saying why", () => {
    const box = busyShop();
    const fine = box.query("a", "RequestCount", "Sum");
    const why = (queries: object[], more: object = {}) => {
      const { code, message } = refusal(() => box.data(queries, more));
      expect(code).toBe("ValidationError");
      return message;
    };
    expect(why([])).toContain("1 to 500");
    expect(why(Array.from({ length: 501 }, (_, at) => ({ ...fine, Id: `a${at}` })))).toContain("1 to 500");
    expect(why([fine, fine])).toContain("unique");
    expect(why([{ ...fine, Id: "A" }])).toContain("small letter");
    expect(why([{ ...fine, Expression: "1" }])).toContain("either");
    expect(why([{ Id: "a" }])).toContain("either");
    expect(why([box.query("a", "RequestCount", "Median")])).toContain("'Median' is not known");
    expect(why([box.query("a", "RequestCount", "Sum", undefined, 90)])).toContain("multiple of 60");
    expect(why([{ Id: "a", Expression: "b + 1" }])).toContain("'b'");
    expect(why([{ Id: "a", Expression: "a + 1" }])).toContain("itself");
    expect(why([{ Id: "a", Expression: "1 + 1" }])).toContain("time series");
    expect(why([{ Id: "a", Expression: "SEARCH('x', 'Sum')" }])).toContain("'SEARCH' is not known");
    expect(
      why([fine, box.query("b", "RequestCount", "Sum", undefined, 120), { Id: "c", Expression: "a + b" }]),
    ).toContain("mixes periods");
    expect(why([fine], { EndTime: new Date(box.from) })).toContain("must be less than");
    expect(why([fine], { MaxDatapoints: 100_801 })).toContain("MaxDatapoints");
  });
});

describe("GetMetricStatistics", () => {
  test("several statistics of one metric, at most 1440 points", () => {
    const box = busyShop();
    const ask = (more: object = {}) =>
      box.aws.cloudwatch(region, "GetMetricStatistics", {
        Namespace: "AWS/ApplicationELB",
        MetricName: "RequestCount",
        Dimensions: box.dimensions(),
        StartTime: new Date(box.from),
        EndTime: new Date(box.clock.now()),
        Period: 180,
        Statistics: ["Sum", "SampleCount"],
        ...more,
      });
    expect(ask()).toEqual({
      Label: "RequestCount",
      Datapoints: [{ Timestamp: new Date(box.from), Sum: 1_800, SampleCount: 1_800, Unit: "Count" }],
    });
    const ranks = ask({ Statistics: [], ExtendedStatistics: ["p99", "PR(:0.5)"] });
    expect(ranks.Datapoints[0]?.ExtendedStatistics).toEqual(
      new Map([
        ["p99", 1],
        ["PR(:0.5)", 0],
      ]),
    );
    expect(ask({ Unit: "Seconds" }).Datapoints).toEqual([]);
    expect(refusal(() => ask({ Statistics: [] })).code).toBe("MissingParameter");
    expect(refusal(() => ask({ Statistics: ["p99"] })).code).toBe("InvalidParameterValue");
    const long = { StartTime: new Date(box.from - 1_500 * minuteMs), Period: 60 };
    expect(refusal(() => ask(long))).toMatchObject({
      code: "InvalidParameterCombination",
      message: expect.stringContaining("1503"),
    });
  });
});

const put = (box: ReturnType<typeof sandbox>, ...data: object[]) =>
  box.aws.cloudwatch(region, "PutMetricData", {
    Namespace: "Shop",
    MetricData: data as { MetricName: string }[],
  });
const read = (box: ReturnType<typeof sandbox>, Stat: string, Dimensions: object[] = []) =>
  box.aws.cloudwatch(region, "GetMetricData", {
    StartTime: new Date(box.clock.now() - 3 * minuteMs),
    EndTime: new Date(box.clock.now() + minuteMs),
    MetricDataQueries: [
      {
        Id: "a",
        MetricStat: {
          Metric: {
            Namespace: "Shop",
            MetricName: "Latency",
            Dimensions: Dimensions as { Name: string; Value: string }[],
          },
          Period: 60,
          Stat,
        },
      },
    ],
  }).MetricDataResults[0]?.Values;

describe("PutMetricData", () => {
  test("single values, values with counts, and summaries; dimensions in any order", () => {
    const box = sandbox();
    put(box, { MetricName: "Latency", Values: [3, 1], Counts: [1, 8] }, { MetricName: "Latency", Value: 2 });
    expect(read(box, "Sum")).toEqual([13]);
    expect(read(box, "p90")).toEqual([2]);
    const [a, b] = [
      { Name: "A", Value: "1" },
      { Name: "B", Value: "2" },
    ];
    const StatisticValues = { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 };
    put(box, { MetricName: "Latency", Dimensions: [a, b], StatisticValues });
    expect(read(box, "Average", [b, a])).toEqual([2.5]);
    expect(read(box, "p90", [b, a])).toEqual([]);
    expect(read(box, "Average", [a])).toEqual([]);
    const { Metrics } = box.aws.cloudwatch(region, "ListMetrics", {
      Namespace: "Shop",
      Dimensions: [{ Name: "B" }],
    });
    expect(Metrics).toEqual([{ Namespace: "Shop", MetricName: "Latency", Dimensions: [a, b] }]);
  });

  test("refuses AWS's own namespaces, other times than the last two weeks, and contradictions", () => {
    const box = sandbox();
    const code = (datum: object) => refusal(() => put(box, { MetricName: "Latency", ...datum })).code;
    expect(code({})).toBe("InvalidParameterCombination");
    expect(code({ Value: 1, Values: [1] })).toBe("InvalidParameterCombination");
    expect(code({ Values: [1, 2], Counts: [1] })).toBe("InvalidParameterValue");
    expect(code({ Values: Array.from({ length: 151 }, () => 1) })).toBe("InvalidParameterValue");
    expect(code({ Value: 1, Timestamp: new Date(box.clock.now() - 15 * 86_400_000) })).toBe(
      "InvalidParameterValue",
    );
    expect(code({ Value: 1, Timestamp: new Date(box.clock.now() + 3 * 3_600_000) })).toBe(
      "InvalidParameterValue",
    );
    expect(
      refusal(() =>
        box.aws.cloudwatch(region, "PutMetricData", {
          Namespace: "AWS/ApplicationELB",
          MetricData: [{ MetricName: "RequestCount", Value: 1 }],
        }),
      ).code,
    ).toBe("InvalidParameterValue");
    expect(box.aws.cloudwatch(region, "ListMetrics", {}).Metrics).toEqual([]);
  });

  test("metrics are listed 500 a page", () => {
    const box = sandbox();
    put(box, ...Array.from({ length: 501 }, (_, at) => ({ MetricName: `m${at}`, Value: 1 })));
    const first = box.aws.cloudwatch(region, "ListMetrics", {});
    expect(first.Metrics).toHaveLength(500);
    const rest = box.aws.cloudwatch(region, "ListMetrics", { NextToken: first.NextToken });
    expect(rest.Metrics.map((metric) => metric.MetricName)).toEqual(["m500"]);
  });
});
