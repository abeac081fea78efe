import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeFirstToken } from "../../src/auth/first-token.ts";
import { mint, ownerOf, tokenId } from "../../src/auth/tokens.ts";
import { createMemoryTokens } from "../support/memory-tokens.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "teal-first-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("makes one that may do everything, for whoever can read the file", async () => {
  const tokens = createMemoryTokens();
  const file = join(folder, "token");
  expect(await makeFirstToken(tokens, file, 1)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await ownerOf(readFileSync(file, "utf8").trim(), tokens, 1)).toMatchObject({
    name: "admin",
    grants: [{ role: "admin", services: ["*"] }],
  });
});

it("makes none where there is one", async () => {
  const tokens = createMemoryTokens();
  const file = join(folder, "token");
  await tokens.write(
    mint({ id: tokenId(), name: "a", kind: "ci", grants: [], createdAt: 1, createdBy: "b" }).record,
  );
  expect(await makeFirstToken(tokens, file, 1)).toBe(false);
  expect(() => statSync(file)).toThrow(/ENOENT/);
});

it("leaves no file behind where another process was faster", async () => {
  const tokens = { ...createMemoryTokens(), writeFirst: async () => false };
  const file = join(folder, "token");
  expect(await makeFirstToken(tokens, file, 1)).toBe(false);
  expect(() => statSync(file)).toThrow(/ENOENT/);
});

it("says what is in the way, and leaves no token that nobody has", async () => {
  const tokens = createMemoryTokens();
  const file = join(folder, "token");
  writeFileSync(file, "an older one");
  await expect(makeFirstToken(tokens, file, 1)).rejects.toThrow(/EEXIST.*TEAL_ADMIN_TOKEN_FILE.*TEAL_TOKEN/);
  await expect(makeFirstToken(tokens, join(folder, "absent", "token"), 1)).rejects.toThrow(/ENOENT/);
  expect(await tokens.list()).toEqual([]);
});
