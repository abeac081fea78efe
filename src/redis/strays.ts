/** The book of strays: what was found last, a key per service that goes by itself. */
import type { Redis } from "ioredis";
import { z } from "zod";
import type { StrayBook, StraysFound } from "../engine/ports.ts";
import { asking } from "./errors.ts";

/** Older findings say nothing about now. */
const keptMs = 24 * 3_600_000;

const straysFound: z.ZodType<StraysFound> = z.object({ at: z.number(), deployments: z.array(z.string()) });

export function createStrayBook(redis: Redis, prefix: string): StrayBook {
  const keyOf = (service: string) => `${prefix}:strays:${service}`;
  return {
    write: async (service, found) => {
      await asking("note strays", () => redis.set(keyOf(service), JSON.stringify(found), "PX", keptMs));
    },
    read: async (services) => {
      if (services.length === 0) return {};
      const texts = await asking("read of strays", () => redis.mget(services.map(keyOf)));
      const found = texts.map((text, n): [string, StraysFound][] => {
        const service = services[n];
        return text !== null && service !== undefined ? [[service, straysFound.parse(JSON.parse(text))]] : [];
      });
      return Object.fromEntries(found.flat());
    },
    mayTell: async (service, deployment, everyMs) => {
      const key = `${prefix}:stray-told:${service}:${deployment}`;
      return (await asking("note who tells", () => redis.set(key, "1", "PX", everyMs, "NX"))) === "OK";
    },
  };
}
