/** The worker's health over HTTP: `/healthz` says whether a restart would help, `/readyz` whether Redis answers. */
import { createServer, type Server } from "node:http";
import type { Clock, Records } from "../src/engine/ports.ts";

export interface HealthParts {
  records: Pick<Records, "due">;
  clock: Clock;
  /** When this worker last began or ended a turn, ms since the epoch. */
  lastTurnAt: () => number;
  ping: () => Promise<void>;
}

/**
 * A worker that has run no turn for so long, while something has been overdue for as long, is taken for hung: the
 * queue's library was seen to stop fetching for ever after an outage of Redis.
 */
export const idleMsMax = 60_000;

export interface Health {
  ok: boolean;
  message: string;
}

/** While Redis doesn't answer the worker counts as alive: a restart would not help. */
export async function alive({ records, clock, lastTurnAt }: HealthParts): Promise<Health> {
  const now = clock.now();
  const idleMs = now - lastTurnAt();
  if (idleMs < idleMsMax) return { ok: true, message: "alive" };
  const overdue = await records.due(now - idleMsMax, 1).catch(() => undefined);
  if (!overdue) return { ok: true, message: "alive; Redis does not answer" };
  if (overdue.length === 0) return { ok: true, message: "alive; nothing to do" };
  return { ok: false, message: `${overdue.join()} is overdue and no turn has run for ${idleMs} ms` };
}

export async function ready({ ping }: HealthParts): Promise<Health> {
  return ping().then(
    () => ({ ok: true, message: "ready" }),
    () => ({ ok: false, message: "Redis does not answer" }),
  );
}

/** Resolves once it listens. */
export async function serveHealth(parts: HealthParts, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const check = { "/healthz": alive, "/readyz": ready }[request.url ?? ""];
    if (!check) {
      response.writeHead(404).end();
      return;
    }
    void check(parts).then(({ ok, message }) =>
      response.writeHead(ok ? 200 : 503, { "content-type": "text/plain" }).end(`${message}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  return server;
}
