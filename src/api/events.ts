/** `/v1/deployments/:id/events`: the history, a page at a time or as a stream of server-sent events. */
import { z } from "zod";
import { TealError } from "../errors.ts";
import { deploymentId, eventPage, eventsQuery } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import { callerOf } from "./limits.ts";
import type { ApiParts, App, StreamPace } from "./parts.ts";
import { isOver, streamEvents } from "./stream.ts";
import { eventViewOf } from "./view.ts";

const paceUsual: StreamPace = {
  pollMs: 5_000,
  heartbeatMs: 15_000,
  lastsMs: 10 * 60_000,
  most: { all: 500, each: 250 },
};

export function events(app: App, parts: ApiParts): void {
  const { records } = parts;
  const closing = new AbortController();
  const pace = parts.stream ?? paceUsual;
  const open = createPlaces(pace.most);
  app.addHook("preClose", async () => closing.abort());

  app.get(
    "/v1/deployments/:id/events",
    {
      config: { access: { action: "view", of: "service" } },
      schema: {
        operationId: "listEvents",
        tags: ["deployments"],
        summary: "Read the history, or follow it as a stream",
        params: z.strictObject({ id: deploymentId }),
        querystring: eventsQuery,
        headers: z.object({
          accept: z.string().optional(),
          "last-event-id": z
            .string()
            .regex(/^\d{1,9}$/, { error: "must be the number of an event" })
            .optional(),
        }),
        response: {
          200: {
            description: "A page; or, as it happens, one message for each event.",
            content: {
              "application/json": { schema: eventPage },
              "text/event-stream": { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { cursor: from, limit } = request.query;
      const d = await loadOrFail(parts, id);
      request.permit(d.service);
      if (!request.headers.accept?.includes("text/event-stream")) {
        const found = await records.events(id, from, limit);
        const next = (found.at(-1)?.seq ?? from - 1) + 1;
        return { events: found.map(eventViewOf), next, end: isOver(d) && next >= d.events };
      }

      const leave = open.take(callerOf(request));
      try {
        const lastSeen = request.headers["last-event-id"];
        const first = lastSeen === undefined ? from : Number(lastSeen) + 1;
        await streamEvents(records, id, first, reply, closing.signal, pace);
      } finally {
        leave();
      }
      return reply;
    },
  );
}

/** Places for streams: neither all callers together nor one of them takes more than a process can keep. */
function createPlaces(most: StreamPace["most"]): { take(caller: string): () => void } {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(caller) {
      const own = taken.get(caller) ?? 0;
      if (all >= most.all) throw full(`This process already has ${most.all} event streams open.`);
      if (own >= most.each) throw full(`You already have ${most.each} event streams open at this process.`);
      all += 1;
      taken.set(caller, own + 1);
      return () => {
        all -= 1;
        const left = (taken.get(caller) ?? 1) - 1;
        if (left > 0) taken.set(caller, left);
        else taken.delete(caller);
      };
    },
  };
}

function full(message: string): TealError {
  return new TealError("unavailable", message, { retryAfterMs: 10_000 });
}
