import { cbor, tag } from "@smithy/core/cbor";
import { AwsError } from "../model/error.ts";
import type { Encoding } from "./message.ts";
import { plainOf, queryErrorOf } from "./plain.ts";

/*
 * Smithy RPC v2 with CBOR: the path names service and action, times are
 * tagged epoch seconds, an error names its shape in `__type`.
 */

/** CBOR's own tag for a time in epoch seconds (RFC 8949). */
const epochTag = 1;

export function decodeCbor(body: Uint8Array): unknown {
  try {
    return body.length === 0 ? {} : untagged(cbor.deserialize(body));
  } catch (cause) {
    throw new AwsError("SerializationException", `The body is no CBOR: ${String(cause)}`);
  }
}

export const cborEncoding: Encoding = {
  result: (result, requestId) => ({ status: 200, headers: headersOf(requestId), body: bytes(result) }),
  error: (error, requestId) => ({
    status: error.status,
    headers: { ...headersOf(requestId), ...queryErrorOf(error) },
    body: bytes({ __type: error.code, message: error.message }),
  }),
};

function headersOf(requestId: string): Record<string, string> {
  return {
    "content-type": "application/cbor",
    "smithy-protocol": "rpc-v2-cbor",
    "x-amzn-requestid": requestId,
  };
}

function bytes(value: unknown): Uint8Array {
  // The library encodes into a buffer that it uses again.
  return Uint8Array.from(
    cbor.serialize(plainOf(value, (time) => tag({ tag: epochTag, value: time.getTime() / 1000 }))),
  );
}

function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged);
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if ("tag" in value && "value" in value && Number(value.tag) === epochTag) return Number(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, untagged(member)]));
}
