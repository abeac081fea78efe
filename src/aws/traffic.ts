/** What an application load balancer counted for the two colours, minute by minute. */
import type { MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import type { ColourCounts, TrafficAsk, TrafficSeen } from "../deployment/check.ts";
import { metricData, type Asking, type Values } from "./metric-data.ts";

const minuteMs = 60_000;
const daySeconds = 86_400;

/**
 * Counts of both colours from one call, so that they are of one moment. A point that is absent is a zero:
 * CloudWatch has none where nothing was counted, nor before it comes in.
 */
export async function readTraffic(on: Asking, ask: TrafficAsk): Promise<TrafficSeen> {
  const [counts, historySeconds] = await Promise.all([
    // At first no whole minute has passed yet, and CloudWatch refuses an empty stretch.
    ask.from < ask.to
      ? metricData(on, ask, [...colourQueries(ask, "blue"), ...colourQueries(ask, "green")])
      : new Map<string, Values>(),
    readHistory(on, ask),
  ]);
  const times = new Set([...counts.values()].flatMap(({ values }) => [...values.keys()]));
  const minutes = [...times]
    .filter((at) => at >= ask.from && at < ask.to)
    .sort((a, b) => a - b)
    .map((at) => ({
      at,
      blue: countsAt(counts, "blue", at, ask.slowSeconds),
      green: countsAt(counts, "green", at, ask.slowSeconds),
    }));
  return { kind: "traffic", minutes, ...(historySeconds !== undefined && { historySeconds }) };
}

type Colour = "blue" | "green";

const answers = ["2xx", "3xx", "4xx", "5xx"] as const;

function colourQueries(ask: TrafficAsk, colour: Colour): MetricDataQuery[] {
  const query = (id: string, metric: string, stat: string) =>
    queryOf(ask, colour, { id: `${colour}_${id}`, metric, stat, periodSeconds: 60 });
  return [
    query("requests", "RequestCount", "Sum"),
    ...answers.map((code) => query(code, `HTTPCode_Target_${code.toUpperCase()}_Count`, "Sum")),
    ...(ask.slowSeconds === undefined
      ? []
      : [
          query("timed", responseTime, "SampleCount"),
          query("quick", responseTime, `PR(:${decimal(ask.slowSeconds)})`),
        ]),
  ];
}

const responseTime = "TargetResponseTime";

function queryOf(
  ask: TrafficAsk,
  colour: Colour,
  { id, metric, stat, periodSeconds }: { id: string; metric: string; stat: string; periodSeconds: number },
): MetricDataQuery {
  return {
    Id: id,
    MetricStat: {
      Metric: {
        Namespace: "AWS/ApplicationELB",
        MetricName: metric,
        Dimensions: [
          { Name: "LoadBalancer", Value: ask.loadBalancer },
          { Name: "TargetGroup", Value: ask[colour] },
        ],
      },
      Period: periodSeconds,
      Stat: stat,
    },
  };
}

function countsAt(
  counts: ReadonlyMap<string, Values>,
  colour: Colour,
  at: number,
  slowSeconds: number | undefined,
): ColourCounts {
  const value = (id: string) => counts.get(`${colour}_${id}`)?.values.get(at);
  const whole = {
    requests: value("requests") ?? 0,
    answered: answers.reduce((sum, code) => sum + (value(code) ?? 0), 0),
    errors: value("5xx") ?? 0,
  };
  if (slowSeconds === undefined) return whole;
  // The rank of the threshold is the percentage of answers that took at most so long; absent, there was none.
  const slow = (value("timed") ?? 0) * (1 - (value("quick") ?? 0) / 100);
  return { ...whole, slow: Math.round(slow) };
}

/**
 * Blue's response time at a percentile of a longer stretch. One period covers it, up to a day; several days are
 * weighed by their answers.
 */
async function readHistory(on: Asking, ask: TrafficAsk): Promise<number | undefined> {
  const { history } = ask;
  if (history === undefined) return undefined;
  const minutes = Math.ceil((history.to - history.from) / minuteMs);
  const periodSeconds = Math.min(Math.max(minutes, 1) * 60, daySeconds);
  const query = (id: string, stat: string) =>
    queryOf(ask, "blue", { id, metric: responseTime, stat, periodSeconds });
  const found = await metricData(on, history, [
    query("percentile", `p${decimal(history.percentile)}`),
    query("timed", "SampleCount"),
  ]);
  let weighed = 0;
  let answered = 0;
  for (const [at, seconds] of found.get("percentile")?.values ?? []) {
    const timed = found.get("timed")?.values.get(at) ?? 0;
    weighed += seconds * timed;
    answered += timed;
  }
  return answered === 0 ? undefined : weighed / answered;
}

/** As statistics take numbers: without an exponent, at most ten decimals. */
function decimal(value: number): string {
  return value.toFixed(10).replace(/\.?0+$/u, "");
}
