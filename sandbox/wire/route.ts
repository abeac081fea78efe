import { AwsError } from "../model/error.ts";
import type { ServiceName } from "../model/aws.ts";
import type { Credential } from "../model/sts/sts.ts";
import { bytesOf, textOf } from "./body.ts";
import { cborEncoding, decodeCbor } from "./cbor.ts";
import { decodeJson, jsonEncoding } from "./json.ts";
import type { Encoding, WireRequest } from "./message.ts";
import { decodeQuery, queryEncoding } from "./query.ts";

/** One API call, freed from its protocol. */
export interface Call {
  service: ServiceName;
  action: string;
  region: string;
  /** What it was signed with; undefined: nothing. */
  credential?: Credential;
  encoding: Encoding;
  /** Decodes the body; throws AwsError when it is malformed. */
  params: () => unknown;
}

const rpcServices: Record<string, { service: ServiceName; json: Encoding }> = {
  AmazonEC2ContainerServiceV20141113: { service: "ecs", json: jsonEncoding("1.1") },
  GraniteServiceVersion20100801: { service: "monitoring", json: jsonEncoding("1.0") },
};
const queryVersions: Record<string, Exclude<ServiceName, "ecs">> = {
  "2015-12-01": "elasticloadbalancing",
  "2010-08-01": "monitoring",
  "2011-06-15": "sts",
};
const defaultRegion = "us-east-1";

/**
 * Which call a request is: by `x-amz-target` (JSON), the path (CBOR) or the
 * form's Version (query); key and region come from the signature's credential scope. Signatures
 * themselves are not checked. Throws AwsError for what it does not know.
 */
export function routeOf(request: WireRequest): Call {
  const scope = /Credential=([^/]*)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    request.headers["authorization"] ?? "",
  );
  const region = scope?.[2] ?? defaultRegion;
  const sessionToken = request.headers["x-amz-security-token"];
  const signed = scope !== null && {
    credential: { accessKeyId: scope[1] ?? "", ...(sessionToken !== undefined && { sessionToken }) },
  };
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const [prefix = "", action = ""] = target.split(".");
    const known = rpcServices[prefix];
    if (known === undefined) throw unknownService(target);
    const { service, json: encoding } = known;
    const params = once(() => decodeJson(textOf(request)));
    return { service, action, region, ...signed, encoding, params };
  }
  const rpc = /^\/service\/([^/]+)\/operation\/(\w+)$/.exec(request.path);
  if (rpc !== null) {
    const [, prefix = "", action = ""] = rpc;
    const service = rpcServices[prefix]?.service;
    if (service === undefined) throw unknownService(prefix);
    const params = once(() => decodeCbor(bytesOf(request)));
    return { service, action, region, ...signed, encoding: cborEncoding, params };
  }
  const form = new URLSearchParams(request.method === "GET" ? request.path.split("?")[1] : textOf(request));
  const version = form.get("Version") ?? "";
  const service = queryVersions[version];
  if (service === undefined) throw unknownService(scope?.[3] ?? (version === "" ? request.path : version));
  const action = form.get("Action") ?? "";
  const encoding = queryEncoding(service, action);
  return { service, action, region, ...signed, encoding, params: once(() => decodeQuery(form)) };
}

/** What is asked for several times is made once; a failure is not kept. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function unknownService(what: string): AwsError {
  return new AwsError(
    "UnknownOperationException",
    `The sandbox does not know '${what}'. It answers for ECS, ELBv2 (API 2015-12-01), CloudWatch and STS.`,
    404,
  );
}
