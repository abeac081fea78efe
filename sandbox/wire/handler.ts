import type { Clock } from "../clock.ts";
import type { Handle } from "./message.ts";

interface SdkRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: unknown;
}

interface SdkResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What the AWS SDK takes as its `requestHandler`. */
export interface InProcessHandler {
  metadata: { handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { abortSignal?: unknown; requestTimeout?: number },
  ): Promise<{ response: SdkResponse }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/**
 * The wire without a network: give it to an SDK client as `requestHandler`.
 * It fails as a socket would: ECONNRESET when the connection is cut, a
 * TimeoutError after `requestTimeoutMs` on the given clock, an AbortError when
 * the caller gives up. What was sent before that is performed all the same.
 */
export function inProcessHandler(handle: Handle, clock: Clock, requestTimeoutMs?: number): InProcessHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    handle: (request, options = {}) =>
      new Promise((resolve, reject) => {
        const signal = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
        let cancelTimeout: (() => void) | undefined;
        const abort = () => settle(() => reject(named("AbortError", "Request aborted")));
        const settle = (end: () => void) => {
          cancelTimeout?.();
          signal?.removeEventListener("abort", abort);
          end();
        };
        if (signal?.aborted === true) return abort();
        signal?.addEventListener("abort", abort);
        const timeoutMs = options.requestTimeout ?? requestTimeoutMs ?? 0;
        if (timeoutMs > 0)
          cancelTimeout = clock.after(timeoutMs, () =>
            settle(() => reject(named("TimeoutError", `No answer within ${timeoutMs} ms`))),
          );
        handle({
          method: request.method,
          path: request.path,
          headers: Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
          ),
          body: bodyOf(request.body),
        }).then(
          (reply) =>
            settle(() => {
              if ("cut" in reply) {
                reject(Object.assign(named("Error", "socket hang up"), { code: "ECONNRESET" }));
                return;
              }
              resolve({
                response: {
                  statusCode: reply.status,
                  headers: reply.headers,
                  body: typeof reply.body === "string" ? new TextEncoder().encode(reply.body) : reply.body,
                },
              });
            }),
          (cause: unknown) => settle(() => reject(cause instanceof Error ? cause : new Error(String(cause)))),
        );
      }),
  };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function bodyOf(body: unknown): string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array ? body : "";
}
