import { describe, expect, test } from "vitest";
import { arrows, forbiddenImports, importsOf, roomOf } from "./arrows.ts";
import { sources } from "./sources.ts";

const all = sources(/\.ts$/);

test("every import follows the arrows", () => {
  expect(all.length).toBeGreaterThan(20);
  expect(all.flatMap(forbiddenImports)).toEqual([]);
});

test("every room in the table is spelled as the arrows that lead to it", () => {
  const named = new Set(Object.values(arrows).flat());
  named.delete("anything");
  expect([...named].filter((room) => !(room in arrows))).toEqual([]);
});

describe("the check can fail", () => {
  test.each([
    ["src/deployment/plan.ts", `import { now } from "../engine/turn.ts"`],
    ["src/deployment/plan.ts", `import { z } from "zod"`],
    ["src/engine/turn.ts", `import { Redis } from "ioredis"`],
    ["src/aws/tasks.ts", `import { turn } from "../engine/turn.ts"`],
    ["src/aws/tasks.ts", `import type { Records } from "../redis/records.ts"`],
    ["src/redis/records.ts", `import {\n  a,\n  b,\n} from "../aws/cloud.ts"`],
    ["src/cli/deploy.ts", `import { build } from "../build.ts"`],
    ["src/cli/deploy.ts", `const { z } = await import("../config/config.ts")`],
    ["sandbox/sandbox.ts", `import { TealError } from "../src/errors.ts"`],
    ["src/build.ts", `export { start } from "../sandbox/sandbox.ts"`],
    ["src/outbound/hooks.ts", `import "../redis/records.ts"`],
    ["src/api/app.ts", `import { Queue } from "bullmq"`],
    ["src/somewhere/new.ts", ""],
  ])("%s: %s", (path, text) => {
    expect(forbiddenImports({ path, text })).toHaveLength(1);
  });

  test("and lets pass what is allowed", () => {
    const text = `import ms from "ms"\nimport { TealError } from "../errors.ts"\nimport type { A } from "./record.ts"\n`;
    expect(forbiddenImports({ path: "src/deployment/plan.ts", text })).toEqual([]);
  });
});

test("imports are read in every form", () => {
  const text = [
    `import a from "a"`,
    `import type { B } from "b"`,
    `import {\n  c,\n} from "c"`,
    `import "d"`,
    `export * from "e"`,
    `export const f = await import("f")`,
    `// import in a comment from nowhere`,
    `export const from = "not this"`,
  ].join("\n");
  expect(importsOf(text)).toEqual(["a", "b", "c", "d", "e", "f"]);
});

test.each([
  ["src/aws/tasks.ts", "aws"],
  ["src/deployment/rules/rule.ts", "deployment"],
  ["src/build.ts", "build"],
  ["src/engine/ports.ts", "ports"],
  ["workers/main.ts", "workers"],
  ["vitest.config.ts", "vitest.config"],
])("%s is in the room %s", (path, room) => {
  expect(roomOf(path)).toBe(room);
});
