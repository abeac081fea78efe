/**
 * The one table from what AWS (or the way to it) answers to what Teal makes of it. A row is found by the
 * exception's name; several rows of one name are told apart by the action and the words of the message, the
 * first match wins. Names come with and without the ending `Exception`, so the table leaves it out.
 */
import type { ErrorCode } from "../errors.ts";
import type { Fault } from "../deployment/observation.ts";

export interface FaultRow {
  /** AWS's name, without the ending `Exception`. */
  name: string;
  class: Fault["class"];
  /** How it is told to people. */
  error: ErrorCode;
  /** Only for this action. */
  action?: string;
  /** Only where the message says so. */
  words?: RegExp;
}

const unavailable = { class: "repeat", error: "aws-unavailable" } as const;
const refused = { class: "refuse", error: "aws-refused" } as const;
const absent = { class: "absent", error: "aws-refused" } as const;
/** Credentials that fail may be renewed behind our back, so these are worth trying again, slowly. */
const denied = { class: "stuck", error: "access-denied" } as const;
const quota = { class: "stuck", error: "aws-quota" } as const;

/** Words of a refusal that a larger quota would cure. */
const quotaWords = /\bquota\b|reached the (?:limit|maximum)|limit exceeded/iu;

export const faultTable: readonly FaultRow[] = [
  // ECS, CreateTaskSet first (API reference, "Errors").
  { name: "Server", ...unavailable },
  // The sixth undrained set of a service: the older ones go away by themselves.
  {
    name: "InvalidParameter",
    action: "ecs:CreateTaskSet",
    words:
      /(?:\b5\b|five|limit|maximum)[^.]*(?:deployments|task ?sets)|(?:deployments|task ?sets)[^.]*(?:\b5\b|limit|maximum)/iu,
    ...unavailable,
  },
  { name: "InvalidParameter", words: quotaWords, ...quota },
  {
    name: "InvalidParameter",
    action: "ecs:TagResource",
    words: /not found|n[o']t exist|cannot be found/iu,
    ...absent,
  },
  { name: "InvalidParameter", ...refused },
  // ECS has no name of its own for a revision that does not exist.
  { name: "Client", action: "ecs:DescribeTaskDefinition", ...absent },
  { name: "Client", words: /too many concurrent/iu, ...unavailable },
  { name: "Client", words: quotaWords, ...quota },
  { name: "Client", ...refused },
  { name: "ClusterNotFound", ...absent },
  { name: "ServiceNotFound", ...absent },
  { name: "ServiceNotActive", ...absent },
  { name: "TaskSetNotFound", ...absent },
  { name: "ResourceNotFound", ...absent },
  { name: "UnsupportedFeature", ...refused },
  { name: "PlatformUnknown", ...refused },
  { name: "PlatformTaskDefinitionIncompatibility", ...refused },
  { name: "NamespaceNotFound", ...refused },
  { name: "UpdateInProgress", ...unavailable },
  { name: "Conflict", ...unavailable },
  { name: "LimitExceeded", ...quota },
  { name: "ServiceQuotaExceeded", ...quota },
  { name: "Blocked", ...denied },

  // Elastic Load Balancing v2 (API reference of what we call).
  { name: "ListenerNotFound", ...absent },
  { name: "RuleNotFound", ...absent },
  { name: "TargetGroupNotFound", ...absent },
  { name: "LoadBalancerNotFound", ...absent },
  { name: "InvalidConfigurationRequest", ...refused },
  { name: "InvalidLoadBalancerAction", ...refused },
  { name: "IncompatibleProtocols", ...refused },
  { name: "OperationNotPermitted", ...refused },
  { name: "UnsupportedProtocol", ...refused },
  { name: "ResourceInUse", ...refused },
  { name: "TargetGroupAssociationLimit", ...refused },
  { name: "TooManyActions", ...refused },
  { name: "TooManyTargets", ...quota },
  { name: "TooManyRegistrationsForTargetId", ...quota },
  { name: "TooManyUniqueTargetGroupsPerLoadBalancer", ...quota },

  // CloudWatch (API reference of what we call), and what it says of a single result.
  { name: "InternalServiceFault", ...unavailable },
  { name: "InvalidNextToken", ...unavailable },
  { name: "PartialData", ...unavailable },
  { name: "MissingRequiredParameter", ...refused },
  { name: "Forbidden", ...denied },

  // Any service: the request itself (AWS "Common errors").
  { name: "ValidationError", ...refused },
  { name: "Validation", ...refused },
  { name: "MissingParameter", ...refused },
  { name: "InvalidParameterValue", ...refused },
  { name: "InvalidParameterCombination", ...refused },
  { name: "InvalidAction", ...refused },
  { name: "UnknownOperation", ...refused },
  { name: "Serialization", ...refused },
  { name: "InvalidToken", ...refused },

  // Any service: who asks.
  { name: "AccessDenied", ...denied },
  { name: "UnauthorizedOperation", ...denied },
  { name: "NotAuthorized", ...denied },
  { name: "AuthFailure", ...denied },
  { name: "UnrecognizedClient", ...denied },
  { name: "InvalidClientTokenId", ...denied },
  { name: "InvalidAccessKeyId", ...denied },
  { name: "MissingAuthenticationToken", ...denied },
  { name: "IncompleteSignature", ...denied },
  { name: "InvalidSignature", ...denied },
  { name: "SignatureDoesNotMatch", ...denied },
  { name: "ExpiredToken", ...denied },
  { name: "OptInRequired", ...denied },
  { name: "RegionDisabled", ...denied },
  { name: "CredentialsProviderError", ...denied },

  // Any service: its own trouble, or too many calls.
  { name: "Throttling", ...unavailable },
  { name: "Throttled", ...unavailable },
  { name: "TooManyRequests", ...unavailable },
  { name: "RequestLimitExceeded", ...unavailable },
  { name: "RequestThrottled", ...unavailable },
  { name: "SlowDown", ...unavailable },
  { name: "PriorRequestNotComplete", ...unavailable },
  { name: "InternalFailure", ...unavailable },
  { name: "InternalError", ...unavailable },
  { name: "InternalServerError", ...unavailable },
  { name: "ServiceUnavailable", ...unavailable },
  { name: "RequestExpired", ...unavailable },
  { name: "RequestTimeTooSkewed", ...unavailable },
  { name: "RequestTimeout", ...unavailable },

  // The way to AWS.
  { name: "Timeout", ...unavailable },
  { name: "Network", ...unavailable },
];

/** A call that failed, already understood. */
export class CallFailed extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(`${fault.action}: ${fault.code}: ${fault.message}`, cause === undefined ? undefined : { cause });
    this.name = "CallFailed";
    this.fault = fault;
  }
}

