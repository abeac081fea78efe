/** What the environment says about calls to others' systems: whom to call, and with which keys and secrets. */
import { z } from "zod";
import { Secret } from "./secret.ts";

/** Hosts that may be called though their addresses are private, and by plain HTTP. */
export interface OutboundAllow {
  /** Whole names, lower case. */
  names: string[];
  /** `.svc.cluster.local` stands for every name that ends so. */
  suffixes: string[];
  /** Networks as CIDR. */
  ranges: string[];
}

const name =
  /^(?:\*\.)?(?=[a-z0-9_.-]{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const network = z.union([z.cidrv4(), z.cidrv6()]);
const entriesMax = 200;

/** `prometheus.monitoring.svc, *.example.internal, 10.20.0.0/16`: names, suffixes and networks. */
export const outboundAllow = z
  .string()
  .max(20_000)
  .transform((text, context): OutboundAllow => {
    const allow: OutboundAllow = { names: [], suffixes: [], ranges: [] };
    const entries = text.split(",").map((entry) => entry.trim().toLowerCase());
    if (entries.length > entriesMax) {
      context.addIssue({ code: "custom", message: `must be at most ${entriesMax} entries` });
    }
    for (const entry of entries.slice(0, entriesMax)) {
      const range = networkOf(entry);
      if (range !== undefined) allow.ranges.push(range);
      else if (!name.test(entry)) {
        const allowed = "a host name, *.suffix, an address or a network such as 10.20.0.0/16, without a port";
        context.addIssue({
          code: "custom",
          message: `has the entry ${JSON.stringify(entry)}, not ${allowed}`,
        });
      } else if (entry.startsWith("*")) allow.suffixes.push(entry.slice(1));
      else allow.names.push(entry);
    }
    return allow;
  });

/** An address or a network as CIDR, undefined where it is neither; a single address is a network of one. */
export function networkOf(entry: string): string | undefined {
  if (network.safeParse(entry).success) return entry;
  if (z.ipv4().safeParse(entry).success) return `${entry}/32`;
  return z.ipv6().safeParse(entry).success ? `${entry}/128` : undefined;
}

const keyBytes = { min: 24, max: 64 };

/**
 * Signing keys as the Standard Webhooks specification writes them, `whsec_` and base64 of 24 to 64 bytes. Several
 * are separated by spaces: hooks are signed with each, so that receivers can be given a new key one by one.
 */
export const hookKeys = z
  .string()
  .max(1_000)
  .transform((text) => text.split(/\s+/))
  .refine((keys) => keys.every(isKey), {
    error: `must be whsec_ and base64 of ${keyBytes.min} to ${keyBytes.max} random bytes, such as "whsec_$(openssl rand -base64 32)"`,
  })
  .transform((keys) => keys.map((key) => new Secret(key)));

function isKey(text: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (base64 === undefined) return false;
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 && bytes.length >= keyBytes.min && bytes.length <= keyBytes.max;
}

/** `TEAL_SECRET_GRAFANA` is the value of headers that `teal.yaml` writes as `{ secret: GRAFANA }`. */
export const secretPrefix = "TEAL_SECRET_";

/** The names of secrets that are given, be it as a value or as a file. */
export function secretNamesIn(env: Readonly<Record<string, string | undefined>>): string[] {
  const given = Object.keys(env).filter((key) => key.startsWith(secretPrefix) && env[key]?.trim());
  return [...new Set(given.map((key) => key.slice(secretPrefix.length).replace(/(?<=.)_FILE$/, "")))];
}

/** By name. What is shorter than 8 characters would be found in answers by chance, and hidden there. */
export const headerSecrets = z.record(
  z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, {
    error: "must be named with capital letters, digits and underscores, at most 64 after TEAL_SECRET_",
  }),
  z
    .string()
    .min(8)
    .max(4096)
    .regex(/^[\x20-\x7e]*$/, { error: "must be printable ASCII on one line, being the value of a header" })
    .transform((value) => new Secret(value)),
);
