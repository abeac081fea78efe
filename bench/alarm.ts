/**
 * From the delivery of an alarm's event to AWS's acceptance of the last change that gives all traffic back to blue:
 * the API and a worker as processes, a sandbox behind a socket, a canary at 10 % for each of several services.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ModifyListenerCommand, ModifyRuleCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { endableClock, realClock } from "../sandbox/clock.ts";
import { startAws } from "../sandbox/start.ts";
import { serveWire } from "../sandbox/wire/http.ts";
import { buildWorld } from "../sandbox/world/build.ts";
import { deploymentView } from "../src/api/contract.ts";
import { createClients } from "../src/aws/clients.ts";
import { accountIdOf, type ServiceTarget } from "../src/deployment/target.ts";
import { startBuilt } from "../test/support/processes.ts";
import { quick, region, targetOf, worldOf } from "../test/support/quick-world.ts";
import { freePort } from "../test/support/redis-server.ts";
import { type Measurement, quantile } from "./figures.ts";

export interface AlarmSizes {
  services: number;
  /** Each service's alarm fires once in each. */
  rounds: number;
}

const token = "a-token-of-the-benchmark";
const key = "a-key-of-the-benchmark-for-eventbridge";
const waitMsMax = 60_000;
/** Slower than the API limits anybody. */
const pollMs = 100;

export async function measureAlarm(redisUrl: string, { services, rounds }: AlarmSizes): Promise<Measurement> {
  const names = Array.from({ length: services }, (_, n) => `s${n}`);
  const clock = endableClock(realClock());
  const local = startAws({ clock, seed: 1, settings: quick });
  const arns = buildWorld(local.aws, worldOf(names, 2));
  const server = await serveWire(local.handle);
  const directory = mkdtempSync(join(tmpdir(), "teal-alarm-"));
  const file = join(directory, "teal.yaml");
  const targets = names.map((name) => targetOf(arns, name));
  writeFileSync(file, yamlOf(targets));
  const port = await freePort();
  const env = {
    TEAL_CONFIG: file,
    REDIS_URL: redisUrl,
    TEAL_KEY_PREFIX: "{alarm}",
    TEAL_PORT: String(port),
    TEAL_HEALTH_PORT: "0",
    TEAL_TOKEN: token,
    TEAL_EVENTBRIDGE_KEY: key,
    TEAL_LOG_LEVEL: "error",
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: "sandbox",
    AWS_SECRET_ACCESS_KEY: "sandbox",
  };
  const processes = [
    startBuilt("src/main.js", [], { name: "api", env }),
    startBuilt("workers/main.js", [], { name: "worker", env }),
  ];
  const api = apiAt(`http://127.0.0.1:${port}`);
  const took: number[] = [];
  try {
    await processes[0]?.waitForHttp(`${api.url}/readyz`);
    for (const name of names) setAlarm(local, name, "OK", "PutMetricAlarm");
    for (let round = 0; round < rounds; round += 1) {
      const ids = await Promise.all(names.map((name) => api.deploy(name)));
      for (const id of ids) await until(`${id} at 10 % and measured`, () => api.isMeasured(id));
      for (const [n, id] of ids.entries()) {
        const target = targets[n];
        if (target) took.push(await turnedBack(local, api, target, `${round}-${id}`));
      }
      for (const id of ids) await until(`${id} over`, () => api.isOver(id));
      for (const name of names) setAlarm(local, name, "OK");
    }
    const least = await byHand(targets[0], server.url);
    const beside = { what: "both changes by hand", value: least };
    const how = `${took.length} alarms, one after the other, ${services} services with two routes each`;
    const figure = (what: string, share: number) => ({
      what,
      value: quantile(took, share),
      unit: "ms",
      beside,
    });
    return {
      name: "alarm",
      how,
      figures: [
        figure("event delivered until all traffic is given back, p50", 0.5),
        figure("event delivered until all traffic is given back, p99", 0.99),
      ],
    };
  } finally {
    await Promise.all(processes.map((process) => process.kill()));
    await server.close();
    await local.close();
    clock.end();
    rmSync(directory, { recursive: true });
  }
}

type Local = ReturnType<typeof startAws>;
type Api = ReturnType<typeof apiAt>;

