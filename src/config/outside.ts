/**
 * What the file needs of the environment: secrets that it names, a key to sign hooks with, and leave to call hosts by
 * plain HTTP.
 */
import type { Finding } from "./explain.ts";

/** What the environment gives. */
export interface Outside {
  /** Hosts that may be called by plain HTTP; see `outbound.ts`. */
  allow: { names: readonly string[]; suffixes: readonly string[]; ranges: readonly string[] };
  /** The names of secrets that there are. */
  secrets: readonly string[];
  /** Whether there is a key to sign hooks with. */
  signs: boolean;
}

export interface Need {
  kind: "secret" | "signature" | "plain-http";
  /** The secret's name, or the host. */
  name: string;
  path: PropertyKey[];
}

/** Every need of the file, where it arises. Reads leniently. */
export function needsOf(raw: unknown): Need[] {
  const needs: Need[] = [];
  const visit = (value: unknown, path: PropertyKey[]): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (key === "url" && typeof part === "string") needs.push({ kind: "signature", name: "", path: at });
      if (typeof part === "string" && ["url", "prometheus", "http"].includes(key)) {
        const host = plainHost(part);
        if (host !== undefined) needs.push({ kind: "plain-http", name: host, path: at });
      }
      if (key === "secret" && typeof part === "string") needs.push({ kind: "secret", name: part, path: at });
      visit(part, at);
    }
  };
  if (typeof raw === "object" && raw !== null) {
    if ("strategies" in raw) visit(raw.strategies, ["strategies"]);
    if ("checks" in raw) visit(raw.checks, ["checks"]);
  }
  return needs;
}

/** Needs that the environment doesn't meet. */
export function unmet(raw: unknown, { allow, secrets, signs }: Outside): Finding[] {
  return needsOf(raw).flatMap(({ kind, name, path }): Finding[] => {
    switch (kind) {
      case "secret":
        return secrets.includes(name)
          ? []
          : [{ path, message: `names the secret ${name}, but TEAL_SECRET_${name} is not set` }];
      case "signature":
        return signs ? [] : [{ path, message: "needs TEAL_HOOK_SECRET, the key that hooks are signed with" }];
      case "plain-http":
        return allows(allow, name)
          ? []
          : [{ path, message: `must begin with https://, unless TEAL_OUTBOUND_ALLOW names ${name}` }];
    }
  });
}

function plainHost(url: string): string | undefined {
  return URL.canParse(url) && new URL(url).protocol === "http:" ? new URL(url).hostname : undefined;
}

/** With networks allowed it depends on the host's address, which is looked up when it is called. */
function allows({ names, suffixes, ranges }: Outside["allow"], host: string): boolean {
  return ranges.length > 0 || names.includes(host) || suffixes.some((suffix) => host.endsWith(suffix));
}
