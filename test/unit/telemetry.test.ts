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
