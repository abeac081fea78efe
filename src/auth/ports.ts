/** What finding out who asks needs of the world. Adapters implement these. */
import type { Actor } from "../deployment/record.ts";
import type { Grant } from "./roles.ts";

export interface TokenRecord {
  id: string;
  /** Whose it is, in the history. */
  name: string;
  kind: Extract<Actor["kind"], "operator" | "ci">;
  grants: readonly Grant[];
  /** Hexadecimal SHA-256 of the secret. */
  hash: string;
  createdAt: number;
  createdBy: string;
  /** Ms since the epoch; left out: it doesn't end by itself. */
  expiresAt?: number;
  /** The request that made it, so that another one with the same key is noticed. */
  fingerprint?: string;
}

/** Where tokens are kept. Every method may throw TealError('unavailable') and is safe to repeat. */
export interface TokenBook {
  /** Keeps it, in place of an earlier one with its id. Throws TealError('command-refused') past `tokensMax`. */
  write(record: TokenRecord): Promise<void>;
  /** Keeps it where there is no token at all; false, and nothing kept, where there is. */
  writeFirst(record: TokenRecord): Promise<boolean>;
  find(id: string): Promise<TokenRecord | undefined>;
  /** All of them, the newest first, those that have expired included. */
  list(): Promise<TokenRecord[]>;
  /** Whether it was there. */
  remove(id: string): Promise<boolean>;
}

export const tokensMax = 1_000;
