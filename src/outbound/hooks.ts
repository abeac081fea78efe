/** Calling hooks: one signed POST each, and what was answered. */
import { z } from "zod";
import type { HookAnswer, HookRequest } from "../deployment/hook.ts";
import type { Outcome } from "../deployment/observation.ts";
import type { Clock, Guard, Hooks } from "../engine/ports.ts";
import { CallFailed, callFailed, shown } from "./fault.ts";
import type { Hidden } from "./headers.ts";
import { type Answer, createSend, expectOk, type OutboundOptions, readUrl } from "./http.ts";
import { safeId, signatureHeaders } from "./signature.ts";

export interface HooksOptions extends OutboundOptions {
  /** `whsec_` and base64; a hook is signed with each. Without one none is called. */
  keys: readonly Hidden[];
}

const action = "hook:call";
const answerBytesMax = 64 * 1024;
const callBackSecondsMax = 24 * 60 * 60;

/** ECS's own hooks answer with `hookStatus` (AWS docs, "Lifecycle hooks for Amazon ECS service deployments"). */
const status = z.enum(["SUCCEEDED", "FAILED", "IN_PROGRESS"]);
const answerSchema = z
  .object({
    status: status.optional(),
    hookStatus: status.optional(),
    callBackDelay: z.number().min(1).max(callBackSecondsMax).nullish(),
    message: z.string().nullish(),
  })
  .transform((said) => ({ ...said, status: said.status ?? said.hookStatus }))
  .refine((said) => said.hookStatus === undefined || said.hookStatus === said.status);

export function createHooks(options: HooksOptions): Hooks {
  const { clock, keys } = options;
  const send = createSend(options);

  async function call(request: HookRequest, guard: Guard): Promise<HookAnswer> {
    if (keys.length === 0) {
      const message = "hooks are signed, and there is no key: set TEAL_HOOK_SECRET";
      throw new CallFailed({ class: "stuck", code: "NoHookSecret", message, action });
    }
    const url = readUrl(request.url, action);
    const id = safeId(request.idempotencyKey);
    const body = JSON.stringify(request.body);
    await check(guard, clock);
    const answer = await send({
      action,
      method: "POST",
      url,
      headers: request.headers,
      ownHeaders: {
        "content-type": "application/json",
        "idempotency-key": id,
        ...signatureHeaders(keys, { id, at: clock.now(), body }),
      },
      body,
      bytesMax: answerBytesMax,
      deadline: guard.deadline,
    });
    expectOk(answer, action);
    return readAnswer(answer);
  }

  return {
    call: async (request, guard): Promise<Outcome> => {
      try {
        const hook = await call(request, guard);
        return { kind: "done", at: clock.now(), value: { hook } };
      } catch (error) {
        const { fault, unsure } = callFailed(error, action, options.log);
        return { kind: unsure ? "unknown" : "refused", at: clock.now(), fault };
      }
    },
  };
}

/** Throws `CallFailed` where the claim is lost or the time to begin is over. */
async function check(guard: Guard, clock: Clock): Promise<void> {
  const holds = await guard.allowed();
  if (!holds) throw forbidden("ClaimLost", "another worker has taken this deployment over");
  // Asked last: the question before may have taken long.
  if (clock.now() >= guard.deadline) throw forbidden("Expired", "the time to begin this call is over");
}

function forbidden(code: "ClaimLost" | "Expired", message: string): CallFailed {
  return new CallFailed({ class: "repeat", code, message, action });
}

function readAnswer(answer: Answer): HookAnswer {
  const { data } = answerSchema.safeParse(parsed(answer.text));
  if (data?.status === undefined) {
    const message =
      `${answer.origin} answered ${answer.status}, but not as a hook does: expected is JSON such as ` +
      `{"status": "IN_PROGRESS", "callBackDelay": 30, "message": "…"}, with the status SUCCEEDED, FAILED or ` +
      `IN_PROGRESS and a delay of 1 to ${callBackSecondsMax} seconds`;
    throw new CallFailed({ class: "refuse", code: "BadAnswer", message, action });
  }
  const message = shown(data.message ?? "");
  return {
    status: data.status,
    ...(data.status === "IN_PROGRESS" &&
      data.callBackDelay && { callBackMs: Math.round(data.callBackDelay * 1000) }),
    ...(message && { message }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
