import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/environment.ts";

const folder = mkdtempSync(join(tmpdir(), "teal-outbound-"));
afterAll(() => rmSync(folder, { recursive: true }));

const problems = (env: Record<string, string | undefined>) =>
  readEnvironment(env).problems.map(({ message }) => message);
const read = (env: Record<string, string>) => {
  const { environment, problems } = readEnvironment(env);
  if (!environment) throw new Error(JSON.stringify(problems));
  return environment;
};

/** A key of so many bytes. */
const key = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString("base64")}`;
const entries = (count: number) => Array.from({ length: count }, (_, index) => `h${index}.example`).join();

describe("TEAL_OUTBOUND_ALLOW", () => {
  it("lists names, suffixes, addresses and networks", () => {
    const text =
      "Prometheus.Monitoring.SVC, *.Example.internal,10.20.0.0/16, 127.0.0.1,fd12::/16,::1,localhost,a_b.c-1.xn--p1ai";
    expect(read({ TEAL_OUTBOUND_ALLOW: text }).TEAL_OUTBOUND_ALLOW).toEqual({
      names: ["prometheus.monitoring.svc", "localhost", "a_b.c-1.xn--p1ai"],
      suffixes: [".example.internal"],
      ranges: ["10.20.0.0/16", "127.0.0.1/32", "fd12::/16", "::1/128"],
    });
  });

  it("is empty where it's left out", () => {
    expect(read({}).TEAL_OUTBOUND_ALLOW).toEqual({ names: [], suffixes: [], ranges: [] });
  });

  it.each([
    "*",
    "*.",
    "a.*.b",
    "*b.example",
    "https://a.example",
    "a.example:9090",
    "a.example/b",
    "10.0.0.0/33",
    "10.0.0.256",
    "2130706433",
    "0x7f.1",
    "10.1",
    "fe80::1%eth0",
    "a..b",
    "-a.b",
    "",
  ])("has no entry %j", (entry) => {
    expect(problems({ TEAL_OUTBOUND_ALLOW: `ok.example,${entry}` })).toEqual([
      `TEAL_OUTBOUND_ALLOW has the entry ${JSON.stringify(entry)}, not a host name, *.suffix, an address or a network such as 10.20.0.0/16, without a port`,
    ]);
  });

  it("has at most 200 entries", () => {
    expect(problems({ TEAL_OUTBOUND_ALLOW: entries(200) })).toEqual([]);
    expect(problems({ TEAL_OUTBOUND_ALLOW: entries(201) })).toEqual([
      "TEAL_OUTBOUND_ALLOW must be at most 200 entries",
    ]);
  });
});

describe("TEAL_HOOK_SECRET", () => {
  it("is a key, or several", () => {
    expect(read({ TEAL_HOOK_SECRET: key(24) }).TEAL_HOOK_SECRET.map((each) => each.reveal())).toEqual([
      key(24),
    ]);
    const path = join(folder, "keys");
    writeFileSync(path, `${key(64)}\n${key(32)}\n`);
    expect(read({ TEAL_HOOK_SECRET_FILE: path }).TEAL_HOOK_SECRET.map((each) => each.reveal())).toEqual([
      key(64),
      key(32),
    ]);
    expect(read({}).TEAL_HOOK_SECRET).toEqual([]);
  });

  it.each([
    key(23),
    key(65),
    key(32).slice(6),
    `${key(32)} secret`,
    "whsec_secret!secret!secret!secret!secret",
    "whsec_",
  ])("is not %s, which isn't shown", (text) => {
    expect(problems({ TEAL_HOOK_SECRET: text })).toEqual([
      'TEAL_HOOK_SECRET must be whsec_ and base64 of 24 to 64 random bytes, such as "whsec_$(openssl rand -base64 32)"',
    ]);
  });
});

describe("TEAL_SECRET_…", () => {
  it("are known by their names, come from variables or files, and don't show themselves", () => {
    const path = join(folder, "token");
    writeFileSync(path, "hidden-in-a-file\n");
    const environment = read({
      TEAL_SECRET_GRAFANA: "hidden in a variable",
      TEAL_SECRET_PROM_2_FILE: path,
      TEAL_SECRET_EMPTY: " ",
    });
    const revealed = Object.entries(environment.secrets).map(([name, secret]) => [name, secret.reveal()]);
    expect(revealed).toEqual([
      ["GRAFANA", "hidden in a variable"],
      ["PROM_2", "hidden-in-a-file"],
    ]);
    expect(inspect(environment, { depth: 9 }) + JSON.stringify(environment)).not.toContain("hidden");
  });

  it.each([
    ["too short", { TEAL_SECRET_A: "hidden" }, "TEAL_SECRET_A must be at least 8 characters"],
    [
      "two lines",
      { TEAL_SECRET_A: "hidden1\nhidden2" },
      "TEAL_SECRET_A must be printable ASCII on one line, being the value of a header",
    ],
    [
      "a name in small letters",
      { TEAL_SECRET_a: "hidden-away" },
      "TEAL_SECRET_a must be named with capital letters, digits and underscores, at most 64 after TEAL_SECRET_",
    ],
    [
      "both a value and a file",
      { TEAL_SECRET_A: "hidden-away", TEAL_SECRET_A_FILE: "package.json" },
      "TEAL_SECRET_A_FILE is set and TEAL_SECRET_A too; set one of them",
    ],
    [
      "a file that isn't there",
      { TEAL_SECRET_A_FILE: "/nonexistent" },
      "TEAL_SECRET_A_FILE names /nonexistent, which can't be read (ENOENT)",
    ],
  ])("with %s is refused", (_, env, message) => {
    const found = problems(env);
    expect(found).toContain(message);
    expect(found.join("\n")).not.toContain("hidden");
  });
});
