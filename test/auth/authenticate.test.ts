import { describe, expect, it } from "vitest";
import { createAuthenticate, type Doors } from "../../src/auth/authenticate.ts";
import type { TokenRecord } from "../../src/auth/ports.ts";
import { requireProtection } from "../../src/auth/protection.ts";
import { mint } from "../../src/auth/tokens.ts";
import { Secret } from "../../src/config/secret.ts";
import { createMemoryTokens } from "../support/memory-tokens.ts";

const now = Date.UTC(2026, 5, 1);
const root = new Secret("0123456789abcdef");
const clock = { now: () => now };

async function doorWith(change: Partial<Doors> = { root }, token: Partial<TokenRecord> = {}) {
  const tokens = createMemoryTokens();
  const { text, record } = mint({
    id: "00000000000000aa",
    name: "ada",
    kind: "operator",
    grants: [{ role: "viewer", services: ["*"] }],
    createdAt: now,
    createdBy: "root",
    expiresAt: now + 1,
    ...token,
  });
  await tokens.write(record);
  const authenticate = createAuthenticate({ insecure: false, tokens, clock, ...change });
  return { text, tokens, ask: (header?: string) => authenticate(header) };
}

const unauthorized = expect.objectContaining({ code: "unauthorized" });

describe("the token that Teal was started with", () => {
  it.each(["Bearer 0123456789abcdef", "bearer  0123456789abcdef"])("opens to %j", async (header) => {
    const { ask } = await doorWith();
    expect(await ask(header)).toMatchObject({ via: "root", grants: [{ role: "admin", services: ["*"] }] });
  });

  it.each([undefined, "", "Bearer", "Bearer 0123456789abcdeg", "0123456789abcdef", "Basic 0123456789abcdef"])(
    "is not %j",
    async (header) => {
      const { ask } = await doorWith();
      await expect(ask(header)).rejects.toThrow(unauthorized);
    },
  );
});

describe("a token that Teal made", () => {
  it("says whose it is and what it may", async () => {
    const { ask, text } = await doorWith();
    expect(text).toMatch(/^teal_00000000000000aa_[\w-]{43}$/);
    expect(await ask(`Bearer ${text}`)).toEqual({
      name: "ada",
      kind: "operator",
      via: "token",
      grants: [{ role: "viewer", services: ["*"] }],
      id: "token 00000000000000aa",
      expiresAt: now + 1,
    });
  });

  it("ends when it expires, and when it is revoked", async () => {
    const expired = await doorWith({}, { expiresAt: now });
    await expect(expired.ask(`Bearer ${expired.text}`)).rejects.toThrow(
      /^The token of ada expired 2026-06-01/,
    );
    const { ask, text, tokens } = await doorWith();
    await tokens.remove("00000000000000aa");
    await expect(ask(`Bearer ${text}`)).rejects.toThrow(unauthorized);
  });

  it.each([
    ["another secret", (text: string) => `${text.slice(0, -43)}${"A".repeat(43)}`],
    ["another id", (text: string) => text.replace("aa_", "ab_")],
    ["no secret", (text: string) => text.slice(0, -43)],
    ["more than it is", (text: string) => `${text}A`],
  ])("is not one with %s", async (_what, forge) => {
    const { ask, text } = await doorWith();
    await expect(ask(`Bearer ${forge(text)}`)).rejects.toThrow(unauthorized);
  });

  it("is kept as a hash alone", async () => {
    const { text, tokens } = await doorWith();
    expect(JSON.stringify(await tokens.list())).not.toContain(text.slice(-43));
  });
});

describe("without a token", () => {
  it("everybody passes where that is asked for, and no token is given", async () => {
    expect(await (await doorWith({ insecure: true })).ask()).toMatchObject({ via: "none" });
    await expect((await doorWith({ root, insecure: true })).ask()).rejects.toThrow(unauthorized);
  });

  it("is not served where others can reach it", () => {
    expect(() => requireProtection({ host: "0.0.0.0", insecure: true })).toThrow(/TEAL_HOST=127\.0\.0\.1/);
  });

  it.each([
    { host: "127.0.0.1", insecure: true },
    { host: "::1", insecure: true },
    { host: "0.0.0.0", insecure: false },
    { host: "0.0.0.0", insecure: true, token: root },
  ])("%o is served", (http) => {
    expect(() => requireProtection(http)).not.toThrow();
  });
});

it("a token of three parts is for the issuers, and no other is", async () => {
  const asked: string[] = [];
  const issued = async (jwt: string) => {
    asked.push(jwt);
    return { name: "acme/checkout", kind: "ci", via: "oidc", grants: [], id: "oidc" } as const;
  };
  const { ask, text } = await doorWith({ root, issued });
  expect(await ask("Bearer a.b.c")).toMatchObject({ name: "acme/checkout" });
  await expect(ask("Bearer a.b")).rejects.toThrow(unauthorized);
  await ask(`Bearer ${text}`);
  expect(asked).toEqual(["a.b.c"]);
});
