/** Follows a deployment's history, as the command line tells of it. */
import { type EventView, eventView } from "../api/contract.ts";
import { follow } from "../client/follow.ts";
import type { Client } from "./client.ts";
import { exitCodes, Failure } from "./exit.ts";

/**
 * Gives all events, and ends when the deployment is over. Throws Failure when nothing was heard of the server for
 * `patienceMs`, and the signal's reason when it fires.
 */
export async function* followEvents(
  client: Client,
  id: string,
  { patienceMs, signal }: { patienceMs: number; signal: AbortSignal },
): AsyncGenerator<EventView, void> {
  const history = {
    open: (after: number | undefined, until: AbortSignal) => client.stream(id, after, until),
    read: (data: string) => eventView.parse(JSON.parse(data)),
    isPassing: (error: unknown) => !(error instanceof Failure) || error.exitCode === exitCodes.unavailable,
  };
  try {
    yield* follow(history, { patienceMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Failure ? error : silent(client, patienceMs);
  }
}

function silent(client: Client, patienceMs: number): Failure {
  return new Failure(
    exitCodes.unavailable,
    `Nothing was heard of Teal at ${client.base.origin} for ${Math.round(patienceMs / 1000)} s`,
    { fix: "The deployment goes on without you; look at it with `teal status` once Teal answers." },
  );
}
