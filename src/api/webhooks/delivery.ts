/** What came to a webhook and what it led to, and the book in which that is kept. */
import type { WebhookSource } from "../../config/webhooks.ts";
import type { Actor } from "../../deployment/record.ts";
import type { ErrorCode, Problem } from "../../errors.ts";

/** A delivery whose sender is known and whose time is fresh. */
export interface Received {
  source: WebhookSource;
  /** GitHub's event, or EventBridge's detail-type. */
  event?: string;
  /** Tells it from all others of the source; of what is signed alone. */
  identity: string;
  /** What the sender calls it, for people. */
  sentAs?: string;
  /** When it came about by its own account, ms since the epoch. */
  sentAt: number;
  /** How long its time stays fresh, and so how long its repetition must be known. */
  freshMs: number;
  body: string;
  payload: unknown;
}

/** What it led to, for each webhook of `teal.yaml` that takes such events; of one that is a request itself, without. */
export type Result =
  /** `before`: by this delivery too, when it came or was carried out before. */
  | { outcome: "started"; webhook?: string; service: string; deployment: string; before?: true }
  /** Service: as far as it could be told. */
  | {
      outcome: "refused";
      webhook?: string;
      service?: string;
      code: ErrorCode;
      message: string;
      problems: Problem[];
    }
  | { outcome: "ignored"; webhook?: string; service?: string; why: string }
  | { outcome: "woke"; deployments: string[] };

export interface Delivery {
  id: string;
  source: WebhookSource;
  event?: string;
  sentAs?: string;
  sentAt: number;
  receivedAt: number;
  results: Result[];
  /** Of the body. */
  bytes: number;
  /** Of a redelivery: of what, and who asked for it. */
  redelivers?: string;
  by?: Actor;
}

/** All methods throw `unavailable`; all are safe to repeat. */
export interface Deliveries {
  /** Whether it had its answer. */
  isSpent(id: string): Promise<boolean>;
  /**
   * Writes it into the book, and remembers for `spentMs` that it had its answer, whatever the book forgets. Atomic.
   * @param payload left out where it is too large to be kept
   */
  keep(delivery: Delivery, payload: string | undefined, spentMs: number): Promise<void>;
  /** Undefined where the book has forgotten it. */
  load(id: string): Promise<Delivery | undefined>;
  payload(id: string): Promise<string | undefined>;
  /** Those that fit, newest first; the page may be short, or empty, and still have a next one. */
  list(page: {
    limit: number;
    before?: string;
    fits: (delivery: Delivery) => boolean;
  }): Promise<{ deliveries: Delivery[]; next?: string }>;
}
