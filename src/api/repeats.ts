/**
 * Requests with an Idempotency-Key, however many routes there are: the same request again has no second effect and
 * gets the answer of the first; another request with its key is refused. The engine makes each effect safe to repeat,
 * so that a repetition does no harm where the first one's answer was never kept: it then answers anew.
 */
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { TealError } from "../errors.ts";
import { keyOf } from "./asking.ts";
import type { ApiParts, App } from "./parts.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** `own`: the route answers repetitions itself, or what it answers must not be kept. Left out: they are kept. */
    repeats?: "own";
  }
  interface FastifyRequest {
    /** Under what its answer is kept. */
    keptAs: string | undefined;
  }
}

export interface Kept {
  status: number;
  body: string;
  location?: string;
}

export type Taken =
  /** Nobody had this key. */
  | { kind: "new" }
  /** The same request had it; without an answer it is under way, or ended before its answer was kept. */
  | { kind: "same"; answer?: Kept }
  | { kind: "other" };

/** Who has which key, for 7 days. Every method may throw TealError('unavailable') and is safe to repeat. */
export interface RepeatBook {
  /** Takes the key for a request, unless it is taken. Where there is no room left for it, it stays `new`. */
  take(key: string, request: string): Promise<Taken>;
  /** Keeps what was answered to the request that has the key. */
  keep(key: string, request: string, answer: Kept): Promise<void>;
  /** Gives the key back. */
  release(key: string): Promise<void>;
}

/** Larger answers are made anew. */
const keptBytesMax = 65_536;

/** To be called once the app knows how to tell who asks. */
export function answerRepeats(app: App, { repeats, log }: Pick<ApiParts, "repeats" | "log">): void {
  app.decorateRequest("keptAs");

  app.addHook("preHandler", async (request, reply) => {
    const key = keyIn(request);
    if (key === undefined) return undefined;
    const taken = await repeats.take(key, digest(request.body));
    if (taken.kind === "other") {
      throw new TealError("idempotency-conflict", "This Idempotency-Key was used for another request.");
    }
    if (taken.kind === "same" && taken.answer) return replay(taken.answer, reply);
    request.keptAs = key;
    return undefined;
  });

  app.addHook("onSend", async (request, reply, payload) => {
    const { keptAs } = request;
    if (keptAs === undefined) return payload;
    const { statusCode: status } = reply;
    try {
      if (
        (status === 200 || status === 201) &&
        typeof payload === "string" &&
        payload.length <= keptBytesMax
      ) {
        const location = reply.getHeader("location");
        await repeats.keep(keptAs, digest(request.body), {
          status,
          body: payload,
          ...(typeof location === "string" && { location }),
        });
      } else if (wasNotUnderstood.has(status)) await repeats.release(keptAs);
    } catch (error) {
      log.warn(
        { err: error, requestId: request.id },
        "could not keep an answer; a repetition is answered anew",
      );
    }
    return payload;
  });
}

/** After these the key is free for a corrected request; anything else may have had an effect. */
const wasNotUnderstood: ReadonlySet<number> = new Set([400, 403, 404]);

/** The same key for another path, in another's hands or with other rights is another key: no right, no answer. */
function keyIn(request: FastifyRequest): string | undefined {
  const { identity, method, headers, routeOptions } = request;
  if (method !== "POST" || !identity || routeOptions.config.repeats === "own") return undefined;
  const key = keyOf({ identity, headers });
  return key && digest([request.url.split("?")[0], key, identity.grants]);
}

function replay({ status, body, location }: Kept, reply: FastifyReply): FastifyReply {
  if (location !== undefined) void reply.header("location", location);
  return reply.header("idempotency-replayed", "true").code(status).type("application/json").send(body);
}

function digest(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(value) ?? "")
    .digest("hex");
}
