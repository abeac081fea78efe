/** What came to the webhooks, and what it led to. */
import { z } from "zod";
import { actor, moment, problemView, serviceName, whole } from "./words.ts";

export const deliverySources = ["github", "eventbridge", "generic"] as const;
export const deliverySource = z.enum(deliverySources);
export const deliveryOutcomes = ["started", "woke", "ignored", "refused"] as const;

const of = { webhook: z.string().optional(), service: z.string().optional() };

/** What one webhook of `teal.yaml` made of it; without a webhook: what the delivery came to by itself. */
export const resultView = z
  .discriminatedUnion("outcome", [
    z.object({
      outcome: z.literal("started"),
      ...of,
      service: z.string(),
      deployment: z.string(),
      before: z
        .literal(true)
        .optional()
        .describe("By this delivery too, when it came or was carried out before."),
    }),
    z.object({ outcome: z.literal("woke"), deployments: z.array(z.string()) }),
    z.object({
      outcome: z.literal("ignored"),
      ...of,
      why: z.string().describe("Such as the first condition that doesn't hold."),
    }),
    z.object({
      outcome: z.literal("refused"),
      ...of,
      code: z.string(),
      message: z.string(),
      problems: z.array(problemView),
      fix: z.string(),
    }),
  ])
  .meta({ id: "DeliveryResult" });
export type ResultView = z.output<typeof resultView>;

/** The answer to a delivery. Without an id it is nothing that is kept. */
export const deliveryReceipt = z
  .object({
    id: z.string().optional(),
    repeated: z
      .boolean()
      .optional()
      .describe("It came before: `results` are those of the first time, as far as they are still known."),
    results: z.array(resultView),
  })
  .meta({ id: "DeliveryReceipt" });
export type DeliveryReceipt = z.output<typeof deliveryReceipt>;

export const deliveryId = z.string().regex(/^[0-9a-f]{24}$/, { error: "must be the id of a delivery" });

const delivery = z.object({
  id: z.string(),
  source: deliverySource,
  event: z.string().optional().describe("GitHub's event, or EventBridge's detail-type."),
  sentAs: z.string().optional().describe("GitHub's or EventBridge's own id of it."),
  sentAt: moment.describe("By its own account."),
  receivedAt: moment,
  results: z.array(resultView),
  bytes: z.int().describe("Of the payload."),
  redeliverable: z.boolean().describe("Whether the payload was kept; larger ones are not."),
  redelivers: z.string().optional().describe("Of a redelivery: the delivery that it repeats."),
  by: actor.optional().describe("Of a redelivery: who asked for it."),
});

export const deliveryView = delivery.meta({ id: "Delivery" });
export type DeliveryView = z.output<typeof deliveryView>;

export const deliveryDetail = delivery
  .extend({ payload: z.unknown().optional().describe("For whoever may administer, where it was kept.") })
  .meta({ id: "DeliveryDetail" });
export type DeliveryDetail = z.output<typeof deliveryDetail>;

export const deliveryPage = z
  .object({ deliveries: z.array(deliveryView), next: z.string().optional() })
  .meta({ id: "DeliveryPage" });

export const deliveriesQuery = z.strictObject({
  webhook: serviceName.optional(),
  service: serviceName.optional(),
  source: deliverySource.optional(),
  outcome: z.enum(deliveryOutcomes).optional().describe("That at least one of its results has."),
  limit: whole(1, 100, 20),
  cursor: z.string().max(200).optional().describe("`next` of the page before."),
});

export const redeliverRequest = z
  .strictObject({
    again: z.boolean().optional().describe("Also where it started a deployment already."),
  })
  .meta({ examples: [{ again: true }] });
export type RedeliverBody = z.input<typeof redeliverRequest>;
