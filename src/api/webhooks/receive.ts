/**
 * What all webhooks have in common once they know who sent a delivery: it is fresh, it has one effect, and what that
 * was is kept.
 */
import { createHash } from "node:crypto";
import type { Actor } from "../../deployment/record.ts";
import { TealError } from "../../errors.ts";
import type { ApiParts } from "../parts.ts";
import { carryOut } from "./carry.ts";
import type { Delivery, Received } from "./delivery.ts";

/** How far ahead of ours a sender's clock may be. */
const aheadMs = 5 * 60_000;
/** A larger payload is not kept, so it can't be redelivered. */
export const payloadBytesMax = 65_536;
/** How long the key of a redelivery is known, as that of any request. */
const redeliveryMs = 7 * 86_400_000;

/** One that had its answer has no effect; `earlier` is what it came to, as far as the book still knows. */
export type Receipt =
  | { repeated: false; delivery: Delivery }
  | { repeated: true; id: string; earlier?: Delivery };

/**
 * Throws `outdated-delivery`, and whatever may pass by itself: then nothing is kept, and the delivery may come again.
 * The deployments that it had started by then are found by their idempotency keys.
 */
export async function receive(parts: ApiParts, received: Received): Promise<Receipt> {
  const { source, event, identity, sentAs, sentAt, freshMs, body, payload } = received;
  const now = parts.clock.now();
  requireFresh(received, now);
  const id = idOf(`${source} ${identity}`);
  if (await parts.deliveries.isSpent(id)) {
    const earlier = await parts.deliveries.load(id);
    return { repeated: true, id, ...(earlier && { earlier }) };
  }
  const about = { source, ...(event !== undefined && { event }) };
  const results = await carryOut(parts, { ...about, payload, key: `delivery-${id}` });
  const delivery: Delivery = {
    id,
    ...about,
    ...(sentAs !== undefined && { sentAs }),
    sentAt,
    receivedAt: now,
    results,
    bytes: Buffer.byteLength(body),
  };
  // It stays fresh for at most so long from now, and twice that allows for a clock of ours that is set back.
  await keep(parts, delivery, body, 2 * (freshMs + aheadMs));
  return { repeated: false, delivery };
}

export interface Redelivery {
  by: Actor;
  /** The same key has one effect. */
  key: string;
  /** Also what started a deployment already. */
  again: boolean;
}

/**
 * Carries a kept delivery out as `teal.yaml` is now, whatever its age; what started a deployment before, only where
 * `again` is said. Throws `unknown-delivery`, `payload-not-kept`, and what may pass by itself. Safe to repeat.
 */
export async function redeliver(
  parts: ApiParts,
  id: string,
  { by, key, again }: Redelivery,
): Promise<Delivery> {
  const { deliveries, clock } = parts;
  const earlier = await loadDelivery(parts, id);
  const root = earlier.redelivers ?? earlier.id;
  const own = idOf(`redelivery ${root} ${key}`);
  if (await deliveries.isSpent(own)) return loadDelivery(parts, own);
  const body = await deliveries.payload(id);
  if (body === undefined) {
    const message = `The payload of ${id} was not kept: it has ${earlier.bytes} bytes, more than ${payloadBytesMax}.`;
    throw new TealError("payload-not-kept", message);
  }
  const { source, event } = earlier;
  const results = await carryOut(parts, {
    source,
    ...(event !== undefined && { event }),
    payload: JSON.parse(body),
    key: `delivery-${again ? own : root}`,
    actor: by,
  });
  const delivery = { ...earlier, id: own, receivedAt: clock.now(), results, redelivers: root, by };
  await keep(parts, delivery, body, redeliveryMs);
  return delivery;
}

/** Throws `unknown-delivery`. */
export async function loadDelivery(
  { deliveries }: Pick<ApiParts, "deliveries">,
  id: string,
): Promise<Delivery> {
  const found = await deliveries.load(id);
  if (!found) throw noDelivery(id);
  return found;
}

export function noDelivery(id: string): TealError {
  return new TealError("unknown-delivery", `There is no delivery ${id}, or not any more.`);
}

async function keep(parts: ApiParts, delivery: Delivery, body: string, spentMs: number): Promise<void> {
  const { id, source, event, sentAs, results, redelivers } = delivery;
  await parts.deliveries.keep(delivery, delivery.bytes > payloadBytesMax ? undefined : body, spentMs);
  const led = results.map(({ outcome, ...about }) =>
    "webhook" in about ? `${about.webhook}: ${outcome}` : outcome,
  );
  parts.log.info({ delivery: id, source, event, sentAs, redelivers, led }, "a delivery had its answer");
}

function requireFresh({ sentAt, freshMs }: Received, now: number): void {
  const age = now - sentAt;
  if (age <= freshMs && age >= -aheadMs) return;
  const [away, limit] =
    age > 0 ? [`${seconds(age)} old`, freshMs] : [`${seconds(-age)} ahead of us`, aheadMs];
  throw new TealError("outdated-delivery", `The delivery is ${away}; at most ${seconds(limit)} are allowed.`);
}

function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
