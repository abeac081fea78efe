/** `teal token create | list | revoke`. */
import { randomUUID } from "node:crypto";
import { type TokenBody, tokenRequest, type TokenView } from "../api/contract.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import { describeGrant } from "./login.ts";
import type { Session } from "./session.ts";
import { clean, type Colors, columnsOf, shortMoment } from "./text.ts";

export interface TokenOptions {
  role: string;
  service: string[];
  action: string[];
  days: string;
  ci?: boolean;
}

/** The token goes to the standard output and all else beside it, so that it can be taken up by a pipe. */
export async function createToken(session: Session, name: string, options: TokenOptions): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const made = await client.createToken(bodyOf(name, options), randomUUID(), session);
  if (json) terminal.json(made);
  else {
    const { colors: c } = terminal;
    process.stderr.write(`${drawToken(made, c)}\n${c.dim("  It is shown this once:")}\n`);
    terminal.out(made.token);
  }
  return exitCodes.success;
}

export async function listTokens({ client, terminal, json, ...session }: Session): Promise<ExitCode> {
  const tokens: TokenView[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await client.tokens(cursor, session);
    tokens.push(...page.tokens);
    if (page.next === undefined) break;
    cursor = page.next;
  }
  if (json) terminal.json({ tokens });
  else if (tokens.length === 0) terminal.out("No tokens but the one that Teal was started with.");
  else for (const line of drawTokens(tokens, terminal.colors)) terminal.out(line);
  return exitCodes.success;
}

export async function revokeToken(session: Session, id: string): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const gone = await client.revokeToken(id, session);
  const { colors: c } = terminal;
  if (json) terminal.json(gone);
  else terminal.out(`${c.green("✓")} ${c.bold(gone.id)}  ${clean(gone.name)}'s token opens nothing any more`);
  return exitCodes.success;
}

function bodyOf(name: string, { role, service, action, days, ci }: TokenOptions): TokenBody {
  const body = tokenRequest.safeParse({
    name,
    kind: ci ? "ci" : "operator",
    grants: [{ role, services: service, ...(action.length > 0 && { actions: action }) }],
    days: Number(days),
  });
  if (body.success) return body.data;
  const [issue] = body.error.issues;
  throw new Failure(exitCodes.usage, `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`, {
    fix: "See `teal token create --help`.",
  });
}

/** Pure. */
export function drawTokens(tokens: readonly TokenView[], c: Colors): string[] {
  const rows = tokens.map(({ id, name, kind, grants, createdBy, ...token }) => [
    id,
    clean(name),
    kind === "ci" ? "machine" : "person",
    grants.map(describeGrant).join("; "),
    endOf(token),
    clean(createdBy),
  ]);
  const [head = "", ...lines] = columnsOf([["id", "whose", "", "may", "ends", "made by"], ...rows]);
  return [c.dim(head), ...lines.map((line, index) => (tokens[index]?.expired ? c.dim(line) : line))];
}

function drawToken({ id, name, grants, ...token }: TokenView, c: Colors): string {
  const may = grants.map(describeGrant).join("; ");
  return `${c.green("✓")} ${c.bold(id)}  ${clean(name)}: ${may}, ends ${endOf(token)}`;
}

function endOf({ expiresAt, expired }: Pick<TokenView, "expiresAt" | "expired">): string {
  if (expired) return "expired";
  return expiresAt === undefined ? "never" : shortMoment(expiresAt);
}
