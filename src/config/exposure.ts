/** What the environment says about those who call us through others. */
import { z } from "zod";
import { networkOf } from "./outbound.ts";

const entriesMax = 50;

/**
 * `10.0.0.0/8, 192.0.2.7`: proxies, whose word in X-Forwarded-For counts, and nobody else's. A number of proxies is
 * not enough: whoever reaches Teal past them could claim any address.
 */
export const trustedProxies = z
  .string()
  .max(5_000)
  .transform((text, context): string[] => {
    const entries = text.split(",").map((entry) => entry.trim());
    if (entries.length > entriesMax) {
      context.addIssue({ code: "custom", message: `must be at most ${entriesMax} entries` });
    }
    return entries.slice(0, entriesMax).flatMap((entry) => {
      const network = networkOf(entry);
      if (network !== undefined) return [network];
      const message = `has the entry ${JSON.stringify(entry)}, not an address or a network such as 10.20.0.0/16`;
      context.addIssue({ code: "custom", message });
      return [];
    });
  });
