/**
 * How often somebody may ask. Counted in this process alone: nothing is asked of Redis, so that nobody is refused
 * because it is down. What goes back has a bucket of its own, which no other requests can empty, and whoever proves
 * who they are is never refused for others' wrong guesses, though they come from the same address: a webhook's
 * deliveries are counted once their signature was checked.
 */
import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyRequest } from "fastify";
import { TealError } from "../errors.ts";
import { limitRate } from "../telemetry.ts";
import type { ApiParts, App } from "./parts.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * Left out: `look` for what only reads, `change` for the rest. `by command`: the body tells. `by sender`: the
     * handler has it counted once it knows who sent it.
     */
    bucket?: Bucket | "by command" | "by sender" | "none";
  }
  interface FastifyRequest {
    /** Whoever signed it, on routes without an identity. */
    sender: string | undefined;
    /** Counts what that one sent; throws TealError('rate-limited'). */
    countFor(sender: string): Promise<void>;
  }
}

/** `aws`: what has AWS asked at once, whose own limits the workers need for deployments, rollbacks among them. */
type Bucket = "look" | "change" | "way-back" | "aws";

/** How many of AWS's for each of the others. */
const awsShare = 0.1;

/** Short, so that nobody waits long. */
const windowMs = 10_000;
const failureWindowMs = 60_000;
/** Most that are counted apart in one bucket; whoever was quiet longest is forgotten first. */
const callersMax = 20_000;
const warnEveryMs = 10_000;

export interface Limits {
  /** What is answered in place of a refusal: where too many credentials or signatures were wrong, that. */
  judge(error: unknown, request: FastifyRequest): Promise<unknown>;
}

/** To be called once the app knows how to tell who asks. */
export async function limitRates(app: App, { config, log, clock }: ApiParts): Promise<Limits> {
  const { perSecond, failuresPerMinute } = config.current().http.limits;
  await app.register(rateLimit, { global: false, cache: callersMax });
  const most = (perSecond * windowMs) / 1000;
  const bucket = (max: number) => app.createRateLimit({ max, timeWindow: windowMs, keyGenerator: callerOf });
  const buckets = {
    look: bucket(most),
    change: bucket(most),
    "way-back": bucket(most),
    aws: bucket(Math.ceil(awsShare * most)),
  } satisfies Record<Bucket, unknown>;
  const failures = app.createRateLimit({
    max: failuresPerMinute,
    timeWindow: failureWindowMs,
    keyGenerator: addressOf,
  });
  const trouble = limitRate(log, warnEveryMs, () => clock.now());

  const count = async (name: Bucket, request: FastifyRequest): Promise<void> => {
    if (perSecond === 0) return;
    const verdict = await buckets[name](request);
    if (verdict.isAllowed || !verdict.isExceeded) return;
    const caller = request.sender ?? request.identity?.name ?? "this address";
    trouble.warn({ caller: verdict.key, bucket: name }, "somebody asks too often");
    throw new TealError(
      "rate-limited",
      `More than ${verdict.max} such requests came from ${caller} in the last ${windowMs / 1000} s.`,
      { retryAfterMs: verdict.ttl },
    );
  };

  app.decorateRequest("sender");
  app.decorateRequest("countFor", async function (this: FastifyRequest, sender) {
    this.sender = sender;
    await count("change", this);
  });
  app.addHook("onRequest", async (request) => {
    const name = request.routeOptions.config.bucket ?? (readOnly.has(request.method) ? "look" : "change");
    if (name !== "none" && name !== "by command" && name !== "by sender") await count(name, request);
  });
  app.addHook("preHandler", async (request) => {
    if (request.routeOptions.config.bucket !== "by command") return;
    await count(goesBack(request.body) ? "way-back" : "change", request);
  });

  return {
    async judge(error, request) {
      if (!(error instanceof TealError) || error.code !== "unauthorized") return error;
      const verdict = await failures(request);
      if (verdict.isAllowed || !verdict.isExceeded) return error;
      trouble.warn({ address: request.ip }, "many credentials or signatures from one address are wrong");
      return new TealError(
        "rate-limited",
        `More than ${failuresPerMinute} requests from this address had no valid credentials in the last minute.`,
        { retryAfterMs: verdict.ttl, cause: error },
      );
    },
  };
}

function goesBack(body: unknown): boolean {
  const command: unknown = Reflect.get(Object(body), "command");
  return command === "rollback" || command === "abort";
}

const readOnly: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Whoever proved who they are, wherever they are; the address of everybody else, and of those who share one secret. */
export function callerOf(request: FastifyRequest): string {
  const { identity, sender } = request;
  if (sender !== undefined) return `sender ${sender}`;
  if (!identity) return addressOf(request);
  const own = identity.via === "token" || identity.via === "oidc";
  return own ? identity.id : `${identity.id} ${addressOf(request)}`;
}

/** An IPv6 network counts as one: whoever has one address of it has them all. */
function addressOf({ ip }: FastifyRequest): string {
  return normalizeIP(ip);
}
