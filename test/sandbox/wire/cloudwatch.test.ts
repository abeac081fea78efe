/** CloudWatch's three protocols: the SDK's JSON, the query protocol of older clients, the CBOR of newer ones. */
import { gzipSync } from "node:zlib";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { cbor, tag } from "@smithy/core/cbor";
import { describe, expect, test } from "vitest";
import { region, sandbox } from "../support.ts";

const minuteMs = 60_000;

function scene() {
  const box = sandbox();
  return { ...box, cloudWatch: new CloudWatchClient(box.config) };
}
type Scene = ReturnType<typeof scene>;

const query = {
  Id: "orders",
  MetricStat: { Metric: { Namespace: "Shop", MetricName: "Orders" }, Period: 60, Stat: "Sum" },
};

async function answerOf(
  box: Scene,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string>,
) {
  const authorization = `AWS4-HMAC-SHA256 Credential=dummy/20260101/${region}/monitoring/aws4_request`;
  const reply = await box.handle({ method: "POST", path, headers: { ...headers, authorization }, body });
  if ("cut" in reply) throw new Error("cut");
  return reply;
}

describe("JSON, as the SDK speaks it", () => {
  test("values, times, alarms and errors survive the way there and back", async () => {
    const box = scene();
    const at = new Date(box.clock.now());
    const data = { MetricName: "Orders", Value: 12.5, Timestamp: at, Unit: "Count" as const };
    await box.cloudWatch.send(new PutMetricDataCommand({ Namespace: "Shop", MetricData: [data] }));
    const span = { StartTime: at, EndTime: new Date(box.clock.now() + minuteMs) };
    const answer = await box.cloudWatch.send(
      new GetMetricDataCommand({ ...span, MetricDataQueries: [query] }),
    );
    expect(answer.MetricDataResults).toEqual([
      { Id: "orders", Label: "Orders", Timestamps: [at], Values: [12.5], StatusCode: "Complete" },
    ]);
    const metric = { Namespace: "Shop", MetricName: "Orders" };
    const ranks = { ...metric, ...span, Period: 60, ExtendedStatistics: ["p99"] };
    const statistics = await box.cloudWatch.send(new GetMetricStatisticsCommand(ranks));
    expect(statistics.Datapoints).toEqual([
      { Timestamp: at, Unit: "Count", ExtendedStatistics: { p99: 12.5 } },
    ]);

    await box.cloudWatch.send(
      new PutMetricAlarmCommand({
        ...metric,
        AlarmName: "few",
        Statistic: "Sum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 20,
        ComparisonOperator: "LessThanThreshold",
      }),
    );
    box.clock.advance(minuteMs);
    const { MetricAlarms } = await box.cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: ["few"] }));
    expect(MetricAlarms).toMatchObject([
      { StateValue: "ALARM", StateUpdatedTimestamp: new Date(box.clock.now()), Threshold: 20 },
    ]);
    const set = new SetAlarmStateCommand({ AlarmName: "none", StateValue: "OK", StateReason: "x" });
    await expect(box.cloudWatch.send(set)).rejects.toMatchObject({
      name: "ResourceNotFound",
      $fault: "client",
      $metadata: { httpStatusCode: 404 },
    });
    const { Datapoints } = await box.cloudWatch.send(
      new GetMetricStatisticsCommand({ ...metric, ...span, Period: 60, Statistics: ["Sum"] }),
    );
    expect(Datapoints).toMatchObject([{ Sum: 12.5 }]);
    await expect(
      box.cloudWatch.send(new GetMetricStatisticsCommand({ ...metric, ...span, Period: 60 })),
    ).rejects.toMatchObject({ name: "MissingRequiredParameterException" });
    expect(box.calls.byOutcome()).toMatchObject({
      "monitoring:PutMetricData ok": 1,
      "monitoring:SetAlarmState ResourceNotFound": 1,
    });
  });

  test("a large body comes packed", async () => {
    const box = scene();
    const MetricData = Array.from({ length: 300 }, (_, at) => ({ MetricName: `orders-${at}`, Value: at }));
    await box.cloudWatch.send(new PutMetricDataCommand({ Namespace: "Shop", MetricData }));
    expect(box.aws.cloudwatch(region, "ListMetrics", {}).Metrics).toHaveLength(300);
    const headers = {
      "x-amz-target": "GraniteServiceVersion20100801.PutMetricData",
      "content-encoding": "gzip",
    };
    const one = { Namespace: "Shop", MetricData: [{ MetricName: "one", Value: 1 }] };
    const packed = await answerOf(box, "/", gzipSync(JSON.stringify(one)), headers);
    expect(packed.status).toBe(200);
    expect(box.aws.cloudwatch(region, "ListMetrics", { MetricName: "one" }).Metrics).toHaveLength(1);
    const broken = await answerOf(box, "/", Buffer.from("no gzip"), headers);
    expect(broken).toMatchObject({ status: 400, body: expect.stringContaining("can't be unpacked") });
    const bomb = await answerOf(box, "/", gzipSync(Buffer.alloc(2_000_000)), headers);
    expect(bomb).toMatchObject({ status: 400, body: expect.stringContaining("SerializationException") });
  });
});

