/** CloudWatch for checks: alarms, queries, and what a load balancer counted for each colour. Only reads. */
import { DescribeAlarmsCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import type { Ask, Measured, MetricQuery } from "../deployment/check.ts";
import type { Reading } from "../deployment/observation.ts";
import { callsUntil, realAfter, type Calling, type CallLog } from "./call.ts";
import { createClients, type ClientOptions, type Place } from "./clients.ts";
import { faultOf } from "./faults.ts";
import { getMetricData, metricData, type Asking } from "./metric-data.ts";
import { allPages, chunks } from "./pages.ts";
import { readTraffic } from "./traffic.ts";

/** What CloudWatch can answer. */
export type AwsAsk = Extract<Ask, { kind: "alarms" | "cloudwatch" | "traffic" }>;

export interface MetricsOptions extends ClientOptions {
  /** Timers that go with `clock`, for the deadlines of calls; real ones where left out. */
  after?: Calling["after"];
  log?: CallLog;
}

/** The part of the port `Gauge` that AWS answers. It holds connections until it is closed. */
export interface Metrics {
  /** Never throws: what fails is a `Fault` in the answer. Ends by `deadline`, ms since the epoch. */
  measure(at: Place, ask: AwsAsk, deadline: number): Promise<Reading<Measured>>;
  close(): void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { clock } = options;
  const calling = { clock, after: options.after ?? realAfter, log: options.log };
  const clients = createClients(options);
  return {
    async measure(place, ask, deadline) {
      // What is told is never older than the moment of asking.
      const at = clock.now();
      const on = { cloudWatch: clients.cloudWatchReader(place), call: callsUntil(calling, deadline) };
      try {
        return { ok: true, value: await answerTo(on, ask), at };
      } catch (error) {
        return { ok: false, fault: faultOf(error, actionOf(ask)), at };
      }
    },
    close: () => clients.close(),
  };
}

async function answerTo(on: Asking, ask: AwsAsk): Promise<Measured> {
  switch (ask.kind) {
    case "alarms":
      return readAlarms(on, ask.names);
    case "cloudwatch":
      return readNewest(on, ask);
    case "traffic":
      return readTraffic(on, ask);
  }
}

function actionOf(ask: AwsAsk): string {
  return ask.kind === "alarms" ? describeAlarms : getMetricData;
}

const describeAlarms = "cloudwatch:DescribeAlarms";

/** 100 alarms a page, and no more are asked for. */
const pagesMax = 10;

/** Names in a DescribeAlarms call (API reference). */
const alarmsPerCall = 100;

async function readAlarms(on: Asking, names: readonly string[]): Promise<Measured> {
  const perCall = chunks([...new Set(names)], alarmsPerCall).map((AlarmNames) =>
    allPages(describeAlarms, { pagesMax }, async (NextToken) => {
      const answer = await on.call(describeAlarms, (abortSignal) =>
        on.cloudWatch.send(
          new DescribeAlarmsCommand({
            AlarmNames,
            // Left out, composite alarms are not found.
            AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
            MaxRecords: alarmsPerCall,
            NextToken,
          }),
          { abortSignal },
        ),
      );
      return {
        items: [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])],
        next: answer.NextToken,
      };
    }),
  );
  const found = (await Promise.all(perCall)).flat();
  const known = new Set(found.map((alarm) => alarm.AlarmName));
  return {
    kind: "alarms",
    firing: found
      .filter((alarm) => alarm.StateValue === "ALARM")
      .map(({ AlarmName = "", StateReason = "" }) => ({ name: AlarmName, reason: StateReason })),
    missing: [...new Set(names)].filter((name) => !known.has(name)),
  };
}

async function readNewest(on: Asking, ask: Extract<AwsAsk, { kind: "cloudwatch" }>): Promise<Measured> {
  const answers = await metricData(on, ask, ask.queries.map(queryOf));
  const asked = ask.queries.find((query) => query.returnData)?.id ?? "";
  const { values = new Map<number, number>(), messages = [] } = answers.get(asked) ?? {};
  const [newest] = [...values].sort(([a], [b]) => b - a);
  if (newest !== undefined) return { kind: "value", value: newest[1] };
  const stretch = `${new Date(ask.from).toISOString()} to ${new Date(ask.to).toISOString()}`;
  return { kind: "nothing", why: [`${asked} has no value from ${stretch}`, ...messages].join("; ") };
}

function queryOf({ id, expression, metric, periodSeconds, returnData }: MetricQuery): MetricDataQuery {
  return {
    Id: id,
    ReturnData: returnData,
    ...(expression !== undefined && { Expression: expression, Period: periodSeconds }),
    ...(metric && {
      MetricStat: {
        Metric: {
          Namespace: metric.namespace,
          MetricName: metric.name,
          Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
        },
        Period: periodSeconds,
        Stat: metric.stat,
      },
    }),
  };
}
