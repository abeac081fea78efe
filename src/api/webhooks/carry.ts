/** Carries out what a delivery asks for: each webhook of `teal.yaml` that takes it, on its own; or a wake-up. */
import type { WebhookSource } from "../../config/webhooks.ts";
import type { Actor, Source } from "../../deployment/record.ts";
import { TealError } from "../../errors.ts";
import type { z } from "zod";
import { explain } from "../../config/explain.ts";
import { deployRequest } from "../contract.ts";
import { orderOf, start } from "../intake.ts";
import type { ApiParts } from "../parts.ts";
import { malformed } from "../problems.ts";
import type { Result } from "./delivery.ts";
import { hintOf } from "./eventbridge.ts";
import { sourceOf } from "./github.ts";
import { requestOf, unmet } from "./mapping.ts";

export interface Errand {
  source: WebhookSource;
  event?: string;
  payload: unknown;
  /** Begins the idempotency key of each deployment: the same errand starts none a second time. */
  key: string;
  /** Left out: the webhook itself. */
  actor?: Actor;
}

interface About {
  webhook?: string;
  service?: string;
}

/**
 * At least one result. Safe to repeat. Throws what may pass by itself, such as `unavailable`; what can't be done is a
 * result.
 */
export async function carryOut(parts: ApiParts, errand: Errand): Promise<Result[]> {
  const { source, event = "it", payload } = errand;
  const results = [...(await wake(parts, errand)), ...(await map(parts, errand))];
  const taken = results.some(({ outcome }) => outcome !== "ignored");
  // A request that no webhook takes is one for itself; anything else needs a webhook.
  if (source === "generic" && !taken && (results.length === 0 || isRequest(payload))) {
    const { key: idempotencyKey, actor = { kind: "ci", name: "webhook" } } = errand;
    return [await attempt(parts, {}, () => asRequest(payload), { actor, idempotencyKey })];
  }
  return results.length > 0
    ? results
    : [{ outcome: "ignored", why: `no webhook of teal.yaml takes ${event} from ${source}` }];
}

async function map(parts: ApiParts, { source, event, payload, key, actor }: Errand): Promise<Result[]> {
  const { services, webhooks } = parts.config.current();
  const results: Result[] = [];
  for (const webhook of Object.values(webhooks)) {
    if (webhook.from !== source || webhook.on !== event) continue;
    const { name, deploy } = webhook;
    const about = {
      webhook: name,
      ...(Object.hasOwn(services, deploy.service) && { service: deploy.service }),
    };
    const why = unmet(webhook, payload);
    if (why !== undefined) results.push({ outcome: "ignored", ...about, why });
    else {
      const from = source === "github" && event === "deployment" ? sourceOf(payload) : undefined;
      const by = {
        ...(from && { source: from }),
        actor: actor ?? { kind: "ci", name: `webhook ${name}` },
        idempotencyKey: `${key}-${name}`,
      };
      results.push(await attempt(parts, about, () => requestOf(webhook, payload), by));
    }
  }
  return results;
}

/** Starts what is asked for; what is wrong with that, be it the request itself, is a result. */
async function attempt(
  parts: ApiParts,
  about: About,
  request: () => z.output<typeof deployRequest>,
  { source, ...by }: { actor: Actor; idempotencyKey: string; source?: Source },
): Promise<Result> {
  const config = parts.config.current();
  const known = { ...about };
  try {
    const asked = request();
    if (Object.hasOwn(config.services, asked.service)) known.service = asked.service;
    const order = orderOf(config, asked);
    const from = { ...order.request, ...(source && { source }) };
    const { status, view } = await start(parts, { ...order, request: from, ...by });
    return {
      outcome: "started",
      ...about,
      service: view.service,
      deployment: view.id,
      ...(status === 200 && { before: true }),
    };
  } catch (error) {
    // What Teal or Redis fails at now is no answer: the delivery may come again.
    if (!(error instanceof TealError) || error.entry.status >= 500) throw error;
    const { code, problems } = error;
    const message =
      code === "idempotency-conflict"
        ? "This delivery started a deployment before, when the webhook made another request of it."
        : error.message;
    return { outcome: "refused", ...known, code, message, problems };
  }
}

async function wake({ hints }: ApiParts, { source, payload }: Errand): Promise<Result[]> {
  const hint = source === "eventbridge" ? hintOf(payload) : undefined;
  if (!hint) return [];
  const type = hint["detail-type"];
  if (!hints) return [{ outcome: "ignored", why: `nothing listens to ${type}` }];
  const deployments = await hints(hint);
  return deployments.length > 0
    ? [{ outcome: "woke", deployments }]
    : [{ outcome: "ignored", why: `${type}: it concerns no deployment that is under way` }];
}

function isRequest(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && Object.hasOwn(payload, "service");
}

function asRequest(payload: unknown): z.output<typeof deployRequest> {
  const parsed = deployRequest.safeParse(payload, { error: explain });
  if (!parsed.success) throw malformed(parsed.error);
  return parsed.data;
}
