import { AwsError } from "../model/error.ts";
import { type Answer, type Asked, internalFailure } from "./answer.ts";
import { jsonEncoding } from "./json.ts";
import type { Handle, WireAnswer, WireReply, WireRequest } from "./message.ts";
import { routeOf, type Call } from "./route.ts";

export interface HandleParts {
  answer: (call: Asked) => Promise<Answer>;
  requestId: () => string;
  /** Answers what is not AWS's (`/_sandbox/…`); undefined: it is AWS's. */
  control?: (request: WireRequest) => Promise<WireAnswer | undefined>;
}

/** Speaks AWS's protocols: decodes, has the call answered, encodes. */
export function wireHandle({ answer, requestId: nextRequestId, control }: HandleParts): Handle {
  return async (request): Promise<WireReply> => {
    const own = await control?.(request);
    if (own !== undefined) return own;
    const requestId = nextRequestId();
    let call: Call;
    try {
      call = routeOf(request);
    } catch (cause) {
      return jsonEncoding("1.1").error(cause instanceof AwsError ? cause : internalFailure(cause), requestId);
    }
    const answered = await answer(call);
    if ("cut" in answered) return answered;
    return "result" in answered
      ? call.encoding.result(answered.result, requestId)
      : call.encoding.error(answered.error, requestId);
  };
}
