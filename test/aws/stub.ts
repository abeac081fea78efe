/** AWS reduced to a function: what a test answers to each call, in the two protocols that the SDK speaks. */
import { Readable } from "node:stream";
import { z } from "zod";
import type { Clock, Guard } from "../../src/engine/ports.ts";
import { createCloud, type AwsCloud, type CloudOptions } from "../../src/aws/cloud.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";

/** A call as it left the SDK: one for every HTTP attempt. */
export interface Received {
  action: string;
  /** ECS: the parsed JSON. ELBv2: the form's fields, flat (`Actions.member.1.Type`). */
  input: Record<string, unknown>;
}

export type Reply =
  | { ok: object }
  | { error: string; message?: string; status?: number }
  | { cut: string }
  | { hang: true };

export interface WireRequest {
  headers: Record<string, string>;
  body?: unknown;
}

export class Stub {
  readonly received: Received[] = [];
  #answer: (call: Received, nth: number) => Reply | Promise<Reply>;

  constructor(answer: (call: Received, nth: number) => Reply | Promise<Reply>) {
    this.#answer = answer;
  }

  answer(answer: (call: Received, nth: number) => Reply | Promise<Reply>): void {
    this.#answer = answer;
  }

  actions(): string[] {
    return this.received.map((call) => call.action);
  }

  readonly handler = {
    handle: async (request: WireRequest, options?: { abortSignal?: { aborted: boolean } }) => {
      if (options?.abortSignal?.aborted) throw Object.assign(new Error("aborted"), { name: "AbortError" });
      const call = parse(request);
      this.received.push(call);
      const nth = this.received.filter((one) => one.action === call.action).length;
      const reply = await this.#answer(call, nth);
      if ("hang" in reply) return new Promise<never>(() => undefined);
      if ("cut" in reply) throw Object.assign(new Error(reply.cut), { code: reply.cut });
      return { response: response(call.action, reply) };
    },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

export function sampleClock(start = 1_000_000): Clock & { advance(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

export function stubCloud(stub: Stub, options: Partial<CloudOptions> & { clock: Clock }): AwsCloud {
  return createCloud({
    requestHandler: stub.handler,
    credentials: { accessKeyId: "AKIASTUB", secretAccessKey: "stub" },
    endpoint: "http://aws.invalid",
    gatherMs: 0,
    retryStrategy: atOnce(3),
    ...options,
  });
}

/** Repeats like the SDK's standard strategy, but without waiting. */
export function atOnce(maxAttempts: number): NonNullable<CloudOptions["retryStrategy"]> {
  return {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (before, info) => {
      const count = before.getRetryCount() + 1;
      if (info.errorType === "CLIENT_ERROR" || count >= maxAttempts) throw new Error("no more attempts");
      return token(count);
    },
    recordSuccess: () => undefined,
  };
}

const token = (count: number) => ({
  getRetryCount: () => count,
  getRetryDelay: () => 0,
  getRetryCost: () => 0,
});

export const region = "eu-west-1";
const elbArn = `arn:aws:elasticloadbalancing:${region}:000000000000:`;
export const groupA = `${elbArn}targetgroup/a/1`;
export const groupB = `${elbArn}targetgroup/b/2`;
export const groupC = `${elbArn}targetgroup/c/3`;
export const balancerArn = `${elbArn}loadbalancer/app/shop/9`;
export const listenerArn = `${elbArn}listener/app/shop/9/8`;
export const ruleArn = `${elbArn}listener-rule/app/shop/9/8/7`;
const ecsArn = `arn:aws:ecs:${region}:000000000000:`;
export const serviceArn = `${ecsArn}service/prod/checkout`;
export const setArn = (id: string) => `${ecsArn}task-set/prod/checkout/${id}`;

export const target: ServiceTarget = {
  name: "checkout",
  region,
  cluster: "prod",
  service: "checkout",
  targetGroups: [groupA, groupB],
  routes: [
    { kind: "listener", arn: listenerArn },
    { kind: "rule", arn: ruleArn },
  ],
};

export function openGuard(clock: Clock, ms = 15_000): Guard {
  return { deadline: clock.now() + ms, allowed: async () => true };
}

function parse(request: WireRequest): Received {
  const text =
    request.body instanceof Uint8Array ? new TextDecoder().decode(request.body) : String(request.body);
  const json = request.headers["x-amz-target"];
  if (json !== undefined) {
    const input = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    return { action: `ecs:${json.split(".").at(-1) ?? ""}`, input };
  }
  const { Action: action = "", Version: _version, ...input } = Object.fromEntries(new URLSearchParams(text));
  return { action: `elasticloadbalancing:${action}`, input };
}

function response(action: string, reply: Extract<Reply, { ok: object } | { error: string }>): object {
  const [service = "", name = ""] = action.split(":");
  const status = "ok" in reply ? 200 : (reply.status ?? 400);
  const body = service === "ecs" ? JSON.stringify(jsonBody(reply)) : xmlBody(name, reply);
  return {
    statusCode: status,
    headers: {
      "content-type": service === "ecs" ? "application/x-amz-json-1.1" : "text/xml",
      "x-amzn-requestid": "request-1",
    },
    body: Readable.from([Buffer.from(body)]),
  };
}

function jsonBody(reply: Extract<Reply, { ok: object } | { error: string }>): object {
  return "ok" in reply ? reply.ok : { __type: reply.error, message: reply.message ?? "said the stub" };
}

function xmlBody(name: string, reply: Extract<Reply, { ok: object } | { error: string }>): string {
  if ("ok" in reply) {
    const result = `<${name}Result>${xml(reply.ok)}</${name}Result>`;
    const metadata = "<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>";
    return `<${name}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">${result}${metadata}</${name}Response>`;
  }
  const { error, message = "said the stub" } = reply;
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${error}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`;
}

function xml(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<member>${xml(item)}</member>`).join("");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([key, item]) => `<${key}>${xml(item)}</${key}>`)
    .join("");
}
