import type { Clock } from "../clock.ts";
import type { Handle } from "./message.ts";
import { patiently } from "./patience.ts";

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
    handle: (request, { abortSignal, requestTimeout: timeoutMs = requestTimeoutMs } = {}) => {
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      return patiently(clock, { abortSignal: signal, timeoutMs }, async (cut) => {
        const reply = await handle({
          method: request.method,
          path: request.path,
          headers: Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
          ),
          body: bodyOf(request.body),
        });
        if ("cut" in reply) return cut();
        const body = typeof reply.body === "string" ? new TextEncoder().encode(reply.body) : reply.body;
        return { response: { statusCode: reply.status, headers: reply.headers, body } };
      });
    },
  };
}

function bodyOf(body: unknown): string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array ? body : "";
}