function yamlOf(targets: ServiceTarget[]): string {
  const services = targets.map(({ name, cluster, targetGroups, routes }) => {
    const written = routes.map(({ kind, arn }) => `{ ${kind}: "${arn}" }`).join(", ");
    const strategy = `strategy: ${name}`;
    return `  ${name}: { region: ${region}, cluster: ${cluster}, service: ${name}, targetGroups: [${targetGroups.join(", ")}], routes: [${written}], ${strategy} }`;
  });
  const strategies = targets.map(
    ({ name }) =>
      `  ${name}: { steps: [{ weight: 10 }, { pause: 1h }, { weight: 100 }], analysis: [${name}], hold: 1s }`,
  );
  const checks = targets.map(({ name }) => `  ${name}: { alarms: [${name}-errors], interval: 1h }`);
  return ["services:", ...services, "strategies:", ...strategies, "checks:", ...checks, ""].join("\n");
}

function setAlarm({ aws }: Local, name: string, state: "OK" | "ALARM", make?: "PutMetricAlarm"): void {
  const AlarmName = `${name}-errors`;
  if (make) {
    aws.cloudwatch(region, make, {
      AlarmName,
      Namespace: "benchmark",
      MetricName: "errors",
      Statistic: "Sum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: "GreaterThanThreshold",
      TreatMissingData: "ignore",
    });
  }
  aws.cloudwatch(region, "SetAlarmState", { AlarmName, StateValue: state, StateReason: "a rehearsal" });
}

/** Milliseconds from sending the event until both routes were set back. */
async function turnedBack(local: Local, api: Api, target: ServiceTarget, eventId: string): Promise<number> {
  setAlarm(local, target.name, "ALARM");
  const left = new Set(target.routes.map(({ arn }) => arn));
  let acceptedAt = 0;
  const stop = local.calls.subscribe(({ params, result }) => {
    if (result === undefined) return;
    const text = JSON.stringify(params);
    for (const arn of left) if (text.includes(`"${arn}"`) && text.includes("Weight")) left.delete(arn);
    if (left.size === 0 && acceptedAt === 0) acceptedAt = performance.now();
  });
  const sentAt = performance.now();
  await api.tell({
    version: "0",
    id: eventId,
    "detail-type": "CloudWatch Alarm State Change",
    source: "aws.cloudwatch",
    account: accountIdOf(target),
    time: new Date().toISOString(),
    region,
    resources: [],
    detail: { alarmName: `${target.name}-errors`, state: { value: "ALARM" } },
  });
  await until(`${target.name} turned back`, async () => acceptedAt > 0);
  stop();
  return acceptedAt - sentAt;
}

/** The two changes alone, by the SDK; the median of a few. */
async function byHand(target: ServiceTarget | undefined, endpoint: string): Promise<number> {
  if (!target) return NaN;
  const [blue, green] = target.targetGroups;
  const actions = [
    {
      Type: "forward" as const,
      ForwardConfig: {
        TargetGroups: [
          { TargetGroupArn: blue, Weight: 1 },
          { TargetGroupArn: green, Weight: 0 },
        ],
      },
    },
  ];
  const clock = { now: () => Date.now() };
  const credentials = { accessKeyId: "sandbox", secretAccessKey: "sandbox" };
  const clients = createClients({ clock, endpoint, credentials });
  const elb = clients.elbWriter(target);
  const times: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const begun = performance.now();
    for (const { kind, arn } of target.routes) {
      await (kind === "listener"
        ? elb.send(new ModifyListenerCommand({ ListenerArn: arn, DefaultActions: actions }))
        : elb.send(new ModifyRuleCommand({ RuleArn: arn, Actions: actions })));
    }
    times.push(performance.now() - begun);
  }
  clients.close();
  return quantile(times, 0.5);
}

function apiAt(url: string) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const get = async (path: string) => (await fetch(`${url}${path}`, { headers })).json();
  const look = async (id: string) => deploymentView.parse(await get(`/v1/deployments/${id}`));
  return {
    url,
    deploy: async (service: string) => {
      const body = JSON.stringify({ service, images: { app: "demo/app:2" }, whenBusy: "queue" });
      const answer = await fetch(`${url}/v1/deployments`, { method: "POST", headers, body });
      return deploymentView.parse(await answer.json()).id;
    },
    isMeasured: async (id: string) => {
      const { gates, analysis } = await look(id);
      return gates.some(({ state }) => state === "current") && analysis.some(({ good }) => good > 0);
    },
    isOver: async (id: string) => (await look(id)).phase === "rolled_back",
    tell: async (event: object) => {
      const body = JSON.stringify(event);
      const answer = await fetch(`${url}/v1/webhooks/eventbridge`, {
        method: "POST",
        headers: { "content-type": "application/json", "teal-key": key },
        body,
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
  };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + waitMsMax;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not ${what} within ${waitMsMax / 1000} s`);
    await pause(pollMs);
  }
}
