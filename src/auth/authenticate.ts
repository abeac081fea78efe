/** From the header `Authorization` to who asks. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";
import { TealError } from "../errors.ts";
import { allGrants, type Identity } from "./identity.ts";
import type { TokenBook } from "./ports.ts";
import { isOwnToken, ownerOf } from "./tokens.ts";

/** Throws TealError: unauthorized, unavailable. */
export type Authenticate = (authorization: string | undefined) => Promise<Identity>;

export interface Doors {
  /** The token that Teal was started with; whoever has it may do everything, under any name. */
  root?: Secret;
  /** Serve without tokens; only where nobody else can reach the address (see `requireProtection`). */
  insecure: boolean;
  tokens: Pick<TokenBook, "find">;
  /** Whoever an issuer of identity tokens says it is. */
  issued?: (jwt: string) => Promise<Identity>;
  clock: { now(): number };
}

/** In the history `api`, unless the header `Teal-Actor` says another name. */
const rootIdentity: Identity = { name: "api", kind: "operator", via: "root", grants: allGrants, id: "root" };
const openIdentity: Identity = { ...rootIdentity, via: "none", id: "none" };

export function createAuthenticate({ root, insecure, tokens, issued, clock }: Doors): Authenticate {
  const expected = root && digest(root.reveal());
  return async (authorization) => {
    if (insecure && !root) return openIdentity;
    const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (given === undefined) {
      throw new TealError("unauthorized", "The request has no header `Authorization: Bearer <token>`.");
    }
    if (isOwnToken(given)) return ownerOf(given, tokens, clock.now());
    if (expected && timingSafeEqual(digest(given), expected)) return rootIdentity;
    if (issued && given.split(".").length === 3) return issued(given);
    throw new TealError("unauthorized", "Teal knows no such token.");
  };
}

/** Both sides hashed: equal lengths whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
