/** Asking issuers of tokens what they publish: where their keys are, and the keys. */
import { TealError } from "../errors.ts";
import { CallFailed } from "./fault.ts";
import { createSend, expectOk, type OutboundOptions, readUrl } from "./http.ts";

const action = "issuer:get";
const answerBytesMax = 512 * 1024;

export interface Issuers {
  /** Throws TealError('unavailable'). Ends by `deadline`, ms since the epoch. Safe to repeat. */
  fetchJson(url: string, deadline: number): Promise<unknown>;
}

export function createIssuers(options: OutboundOptions): Issuers {
  const send = createSend(options);
  return {
    fetchJson: async (url, deadline) => {
      try {
        const answer = await send({
          action,
          method: "GET",
          url: readUrl(url, action),
          headers: {},
          bytesMax: answerBytesMax,
          deadline,
        });
        expectOk(answer, action);
        return JSON.parse(answer.text);
      } catch (cause) {
        if (cause instanceof CallFailed) throw new TealError("unavailable", cause.fault.message, { cause });
        if (cause instanceof SyntaxError) throw new TealError("unavailable", "the answer is no JSON");
        throw cause;
      }
    },
  };
}
