/** Deliveries as their senders make them, of payloads of real shape, to a stage whose clock stands at their time. */
import { readFileSync } from "node:fs";
import type { ApiParts } from "../../../src/api/parts.ts";
import { sign, signAsGithub } from "../../../src/auth/signature.ts";
import { readConfigText } from "../../../src/config/file.ts";
import { Secret } from "../../../src/config/secret.ts";
import { createStage, stageYaml, type Stage, token, webhookKeys } from "./stage.ts";

/** Two seconds after what the payloads tell. */
export const now = Date.parse("2026-06-02T09:00:00Z");

export interface WebhookStage extends Stage {
  time: { at: number };
  /** Puts other webhooks into the place of those that are configured. */
  configure(webhooks: string): void;
  count(): Promise<number>;
}

/** @param webhooks in YAML, indented as the value of the key */
export async function webhookStage(webhooks = "", parts: Partial<ApiParts> = {}): Promise<WebhookStage> {
  const time = { at: now };
  const config = { webhooks: webhooksOf(webhooks) };
  const stage = await createStage(config, { clock: { now: () => time.at }, ...parts }, (current) => ({
    ...current,
    webhooks: config.webhooks,
  }));
  return {
    ...stage,
    time,
    configure: (text) => {
      config.webhooks = webhooksOf(text);
    },
    count: async () => (await stage.records.list({ limit: 100 })).deployments.length,
  };
}

export function webhooksOf(yaml: string) {
  const { config, problems } = readConfigText(`${stageYaml}\nwebhooks:\n${yaml}`, "test.yaml");
  if (!config) throw new Error(JSON.stringify(problems));
  return config.webhooks;
}

export function payload(name: string): string {
  return readFileSync(new URL(`../payloads/${name}.json`, import.meta.url), "utf8");
}

/** The same with other values, by dotted path; `undefined` takes one out. */
export function changed(text: string, values: Record<string, unknown>): string {
  const whole: unknown = JSON.parse(text);
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let here = whole;
    for (const key of keys) here = Reflect.get(Object(here), key);
    if (value === undefined) Reflect.deleteProperty(Object(here), last);
    else Reflect.set(Object(here), last, value);
  }
  return JSON.stringify(whole);
}

type Headers = Record<string, string>;

export const headersFor = {
  generic: (text: string, at = now, key = webhookKeys.generic): Headers => {
    const timestamp = String(Math.floor(at / 1000));
    return {
      "content-type": "application/json",
      "teal-timestamp": timestamp,
      "teal-signature": sign(new Secret(key), timestamp, Buffer.from(text)),
    };
  },
  github: (
    text: string,
    event: string,
    delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    key = webhookKeys.github,
  ): Headers => ({
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/044aadd",
    "x-github-event": event,
    "x-github-delivery": delivery,
    "x-github-hook-id": "292430182",
    "x-hub-signature-256": signAsGithub(new Secret(key), Buffer.from(text)),
  }),
  eventbridge: (key = webhookKeys.eventbridge): Headers => ({
    "content-type": "application/json; charset=utf-8",
    "user-agent": "Amazon/EventBridge/ApiDestinations",
    "teal-key": key,
  }),
};

export function without(headers: Headers, name: string): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}

export async function deliver(
  { app }: Pick<Stage, "app">,
  source: keyof typeof headersFor,
  text: string,
  headers: Headers,
) {
  const answer = await app.inject({
    method: "POST",
    url: `/v1/webhooks/${source}`,
    headers,
    payload: text,
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json(), text: answer.body };
}

/** A request with the bearer token. */
export async function ask(
  { app }: Pick<Stage, "app">,
  method: "GET" | "POST",
  url: string,
  body?: object,
  headers: Headers = {},
) {
  const answer = await app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body && { payload: body }),
  });
  return { status: answer.statusCode, body: answer.json() };
}
