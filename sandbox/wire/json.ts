import { AwsError } from "../model/error.ts";
import type { Encoding } from "./message.ts";
import { plainOf, queryErrorOf } from "./plain.ts";

/*
 * AWS JSON 1.0 and 1.1: times are epoch seconds, an error names its shape in
 * `__type`. Those who speak 1.0 here once spoke the query protocol.
 */

export function decodeJson(body: string): unknown {
  try {
    return JSON.parse(body === "" ? "{}" : body);
  } catch (cause) {
    throw new AwsError("SerializationException", `The body is no JSON: ${String(cause)}`);
  }
}

export function jsonEncoding(version: "1.0" | "1.1"): Encoding {
  const headersOf = (requestId: string) => ({
    "content-type": `application/x-amz-json-${version}`,
    "x-amzn-requestid": requestId,
  });
  return {
    result: (result, requestId) => ({
      status: 200,
      headers: headersOf(requestId),
      body: JSON.stringify(plainOf(result, (time) => time.getTime() / 1000)),
    }),
    error: (error, requestId) => ({
      status: error.status,
      headers: {
        ...headersOf(requestId),
        "x-amzn-errortype": error.code,
        ...(version === "1.0" ? queryErrorOf(error) : {}),
      },
      body: JSON.stringify({ __type: error.code, message: error.message }),
    }),
  };
}
