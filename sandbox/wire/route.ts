import { AwsError } from "../model/error.ts";
import type { ServiceName } from "../model/aws.ts";
import { decodeJson } from "./json.ts";
import type { WireRequest } from "./message.ts";
import { decodeQuery } from "./query.ts";

/** One API call, freed from its protocol. */
export interface Call {
  service: ServiceName;
  action: string;
  region: string;
  /** Decodes the body; throws AwsError when it is malformed. */
  params: () => unknown;
}

const jsonTargets: Record<string, ServiceName> = { AmazonEC2ContainerServiceV20141113: "ecs" };
const queryVersions: Record<string, ServiceName> = {
  "2015-12-01": "elasticloadbalancing",
  "2011-06-15": "sts",
};
const defaultRegion = "us-east-1";

/**
 * Which call a request is: by `x-amz-target` (JSON) or the form's Version
 * (query); the region comes from the signature's credential scope. Signatures
 * themselves are not checked. Throws AwsError for what it does not know.
 */
export function routeOf(request: WireRequest): Call {
  const scope = /Credential=[^/]*\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(
    request.headers["authorization"] ?? "",
  );
  const region = scope?.[1] ?? defaultRegion;
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const [prefix = "", action = ""] = target.split(".");
    const service = jsonTargets[prefix];
    if (service === undefined) throw unknownService(target);
    return { service, action, region, params: () => decodeJson(request.body) };
  }
  const form = new URLSearchParams(request.method === "GET" ? request.path.split("?")[1] : request.body);
  const version = form.get("Version") ?? "";
  const service = queryVersions[version];
  if (service === undefined) throw unknownService(scope?.[2] ?? (version === "" ? request.path : version));
  return { service, action: form.get("Action") ?? "", region, params: () => decodeQuery(form) };
}

function unknownService(what: string): AwsError {
  return new AwsError(
    "UnknownOperationException",
    `The sandbox does not know '${what}'. It answers for ECS, ELBv2 (API 2015-12-01) and STS.`,
    404,
  );
}
