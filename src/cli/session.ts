/** What every command has at hand, and how it finds the deployment that is meant. */
import { type DeploymentView, deploymentId, serviceName } from "../api/contract.ts";
import type { Client } from "./client.ts";
import { exitCodes, Failure } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

export interface Session {
  client: Client;
  terminal: Terminal;
  json: boolean;
  /** How long to try again while Teal can't be reached. */
  patienceMs: number;
  /** Fires on Ctrl-C, and when the time given by `--timeout` is over. */
  signal: AbortSignal;
  onTrouble: (failure: Failure) => void;
}

/**
 * A deployment by its id. By the name of a service the one that acts on it, else the one that keeps its old task set
 * warm, else the newest that touched anything.
 */
export async function find(session: Session, what: string): Promise<DeploymentView> {
  const { client } = session;
  if (!deploymentId.safeParse(what).success) {
    throw new Failure(exitCodes.usage, `${what} is neither an id of a deployment nor a name of a service`);
  }
  const known = await known404(client.get(what, session));
  if (known) return known;
  const holder = serviceName.safeParse(what).success
    ? await known404(client.service(what, session)).then((service) => service?.acting ?? service?.retaining)
    : undefined;
  if (holder) return client.get(holder.id, session);
  const { deployments } = await client.list({ service: what, limit: "20" }, session);
  const newest = deployments.find(({ phase }) => !untouched.has(phase)) ?? deployments[0];
  if (newest) return newest;
  const [news] = await strayNews(session, what);
  throw new Failure(
    exitCodes.usage,
    `There is no deployment ${what}, and no service ${what} that was deployed`,
    { fix: news ?? "List what there is with `teal list`." },
  );
}

const untouched = new Set<DeploymentView["phase"]>(["failed", "cancelled", "superseded"]);

/** Undefined where there is no such thing. */
export async function known404<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const code = error instanceof Failure ? error.body?.code : undefined;
    if (code === "unknown-deployment" || code === "unknown-service") return undefined;
    throw error;
  }
}

/** `1 stray: teal recover checkout`, for those who look at something else. */
export async function strayNews(session: Session, service: string | undefined): Promise<string[]> {
  const { services } = await session.client.services(session);
  return services.flatMap(({ name, strays }) => {
    const count = strays?.deployments.length ?? 0;
    if (count === 0 || (service !== undefined && name !== service)) return [];
    return [`${count} ${count === 1 ? "stray" : "strays"}: teal recover ${name}`];
  });
}
