import type { AwsError } from "../model/error.ts";

/** An HTTP request, however it came. */
export interface WireRequest {
  method: string;
  /** With its query, if any. */
  path: string;
  /** By lower-case name. */
  headers: Record<string, string | undefined>;
  /** As it was sent: `body.ts` unpacks it. */
  body: string | Uint8Array;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** An answer, or a connection that breaks without one. */
export type WireReply = WireAnswer | { cut: true };

/** How answers are written in the protocol that a call came in. */
export interface Encoding {
  result(result: object, requestId: string): WireAnswer;
  error(error: AwsError, requestId: string): WireAnswer;
}

/** Answers one request; never rejects. */
export type Handle = (request: WireRequest) => Promise<WireReply>;
