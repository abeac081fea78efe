/**
 * API tokens that Teal makes: `teal_<id>_<secret>`. The secret is 256 random bits, shown once; what is kept is its
 * SHA-256, which for a secret that can't be guessed is enough.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { TealError } from "../errors.ts";
import type { Identity } from "./identity.ts";
import type { TokenBook, TokenRecord } from "./ports.ts";

const written = /^teal_([0-9a-f]{16})_([\w-]{43})$/;

/** Whether it is meant to be one of Teal's own. */
export function isOwnToken(text: string): boolean {
  return text.startsWith("teal_");
}

/** A new secret for a token. `text` is what its owner gets, and nobody else ever. */
export function mint(token: Omit<TokenRecord, "hash">): { text: string; record: TokenRecord } {
  const secret = randomBytes(32).toString("base64url");
  return { text: `teal_${token.id}_${secret}`, record: { ...token, hash: hashOf(secret) } };
}

/** @param seed whatever must give the same id again; left out, it is a new one */
export function tokenId(seed?: string): string {
  const bytes = seed === undefined ? randomBytes(8) : createHash("sha256").update(seed).digest();
  return bytes.toString("hex").slice(0, 16);
}

/** Whose token it is. Throws TealError: unauthorized, unavailable. */
export async function ownerOf(text: string, book: Pick<TokenBook, "find">, now: number): Promise<Identity> {
  const [, id = "", secret = ""] = written.exec(text) ?? [];
  const record = id === "" ? undefined : await book.find(id);
  // Compared also where there is none, so that time doesn't tell which ids there are.
  const same = timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(record?.hash ?? hashOf("")));
  if (!record || !same) {
    throw new TealError("unauthorized", "Teal knows no such token; it may have been revoked.");
  }
  const { name, kind, grants, expiresAt } = record;
  if (expiresAt !== undefined && expiresAt <= now) {
    throw new TealError("unauthorized", `The token of ${name} expired ${new Date(expiresAt).toISOString()}.`);
  }
  return {
    name,
    kind,
    via: "token",
    grants,
    id: `token ${id}`,
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
