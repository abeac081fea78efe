import { request as httpRequest, type Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";

/** One request on its way to the target that was chosen for it. */
export interface Errand {
  request: IncomingMessage;
  response: ServerResponse;
  /** Where the target really listens. */
  place: Place;
  /** The listener's, for `x-forwarded-*`. */
  protocol: string;
  port: number;
  /** `Set-Cookie` values for the client. */
  cookies: readonly string[];
}

/** A socket that can be connected to. */
export interface Place {
  host: string;
  port: number;
}

/** What became of an errand, told at most once: the head of an answer came, or why there was none. */
export type Outcome =
  | { kind: "answered"; status: number; tookMs: number }
  /** No connection was established. */
  | { kind: "unreachable" }
  /** The target closed the connection before it answered. */
  | { kind: "cut" }
  | { kind: "timeout" }
  /** The client went away first. */
  | { kind: "abandoned" };

export interface RelayOptions {
  agent: Agent;
  clock: Clock;
  /** A target that sends nothing for so long is given up; on AWS the load balancer's idle timeout. */
  idleTimeoutMs: number;
}

/**
 * Carries a request to its target and the answer back, both streamed. Once the
 * head of the answer is sent, a failure can only cut the client's connection;
 * before that, nothing is sent and the caller answers according to the outcome.
 */
export function relay(errand: Errand, options: RelayOptions, settle: (outcome: Outcome) => void): void {
  const { request, response, place } = errand;
  const { clock, idleTimeoutMs } = options;
  const startedAt = clock.now();
  let activeAt = startedAt;
  let settled = false;
  const touch = () => {
    activeAt = clock.now();
  };
  const conclude = (outcome: Outcome) => {
    if (settled) return;
    settled = true;
    settle(outcome);
  };

  const onward = httpRequest({
    agent: options.agent,
    host: place.host,
    port: place.port,
    method: request.method,
    path: request.url,
    headers: onwardHeaders(errand),
    setHost: false,
  });

  let cancelTimeout = clock.after(idleTimeoutMs, checkIdle);
  function checkIdle(): void {
    const leftMs = activeAt + idleTimeoutMs - clock.now();
    if (leftMs > 0) {
      cancelTimeout = clock.after(leftMs, checkIdle);
      return;
    }
    conclude({ kind: "timeout" });
    onward.destroy();
  }

  onward.on("response", (answer) => {
    touch();
    const status = answer.statusCode ?? 502;
    conclude({ kind: "answered", status, tookMs: activeAt - startedAt });
    response.writeHead(status, answer.statusMessage, backwardHeaders(answer.rawHeaders, errand.cookies));
    answer.on("data", touch);
    answer.on("error", () => response.destroy());
    answer.pipe(response);
  });
  onward.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED" || error.code === "EADDRNOTAVAIL") conclude({ kind: "unreachable" });
    else conclude({ kind: "cut" });
  });
  response.on("close", () => {
    cancelTimeout();
    if (response.writableFinished) return;
    conclude({ kind: "abandoned" });
    onward.destroy();
  });

  if (hasBody(request)) {
    request.on("data", touch);
    request.pipe(onward);
  } else onward.end();
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** Headers that concern one connection only, and those that the balancer writes itself. */
const ownHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "upgrade",
  "expect",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-port",
]);

/** Name and value in turn, as Node takes raw headers. */
function onwardHeaders(errand: Errand): string[] {
  const { request } = errand;
  const raw = request.rawHeaders;
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    if (!ownHeaders.has(name.toLowerCase())) headers.push(name, raw[i + 1] ?? "");
  }
  const before = request.headers["x-forwarded-for"];
  const client = request.socket.remoteAddress ?? "unknown";
  headers.push("x-forwarded-for", before === undefined ? client : `${String(before)}, ${client}`);
  headers.push("x-forwarded-proto", errand.protocol === "HTTPS" ? "https" : "http");
  headers.push("x-forwarded-port", String(errand.port));
  headers.push("connection", "keep-alive");
  return headers;
}

function backwardHeaders(raw: readonly string[], cookies: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    switch (name.toLowerCase()) {
      case "connection":
      case "keep-alive":
      case "transfer-encoding":
        break;
      default:
        headers.push(name, raw[i + 1] ?? "");
    }
  }
  for (const cookie of cookies) headers.push("set-cookie", cookie);
  return headers;
}
