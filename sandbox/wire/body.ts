import { gunzipSync } from "node:zlib";
import { AwsError } from "../model/error.ts";
import type { WireRequest } from "./message.ts";

const decoder = new TextDecoder();

/** No call is larger, packed or unpacked. */
export const bodyBytesMax = 1_048_576;

/** The body as bytes, unpacked where the client packed it. Throws AwsError where it can't be. */
export function bytesOf({ body, headers }: WireRequest): Uint8Array {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (!(headers["content-encoding"] ?? "").includes("gzip")) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: bodyBytesMax });
  } catch (cause) {
    throw new AwsError("SerializationException", `The body can't be unpacked: ${String(cause)}`);
  }
}

/** The body as text, unpacked where the client packed it. Throws AwsError where it can't be. */
export function textOf(request: WireRequest): string {
  const { body, headers } = request;
  if (typeof body === "string" && headers["content-encoding"] === undefined) return body;
  return decoder.decode(bytesOf(request));
}
