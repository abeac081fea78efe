/**
 * Follows a deployment's history through restarts of the API and cuts of the network; no event is lost or doubled.
 * No dependencies: the GitHub Action runs it from its sources.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messages } from "./messages.ts";
import { createWaits } from "./patience.ts";

/** The server is heard every 15 s; a stream silent for longer is taken for dead. */
const silenceMsMax = 40_000;

/** One deployment's history. */
export interface History<Event extends { seq: number }> {
  /** Opens the stream of events after that one; all of them where it is left out. Rejects where it is refused. */
  open(after: number | undefined, signal: AbortSignal): Promise<Response>;
  /** Throws for what is no event. */
  read(data: string): Event;
  /** Whether to come back after this; what broke off or fell silent is passing. */
  isPassing(error: unknown): boolean;
}

/**
 * Gives the events, and ends when the deployment is over. Throws what is not passing, what was met last when nothing
 * was heard of the server for `patienceMs`, and the signal's reason when it fires.
 */
export async function* follow<Event extends { seq: number }>(
  history: History<Event>,
  { patienceMs, signal }: { patienceMs: number; signal: AbortSignal },
): AsyncGenerator<Event, void> {
  let last: number | undefined;
  let heardAt = Date.now();
  const waits = createWaits();
  for (;;) {
    try {
      for await (const message of stream(history, last, signal)) {
        heardAt = Date.now();
        waits.reset();
        if (message === "alive") continue;
        if (message === "end") return;
        last = message.seq;
        yield message;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!history.isPassing(error) || Date.now() - heardAt > patienceMs) throw error;
    }
    await sleep(waits.next(), undefined, { signal });
  }
}

async function* stream<Event extends { seq: number }>(
  history: History<Event>,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Event | "alive" | "end", void> {
  const silence = new AbortController();
  const cut = () => silence.abort(new Error("the stream fell silent"));
  let timer = setTimeout(cut, silenceMsMax);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(cut, silenceMsMax);
  };
  try {
    const { body } = await history.open(after, AbortSignal.any([signal, silence.signal]));
    for await (const message of messages(body ?? nothing())) {
      heard();
      if (message === "alive") yield message;
      else yield message.event === "end" ? "end" : history.read(message.data);
    }
  } finally {
    clearTimeout(timer);
    // Ends the request where the reader left early.
    silence.abort();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}
