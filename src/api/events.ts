/** `/v1/deployments/:id/events`: the history, a page at a time or as a stream of server-sent events. */
import { z } from "zod";
import { TealError } from "../errors.ts";
import { deploymentId, eventPage, eventsQuery } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import type { ApiParts, App, StreamPace } from "./parts.ts";
import { isOver, streamEvents } from "./stream.ts";
import { eventViewOf } from "./view.ts";

const paceUsual: StreamPace = { pollMs: 5_000, heartbeatMs: 15_000, lastsMs: 10 * 60_000 };
/** Most streams that one process keeps open. */
const streamsMax = 500;

export function events(app: App, parts: ApiParts): void {
  const { records } = parts;
  const closing = new AbortController();
  let open = 0;
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

      if (open >= streamsMax) {
        throw new TealError("unavailable", `This process already has ${streamsMax} event streams open.`, {
          retryAfterMs: 10_000,
        });
      }
      open += 1;
      try {
        const lastSeen = request.headers["last-event-id"];
        const first = lastSeen === undefined ? from : Number(lastSeen) + 1;
        await streamEvents(records, id, first, reply, closing.signal, parts.stream ?? paceUsual);
      } finally {
        open -= 1;
      }
      return reply;
    },
  );
}
