/** The book of deliveries in memory, held to what Redis does by test/contract/deliveries.test.ts. */
import type { Deliveries, Delivery } from "../../src/api/webhooks/delivery.ts";
import { position } from "../../src/redis/limits.ts";

export function createMemoryDeliveries(now: () => number): Deliveries {
  const kept = new Map<string, { delivery: Delivery; payload: string | undefined }>();
  const spentUntil = new Map<string, number>();

  return {
    isSpent: async (id) => (spentUntil.get(id) ?? 0) > now(),
    keep: async (delivery, payload, spentMs) => {
      kept.set(delivery.id, { delivery: structuredClone(delivery), payload });
      spentUntil.set(delivery.id, now() + spentMs);
    },
    load: async (id) => structuredClone(kept.get(id)?.delivery),
    payload: async (id) => kept.get(id)?.payload,
    list: async ({ limit, before, fits }) => {
      const found = [...kept.values()]
        .map(({ delivery }) => ({
          delivery,
          place: position({ id: delivery.id, createdAt: delivery.receivedAt }),
        }))
        .filter(({ delivery, place }) => (before === undefined || place < before) && fits(delivery))
        .toSorted((a, b) => (a.place < b.place ? 1 : -1));
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        deliveries: page.map(({ delivery }) => structuredClone(delivery)),
        ...(last && { next: last.place }),
      };
    },
  };
}
