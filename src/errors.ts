/**
 * The one error type and the one catalogue. Every error that can reach a person has a code here, and every
 * code says what a person does next; `docs/errors.md` is held equal to this table by a test.
 */
export interface ErrorEntry {
  /** HTTP status of an answer that carries this error; 0 for errors that never leave a process. */
  status: number;
  /** Whether the same request may succeed later without anybody changing anything. */
  retryable: boolean;
  /** What went wrong, in general terms. The message of a single error names the things involved. */
  title: string;
  /** What the reader does next. */
  fix: string;
}

export const catalogue = {
  // --- asking -----------------------------------------------------------------------------------------
  "bad-request": {
    status: 400,
    retryable: false,
    title: "The request is malformed",
    fix: "Correct the fields named in the answer and send it again.",
  },
  unauthorized: {
    status: 401,
    retryable: false,
    title: "No valid credentials were given",
    fix: "Send a valid bearer token, of Teal's or of an issuer in access.oidc; or sign the webhook with its secret.",
  },
  forbidden: {
    status: 403,
    retryable: false,
    title: "You may not do this",
    fix: "Ask an administrator for a token, or a grant in access.oidc, with what the answer names.",
  },
  "replayed-delivery": {
    status: 409,
    retryable: false,
    title: "This signed delivery was already received",
    fix: "Look at what it led to with `teal deliveries`; to have it carried out again, use `teal redeliver`. If the first one wasn't yours, replace the webhook's secret.",
  },
  "outdated-delivery": {
    status: 400,
    retryable: false,
    title: "The delivery is too old, or its clock is wrong",
    fix: "Set the sender's clock; of an old one, have what it tells deployed by `teal deploy`.",
  },
  "bad-mapping": {
    status: 422,
    retryable: false,
    title: "The webhook can't make a request of this payload",
    fix: "Correct the webhook in teal.yaml, then have the delivery carried out again by `teal redeliver`.",
  },
  "unknown-delivery": {
    status: 404,
    retryable: false,
    title: "No such delivery",
    fix: "List what is kept with `teal deliveries`.",
  },
  "payload-not-kept": {
    status: 409,
    retryable: false,
    title: "The payload of this delivery was not kept",
    fix: "Have what it tells deployed by `teal deploy`.",
  },
  "unknown-service": {
    status: 404,
    retryable: false,
    title: "No such service in the configuration",
    fix: "Use one of the services that teal.yaml names, or add this one to it.",
  },
  "unknown-strategy": {
    status: 400,
    retryable: false,
    title: "No such strategy in the configuration",
    fix: "Use a preset or one of the strategies that teal.yaml names.",
  },
  "unknown-deployment": {
    status: 404,
    retryable: false,
    title: "No such deployment",
    fix: "List the deployments of the service with `teal list`.",
  },
  "not-found": {
    status: 404,
    retryable: false,
    title: "There is nothing at this path",
    fix: "Look at the API description at /openapi.json.",
  },
  busy: {
    status: 409,
    retryable: true,
    title: "Another deployment acts on this service",
    fix: "Wait for it to end, roll it back, or ask to be queued behind it.",
  },
  "idempotency-conflict": {
    status: 409,
    retryable: false,
    title: "This idempotency key was used for a different request",
    fix: "Use a new key for a new request.",
  },
  "command-refused": {
    status: 409,
    retryable: false,
    title: "The command does not fit what the deployment is doing",
    fix: "Look at the deployment with `teal status` and choose a command that it lists.",
  },
  "method-not-allowed": {
    status: 405,
    retryable: false,
    title: "This path knows no such method",
    fix: "Use one of the methods in the header Allow.",
  },
  "too-slow": {
    status: 408,
    retryable: true,
    title: "The request did not arrive in time",
    fix: "Send it again, in one go.",
  },
  "not-json": {
    status: 415,
    retryable: false,
    title: "The body is of a kind that Teal does not read",
    fix: "Send JSON, with the header Content-Type: application/json.",
  },
  "rate-limited": {
    status: 429,
    retryable: true,
    title: "Too many requests in a short time",
    fix: "Send it again after the time in Retry-After; ask less often, or follow the events instead of polling.",
  },
  "headers-too-large": {
    status: 431,
    retryable: false,
    title: "The request's line and headers are too large",
    fix: "Send less than 16 KiB of them.",
  },
  "too-large": {
    status: 413,
    retryable: false,
    title: "The request body is too large",
    fix: "Send less than 1 MiB.",
  },
  unavailable: {
    status: 503,
    retryable: true,
    title: "Teal cannot keep this request at the moment",
    fix: "Send it again after the time in Retry-After, with the same Idempotency-Key: it is accepted once.",
  },
  "too-new": {
    status: 503,
    retryable: false,
    title: "The record was written by a newer version of Teal",
    fix: "Run that version, or a newer one, everywhere; nothing of the record was changed.",
  },
  internal: {
    status: 500,
    retryable: true,
    title: "Something failed inside Teal",
    fix: "Look for the request id in the logs; tell the maintainers.",
  },
  "bad-config": {
    status: 0,
    retryable: false,
    title: "The configuration is not valid",
    fix: "Correct the lines named in the message.",
  },
  "bad-redis": {
    status: 0,
    retryable: false,
    title: "This Redis could lose jobs",
    fix: "Use Redis 6.2 or newer with maxmemory-policy noeviction.",
  },
  // --- preparing: found by looking, before anything is touched ------------------------------------------
  "service-missing": {
    status: 422,
    retryable: false,
    title: "The ECS service does not exist or is not active",
    fix: "Correct cluster, service and region in teal.yaml.",
  },
  "not-external": {
    status: 422,
    retryable: false,
    title: "The ECS service does not use the EXTERNAL deployment controller",
    fix: "Recreate the service with deploymentController.type EXTERNAL.",
  },
  "desired-count-zero": {
    status: 422,
    retryable: false,
    title: "The service's desiredCount is 0",
    fix: "Raise desiredCount before deploying.",
  },
  "no-primary": {
    status: 422,
    retryable: false,
    title: "The service has no PRIMARY task set and none is described in the configuration",
    fix: "Describe the first task set under `taskSet:` of the service in teal.yaml.",
  },
  "unknown-revision": {
    status: 422,
    retryable: false,
    title: "The task definition does not exist or is not active",
    fix: "Register it first, or name one that exists.",
  },
  "unknown-container": {
    status: 422,
    retryable: false,
    title: "The task definition has no container of that name",
    fix: "Use the names of its containers.",
  },
  "group-missing": {
    status: 422,
    retryable: false,
    title: "A target group does not exist",
    fix: "Correct targetGroups in teal.yaml.",
  },
  "group-unattached": {
    status: 422,
    retryable: false,
    title: "A target group is in no listener or rule",
    fix: "Put it into the configured routes with weight 0.",
  },
  "group-elsewhere": {
    status: 422,
    retryable: false,
    title: "The two target groups do not belong to the load balancer of the routes",
    fix: "Use two target groups of one load balancer, and routes of that load balancer.",
  },
  "blue-elsewhere": {
    status: 422,
    retryable: false,
    title: "The PRIMARY task set is registered in neither of the pair's target groups",
    fix: "Correct targetGroups in teal.yaml.",
  },
  "route-missing": {
    status: 422,
    retryable: false,
    title: "A route does not exist",
    fix: "Correct routes in teal.yaml.",
  },
  "route-without-pair": {
    status: 422,
    retryable: false,
    title: "A route does not forward to both target groups of the pair",
    fix: "Add both groups to its forward action; the idle one with weight 0.",
  },
  "unconfigured-route": {
    status: 422,
    retryable: false,
    title: "A listener or rule that is not configured serves the pair",
    fix: "Add it to the routes of the service, or take the pair out of it.",
  },
  "green-has-weight": {
    status: 422,
    retryable: false,
    title: "The idle target group already gets traffic",
    fix: "Set its weight to 0 in every route, or finish what set it.",
  },
  "green-has-targets": {
    status: 422,
    retryable: false,
    title: "The idle target group already has targets that belong to no earlier deployment",
    fix: "Deregister them, or remove the task set that registered them.",
  },
  "weight-inexpressible": {
    status: 422,
    retryable: false,
    title: "A percentage of the strategy cannot be expressed by the weights of a route",
    fix: "Raise the weights of the pair in that route so that they can be divided, or change the step.",
  },
  "too-many-task-sets": {
    status: 422,
    retryable: false,
    title: "The service already has five task sets",
    fix: "Delete those that serve nothing.",
  },
  "too-many-tags": {
    status: 422,
    retryable: false,
    title: "The new task set would carry more than 50 tags",
    fix: "Remove tags from the PRIMARY task set or the request.",
  },
  "record-older": {
    status: 422,
    retryable: false,
    title: "AWS is further than the record: Redis came back older or empty",
    fix: "Look with `teal recover` and say whether to go on or back.",
  },
  // --- acting -------------------------------------------------------------------------------------------
  "access-denied": {
    status: 0,
    retryable: true,
    title: "AWS refuses a call for want of permission",
    fix: "Grant the named action; Teal keeps trying.",
  },
  "aws-refused": {
    status: 0,
    retryable: false,
    title: "AWS refuses a call",
    fix: "Read the message of AWS; correct what it names and deploy again.",
  },
  "aws-unavailable": {
    status: 0,
    retryable: true,
    title: "AWS did not answer, or asked to be called less often",
    fix: "Nothing: Teal tries again.",
  },
  "aws-quota": {
    status: 0,
    retryable: true,
    title: "A quota of the AWS account is exhausted",
    fix: "Raise the quota or free what uses it; Teal keeps trying.",
  },
  "analysis-failed": {
    status: 0,
    retryable: false,
    title: "A check says that the new version is bad",
    fix: "Read what the check found; correct the new version, or the check, and deploy again.",
  },
  "hook-failed": {
    status: 0,
    retryable: false,
    title: "A hook refused the new version, or could not be asked",
    fix: "Read what the hook said; correct the new version, or the hook, and deploy again.",
  },
  "gate-timed-out": {
    status: 0,
    retryable: false,
    title: "Nobody let the deployment pass a gate in time",
    fix: "Deploy again, and approve in time; or give the gate a longer timeout.",
  },
  "stale-build": {
    status: 409,
    retryable: false,
    title: "A newer build was accepted before this one",
    fix: "Deploy the newest build; to deploy this one all the same, say force.",
  },
  "green-failing": {
    status: 0,
    retryable: false,
    title: "The tasks of the new version keep failing",
    fix: "Read the reason of the stopped tasks; correct the new version and deploy again.",
  },
  "green-unhealthy": {
    status: 0,
    retryable: false,
    title: "The new version lost healthy tasks while it carried traffic",
    fix: "Read the reason of the stopped tasks; correct the new version and deploy again.",
  },
  "green-gone": {
    status: 0,
    retryable: false,
    title: "The new task set disappeared",
    fix: "Find out who deleted it, and deploy again.",
  },
  "blue-gone": {
    status: 0,
    retryable: false,
    title: "The old task set disappeared",
    fix: "Find out who deleted it; promote the new version or deploy again.",
  },
  deadline: {
    status: 0,
    retryable: false,
    title: "A deadline of the strategy has passed",
    fix: "Read what it was waiting for; correct that, or give it more time.",
  },
  operator: {
    status: 0,
    retryable: false,
    title: "Somebody asked for it",
    fix: "Nothing.",
  },
  guarded: {
    status: 0,
    retryable: true,
    title: "The last guard before a call forbade it",
    fix: "Tell the maintainers: this is a defect in Teal that the guard made harmless.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

/** One thing wrong among several: a field of a request, a line of a file, a finding about AWS. */
export interface Problem {
  code: ErrorCode;
  message: string;
  /** Path of the field or line, such as `strategies.careful.steps[2].weight` or `teal.yaml:14:9`. */
  path?: string;
}

/** An error for a person: what happened, to what, and (through the catalogue) what to do next. */
export class TealError extends Error {
  readonly code: ErrorCode;
  readonly problems: Problem[];
  /** For retryable errors: when to try again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { problems?: Problem[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TealError";
    this.code = code;
    this.problems = options.problems ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  get entry(): ErrorEntry {
    return catalogue[this.code];
  }
}
