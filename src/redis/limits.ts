/** How much of the history of deployments is kept, and the checks that every store of records makes. */
import type { DeploymentEvent } from "../deployment/event.ts";
import { type Deployment, recordSchema, upgraded } from "../deployment/record.ts";
import { TealError } from "../errors.ts";

export interface RecordLimits {
  /** Settled deployments kept for each service; older ones are deleted, never one that isn't settled. */
  settled: number;
  /** Most deployments deleted by one call. */
  trimBatch: number;
  /** Newest events kept for each deployment. */
  events: number;
  /** Lines of the audit that are kept, of all deployments. */
  audit: number;
  /**
   * Commands waiting in one inbox; a post beyond is refused. For rollbacks there is as much room again, so that none
   * is refused for what others asked. What deployments tell each other always fits.
   */
  inbox: number;
  /** Ids of commands remembered for each deployment, so that a repeated post is dropped. */
  seen: number;
  /** Deployments waiting in the queue of one service; one more is refused as busy. */
  queue: number;
  /** Deployments in one page of a list. */
  page: number;
  /** How long an idempotency key is remembered. */
  idempotencyMs: number;
}

export const defaultLimits: RecordLimits = {
  settled: 200,
  trimBatch: 10,
  events: 10_000,
  audit: 100_000,
  inbox: 100,
  seen: 1_000,
  queue: 100,
  page: 100,
  idempotencyMs: 7 * 24 * 3_600_000,
};

/**
 * Where a deployment stands among all, as text that sorts by age: the cursor of a list. Two of the same
 * millisecond are told apart by their ids.
 */
export function position(d: Pick<Deployment, "id" | "createdAt">): string {
  return `${String(d.createdAt).padStart(positionDigits, "0")}:${d.id}`;
}

/** Where a line of the audit stands among all: its cursor. Names of services and ids contain no colon. */
export function auditPlace(d: Pick<Deployment, "id" | "service">, { at, seq }: DeploymentEvent): string {
  return [auditTime(at), d.service, d.id, seq].join(":");
}

/** Sorts before all places of this moment. */
export function auditTime(at: number): string {
  return String(at).padStart(positionDigits, "0");
}

export function idAt(position: string): string {
  return position.slice(positionDigits + 1);
}

const positionDigits = 15;

/**
 * Refuses a record of a schema that this version doesn't know: it would read it wrongly, and write it back
 * damaged.
 */
export function checkSchema(found: Deployment): Deployment {
  if (found.schema <= recordSchema) return upgraded(found);
  throw new TealError(
    "too-new",
    `${found.id} was written with schema ${String(found.schema)}; this version of Teal knows up to ${recordSchema}`,
  );
}

/**
 * Refuses a history with holes: the events must follow the `stored` ones without a gap, and the record must
 * count them all. Anything else is a defect of the caller.
 */
export function checkEvents(next: Deployment, events: DeploymentEvent[], stored: number): void {
  const hole = events.some((event, i) => event.seq !== stored + i);
  if (hole || next.events !== stored + events.length) throw holeError(next, events, stored);
}

export function holeError(next: Deployment, events: DeploymentEvent[], stored: number): TealError {
  const found = events.map((event) => event.seq).join(", ") || "none";
  return new TealError(
    "internal",
    `the history of ${next.id} would have a hole: ${stored} events are stored, the new ones are ${found}, ` +
      `and the record counts ${next.events}`,
  );
}
