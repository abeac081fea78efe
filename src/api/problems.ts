/** How errors leave the API: as problem details, from the catalogue, without stacks and without secrets. */
import type { FastifyReply, FastifyRequest, FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { dotted, explain, findings } from "../config/explain.ts";
import { type ErrorCode, type Problem, TealError } from "../errors.ts";
import { type ProblemDetails, problemMediaType } from "./contract.ts";

const retryAfterMsUsual = 2_000;
const problemsMax = 100;
/** Where this server tells what each code means. */
export const errorsPath = "/docs/errors";

/** Checks a part of a request by its schema; all fields that are wrong are told at once. */
export const checkBySchema: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    const parsed = schema.safeParse(data, { error: explain });
    if (parsed.success) return { value: parsed.data };
    const where = httpPart === "body" || httpPart === undefined ? [] : [placeOf(httpPart)];
    return { error: malformed(parsed.error, where) };
  };
};

/** @param where what the paths begin with; for the body nothing */
export function malformed(error: z.ZodError, where: string[] = []): TealError {
  const problems = findings(error.issues)
    .slice(0, problemsMax)
    .map(({ path, message }): Problem => {
      const at = dotted([...where, ...path]);
      return { code: "bad-request", message: `${at || "the body"} ${message}`, ...(at && { path: at }) };
    });
  return new TealError("bad-request", summary(problems), { problems });
}

/** Several problems in one sentence, for readers who see the message alone. */
export function summary(problems: readonly Problem[]): string {
  const [first] = problems;
  const more = problems.length - 1;
  return `${first?.message ?? "The request is malformed"}${more > 0 ? ` (and ${more} more)` : ""}.`;
}

/** Fastify's error handler. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = translate(error);
  const { status } = known.entry;
  if (status >= 500) {
    // An outage passes by itself; anything else is for a person to look at.
    const level = known.code === "unavailable" ? "warn" : "error";
    request.log[level]({ err: error, code: known.code }, "a request failed");
  }
  if (known.code === "unavailable" || known.retryAfterMs !== undefined) {
    void reply.header("retry-after", String(Math.ceil((known.retryAfterMs ?? retryAfterMsUsual) / 1000)));
  }
  if (known.code === "unauthorized") void reply.header("www-authenticate", "Bearer");
  return reply
    .code(status)
    .type(problemMediaType)
    .send(JSON.stringify(problemOf(known, request.id)));
}

/** What is told of an error. */
export function problemOf({ code, entry, message, problems }: TealError, requestId: string): ProblemDetails {
  const { status, title, fix } = entry;
  return {
    type: `${errorsPath}#${code}`,
    title,
    status,
    // What failed inside is for the log alone.
    detail: code === "internal" ? "Something failed inside Teal." : message,
    instance: `urn:teal:request:${requestId}`,
    code,
    fix,
    problems,
    requestId,
  };
}

/** Everything leaves as an error of the catalogue that has a status. */
function translate(error: unknown): TealError {
  if (error instanceof TealError) {
    return error.entry.status === 0 ? new TealError("internal", error.message, { cause: error }) : error;
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return known("too-large", "The body is larger than 1 MiB");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return known("not-json", "The header Content-Type must be application/json");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return known("bad-request", "The body is empty");
  }
  if (status >= 400 && status < 500 && error instanceof Error) {
    return known("bad-request", `The request can't be read: ${error.message}`);
  }
  return new TealError("internal", "unexpected", { cause: error });
}

function known(code: ErrorCode, message: string): TealError {
  return new TealError(code, `${message}.`);
}

function placeOf(httpPart: string): string {
  return { querystring: "query", params: "path", headers: "header" }[httpPart] ?? httpPart;
}