/** A fault that an answer tells of without being an error, understood as an error of that name would be. */
export function failure(code: string, message: string, action: string): CallFailed {
  const seen = { code, message, action };
  return new CallFailed({ class: rowOf(seen)?.class ?? "refuse", ...seen });
}

/** The catalogue's code for a fault. */
export function errorCodeOf(fault: Pick<Fault, "code" | "message" | "action" | "class">): ErrorCode {
  return rowOf(fault)?.error ?? (fault.class === "repeat" ? "aws-unavailable" : "aws-refused");
}

/** Understands whatever a call threw. Total: what nobody knows is judged by its HTTP status alone. */
export function faultOf(error: unknown, action: string): Fault {
  if (error instanceof CallFailed) return error.fault;
  const { name, message, status, requestId } = anatomy(error);
  const seen = { code: name, message: message.slice(0, messageMax), action, ...(requestId && { requestId }) };
  const row = rowOf(seen);
  if (row) return { class: row.class, ...seen };
  return { class: status !== undefined && status >= 400 && status < 500 ? "refuse" : "repeat", ...seen };
}

/**
 * Whether a failed attempt of a call certainly changed nothing: AWS answered that it refuses, or was never
 * reached. Everything else (5xx, timeouts, cut connections, unreadable answers) may have happened.
 */
export function didNothing(error: unknown): boolean {
  const { status, errno } = anatomy(error);
  if (status === undefined) return errno !== undefined && neverArrived.has(errno);
  return status >= 400 && status < 500 && status !== 408;
}

const messageMax = 1_000;

/** Errors of connecting; later ones, such as ECONNRESET, leave open what AWS received. */
const neverArrived: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

function rowOf(seen: { code: string; message: string; action: string }): FaultRow | undefined {
  const name = seen.code.replace(/Exception$/u, "");
  return faultTable.find(
    (row) =>
      row.name === name &&
      (row.action === undefined || row.action === seen.action) &&
      (row.words === undefined || row.words.test(seen.message)),
  );
}

interface Anatomy {
  name: string;
  message: string;
  status?: number;
  requestId?: string;
  errno?: string;
}

function anatomy(error: unknown): Anatomy {
  if (!(error instanceof Error)) return { name: "Unknown", message: String(error) };
  const { $metadata, code } = error as Error & {
    $metadata?: { httpStatusCode?: number; requestId?: string };
    code?: unknown;
  };
  const status = $metadata?.httpStatusCode;
  const errno = typeof code === "string" && /^E[A-Z_]+$/u.test(code) ? code : undefined;
  const found = { message: error.message, status, requestId: $metadata?.requestId, errno };
  if (status !== undefined) return { ...found, name: error.name };
  if (error.name === "TimeoutError" || error.name === "AbortError") return { ...found, name: "Timeout" };
  if (errno) return { ...found, name: "Network", message: error.message || errno };
  return { ...found, name: error.name };
}
