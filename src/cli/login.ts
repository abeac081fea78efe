/** `teal login`, `logout`, `whoami`, and where a login is kept. What it keeps is a secret: its file is the user's alone. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { z } from "zod";
import type { WhoAmI } from "../api/contract.ts";
import { createClient } from "./client.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, lasting } from "./text.ts";

const kept = z.object({ url: z.string(), token: z.string() });
export type Login = z.output<typeof kept>;

function fileOf(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "teal", "login.json");
}

/** What was kept by the last login; undefined where there is none, or none that can be read. */
export function keptLogin(env: NodeJS.ProcessEnv): Login | undefined {
  try {
    return kept.parse(JSON.parse(readFileSync(fileOf(env), "utf8")));
  } catch {
    return undefined;
  }
}

/** Asks Teal whose token it is before it keeps it. */
export async function login(session: Session, url: string, env: NodeJS.ProcessEnv): Promise<ExitCode> {
  const { terminal } = session;
  const token = await readSecret(`Token for ${url}: `, session.signal);
  if (token === "") throw new Failure(exitCodes.usage, "No token was given");
  const me = await createClient({ url, token, actor: undefined }).whoami(session);
  const file = fileOf(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Beside it first, so that no reader sees half of it, nor an older file's wider mode.
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify({ url, token } satisfies Login), { mode: 0o600, flag: "wx" });
  renameSync(`${file}.new`, file);
  if (session.json) terminal.json(me);
  else for (const line of drawIdentity(me, Date.now(), terminal.colors)) terminal.out(line);
  return exitCodes.success;
}

export function logout({ terminal }: Session, env: NodeJS.ProcessEnv): ExitCode {
  rmSync(fileOf(env), { force: true });
  terminal.out("Forgotten here; the token itself goes on. `teal token revoke` ends it.");
  return exitCodes.success;
}

export async function whoami({ client, terminal, json, ...session }: Session): Promise<ExitCode> {
  const me = await client.whoami(session);
  if (json) terminal.json(me);
  else for (const line of drawIdentity(me, Date.now(), terminal.colors)) terminal.out(line);
  return exitCodes.success;
}

const proofs: Record<WhoAmI["via"], string> = {
  root: "by the token that Teal was started with",
  token: "by a token of Teal's",
  oidc: "by an issuer's token",
  none: "without a token, as Teal was started",
};

/** Pure. */
export function drawIdentity(me: WhoAmI, now: number, c: Colors): string[] {
  const left = me.expiresAt === undefined ? undefined : Date.parse(me.expiresAt) - now;
  const until = left === undefined ? "" : c.dim(`, for another ${lasting(left)}`);
  return [
    `${c.green("✓")} ${c.bold(clean(me.name))} ${c.dim(proofs[me.via])}${until}`,
    ...me.grants.map((grant) => `  ${describeGrant(grant)}`),
  ];
}

/** `operator for checkout, shop-*`, `admin for all services`, `answer for checkout`. */
export function describeGrant({ role, services, actions }: WhoAmI["grants"][number]): string {
  const where = services.includes("*") ? "all services" : services.join(", ");
  return `${actions ? actions.join(", ") : role} for ${where}`;
}

/** From the standard input; a person's typing isn't shown. */
async function readSecret(prompt: string, signal: AbortSignal): Promise<string> {
  const typed = process.stdin.isTTY;
  if (typed) process.stderr.write(prompt);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, ...(typed && { output: hidden, terminal: true }) });
  try {
    for await (const line of lines) {
      signal.throwIfAborted();
      return line.trim();
    }
    return "";
  } finally {
    lines.close();
    if (typed) process.stderr.write("\n");
  }
}
