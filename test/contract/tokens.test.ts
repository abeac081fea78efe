import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenBook, TokenRecord } from "../../src/auth/ports.ts";
import { tokensMax } from "../../src/auth/ports.ts";
import { createTokenBook } from "../../src/redis/tokens.ts";
import { openTestRecords, type TestRecords } from "../redis/records.ts";
import { createMemoryTokens } from "../support/memory-tokens.ts";

let redis: TestRecords;
let count = 0;
beforeAll(async () => {
  redis = await openTestRecords();
});
afterAll(() => redis.close());

const token = (id: string, change: Partial<TokenRecord> = {}): TokenRecord => ({
  id,
  name: `the ${id}`,
  kind: "operator",
  grants: [{ role: "deployer", services: ["checkout"], actions: ["deploy"] }],
  hash: "abcd",
  createdAt: 1,
  createdBy: "root",
  ...change,
});

describe.each([
  ["in Redis", () => createTokenBook(redis.redis, `${redis.prefix}:${(count += 1)}`)],
  ["in memory", createMemoryTokens],
])("tokens %s", (_where, create) => {
  let book: TokenBook;
  beforeEach(() => {
    book = create();
  });

  it("are found by their id, in full", async () => {
    await book.write(token("a", { expiresAt: 7, fingerprint: "f" }));
    expect(await book.find("a")).toEqual(token("a", { expiresAt: 7, fingerprint: "f" }));
    expect(await book.find("b")).toBeUndefined();
  });

  it("are listed newest first", async () => {
    for (const [id, createdAt] of [
      ["a", 2],
      ["b", 3],
      ["c", 1],
    ] as const) {
      await book.write(token(id, { createdAt }));
    }
    expect((await book.list()).map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  it("take the place of an earlier one with their id", async () => {
    await book.write(token("a"));
    await book.write(token("a", { hash: "new" }));
    expect(await book.list()).toEqual([token("a", { hash: "new" })]);
  });

  it("are gone when removed, once", async () => {
    await book.write(token("a"));
    expect([await book.remove("a"), await book.remove("a")]).toEqual([true, false]);
    expect(await book.find("a")).toBeUndefined();
  });

  it("come first only where there is none", async () => {
    expect(await book.writeFirst(token("a"))).toBe(true);
    expect(await book.writeFirst(token("a", { hash: "new" }))).toBe(false);
    expect(await book.writeFirst(token("b"))).toBe(false);
    expect(await book.list()).toEqual([token("a")]);
  });

  it("are not more than there may be", async () => {
    for (let n = 0; n < tokensMax; n += 1) await book.write(token(`t${n}`));
    await expect(book.write(token("more"))).rejects.toThrow(
      expect.objectContaining({ code: "command-refused" }),
    );
    await book.write(token("t1", { hash: "new" }));
    expect(await book.list()).toHaveLength(tokensMax);
  });
});
