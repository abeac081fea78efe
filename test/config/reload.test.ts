import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { type LiveConfig, lookMs, watchConfig } from "../../src/config/reload.ts";
import { service } from "./reading.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "teal-reload-"));
  path = join(folder, "teal.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (...names: string[]) =>
  `services:${names.length === 0 ? " {}" : ""}\n${names.map((name) => service(name, "strategy: all-at-once")).join("")}`;

interface Watched {
  live: LiveConfig;
  log: { level: string; fields: object; message: string }[];
  /** One look, by the timer. */
  look: () => Promise<void>;
  ticking: () => boolean;
  /** Ms since the epoch, for the test to move. */
  time: { now: number };
}

function watch(): Watched {
  let work: (() => Promise<void>) | undefined;
  const time = { now: 1_000 };
  const log: Watched["log"] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void log.push({ level, fields, message });
  const live = watchConfig(loadConfig({ TEAL_CONFIG: path, TEAL_PORT: "0" }, { calls: false }), {
    now: () => time.now,
    log: { info: write("info"), error: write("error") },
    every: (ms, todo) => {
      expect(ms).toBe(lookMs);
      work = todo;
      return () => {
        work = undefined;
      };
    },
  });
  return { live, log, look: async () => work?.(), ticking: () => work !== undefined, time };
}

const names = (live: LiveConfig) => Object.keys(live.current().services);

describe("a changed file", () => {
  it("takes over once two looks found the same; the environment's part and what was handed out stay", async () => {
    writeFileSync(path, file("one"));
    const { live, log, look, time } = watch();
    const before = live.current();
    await look();
    expect(live.state()).toEqual({ digest: before.source.digest, since: 1_000 });

    writeFileSync(path, file("one", "two"));
    await look();
    expect(names(live)).toEqual(["one"]);
    time.now = 6_000;
    await look();
    expect(names(live)).toEqual(["one", "two"]);
    expect(live.current().http).toBe(before.http);
    expect(Object.isFrozen(live.current().services["two"]?.target)).toBe(true);
    expect(Object.keys(before.services)).toEqual(["one"]);
    expect(live.state()).toMatchObject({ digest: live.current().source.digest, since: 6_000 });
    expect(live.current().source.digest).not.toBe(before.source.digest);
    expect(log.map(({ level, message }) => [level, message])).toEqual([
      ["info", "the changed configuration is in force"],
    ]);
  });

  it("that is still being written waits until it stands still", async () => {
    writeFileSync(path, file("one", "two"));
    const { live, look, log } = watch();
    writeFileSync(path, file("one"));
    await look();
    writeFileSync(path, file("one", "two", "three"));
    await look();
    expect(names(live)).toEqual(["one", "two"]);
    await look();
    expect(names(live)).toEqual(["one", "two", "three"]);
    expect(log).toHaveLength(1);
  });

  it("takes over at once where somebody says so", async () => {
    writeFileSync(path, file("one"));
    const { live } = watch();
    writeFileSync(path, file("two"));
    await live.reload();
    expect(names(live)).toEqual(["two"]);
  });

  it("behind links that are swapped, as a ConfigMap's are, is seen", async () => {
    for (const [version, text] of [
      ["v1", file("one")],
      ["v2", file("two")],
    ] as const) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "teal.yaml"), text);
    }
    symlinkSync("v1", join(folder, "..data"));
    symlinkSync(join("..data", "teal.yaml"), path);
    const { live, look } = watch();
    expect(names(live)).toEqual(["one"]);
    symlinkSync("v2", join(folder, "..next"));
    renameSync(join(folder, "..next"), join(folder, "..data"));
    await look();
    await look();
    expect(names(live)).toEqual(["two"]);
  });
});

describe("a file that can't be in force", () => {
  it("leaves the earlier one in force, and is told once for each content", async () => {
    writeFileSync(path, file("one"));
    const { live, log, look, time } = watch();
    const { digest } = live.current().source;
    writeFileSync(path, "services: 7\nnope: 1\n");
    time.now = 9_000;
    for (let n = 0; n < 5; n += 1) await look();
    await live.reload();
    expect(names(live)).toEqual(["one"]);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({ level: "error", fields: { path, inForce: digest } });
    expect(log[0]?.message).toBe(
      `the changed configuration is refused, the earlier one stays in force: ${path}:1:1 services must be a mapping; and 1 more`,
    );
    expect(live.state()).toMatchObject({ digest, since: 1_000, failure: { at: 9_000 } });
    expect(live.state().failure?.problems).toHaveLength(2);
    expect(live.state().failure?.digest).not.toBe(digest);

    writeFileSync(path, "services: 8\n");
    await look();
    await look();
    expect(log).toHaveLength(2);
    expect(live.state().failure?.problems).toHaveLength(1);

    writeFileSync(path, file("two"));
    await look();
    await look();
    expect(names(live)).toEqual(["two"]);
    expect(live.state().failure).toBeUndefined();
  });

  it("is forgotten when the earlier content is back", async () => {
    writeFileSync(path, file("one"));
    const { live, log, look } = watch();
    writeFileSync(path, "nonsense");
    await live.reload();
    expect(live.state().failure).toBeDefined();
    writeFileSync(path, file("one"));
    await look();
    expect(live.state().failure).toBeUndefined();
    expect(log.map(({ level }) => level)).toEqual(["error", "info"]);
  });

  it("because it is gone is told once too, and its return is seen", async () => {
    writeFileSync(path, file("one"));
    const { live, log, look } = watch();
    unlinkSync(path);
    for (let n = 0; n < 4; n += 1) await look();
    expect(names(live)).toEqual(["one"]);
    expect(log.map(({ message }) => message)).toEqual([
      `the changed configuration is refused, the earlier one stays in force: ${path} can't be read (ENOENT)`,
    ]);
    expect(live.state().failure).toEqual({
      at: 1_000,
      problems: [{ code: "bad-config", path, message: "can't be read (ENOENT)" }],
    });
    writeFileSync(path, file("one", "two"));
    await look();
    await look();
    expect(names(live)).toEqual(["one", "two"]);
  });
});

it("ends when told to", () => {
  writeFileSync(path, file("one"));
  const { live, ticking } = watch();
  expect(ticking()).toBe(true);
  live.stop();
  expect(ticking()).toBe(false);
});
