/**
 * One stream of server-sent events. Each event's id is its number, so that a client that comes back with
 * `Last-Event-ID` misses none and sees none twice. When the deployment is over, the event `end` tells the client
 * not to come back.
 */
import { once } from "node:events";
import type { FastifyReply } from "fastify";
import { isTerminal } from "../deployment/phases.ts";
import type { Deployment } from "../deployment/record.ts";
import { createBell } from "./bell.ts";
import type { ApiParts, StreamPace } from "./parts.ts";
import { eventViewOf } from "./view.ts";

const pageSize = 100;
/** A client that takes nothing for so long is let go. */
const drainMsMax = 30_000;

/**
 * Follows the history from event `from` on until the deployment is over, the client leaves, `closing` fires or the
 * stream's time is over. Committed changes are hints; the records are read at least every `pollMs`. Throws before the first byte only.
 */
export async function streamEvents(
  records: ApiParts["records"],
  id: string,
  from: number,
  reply: FastifyReply,
  closing: AbortSignal,
  pace: StreamPace,
): Promise<void> {
  const bell = createBell();
  const unsubscribe = await records.subscribe((changed) => changed === id && bell.ring());
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
    bell.ring();
  };
  const out = reply.raw;
  out.once("close", leave);
  closing.addEventListener("abort", leave, { once: true });
  if (closing.aborted || out.destroyed) leave();
  const over = setTimeout(leave, pace.lastsMs);
  try {
    reply.hijack();
    out.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Kept alive, it would hold up a server that stops for as long as a client may be idle.
      connection: "close",
      "x-accel-buffering": "no",
      "x-request-id": reply.request.id,
    });
    out.flushHeaders();
    await follow();
  } catch (error) {
    // The client comes back with the last id it saw.
    if (!gone.signal.aborted) reply.log.warn({ deploymentId: id, err: error }, "an event stream was cut");
  } finally {
    clearTimeout(over);
    closing.removeEventListener("abort", leave);
    out.off("close", leave);
    out.end();
    await unsubscribe();
  }

  async function follow(): Promise<void> {
    let next = from;
    let quietMs = 0;
    while (!gone.signal.aborted) {
      // The record first: events that it counts are there when they are read after it.
      const d = await records.load(id);
      const found = await records.events(id, next, pageSize);
      for (const event of found) {
        await send(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(eventViewOf(event))}\n\n`);
        next = event.seq + 1;
      }
      quietMs = found.length > 0 ? 0 : quietMs + pace.pollMs;
      if (found.length === pageSize) continue;
      if (!d || (isOver(d) && next >= d.events)) return send(`event: end\ndata: {}\n\n`);
      if (quietMs >= pace.heartbeatMs) {
        await send(": still here\n\n");
        quietMs = 0;
      }
      await bell.wait(Math.min(pace.pollMs, pace.heartbeatMs));
    }
  }

  async function send(text: string): Promise<void> {
    if (gone.signal.aborted) return;
    if (!out.write(text)) {
      await once(out, "drain", { signal: AbortSignal.any([gone.signal, AbortSignal.timeout(drainMsMax)]) });
    }
  }
}

/** Nothing happens to it any more by itself. */
export function isOver(d: Deployment): boolean {
  return isTerminal(d.phase) && d.settled;
}
