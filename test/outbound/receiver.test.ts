/** The receiver in docs/hooks.md, run as it stands there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startProcess } from "../support/processes.ts";
import { createScene, hookKey, type Scene } from "./scene.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-receiver-"));
afterAll(() => rmSync(folder, { recursive: true }));

let url: string;
beforeAll(async () => {
  const [, code] = /^```js\n([^]*?)^```/m.exec(readFileSync("docs/hooks.md", "utf8")) ?? [];
  const path = join(folder, "receiver.mjs");
  writeFileSync(path, code ?? "");
  const env = { PORT: "0", TEAL_HOOK_SECRET: hookKey };
  const line = await startProcess(process.execPath, [path], { name: "receiver", env }).waitForLine(
    /port \d+/,
  );
  url = `http://127.0.0.1:${/\d+/.exec(line)?.[0]}/`;
});

const call = (scene: Scene) =>
  scene.hooks.call(
    {
      url,
      headers: {},
      idempotencyKey: "dep_1/hook-2/1",
      body: { service: "chéckout", gate: "hook-2" },
    },
    { deadline: scene.options.clock.now() + 15_000, allowed: () => Promise.resolve(true) },
  );

const clock = { now: () => Date.now() };
const minutesAway = (minutes: number) => ({ now: () => Date.now() + minutes * 60_000 });
const other = { reveal: () => `whsec_${btoa("another key, of 32 bytes in all!")}` };
const known = { reveal: () => hookKey };

it("believes who has the key, and answers in the hook's language", async () => {
  expect(await call(createScene({ clock }))).toMatchObject({
    kind: "done",
    value: { hook: { status: "SUCCEEDED", message: "hook-2: all is well with chéckout" } },
  });
});

it("believes one signature of several", async () => {
  expect(await call(createScene({ clock, keys: [other, known] }))).toMatchObject({ kind: "done" });
});

it.each([
  ["another key", { clock, keys: [other] }],
  ["a call of six minutes ago", { clock: minutesAway(-6) }],
  ["a call of six minutes ahead", { clock: minutesAway(6) }],
])("doesn't believe %s", async (_, change) => {
  expect(await call(createScene(change))).toMatchObject({ kind: "refused", fault: { code: "Http401" } });
});
