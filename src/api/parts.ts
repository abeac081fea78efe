/** What the API needs of the rest of Teal; the engine and the records fit these as they are. */
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Deliveries } from "../auth/deliveries.ts";
import type { LiveConfig } from "../config/reload.ts";
import type { Command, CommandKind } from "../deployment/command.ts";
import type { Actor, Deployment, DeployRequest } from "../deployment/record.ts";
import type { Strategy } from "../deployment/strategy.ts";
import type { ServiceTarget } from "../deployment/target.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock, Records, StrayBook } from "../engine/ports.ts";

/** The part of the engine that accepts what people and CI ask for. */
export interface Intake extends Pick<Engine, "strays" | "recover"> {
  /** Throws TealError: busy, idempotency-conflict, unavailable. With an idempotency key it is safe to repeat. */
  start(order: {
    target: ServiceTarget;
    strategy: Strategy;
    request: DeployRequest;
    actor: Actor;
    whenBusy: "queue" | "supersede" | "reject";
    idempotencyKey?: string;
  }): Promise<{ deployment: Deployment; existing: boolean }>;
  /** Throws TealError: unknown-deployment, unavailable. The answer comes as an event. With a command id it is safe to repeat. */
  ask(
    id: string,
    order: { kind: CommandKind; actor: Actor; reason?: string; full?: boolean; commandId?: string },
  ): Promise<Command>;
}

export interface ApiParts {
  engine: Intake;
  records: Pick<Records, "load" | "list" | "events" | "subscribe">;
  deliveries: Deliveries;
  strayBook: StrayBook;
  config: Pick<LiveConfig, "current" | "state">;
  clock: Clock;
  log: FastifyBaseLogger;
  /** Resolves if Redis answers. */
  ping: () => Promise<unknown>;
  /** Paces the event stream; the defaults suit production. */
  stream?: StreamPace;
}

export interface StreamPace {
  /** How often the records are read where no hint came. */
  pollMs: number;
  /** How long a stream is silent before it says that it is alive. */
  heartbeatMs: number;
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
