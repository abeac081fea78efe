import type { Clock } from "../clock.ts";
import type { Fault, Faults } from "../faults.ts";
import type { Aws, ServiceName } from "../model/aws.ts";
import { AwsError } from "../model/error.ts";
import { homeAccount } from "../model/region.ts";
import type { CallLog } from "./calls.ts";
import type { Call } from "./route.ts";

export interface AnswerParts {
  aws: Aws;
  clock: Clock;
  faults: Faults;
  calls: CallLog;
}

/** A call, however it came. */
export type Asked = Omit<Call, "encoding">;

export type Outcome = { result: object } | { error: AwsError };

/** An outcome that reaches the caller, or a connection that is cut before it does. */
export type Answer = Outcome | { cut: true };

/** Answers calls for the model, whatever carried them: meets faults, performs, counts. Never rejects. */
export function answering({ aws, clock, faults, calls }: AnswerParts): (call: Asked) => Promise<Answer> {
  const accountOf = ({ credential }: Asked): string =>
    credential === undefined ? homeAccount : aws.sts.accountOf(credential);

  const meet = async (
    call: Asked,
    fault: Fault | undefined,
  ): Promise<{ outcome?: Outcome; cut: boolean }> => {
    const receivedAt = clock.now();
    const perform = (call: Asked): Outcome => {
      const { service, action, region, credential } = call;
      const account = accountOf(call);
      const end = calls.begin({ service, action, account, region, params: paramsOf(call), receivedAt });
      try {
        return { result: aws.perform(service, action, region, call.params(), credential) };
      } catch (cause) {
        return { error: cause instanceof AwsError ? cause : internalFailure(cause) };
      } finally {
        end();
      }
    };
    switch (fault?.kind) {
      case undefined:
        return { outcome: perform(call), cut: false };
      case "throttle":
      case "serverError":
      case "error":
        return { outcome: { error: refusalOf(call, fault) }, cut: false };
      case "loseRequest":
        return { cut: true };
      case "loseAnswer":
        return { outcome: perform(call), cut: true };
      case "delayRequest":
        await passed(clock, fault.ms);
        return { outcome: perform(call), cut: false };
      case "delayAnswer": {
        const outcome = perform(call);
        await passed(clock, fault.ms);
        return { outcome, cut: false };
      }
      case "repeat": {
        const outcome = perform(call);
        perform(call);
        return { outcome, cut: false };
      }
    }
  };

  return async (call) => {
    const { outcome, cut } = await meet(call, faults.meet(call.action));
    calls.add({
      at: clock.now(),
      service: call.service,
      action: call.action,
      account: accountOf(call),
      region: call.region,
      params: paramsOf(call),
      outcome: cut ? "lost" : outcome === undefined || "result" in outcome ? "ok" : outcome.error.code,
      result: outcome !== undefined && "result" in outcome ? outcome.result : undefined,
    });
    return cut || outcome === undefined ? { cut: true } : outcome;
  };
}

const serverFaults = {
  ecs: "ServerException",
  elasticloadbalancing: "InternalFailure",
  monitoring: "InternalServiceError",
  sts: "InternalFailure",
} satisfies Record<ServiceName, string>;

/** Each service has its own word for the same trouble. */
function refusalOf(
  call: Asked,
  fault: Extract<Fault, { kind: "throttle" | "serverError" | "error" }>,
): AwsError {
  switch (fault.kind) {
    case "throttle":
      return new AwsError(call.service === "ecs" ? "ThrottlingException" : "Throttling", "Rate exceeded");
    case "serverError":
      return new AwsError(
        serverFaults[call.service],
        "The request processing has failed because of an unknown error.",
        500,
      );
    case "error":
      return new AwsError(fault.code, fault.message ?? "A fault of the sandbox.", fault.status);
  }
}

/** A mistake of the sandbox itself: the caller sees a server fault, with its cause in the message. */
export function internalFailure(cause: unknown): AwsError {
  return new AwsError(
    "InternalFailure",
    `The sandbox failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
    500,
  );
}

function paramsOf(call: Asked): unknown {
  try {
    return call.params();
  } catch {
    return undefined;
  }
}

function passed(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
