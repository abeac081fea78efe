/** Every row of the table of faults, met through the real SDK. */
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import type { Effect } from "../../src/deployment/effect.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import { errorCodeOf, faultTable } from "../../src/aws/faults.ts";
import { groupA, openGuard, sampleClock, setArn, Stub, stubCloud, target } from "./stub.ts";

interface Case {
  code: string;
  class: Fault["class"];
  error: ErrorCode;
  message?: string;
  status?: number;
  /** Where the answer depends on it; else any call of the service. */
  by?: "create" | "tag" | "definition";
}

const refuse = { class: "refuse", error: "aws-refused" } as const;
const absent = { class: "absent", error: "aws-refused" } as const;
const repeat = { class: "repeat", error: "aws-unavailable" } as const;
const denied = { class: "stuck", error: "access-denied" } as const;
const quota = { class: "stuck", error: "aws-quota" } as const;

const ecs: Case[] = [
  { code: "ServerException", status: 500, ...repeat },
  {
    code: "InvalidParameterException",
    by: "create",
    message: "The maximum of 5 deployments for this service has been reached.",
    ...repeat,
  },
  {
    code: "InvalidParameterException",
    by: "create",
    message: "You cannot have more task sets: the limit is 5",
    ...repeat,
  },
  {
    code: "InvalidParameterException",
    message: "You've reached the limit on tasks, see your quota",
    ...quota,
  },
  { code: "InvalidParameterException", by: "tag", message: "The resource does not exist", ...absent },
  { code: "InvalidParameterException", by: "tag", message: "The resource doesn't exist", ...absent },
  { code: "InvalidParameterException", by: "create", message: "The target group does not exist", ...refuse },
  { code: "ClientException", by: "definition", message: "Unable to describe task definition.", ...absent },
  { code: "ClientException", message: "Too many concurrent attempts to create a new revision", ...repeat },
  { code: "ClientException", message: "This exceeds your Fargate vCPU quota", ...quota },
  { code: "ClientException", message: "No.", ...refuse },
  { code: "ClusterNotFoundException", ...absent },
  { code: "ServiceNotFoundException", ...absent },
  { code: "ServiceNotActiveException", ...absent },
  { code: "TaskSetNotFoundException", ...absent },
  { code: "ResourceNotFoundException", ...absent },
  { code: "UnsupportedFeatureException", ...refuse },
  { code: "PlatformUnknownException", ...refuse },
  { code: "PlatformTaskDefinitionIncompatibilityException", ...refuse },
  { code: "NamespaceNotFoundException", ...refuse },
  { code: "UpdateInProgressException", ...repeat },
  { code: "ConflictException", ...repeat },
  { code: "LimitExceededException", ...quota },
  { code: "ServiceQuotaExceededException", ...quota },
  { code: "BlockedException", ...denied },
  { code: "AccessDeniedException", ...denied },
  { code: "UnrecognizedClientException", ...denied },
  { code: "ExpiredTokenException", ...denied },
  { code: "InvalidSignatureException", ...denied },
  { code: "ThrottlingException", ...repeat },
  { code: "TooManyRequestsException", status: 429, ...repeat },
  { code: "ServiceUnavailableException", status: 503, ...repeat },
  { code: "SerializationException", ...refuse },
  { code: "ValidationException", ...refuse },
  { code: "SomethingNewException", status: 400, ...refuse },
  { code: "SomethingNewException", status: 500, ...repeat },
];

const elb: Case[] = [
  { code: "ListenerNotFound", ...absent },
  { code: "RuleNotFound", ...absent },
  { code: "TargetGroupNotFound", ...absent },
  { code: "LoadBalancerNotFound", ...absent },
  { code: "InvalidConfigurationRequest", ...refuse },
  { code: "InvalidLoadBalancerAction", ...refuse },
  { code: "IncompatibleProtocols", ...refuse },
  { code: "OperationNotPermitted", ...refuse },
  { code: "UnsupportedProtocol", ...refuse },
  { code: "ResourceInUse", ...refuse },
  { code: "TargetGroupAssociationLimit", ...refuse },
  { code: "TooManyActions", ...refuse },
  { code: "TooManyTargets", ...quota },
  { code: "TooManyRegistrationsForTargetId", ...quota },
  { code: "TooManyUniqueTargetGroupsPerLoadBalancer", ...quota },
  { code: "ValidationError", ...refuse },
  { code: "MissingParameter", ...refuse },
  { code: "InvalidParameterValue", ...refuse },
  { code: "InvalidParameterCombination", ...refuse },
  { code: "InvalidAction", ...refuse },
  { code: "UnknownOperationException", ...refuse },
  { code: "InvalidToken", ...refuse },
  { code: "AccessDenied", status: 403, ...denied },
  { code: "UnauthorizedOperation", status: 403, ...denied },
  { code: "NotAuthorized", ...denied },
  { code: "AuthFailure", status: 403, ...denied },
  { code: "InvalidClientTokenId", status: 403, ...denied },
  { code: "InvalidAccessKeyId", status: 403, ...denied },
  { code: "MissingAuthenticationToken", status: 403, ...denied },
  { code: "IncompleteSignature", ...denied },
  { code: "SignatureDoesNotMatch", status: 403, ...denied },
  { code: "ExpiredToken", status: 403, ...denied },
  { code: "OptInRequired", status: 403, ...denied },
  { code: "Throttling", ...repeat },
  { code: "ThrottledException", ...repeat },
  { code: "RequestLimitExceeded", status: 503, ...repeat },
  { code: "RequestThrottled", ...repeat },
  { code: "SlowDown", status: 503, ...repeat },
  { code: "PriorRequestNotComplete", ...repeat },
  { code: "InternalFailure", status: 500, ...repeat },
  { code: "InternalError", status: 500, ...repeat },
  { code: "InternalServerError", status: 500, ...repeat },
  { code: "RequestExpired", ...repeat },
  { code: "RequestTimeTooSkewed", status: 403, ...repeat },
  { code: "RequestTimeout", ...repeat },
];

