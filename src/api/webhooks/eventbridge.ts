/**
 * Events of AWS, sent by an API destination. It doesn't sign: a key in a header proves the sender, so whoever has that
 * may send anything.
 */
import { z } from "zod";
import { verifyKey } from "../../auth/signature.ts";
import { explain } from "../../config/explain.ts";
import type { Secret } from "../../config/secret.ts";
import { malformed } from "../problems.ts";
import type { Received } from "./delivery.ts";
import { parsed, type Request } from "./raw.ts";

/** Of the connection. */
export const keyHeader = "Teal-Key";

/** EventBridge tries for a day; but what was pushed an hour ago may no longer be what is wanted. */
const freshMs = 60 * 60_000;

const word = z.string().min(1).max(200);

/** An event as EventBridge passes it on, whole; `detail` is the sender's own. */
const awsEvent = z.object({
  id: word,
  "detail-type": word,
  source: word,
  account: z.string().max(200),
  region: z.string().max(200),
  time: z.iso.datetime({ offset: true, error: "must be a moment in ISO 8601" }),
  resources: z.array(z.string()),
  detail: z.record(z.string(), z.unknown()),
});
export type AwsEvent = z.output<typeof awsEvent>;

/** Events that concern deployments under way, and AWS's name of who sends them, which nobody else can use. */
const hintSources: Readonly<Record<string, string>> = {
  "ECS Service Action": "aws.ecs",
  "ECS Deployment State Change": "aws.ecs",
  "CloudWatch Alarm State Change": "aws.cloudwatch",
};

/** Throws `unauthorized`, `bad-request`. */
export function readEventbridge(keys: readonly Secret[], { header, body }: Request): Received {
  verifyKey(keys, keyHeader, header(keyHeader.toLowerCase()));
  const { payload, body: text } = parsed(body);
  const found = awsEvent.safeParse(payload, { error: explain });
  if (!found.success) throw malformed(found.error);
  const { id, time, "detail-type": event } = found.data;
  return {
    source: "eventbridge",
    event,
    identity: id,
    sentAs: id,
    sentAt: Date.parse(time),
    freshMs,
    body: text,
    payload,
  };
}

/** The event, where it is one that may concern deployments under way. */
export function hintOf(payload: unknown): AwsEvent | undefined {
  const { data: event } = awsEvent.safeParse(payload);
  return event && hintSources[event["detail-type"]] === event.source ? event : undefined;
}
