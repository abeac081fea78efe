/** Logging in, and tokens, as a person meets them: by the command, against an API that listens. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createStage, type Stage, token as root } from "../api/support/stage.ts";

let stage: Stage;
let url: string;
let home: string;
beforeEach(async () => {
  stage = await createStage();
  url = await stage.app.listen({ host: "127.0.0.1", port: 0 });
  home = mkdtempSync(join(tmpdir(), "teal-home-"));
});
afterEach(async () => {
  await stage.app.close();
  rmSync(home, { recursive: true });
});

async function teal(args: string[], input = "", env: Record<string, string> = {}) {
  const { TEAL_TOKEN: _token, TEAL_URL: _url, FORCE_COLOR: _color, ...rest } = process.env;
  const child = spawn(process.execPath, ["dist/src/cli/main.js", ...args], {
    env: { ...rest, XDG_CONFIG_HOME: home, NO_COLOR: "1", ...env },
  });
  child.stdin.end(input);
  const ended = once(child, "exit");
  const [out, told] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, out, told };
}

it("a login is kept for the user alone, and used until it is forgotten", async () => {
  const before = await teal(["whoami", "--url", url]);
  expect([before.code, before.told]).toEqual([2, expect.stringContaining("Authorization")]);

  // Of a login that was cut off, under another umask.
  mkdirSync(join(home, "teal"));
  writeFileSync(join(home, "teal", "login.json.new"), "", { mode: 0o644 });
  const login = await teal(["login", "--url", url], `${root}\n`);
  expect(login).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^✓ api by the token.*\n {2}admin for all services\n$/),
  });
  expect(login.out + login.told).not.toContain(root);
  expect(statSync(join(home, "teal", "login.json")).mode & 0o777).toBe(0o600);

  expect((await teal(["list"])).code).toBe(0);
  // What is kept is for its own address alone.
  const elsewhere = await teal(["whoami"], "", { TEAL_URL: url.replace("127.0.0.1", "localhost") });
  expect([elsewhere.code, elsewhere.told]).toEqual([2, expect.stringContaining("Authorization")]);

  await teal(["logout"]);
  expect((await teal(["whoami", "--url", url])).code).toBe(2);
});

it("no redirect is followed: what is sent is for one address alone", async () => {
  const elsewhere = createServer(
    (_, answer) => void answer.writeHead(307, { location: `${url}/v1/whoami` }).end(),
  );
  elsewhere.listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const { port } = elsewhere.address() as AddressInfo;
  const asked = await teal(["whoami", "--url", `http://127.0.0.1:${port}`], "", { TEAL_TOKEN: root });
  expect([asked.code, asked.told]).toEqual([2, expect.stringContaining("answered 307, a redirect")]);
  expect(stage.log.join("")).not.toContain("/v1/whoami");
  elsewhere.close();
});

it("a token that opens nothing is not kept", async () => {
  expect(await teal(["login", "--url", url], "wrong\n")).toMatchObject({ code: 2 });
  expect(() => statSync(join(home, "teal"))).toThrow(/ENOENT/);
});

it("a token is made for one service, shown once, listed without it, and revoked", async () => {
  const admin = { TEAL_URL: url, TEAL_TOKEN: root };
  const made = await teal(
    ["token", "create", "ci-checkout", "--role", "deployer", "--service", "checkout", "--ci", "--days", "30"],
    "",
    admin,
  );
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/^teal_[0-9a-f]{16}_[\w-]{43}\n$/);
  expect(made.told).toMatch(/ci-checkout: deployer for checkout, ends \d{4}-/);

  const owner = { TEAL_URL: url, TEAL_TOKEN: made.out.trim() };
  expect((await teal(["deploy", "checkout", "-t", "web:2", "--no-wait"], "", owner)).code).toBe(0);
  const { deployments } = await stage.records.list({ limit: 1 });
  expect(deployments[0]?.actor).toEqual({ kind: "ci", name: "ci-checkout" });
  const foreign = await teal(["deploy", "worker", "-t", "web:2", "--no-wait"], "", owner);
  expect(foreign).toMatchObject({
    code: 3,
    told: expect.stringContaining("ci-checkout may not deploy for service worker"),
  });

  const listed = await teal(["token", "list"], "", admin);
  expect(listed.out).toMatch(/whose.*may.*ends.*\n[0-9a-f]{16} +ci-checkout +machine +deployer for checkout/);
  expect(listed.out).not.toContain(made.out.trim().slice(-43));

  const id = made.out.slice(5, 21);
  expect((await teal(["token", "revoke", id], "", admin)).out).toContain("opens nothing any more");
  expect((await teal(["whoami"], "", owner)).code).toBe(2);
  expect((await teal(["token", "list"], "", admin)).out).toContain("No tokens");
});

it("what can't be made is told before Teal is asked", async () => {
  const none = await teal(["token", "create", "x", "--role", "king", "--service", "checkout"]);
  expect(none).toMatchObject({
    code: 2,
    told: expect.stringContaining("viewer, deployer, approver, operator, admin"),
  });
  const where = await teal(["token", "create", "x", "--role", "viewer", "--service", "Checkout"]);
  expect(where).toMatchObject({ code: 2, told: expect.stringContaining("must be the name of a service") });
});