test.each(ecs)("ecs $code ($message, by $by) is $class", async (one) => {
  expect(await meet("ecs", one)).toMatchObject({ class: one.class, error: one.error });
});

test.each(elb)("elasticloadbalancing $code is $class", async (one) => {
  expect(await meet("elb", one)).toMatchObject({ class: one.class, error: one.error });
});

/** Met in metrics.test.ts, and in sessions.test.ts that of STS. */
const ofCloudWatch = [
  "InternalServiceFault",
  "InvalidNextToken",
  "PartialData",
  "MissingRequiredParameter",
  "Forbidden",
];

test("a row without a case here is a mistake", () => {
  const ofSts = ["RegionDisabled"];
  const elsewhere = ["CredentialsProviderError", "Timeout", "Network", ...ofCloudWatch, ...ofSts];
  const met = new Set([...ecs, ...elb].map((one) => one.code.replace(/Exception$/u, "")));
  const unmet = faultTable.filter((row) => !met.has(row.name) && !elsewhere.includes(row.name));
  expect(unmet.map((row) => row.name)).toEqual([]);
  const special = [...ecs].filter((one) => one.message !== undefined);
  for (const row of faultTable.filter((row) => row.words !== undefined)) {
    expect(special.some((one) => row.words?.test(one.message ?? ""))).toBe(true);
  }
});

test("credentials that cannot be had are a person's matter, and nothing was sent", async () => {
  const clock = sampleClock();
  const stub = new Stub(() => ({ ok: {} }));
  const cloud = stubCloud(stub, {
    clock,
    credentials: async () => {
      throw Object.assign(new Error("no credentials in the chain"), { name: "CredentialsProviderError" });
    },
  });
  const effect = { kind: "makePrimary", arn: setArn("1") } as const;
  const outcome = await cloud.perform(target, effect, openGuard(clock));
  expect(outcome).toMatchObject({
    kind: "refused",
    fault: { class: "stuck", code: "CredentialsProviderError" },
  });
  expect(stub.received).toEqual([]);
});

test.each(["ECONNRESET", "ECONNREFUSED", "EPIPE"])("%s is the network's fault", async (code) => {
  const clock = sampleClock();
  const cloud = stubCloud(new Stub(() => ({ cut: code })), { clock });
  const seen = await cloud.look(target, { ...nothing, health: [groupA] }, clock.now() + 15_000);
  expect(seen.health[groupA]).toMatchObject({ ok: false, fault: { class: "repeat", code: "Network" } });
});

const nothing = { service: false, routes: false, health: [], tasks: [], survey: false };

async function meet(service: "ecs" | "elb", one: Case): Promise<object> {
  const clock = sampleClock();
  const { code, message, status } = one;
  const stub = new Stub(() => ({ error: code, ...(message && { message }), ...(status && { status }) }));
  const cloud = stubCloud(stub, { clock, maxAttempts: 1, retryStrategy: undefined });
  const fault = await faultBy(service);
  return { ...fault, error: errorCodeOf(fault) };

  async function faultBy(service: "ecs" | "elb"): Promise<Fault> {
    if (service === "elb" || one.by === "definition") {
      const look =
        service === "elb" ? { ...nothing, health: [groupA] } : { ...nothing, taskDefinition: "checkout:1" };
      const seen = await cloud.look(target, look, clock.now() + 15_000);
      const reading = service === "elb" ? seen.health[groupA] : seen.taskDefinition;
      if (!reading || reading.ok) throw new Error("expected a fault");
      return reading.fault;
    }
    const request = {
      cluster: "prod",
      service: "checkout",
      taskDefinition: "checkout:2",
      clientToken: "token",
      scalePercent: 100,
    };
    const effect: Effect =
      one.by === "create"
        ? { kind: "createTaskSet", request }
        : one.by === "tag"
          ? { kind: "tagTaskSet", arn: setArn("1"), tags: [] }
          : { kind: "makePrimary", arn: setArn("1") };
    const outcome = await cloud.perform(target, effect, openGuard(clock));
    if (outcome.kind === "done") throw new Error("expected a fault");
    return outcome.fault;
  }
}
