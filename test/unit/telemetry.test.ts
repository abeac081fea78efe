import { expect, it } from "vitest";
import { createLogger, limitRate } from "../../src/telemetry.ts";

function capture(): { lines: Record<string, unknown>[]; log: ReturnType<typeof createLogger> } {
  const lines: Record<string, unknown>[] = [];
  return { lines, log: createLogger({ name: "test", write: (line) => lines.push(JSON.parse(line)) }) };
}

it("writes no secret, wherever it stands", () => {
  const { lines, log } = capture();
  log.info(
    { req: { headers: { authorization: "Bearer hush", "x-teal-signature": "hush" } }, token: "hush" },
    "a",
  );
  log.error({ err: new Error("connect redis://teal:hush@redis:6379 refused") }, "b");
  log.child({ deploymentId: "d" }).warn({ options: { password: "hush" } }, "c");
  expect(lines).toHaveLength(3);
  expect(JSON.stringify(lines)).not.toContain("hush");
  expect(lines[1]).toMatchObject({
    level: "error",
    name: "test",
    err: { message: expect.stringContaining("redis:6379") },
  });
  expect(lines[2]).toMatchObject({ deploymentId: "d" });
});

it.each<[string, object]>([
  ["a header of a request that failed", { request: { options: { headers: { Authorization: "hush" } } } }],
  ["headers as a list", { response: { headers: { "set-cookie": ["hush"], "x-hub-signature-256": "hush" } } }],
  [
    "options of a client",
    { config: { redis: { sentinelPassword: "hush", apiKey: "hush", accessToken: "hush" } } },
  ],
  ["a text that quotes a header", { reply: "sent Authorization: Bearer hush and got 401" }],
  ["an address", { to: { url: "https://teal:hush@hooks.example/?signature=hush" } }],
  ["a token of Teal's", { given: `teal_${"0".repeat(16)}_hush` }],
  ["a token of an issuer", { given: "eyJhbGciOiJub25lIn0.hush.hush" }],
  ["something very deep", { a: { b: { c: { d: { e: { f: { g: { h: "hush" } } } } } } } }],
  ["bytes", { body: Buffer.from("hush") }],
])("an error leaves no secret in the log: %s", (_, carried) => {
  const { lines, log } = capture();
  log.error({ err: Object.assign(new Error("it failed"), carried) }, "told");
  log.error(Object.assign(new Error("it failed"), carried));
  log.warn(carried, "as it is");
  expect(lines).toHaveLength(3);
  expect(JSON.stringify(lines)).not.toMatch(/hush|104,117,115,104/);
  expect(lines[0]).toMatchObject({
    err: { message: "it failed", stack: expect.stringContaining("telemetry") },
  });
});

it("cuts out what is secret, and no more", () => {
  const { lines, log } = capture();
  const told = {
    tokenId: "0123",
    deploymentId: "d1",
    key: "build-7",
    note: "bearer of news",
    at: [1, null, true],
  };
  log.info(told, "told");
  expect(lines[0]).toMatchObject({ ...told, note: "bearer [secret] news" });
});

it("lets the same message through once in a while, and counts the others", () => {
  const heard: { fields: object; message: string }[] = [];
  const hear = (fields: object, message: string): void => void heard.push({ fields, message });
  let now = 0;
  const log = limitRate({ warn: hear, error: hear }, 1_000, () => now);
  for (let i = 0; i < 500; i++) log.warn({ i }, "away");
  log.error({}, "else");
  now = 1_000;
  log.warn({}, "away");
  expect(heard).toEqual([
    { fields: { i: 0 }, message: "away" },
    { fields: {}, message: "else" },
    { fields: { alsoDropped: 499 }, message: "away" },
  ]);
});
