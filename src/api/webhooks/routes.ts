/** `/v1/webhooks/…`: deliveries of machines that Teal doesn't know, each proven by what it carries. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { TealError } from "../../errors.ts";
import type { Secret } from "../../config/secret.ts";
import { type WebhookSource, webhookSources, webhookVariables } from "../../config/webhooks.ts";
import { type DeliveryReceipt, deliveryReceipt } from "../contract.ts";
import { resultViewOf } from "../deliveries.ts";
import type { ApiParts, App } from "../parts.ts";
import type { Received, Result } from "./delivery.ts";
import { readEventbridge } from "./eventbridge.ts";
import { readGeneric } from "./generic.ts";
import { readGithub } from "./github.ts";
import type { Request } from "./raw.ts";
import { receive } from "./receive.ts";

type Read = (keys: readonly Secret[], request: Request) => Received | { why: string };

interface Sender {
  read: Read;
  /**
   * It looks at the status alone, and sends again for hours what was not answered with success: so what Teal has
   * understood and kept is one, whatever it came to.
   */
  persistent: boolean;
  operationId: string;
  summary: string;
  description: string;
}

const senders: Record<WebhookSource, Sender> = {
  github: {
    read: readGithub,
    persistent: false,
    operationId: "deliverGithub",
    summary: "Take a delivery of GitHub",
    description: "Signed by GitHub in X-Hub-Signature-256; content type application/json.",
  },
  eventbridge: {
    read: readEventbridge,
    persistent: true,
    operationId: "deliverEventbridge",
    summary: "Take an event of AWS from an API destination of EventBridge",
    description:
      "Teal-Key: the key of the connection. 200 whatever it came to, so that it is not sent again.",
  },
  generic: {
    read: readGeneric,
    persistent: false,
    operationId: "deliverGeneric",
    summary: "Take a delivery of any CI",
    description:
      "Teal-Timestamp: seconds since the epoch. Teal-Signature: v1=<hex HMAC-SHA256 of `<timestamp>.<body>`>.",
  },
};

export function webhooks(app: App, parts: ApiParts): void {
  const { webhookKeys } = parts.config.current();

  // In a scope of its own: here, and only here, bodies stay as they came.
  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

    for (const source of webhookSources) {
      const { operationId, summary, description } = senders[source];
      const response = {
        200: deliveryReceipt.describe("Nothing was to be started."),
        201: deliveryReceipt.describe("A deployment was started."),
      };
      scope.post(
        `/v1/webhooks/${source}`,
        {
          config: { access: { of: "signed" }, bucket: "by sender" },
          schema: { security: [], operationId, tags: ["webhooks"], summary, description, response },
        },
        async (request, reply) => answer(parts, source, webhookKeys[source], request, reply),
      );
    }
  });
}

async function answer(
  parts: ApiParts,
  source: WebhookSource,
  keys: readonly Secret[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<DeliveryReceipt> {
  if (keys.length === 0) {
    const variable = webhookVariables[source];
    throw new TealError("not-found", `This webhook is off: no ${variable} is set on the server.`);
  }
  const { read, persistent } = senders[source];
  const received = read(keys, {
    header: (name) => {
      const value = request.headers[name];
      return typeof value === "string" ? value : undefined;
    },
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  });
  await request.countFor(`webhook ${source}`);
  if ("why" in received) return { results: [{ outcome: "ignored", why: received.why }] };

  const receipt = await receive(parts, received);
  const { id, results } = receipt.repeated
    ? { id: receipt.id, results: receipt.earlier?.results ?? [] }
    : receipt.delivery;
  // Where the answer is a refusal, this says under which name it is kept.
  void reply.header("teal-delivery", id);
  if (persistent) return { id, repeated: receipt.repeated, results: results.map(resultViewOf) };
  if (receipt.repeated) throw replayed(id, results);
  const started = results.some(({ outcome }) => outcome === "started");
  const refused = results.find((result) => result.outcome === "refused");
  if (refused && !started) {
    const { code, message, problems } = refused;
    throw new TealError(code, message, { problems });
  }
  void reply.code(started ? 201 : 200);
  return { id, repeated: false, results: results.map(resultViewOf) };
}

function replayed(id: string, results: readonly Result[]): TealError {
  const came = results.map((result) => {
    switch (result.outcome) {
      case "started":
        return `it started deployment ${result.deployment}`;
      case "refused":
        return `it was refused (${result.code})`;
      case "ignored":
        return `it was ignored: ${result.why}`;
      case "woke":
        return `it woke ${result.deployments.join(", ")}`;
    }
  });
  const what = came.length > 0 ? came.join("; ") : "it had its answer";
  return new TealError("replayed-delivery", `This delivery was received before, as ${id}: ${what}.`);
}
