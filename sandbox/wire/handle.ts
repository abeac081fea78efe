import type { Clock } from "../clock.ts";
import type { Fault, Faults } from "../faults.ts";
import type { Aws } from "../model/aws.ts";
import { AwsError } from "../model/error.ts";
import type { CallLog } from "./calls.ts";
import { jsonEncoding } from "./json.ts";
import type { Handle, WireAnswer, WireReply, WireRequest } from "./message.ts";
import { routeOf, type Call } from "./route.ts";

export interface HandleParts {
  aws: Aws;
  clock: Clock;
  faults: Faults;
  calls: CallLog;
  /** Answers what is not AWS's (`/_sandbox/…`); undefined: it is AWS's. */
  control?: (request: WireRequest) => Promise<WireAnswer | undefined>;
}

type Outcome = { result: object } | { error: AwsError };

/** Speaks AWS's protocols for the model: decodes, meets faults, performs, counts, encodes. */
export function wireHandle({ aws, clock, faults, calls, control }: HandleParts): Handle {
  let requests = 0;

  const meet = async (call: Call, fault: Fault | undefined): Promise<{ outcome?: Outcome; cut: boolean }> => {
    const receivedAt = clock.now();
    const perform = (call: Call): Outcome => {
      const { service, action, region } = call;
      const end = calls.begin({ service, action, region, params: paramsOf(call), receivedAt });
      try {
        return { result: aws.perform(service, action, region, call.params()) };
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

  return async (request): Promise<WireReply> => {
    const own = await control?.(request);
    if (own !== undefined) return own;
    const requestId = `sandbox-${String(++requests).padStart(8, "0")}`;
    let call: Call;
    try {
      call = routeOf(request);
    } catch (cause) {
      return jsonEncoding("1.1").error(cause instanceof AwsError ? cause : internalFailure(cause), requestId);
    }
    const { outcome, cut } = await meet(call, faults.meet(call.action));
    calls.add({
      at: clock.now(),
      service: call.service,
      action: call.action,
      region: call.region,
      params: paramsOf(call),
      outcome: cut ? "lost" : outcome === undefined || "result" in outcome ? "ok" : outcome.error.code,
      result: outcome !== undefined && "result" in outcome ? outcome.result : undefined,
    });
    if (cut || outcome === undefined) return { cut: true };
    return "result" in outcome
      ? call.encoding.result(outcome.result, requestId)
      : call.encoding.error(outcome.error, requestId);
  };
}

const serverFaults = {
  ecs: "ServerException",
  elasticloadbalancing: "InternalFailure",
  monitoring: "InternalServiceError",
  sts: "InternalFailure",
} satisfies Record<Call["service"], string>;

/** Each service has its own word for the same trouble. */
function refusalOf(
  call: Call,
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
function internalFailure(cause: unknown): AwsError {
  return new AwsError(
    "InternalFailure",
    `The sandbox failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
    500,
  );
}

function paramsOf(call: Call): unknown {
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
