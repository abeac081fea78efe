import type { Clock } from "../clock.ts";
import type { ServiceName } from "../model/aws.ts";
import type { Credential } from "../model/sts/sts.ts";
import type { Answer, Asked, Outcome } from "./answer.ts";
import { type Patience, patiently } from "./patience.ts";

/** A call that needs no protocol: its parameters and its result are the model's own, so don't change them. */
export interface DirectCall {
  service: ServiceName;
  action: string;
  region: string;
  /** Whose call it is; left out: the home account's. */
  credential?: Credential;
  params: object;
}

/**
 * Makes calls as the wire would, faults, delays and counting included, but encodes nothing. Fails as
 * `inProcessHandler` does where no answer comes.
 */
export type Direct = (
  call: DirectCall,
  options?: Pick<Patience, "abortSignal">,
) => Promise<Outcome & { requestId: string }>;

export function directly(
  parts: { answer: (call: Asked) => Promise<Answer>; requestId: () => string },
  clock: Clock,
  timeoutMs?: number,
): Direct {
  return ({ params, ...call }, options = {}) =>
    patiently(clock, { ...options, timeoutMs }, async (cut) => {
      const requestId = parts.requestId();
      const answered = await parts.answer({ ...call, params: () => params });
      return "cut" in answered ? cut() : { ...answered, requestId };
    });
}
