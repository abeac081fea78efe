/** What the API needs of the rest of Teal; the engine and the records fit these as they are. */
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeySource } from "../auth/issuerKeys.ts";
import type { TokenBook } from "../auth/ports.ts";
import type { LiveConfig } from "../config/reload.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock, Records, StrayBook } from "../engine/ports.ts";
import type { RepeatBook } from "./repeats.ts";
import type { Deliveries } from "./webhooks/delivery.ts";
import type { AwsEvent } from "./webhooks/eventbridge.ts";

/** The part of the engine that accepts what people and CI ask for. */
export type Intake = Pick<Engine, "plan" | "start" | "ask" | "redeploy" | "strays" | "recover">;

export interface ApiParts {
  engine: Intake;
  records: Pick<Records, "load" | "list" | "events" | "audit" | "slot" | "subscribe">;
  deliveries: Deliveries;
  tokens: TokenBook;
  repeats: RepeatBook;
  issuers: KeySource;
  /**
   * Wakes the deployments that an event of AWS concerns, and gives their ids. A hint: what follows is for their next
   * look to decide. Safe to repeat. Throws `unavailable`. Left out: nothing listens.
   */
  hints?: (event: AwsEvent) => Promise<string[]>;
  strayBook: StrayBook;
  config: Pick<LiveConfig, "current" | "state">;
  clock: Clock;
  log: FastifyBaseLogger;
  /** Resolves if Redis answers. */
  ping: () => Promise<unknown>;
  /** How long a request may take to arrive; the default suits production. */
  arrivalMs?: number;
  /** Paces the event stream; the defaults suit production. */
  stream?: StreamPace;
}

export interface StreamPace {
  /** How often the records are read where no hint came. */
  pollMs: number;
  /** How long a stream is silent before it says that it is alive. */
  heartbeatMs: number;
  /** It is cut then: whoever comes back must still be known and still have the right. */
  lastsMs: number;
  /** Streams that one process keeps open: of all callers, and of each. */
  most: { all: number; each: number };
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
