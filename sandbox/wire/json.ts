import { AwsError } from "../model/error.ts";
import type { WireAnswer } from "./message.ts";

/*
 * AWS JSON 1.1: times are epoch seconds, an error names its shape in `__type`.
 */

const contentType = "application/x-amz-json-1.1";

export function decodeJson(body: string): unknown {
  try {
    return JSON.parse(body === "" ? "{}" : body);
  } catch (cause) {
    throw new AwsError("SerializationException", `The body is no JSON: ${String(cause)}`);
  }
}

export function encodeJson(result: unknown, requestId: string): WireAnswer {
  return {
    status: 200,
    headers: { "content-type": contentType, "x-amzn-requestid": requestId },
    body: JSON.stringify(withEpochSeconds(result)),
  };
}

export function encodeJsonError(error: AwsError, requestId: string): WireAnswer {
  return {
    status: error.status,
    headers: { "content-type": contentType, "x-amzn-requestid": requestId, "x-amzn-errortype": error.code },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

function withEpochSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(withEpochSeconds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withEpochSeconds(member)]));
}
