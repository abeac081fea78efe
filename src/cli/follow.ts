/** Follows a deployment's history through restarts of the API and cuts of the network; no event is lost or doubled. */
import { setTimeout as sleep } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { type EventView, eventView } from "../api/contract.ts";
import type { Client } from "./client.ts";
import { exitCodes, Failure } from "./exit.ts";

/** The server is heard every 15 s; a stream silent for longer is taken for dead. */
const silenceMsMax = 40_000;
const retryMs = { first: 250, max: 5_000 };

/**
 * Gives the events after `after`, and ends when the deployment is over. Throws Failure when nothing was heard of
 * the server for `patienceMs`, and the signal's reason when it fires.
 */
export async function* followEvents(
  client: Client,
  id: string,
  { after, patienceMs, signal }: { after?: number; patienceMs: number; signal: AbortSignal },
): AsyncGenerator<EventView, void> {
  let last = after;
  let heardAt = Date.now();
  let waitMs = retryMs.first;
  for (;;) {
    try {
      for await (const message of messages(client, id, last, signal)) {
        heardAt = Date.now();
        waitMs = retryMs.first;
        if (message === "alive") continue;
        if (message === "end") return;
        last = message.seq;
        yield message;
      }
    } catch (error) {
      signal.throwIfAborted();
      const passing = error instanceof Failure ? error.exitCode === exitCodes.unavailable : true;
      if (!passing) throw error;
      if (Date.now() - heardAt > patienceMs)
        throw error instanceof Failure ? error : silent(client, patienceMs);
    }
    await sleep(waitMs, undefined, { signal });
    waitMs = Math.min(2 * waitMs, retryMs.max);
  }
}

async function* messages(
  client: Client,
  id: string,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<EventView | "alive" | "end", void> {
  const silence = new AbortController();
  const cut = () => silence.abort(new Error("the stream fell silent"));
  let timer = setTimeout(cut, silenceMsMax);
  try {
    const response = await client.stream(id, after, AbortSignal.any([signal, silence.signal]));
    const found: (EventView | "alive" | "end")[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => found.push(event === "end" ? "end" : eventView.parse(JSON.parse(data))),
      onComment: () => found.push("alive"),
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(cut, silenceMsMax);
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* found.splice(0);
    }
  } finally {
    clearTimeout(timer);
    // Ends the request where the reader left early.
    silence.abort();
  }
}

function silent(client: Client, patienceMs: number): Failure {
  return new Failure(
    exitCodes.unavailable,
    `Nothing was heard of Teal at ${client.base.origin} for ${Math.round(patienceMs / 1000)} s`,
    { fix: "The deployment goes on without you; look at it with `teal status` once Teal answers." },
  );
}
