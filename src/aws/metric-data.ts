/** GetMetricData, whole: all pages, and a fault where a query isn't answered. */
import {
  GetMetricDataCommand,
  type CloudWatchClient,
  type GetMetricDataCommandInput,
  type MetricDataQuery,
} from "@aws-sdk/client-cloudwatch";
import type { Call } from "./call.ts";
import { failure } from "./faults.ts";
import { allPages } from "./pages.ts";

export const getMetricData = "cloudwatch:GetMetricData";

export interface Asking {
  cloudWatch: CloudWatchClient;
  call: Call;
}

/** The values of one query, by the beginning of their period, ms since the epoch. */
export interface Values {
  values: ReadonlyMap<number, number>;
  /** What CloudWatch has to say about them. */
  messages: readonly string[];
}

interface Gathered {
  values: Map<number, number>;
  messages: string[];
  status: string;
}

/** 100,800 values a page (API reference, GetMetricData). */
const pagesMax = 10;

/** All values of all queries, by their ids. Throws `CallFailed` where an answer isn't whole. */
export async function metricData(
  on: Asking,
  stretch: { from: number; to: number },
  queries: MetricDataQuery[],
): Promise<Map<string, Values>> {
  const input: GetMetricDataCommandInput = {
    StartTime: new Date(stretch.from),
    EndTime: new Date(stretch.to),
    MetricDataQueries: queries,
  };
  const results = await allPages(getMetricData, { pagesMax }, async (NextToken) => {
    const answer = await on.call(getMetricData, (abortSignal) =>
      on.cloudWatch.send(new GetMetricDataCommand({ ...input, NextToken }), { abortSignal }),
    );
    return { items: answer.MetricDataResults, next: answer.NextToken };
  });
  const byId = new Map<string, Gathered>();
  for (const { Id = "", Timestamps = [], Values: found = [], StatusCode, Messages = [] } of results) {
    const one: Gathered = byId.get(Id) ?? { values: new Map(), messages: [], status: "" };
    for (const [at, time] of Timestamps.entries()) {
      const value = found[at];
      if (value !== undefined && Number.isFinite(value)) one.values.set(time.getTime(), value);
    }
    one.messages.push(...Messages.map(({ Code = "", Value = "" }) => `${Code}: ${Value}`));
    one.status = StatusCode ?? "Complete";
    byId.set(Id, one);
  }
  for (const [id, { status, messages }] of byId) {
    // Partial on one page, it is completed by the next; so the last word counts.
    if (status !== "Complete")
      throw failure(status, [`the query ${id} isn't answered`, ...messages].join("; "), getMetricData);
  }
  return byId;
}
