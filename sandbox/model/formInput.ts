import { z } from "zod";

/*
 * Members of inputs as the query protocol sends them too: flags as text, and
 * an empty list as an empty text.
 */

export const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);

export function list<T extends z.ZodType>(item: T) {
  return z.union([z.array(item), z.literal("").transform((): z.output<T>[] => [])]);
}
