/** `/v1/deliveries`: what came to the webhooks, what it led to, and having it carried out again. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Identity } from "../auth/identity.ts";
import { may } from "../auth/roles.ts";
import { catalogue } from "../errors.ts";
import { actorOf, askingHeaders } from "./asking.ts";
import {
  deliveriesQuery,
  deliveryDetail,
  deliveryId,
  deliveryPage,
  deliveryView,
  type DeliveryView,
  redeliverRequest,
  type ResultView,
} from "./contract.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";
import type { Delivery, Result } from "./webhooks/delivery.ts";
import { loadDelivery, noDelivery, payloadBytesMax, redeliver } from "./webhooks/receive.ts";

const params = z.strictObject({ id: deliveryId });

export function deliveries(app: App, parts: ApiParts): void {
  app.get(
    "/v1/deliveries",
    {
      config: { access: { action: "view", of: "some" } },
      schema: {
        tags: ["deliveries"],
        operationId: "listDeliveries",
        summary: "List deliveries to the webhooks, newest first",
        querystring: deliveriesQuery,
        response: { 200: deliveryPage },
      },
    },
    async (request) => {
      const { limit, cursor, source, webhook, service, outcome } = request.query;
      const fits = (result: Result) =>
        (webhook === undefined || ("webhook" in result && result.webhook === webhook)) &&
        (service === undefined || ("service" in result && result.service === service)) &&
        (outcome === undefined || result.outcome === outcome);
      const page = await parts.deliveries.list({
        limit,
        ...(cursor !== undefined && { before: cursor }),
        fits: (delivery) =>
          (source === undefined || delivery.source === source) &&
          delivery.results.filter((result) => isShown(result, request.identity)).some(fits),
      });
      return {
        deliveries: page.deliveries.map((delivery) => viewOf(delivery, request.identity)),
        ...(page.next !== undefined && { next: page.next }),
      };
    },
  );

  app.get(
    "/v1/deliveries/:id",
    {
      config: { access: { action: "view", of: "some" } },
      schema: {
        tags: ["deliveries"],
        operationId: "getDelivery",
        summary: "Look at a delivery",
        params,
        response: { 200: deliveryDetail },
      },
    },
    async (request) => {
      const view = viewOf(await loadDelivery(parts, request.params.id), request.identity);
      if (view.results.length === 0) throw noDelivery(view.id);
      const payload = administers(request.identity) ? await parts.deliveries.payload(view.id) : undefined;
      return { ...view, ...(payload !== undefined && { payload: JSON.parse(payload) }) };
    },
  );

  app.post(
    "/v1/deliveries/:id/redeliver",
    {
      config: { access: { action: "administer", of: "all" } },
      schema: {
        tags: ["deliveries"],
        operationId: "redeliver",
        summary: "Carry a delivery out again, by teal.yaml as it is now",
        description: "What started a deployment already is left alone, unless `again` is said.",
        params,
        headers: askingHeaders,
        body: redeliverRequest,
        response: { 200: deliveryView },
      },
    },
    async (request) => {
      const redelivered = await redeliver(parts, request.params.id, {
        by: actorOf(request),
        key: `${request.identity.id} ${request.headers["idempotency-key"] ?? randomUUID()}`,
        again: request.body.again ?? false,
      });
      return viewOf(redelivered, request.identity);
    },
  );
}

/** Whoever may administer sees all; others what came of it for services that they may view. */
function isShown(result: Result, identity: Identity): boolean {
  const service = "service" in result ? result.service : undefined;
  return administers(identity) || (service !== undefined && may(identity.grants, "view", service));
}

function administers({ grants }: Identity): boolean {
  return may(grants, "administer");
}

function viewOf({ sentAt, receivedAt, results, ...delivery }: Delivery, identity: Identity): DeliveryView {
  return {
    ...delivery,
    sentAt: iso(sentAt),
    receivedAt: iso(receivedAt),
    results: results.filter((result) => isShown(result, identity)).map(resultViewOf),
    redeliverable: delivery.bytes <= payloadBytesMax,
  };
}

export function resultViewOf(result: Result): ResultView {
  return result.outcome === "refused" ? { ...result, fix: catalogue[result.code].fix } : result;
}
