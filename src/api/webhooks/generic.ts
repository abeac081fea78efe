/**
 * `/v1/webhooks/generic`: any CI that can compute an HMAC starts a deployment. The body is that of
 * `POST /v1/deployments`; only what is signed counts, so other headers are ignored.
 */
import { createHash } from "node:crypto";
import { verifySignature, toleranceMs } from "../../auth/signature.ts";
import { explain } from "../../config/explain.ts";
import { TealError } from "../../errors.ts";
import { deployRequest, deploymentView } from "../contract.ts";
import { orderOf, start } from "../intake.ts";
import type { ApiParts, App } from "../parts.ts";
import { malformed } from "../problems.ts";

export function genericWebhook(app: App, parts: ApiParts): void {
  const secret = parts.config.current().webhookSecret;

  // In a scope of its own: here, and only here, bodies stay as they came.
  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

    scope.post(
      "/v1/webhooks/generic",
      {
        config: { access: { of: "signed" } },
        schema: {
          security: [],
          operationId: "deliverGeneric",
          tags: ["webhooks"],
          summary: "Start a deployment by a signed delivery",
          description:
            "Teal-Timestamp: seconds since the epoch. Teal-Signature: v1=<hex HMAC-SHA256 of `<timestamp>.<body>`>.",
          response: { 201: deploymentView },
        },
      },
      async (request, reply) => {
        if (!secret) {
          throw new TealError(
            "not-found",
            "The webhook is off: no TEAL_WEBHOOK_SECRET is set on the server.",
          );
        }
        const signature = header(request.headers["teal-signature"]);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        verifySignature(
          secret,
          { timestamp: header(request.headers["teal-timestamp"]), signature, body },
          parts.clock.now(),
        );
        const delivery = createHash("sha256").update(`generic ${signature}`).digest("hex");
        return reply.code(201).send(await once(delivery, body));
      },
    );
  });

  /**
   * A delivery has one effect. One that started a deployment is known by the idempotency key, which is written
   * together with the record; one that was refused is remembered here. One that could not be kept may come again.
   */
  async function once(delivery: string, body: Buffer) {
    if (await parts.deliveries.isSpent(delivery)) throw replayed("It had its answer.");
    try {
      const { status, view } = await start(parts, {
        ...orderOf(parts.config.current(), bodyOf(body)),
        actor: { kind: "ci", name: "webhook" },
        idempotencyKey: `delivery-${delivery}`,
      });
      if (status === 200) throw replayed(`It started deployment ${view.id}.`);
      return view;
    } catch (error) {
      const mayComeAgain = error instanceof TealError && error.code === "unavailable";
      if (error instanceof TealError && !mayComeAgain && error.code !== "replayed-delivery") {
        await parts.deliveries.spend(delivery, 3 * toleranceMs);
      }
      throw error;
    }
  }
}

function bodyOf(body: Buffer) {
  let raw: unknown;
  try {
    raw = JSON.parse(body.toString("utf8"));
  } catch {
    throw new TealError("bad-request", "The body is not JSON.");
  }
  const parsed = deployRequest.safeParse(raw, { error: explain });
  if (!parsed.success) throw malformed(parsed.error);
  return parsed.data;
}

function replayed(what: string): TealError {
  return new TealError("replayed-delivery", `This delivery was received before. ${what}`);
}

function header(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
