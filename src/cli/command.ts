/** `teal rollback | abort | pause | resume | promote | approve | skip | override | retry | release | cancel`. */
import { randomUUID } from "node:crypto";
import type { CommandBody, CommandName, DeploymentView } from "../api/contract.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import { find, known404, type Session } from "./session.ts";
import { clean, lasting } from "./text.ts";
import { inZone, isTimezone, localTimezone, momentForms, momentOf } from "./when.ts";

const waitSeconds = 10;

export interface CommandOptions {
  reason?: string;
  /** Of promote. */
  full?: boolean;
  at?: string;
  timezone?: string;
  ifHealthy?: boolean;
  /** Of rollback: the deployment to go back to. */
  to?: string;
}

/** Asks, and prints the deployment's answer. */
export async function command(
  session: Session,
  name: CommandName,
  what: string,
  options: CommandOptions,
  gate?: string,
): Promise<ExitCode> {
  const { reason, full, ifHealthy, to } = options;
  if (to !== undefined) return goBack(session, what, to, reason);
  const timezone = options.timezone ?? localTimezone();
  const at = options.at === undefined ? undefined : moment(options.at, timezone);
  const d = await find(session, what);
  if (what !== d.id && (name === "rollback" || name === "abort")) await mustBeMeant(session, d);
  return ask(
    session,
    d,
    {
      command: name,
      ...(full && { full }),
      ...(at !== undefined && { at: new Date(at).toISOString() }),
      ...(ifHealthy && { ifHealthy }),
      ...(gate !== undefined && { gate }),
      ...(reason !== undefined && { reason }),
    },
    at === undefined ? undefined : `that is ${inZone(at, timezone)}, in ${lasting(at - Date.now())}`,
  );
}

/**
 * A service may have two deployments that can go back: one that acts and has moved no traffic yet, and the one before
 * it, which serves. Whose rollback is meant can't be guessed. Throws Failure.
 */
async function mustBeMeant(session: Session, d: DeploymentView): Promise<void> {
  if (d.wayBack?.kind !== "untouched") return;
  const { retaining } = (await known404(session.client.service(d.service, session))) ?? {};
  if (!retaining || retaining.id === d.id) return;
  const message = `${d.id} has moved no traffic yet, and what ${retaining.id} brought serves: which one is to go back?`;
  throw new Failure(exitCodes.usage, message, {
    fix: `\`teal rollback ${retaining.id}\` goes back to what served before; \`teal rollback ${d.id}\` only takes the newer one away.`,
  });
}

async function ask(
  session: Session,
  { id }: DeploymentView,
  body: CommandBody,
  remark?: string,
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const answer = await client.command(id, body, waitSeconds, randomUUID(), session);
  const { colors: c } = terminal;
  if (json) terminal.json(answer);
  else {
    const mark = answer.state === "obeyed" ? c.green("✓") : c.yellow("…");
    terminal.out(`${mark} ${c.bold(id)}  ${clean(answer.message)}`);
    if (remark !== undefined) terminal.out(c.dim(`  ${remark}`));
    if (answer.started) terminal.out(c.dim(`  teal watch ${answer.started}`));
  }
  return answer.state === "obeyed" ? exitCodes.success : exitCodes.timeout;
}

function moment(written: string, timezone: string): number {
  if (!isTimezone(timezone)) {
    throw new Failure(exitCodes.usage, `${timezone} is no time zone`, {
      fix: "Write one such as Europe/Berlin or UTC.",
    });
  }
  const at = momentOf(written, timezone, Date.now());
  if (at !== undefined) return at;
  throw new Failure(exitCodes.usage, `${written} is over, or no moment`, {
    fix: `Write it like ${momentForms}.`,
  });
}

/** Back to an earlier deployment, whatever came after it. */
async function goBack(
  session: Session,
  what: string,
  to: string,
  reason: string | undefined,
): Promise<ExitCode> {
  const { client, terminal, json } = session;
  const earlier = await client.get(to, session);
  if (what !== earlier.service && (await find(session, what)).service !== earlier.service) {
    throw new Failure(exitCodes.usage, `${to} is a deployment of ${earlier.service}, not of ${what}`, {
      fix: `List those of a service with \`teal list ${what}\`.`,
    });
  }
  const body = reason === undefined ? {} : { reason };
  const answer = await client.redeploy(to, body, randomUUID(), session);
  const { colors: c } = terminal;
  if (json) terminal.json(answer);
  else {
    terminal.out(`${c.green("✓")} ${c.bold(earlier.service)}  ${clean(answer.message)}`);
    if (answer.way !== "none") terminal.out(c.dim(`  teal watch ${answer.deployment.id}`));
  }
  return exitCodes.success;
}

/** Calls off one that waits; of a service the one that does, where it is the only one. */
export async function cancel(
  session: Session,
  what: string,
  { reason }: { reason?: string },
): Promise<ExitCode> {
  const d = (await known404(session.client.get(what, session))) ?? (await waiting(session, what));
  if (d.phase !== "queued" && d.phase !== "preparing") {
    const fix = d.decided ? "Look at it with `teal status`." : `Roll it back with \`teal rollback ${d.id}\`.`;
    throw new Failure(
      exitCodes.refused,
      `${d.id} is ${d.phase}: only one that has touched nothing is called off`,
      {
        fix,
      },
    );
  }
  return ask(session, d, { command: "rollback", ...(reason !== undefined && { reason }) });
}

async function waiting(session: Session, service: string): Promise<DeploymentView> {
  const { queue } = await session.client.service(service, session);
  const [only, ...others] = queue;
  if (only && others.length === 0) return session.client.get(only.id, session);
  throw new Failure(
    exitCodes.usage,
    only ? `${queue.length} deployments of ${service} wait` : `No deployment of ${service} waits`,
    { fix: only ? `Name one of them: ${queue.map(({ id }) => id).join(", ")}.` : "See `teal queue`." },
  );
}