const askQuery = async (box: Scene, Action: string, more: Record<string, string>) => {
  const form = new URLSearchParams({ Action, Version: "2010-08-01", ...more });
  const reply = await answerOf(box, "/", form.toString(), {
    "content-type": "application/x-www-form-urlencoded",
  });
  return { status: reply.status, body: String(reply.body) };
};

describe("the query protocol", () => {
  test("values, times, maps and errors", async () => {
    const box = scene();
    const put = await askQuery(box, "PutMetricData", {
      Namespace: "Shop",
      "MetricData.member.1.MetricName": "Orders",
      "MetricData.member.1.Value": "1.25e1",
      "MetricData.member.1.Timestamp": "2026-01-01T00:00:00Z",
    });
    expect(put.status).toBe(200);
    const data = await askQuery(box, "GetMetricData", {
      StartTime: "2026-01-01T00:00:00Z",
      EndTime: "2026-01-01T00:05:00Z",
      "MetricDataQueries.member.1.Id": "orders",
      "MetricDataQueries.member.1.MetricStat.Metric.Namespace": "Shop",
      "MetricDataQueries.member.1.MetricStat.Metric.MetricName": "Orders",
      "MetricDataQueries.member.1.MetricStat.Period": "60",
      "MetricDataQueries.member.1.MetricStat.Stat": "Sum",
      "MetricDataQueries.member.1.ReturnData": "true",
    });
    expect(data.body).toContain(
      '<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricDataResult>',
    );
    expect(data.body).toContain("<Timestamps><member>2026-01-01T00:00:00.000Z</member></Timestamps>");
    expect(data.body).toContain("<Values><member>12.5</member></Values>");
    const statistics = await askQuery(box, "GetMetricStatistics", {
      Namespace: "Shop",
      MetricName: "Orders",
      StartTime: "2026-01-01T00:00:00Z",
      EndTime: "2026-01-01T00:05:00Z",
      Period: "300",
      "ExtendedStatistics.member.1": "p99",
    });
    expect(statistics.body).toContain("<entry><key>p99</key><value>12.5</value></entry>");
    const refused = await askQuery(box, "SetAlarmState", {
      AlarmName: "none",
      StateValue: "OK",
      StateReason: "x",
    });
    expect(refused).toMatchObject({
      status: 404,
      body: expect.stringContaining("<Code>ResourceNotFound</Code>"),
    });
  });
});

const askCbor = async (box: Scene, action: string, input: object) => {
  const reply = await answerOf(
    box,
    `/service/GraniteServiceVersion20100801/operation/${action}`,
    Uint8Array.from(cbor.serialize(input)),
    { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" },
  );
  if (typeof reply.body === "string") throw new Error(reply.body);
  expect(reply.headers).toMatchObject({
    "smithy-protocol": "rpc-v2-cbor",
    "content-type": "application/cbor",
  });
  const body: unknown = cbor.deserialize(reply.body);
  return { status: reply.status, body, headers: reply.headers };
};

const time = (ms: number) => tag({ tag: 1, value: ms / 1000 });

describe("Smithy RPC v2 with CBOR", () => {
  test("values, times, maps and errors", async () => {
    const box = scene();
    const at = box.clock.now();
    await askCbor(box, "PutMetricData", {
      Namespace: "Shop",
      MetricData: [{ MetricName: "Orders", Value: 12.5, Timestamp: time(at) }],
    });
    const span = { StartTime: time(at), EndTime: time(at + minuteMs) };
    const data = await askCbor(box, "GetMetricData", { ...span, MetricDataQueries: [query] });
    expect(data.body).toMatchObject({
      MetricDataResults: [{ Id: "orders", Timestamps: [{ tag: 1, value: at / 1000 }], Values: [12.5] }],
    });
    const metric = { Namespace: "Shop", MetricName: "Orders", ...span, Period: 60 };
    const statistics = await askCbor(box, "GetMetricStatistics", { ...metric, ExtendedStatistics: ["p99"] });
    expect(statistics.body).toMatchObject({ Datapoints: [{ ExtendedStatistics: { p99: 12.5 } }] });
    const refused = await askCbor(box, "SetAlarmState", {
      AlarmName: "none",
      StateValue: "OK",
      StateReason: "",
    });
    expect(refused).toMatchObject({
      status: 404,
      body: { __type: "ResourceNotFound", message: expect.stringContaining("none") },
      headers: { "x-amzn-query-error": "ResourceNotFound;Sender" },
    });
  });

  test("what is no CBOR, or of no service, is refused", async () => {
    const box = scene();
    const headers = { "smithy-protocol": "rpc-v2-cbor" };
    const path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    const broken = await answerOf(box, path, Uint8Array.from([0xff, 0x01]), headers);
    expect(broken.status).toBe(400);
    const nobody = await answerOf(box, "/service/Other/operation/ListMetrics", "", headers);
    expect(nobody).toMatchObject({ status: 404, body: expect.stringContaining("does not know 'Other'") });
  });
});
