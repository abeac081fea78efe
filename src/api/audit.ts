/** `/v1/audit`: who asked for what and which calls changed AWS, newest first, a page at a time or all as JSON lines. */
import { pipeline } from "node:stream/promises";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import { type AuditLine, factsAfter } from "../deployment/audit.ts";
import { actionOf } from "../deployment/effect.ts";
import type { AuditQuery } from "../engine/ports.ts";
import { TealError } from "../errors.ts";
import { type AuditLineView, auditPage, auditQuery } from "./contract.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";

const jsonLines = "application/x-ndjson";
const exportPage = 100;
/** Each asks Redis for as much as there is, so one process makes few at once, and none for longer than that. */
const exportsMax = 3;
const exportMsMax = 10 * 60_000;

export function audit(app: App, { records }: ApiParts): void {
  let exporting = 0;

  app.get(
    "/v1/audit",
    {
      config: { access: { action: "audit", of: "some" } },
      schema: {
        tags: ["access"],
        operationId: "readAudit",
        summary: "Read who asked for what, and what was changed in AWS, newest first",
        description: `With \`Accept: ${jsonLines}\` all of it, a line each. A page may be short, or empty, and still have a next one.`,
        querystring: auditQuery,
        headers: z.object({ accept: z.string().optional() }),
        response: { 200: auditPage },
      },
    },
    async (request, reply) => {
      const { service, deployment, actor, kind, since, until, limit, cursor } = request.query;
      const query: AuditQuery = {
        limit,
        ...(service !== undefined && { service }),
        ...(since !== undefined && { since: Date.parse(since) }),
        ...(until !== undefined && { until: Date.parse(until) }),
        ...(cursor !== undefined && { before: cursor }),
        fits: (line) =>
          request.may(line.service) &&
          (deployment === undefined || line.deployment === deployment) &&
          (actor === undefined || line.event.actor.name === actor) &&
          (kind === undefined || kindOf(line) === kind),
      };
      if (request.headers.accept?.includes(jsonLines)) {
        if (exporting >= exportsMax) {
          throw new TealError("unavailable", `This process makes ${exportsMax} exports already.`, {
            retryAfterMs: 10_000,
          });
        }
        exporting += 1;
        try {
          return await sendAll(query, reply);
        } finally {
          exporting -= 1;
        }
      }
      const { lines, next } = await records.audit(query);
      return { lines: lines.map(viewOf), ...(next !== undefined && { next }) };
    },
  );

  async function sendAll(query: AuditQuery, reply: FastifyReply): Promise<FastifyReply> {
    // The first page is read before the first byte is sent: where that fails, the answer says so.
    const pages = all({ ...query, limit: exportPage });
    const first = await pages.next();
    reply.hijack();
    reply.raw.writeHead(200, {
      "content-type": jsonLines,
      "cache-control": "no-store",
      "x-request-id": reply.request.id,
    });
    const whole = async function* () {
      yield first.value ?? "";
      yield* pages;
    };
    const limit = { signal: AbortSignal.timeout(exportMsMax) };
    await pipeline(whole, reply.raw, limit).catch((error: unknown) => {
      reply.log.warn({ err: error }, "an export of the audit was cut");
    });
    return reply;
  }

  async function* all(query: AuditQuery): AsyncGenerator<string> {
    for (let before = query.before; ;) {
      const { lines, next } = await records.audit({ ...query, ...(before !== undefined && { before }) });
      yield lines.map((line) => `${JSON.stringify(viewOf(line))}\n`).join("");
      if (next === undefined) return;
      before = next;
    }
  }
}

function kindOf({ event }: AuditLine): AuditLineView["kind"] {
  if (event.type === "effect") return "call";
  return event.type === "created" ? "deployment" : "command";
}

function viewOf(line: AuditLine): AuditLineView {
  const { deployment, service, event } = line;
  const { seq, at, actor, message } = event;
  return { at: iso(at), deployment, service, seq, kind: kindOf(line), actor, message, ...contentOf(line) };
}

type Content = Omit<AuditLineView, "at" | "deployment" | "service" | "seq" | "kind" | "actor" | "message">;

function contentOf({ event, outcome }: AuditLine): Content {
  switch (event.type) {
    case "created":
      return { what: "deploy", result: "accepted", ...(event.requestId && { requestId: event.requestId }) };
    case "command":
      return {
        what: event.command,
        result: event.obeyed ? "obeyed" : "refused",
        ...(event.reason && { reason: event.reason }),
        ...(event.before && { before: event.before }),
        ...(event.after && { after: event.after }),
        ...(event.requestId && { requestId: event.requestId }),
      };
    case "effect": {
      const { effect, before, reason } = event;
      const after = factsAfter(effect);
      const requestId = outcome && "requestId" in outcome ? outcome.requestId : undefined;
      return {
        what: effect.kind === "callHook" ? "call a hook" : actionOf(effect),
        reason,
        ...(before && { before: { ...before } }),
        ...(after && { after: { ...after } }),
        result: outcome?.type ?? "pending",
        ...(outcome && "code" in outcome && { code: outcome.code }),
        ...(requestId && { requestId }),
      };
    }
  }
}
