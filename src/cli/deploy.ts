/** `teal deploy`: asks for a deployment and waits until it is decided. */
import { randomUUID } from "node:crypto";
import type { DeployBody, DeploymentView } from "../api/contract.ts";
import { untilDecided } from "../client/decided.ts";
import { type ExitCode, exitCodes, Failure } from "./exit.ts";
import { followEvents } from "./follow.ts";
import { plan } from "./plan.ts";
import { drawEvent, drawFailure, phaseColor } from "./screen.ts";
import { approvalAt, drawApproval } from "./steps.ts";
import type { Session } from "./session.ts";
import { clean, lasting } from "./text.ts";

/** What is to be deployed, and how. */
export interface OrderOptions {
  taskDefinition?: string;
  /** `container=image`, each. */
  image: string[];
  strategy?: string;
  reason?: string;
  queue?: boolean;
  whenBusy?: "queue" | "supersede" | "reject";
  build?: number;
  committedAt?: string;
  /** A build that is older than the last accepted one is accepted too. */
  force?: boolean;
}

export interface DeployOptions extends OrderOptions {
  wait: boolean;
  /** Goes on until nothing more happens, past the moment when it is decided. */
  follow?: boolean;
  idempotencyKey?: string;
  /** Shows what it would do instead. */
  dryRun?: boolean;
}

export async function deploy(session: Session, service: string, options: DeployOptions): Promise<ExitCode> {
  const body = bodyOf(service, options);
  if (options.dryRun) return plan(session, body);
  const accepted = await session.client.deploy(body, options.idempotencyKey ?? randomUUID(), session);
  return conclude(session, accepted, { wait: options.wait, toTheEnd: options.follow === true });
}

/**
 * Tells of an accepted deployment, and with `wait` of what becomes of it. It ends well when green is PRIMARY, or
 * where it was asked to go `back`, when all is as before.
 */
export async function conclude(
  session: Session,
  accepted: DeploymentView,
  how: { wait: boolean; toTheEnd: boolean; back?: boolean },
): Promise<ExitCode> {
  const { terminal, json } = session;
  const { colors: c } = terminal;
  if (!json) terminal.out(`${c.bold(accepted.id)}  ${c.dim(`teal watch ${accepted.id}`)}`);
  if (!how.wait) {
    if (json) terminal.json(accepted);
    return exitCodes.success;
  }
  const last = await waitFor(session, accepted.id, how.toTheEnd);
  const back = how.back === true && last.phase === "rolled_back";
  if (json) terminal.json(last);
  else if (back) terminal.out(`${c.green("✓")} ${c.bold(last.service)}: ${clean(last.note)}`);
  else for (const line of verdict(last, session)) terminal.out(line);
  const well = how.back ? back : last.outcome === "success";
  return well ? exitCodes.success : exitCodes.failed;
}

/** Prints each event until the deployment is decided, or with `toTheEnd` until it is over. */
async function waitFor(session: Session, id: string, toTheEnd: boolean): Promise<DeploymentView> {
  const { client, terminal, json, signal, patienceMs } = session;
  const told = new Set<string>();
  const events = followEvents(client, id, { patienceMs, signal });
  for await (const { event, now } of untilDecided(events, () => client.get(id, session), { toTheEnd })) {
    if (!json) terminal.out(drawEvent(event, terminal.colors));
    const gate = json || !now ? undefined : approvalAt(now);
    if (now && gate && !told.has(gate.id)) {
      told.add(gate.id);
      for (const line of drawApproval(now, gate)) terminal.out(terminal.colors.cyan(line));
    }
  }
  return client.get(id, session);
}

function verdict(d: DeploymentView, { terminal: { colors: c } }: Session): string[] {
  const paint = phaseColor(d, c);
  const time = c.dim(`after ${lasting(d.elapsedMs)}`);
  if (d.outcome === "success") return [`${paint("✓")} ${c.bold(d.service)}: green serves ${time}`];
  const what = d.phase.replace("_", " ");
  return [
    `${paint("✗")} ${c.bold(d.service)}: ${what} ${time}`,
    ...drawFailure(d, c).map((line) => `  ${line}`),
  ];
}

/** The request. Throws Failure where the options make none. */
export function bodyOf(service: string, options: OrderOptions): DeployBody {
  const images: Record<string, string> = {};
  for (const pair of options.image) {
    const split = pair.indexOf("=");
    if (split <= 0 || split === pair.length - 1) {
      throw new Failure(exitCodes.usage, `--image ${pair} is not CONTAINER=IMAGE`, {
        fix: "Write it like --image web=registry.example/web:42; repeat it for further containers.",
      });
    }
    images[pair.slice(0, split)] = pair.slice(split + 1);
  }
  const { taskDefinition, strategy, reason, queue, build, committedAt, force } = options;
  const whenBusy = options.whenBusy ?? (queue ? "queue" : undefined);
  if (taskDefinition === undefined && options.image.length === 0) {
    throw new Failure(exitCodes.usage, "There is nothing to deploy", {
      fix: "Give --task-definition NAME[:REVISION], or --image CONTAINER=IMAGE.",
    });
  }
  return {
    service,
    ...(taskDefinition !== undefined && { taskDefinition }),
    ...(options.image.length > 0 && { images }),
    ...(strategy !== undefined && { strategy }),
    ...(reason !== undefined && { reason }),
    ...(whenBusy && { whenBusy }),
    ...(build !== undefined && { build }),
    ...(committedAt !== undefined && { committedAt }),
    ...(force && { force }),
  };
}
