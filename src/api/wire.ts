/** What is refused before there is a request that a route could answer: by Node's parser, or by Fastify's router. */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { TealError } from "../errors.ts";
import { type ProblemDetails, problemMediaType } from "./contract.ts";
import { answerError, problemOf } from "./problems.ts";

/** The part of a connection that is answered by hand. */
interface Connection {
  destroyed: boolean;
  writable: boolean;
  write(text: string): unknown;
  destroy(error?: Error): unknown;
}

/** Fastify's `clientErrorHandler`: bytes that are no HTTP, too many of them, or too few in the time. */
export function refuseConnections(log: Pick<FastifyBaseLogger, "debug">) {
  return (error: Error & { code?: string }, connection: Connection): void => {
    // Nobody is there any more.
    if (error.code === "ECONNRESET" || connection.destroyed) return;
    const problem = problemOf(refusal(error.code), randomUUID());
    log.debug({ requestId: problem.requestId, reason: error.code }, "refused a connection");
    if (connection.writable) connection.write(answerOf(problem));
    connection.destroy(error);
  };
}

function answerOf(problem: ProblemDetails): string {
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: ${problemMediaType}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${problem.requestId}\r\nconnection: close\r\n\r\n${body}`
  );
}

function refusal(code: string | undefined): TealError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new TealError("too-slow", "The request was not complete in time.");
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return new TealError("headers-too-large", "The request's line and headers are larger than 16 KiB.");
  }
  return new TealError("bad-request", "What was sent is not a request of HTTP/1.1.");
}

/** Fastify's `frameworkErrors`: what the router can't read. No hook has seen the request by then. */
export function refuseRequest(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.header("x-request-id", request.id);
  answerError(error, request, reply);
}
