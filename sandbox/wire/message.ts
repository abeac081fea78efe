/** An HTTP request, however it came. */
export interface WireRequest {
  method: string;
  /** With its query, if any. */
  path: string;
  /** By lower-case name. */
  headers: Record<string, string | undefined>;
  body: string;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An answer, or a connection that breaks without one. */
export type WireReply = WireAnswer | { cut: true };

/** Answers one request; never rejects. */
export type Handle = (request: WireRequest) => Promise<WireReply>;
