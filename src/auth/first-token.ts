/** Who comes first: where no token was given at the start and none was ever made, one is, for whoever installs Teal. */
import { rm, writeFile } from "node:fs/promises";
import { TealError } from "../errors.ts";
import { allGrants } from "./identity.ts";
import type { TokenBook } from "./ports.ts";
import { mint, tokenId } from "./tokens.ts";

/**
 * Makes one admin token where there is none and writes it to the file, which nobody else may read; says whether it
 * did. Safe to repeat and to do at several places at once. Throws TealError('bad-config') where the file can't be
 * written, with no token left behind.
 */
export async function makeFirstToken(
  tokens: Pick<TokenBook, "list" | "writeFirst">,
  file: string,
  now: number,
): Promise<boolean> {
  if ((await tokens.list()).length > 0) return false;
  const token = {
    id: tokenId(),
    name: "admin",
    kind: "operator" as const,
    grants: allGrants,
    createdAt: now,
  };
  const { text, record } = mint({ ...token, createdBy: "the first start" });
  // The file first: a token that nobody can read would keep everybody out.
  const failure = await create(file, `${text}\n`);
  if (failure !== undefined) {
    // Another process that shares the file may have been faster.
    if ((await tokens.list()).length > 0) return false;
    throw new TealError(
      "bad-config",
      `The first admin token can't be written to ${file} (${failure}). Remove what is there, set TEAL_ADMIN_TOKEN_FILE to another path, or set TEAL_TOKEN to a secret of your own.`,
    );
  }
  const kept = await tokens.writeFirst(record).catch(async (error: unknown) => {
    await rm(file, { force: true });
    throw error;
  });
  if (!kept) await rm(file, { force: true });
  return kept;
}

/** Gives the system's code of what went wrong. */
async function create(file: string, text: string): Promise<string | undefined> {
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  }
}
