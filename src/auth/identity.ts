/** Who a request comes from, and what that one may do. */
import type { Actor, Source } from "../deployment/record.ts";
import { TealError } from "../errors.ts";
import { type Action, type Grant, may, roleNames, roles } from "./roles.ts";

export interface Identity {
  /** In the history; a token's name, or what an issuer says of its holder. */
  name: string;
  kind: Actor["kind"];
  /** How it proved itself: by the token that Teal was started with, one that Teal made, an issuer's, or not at all. */
  via: "root" | "token" | "oidc" | "none";
  grants: readonly Grant[];
  /** Names the secret that it came with, for limits and the log; never the secret itself. */
  id: string;
  /** For a token's: when it ends, ms since the epoch. */
  expiresAt?: number;
  /** For an issuer's that says it: what code its holder runs for. */
  source?: Source;
}

/** Everything, everywhere. */
export const allGrants: readonly Grant[] = [{ role: "admin", services: ["*"] }];

/** Throws TealError('forbidden'), saying which right is missing and which roles have it. */
export function permit({ name, grants }: Identity, action: Action, service?: string): void {
  if (may(grants, action, service)) return;
  const having = roleNames.filter((role) => roles[role].includes(action));
  const where = service === undefined ? "for all services" : `for service ${service}`;
  throw new TealError(
    "forbidden",
    `${name} may not ${action} ${where}; it takes the role ${having.join(" or ")} there.`,
  );
}
