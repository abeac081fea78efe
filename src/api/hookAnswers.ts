/** `/v1/deployments/:id/gates/:gate/answer`: what a hook says later, rather than in the answer to its call. */
import { z } from "zod";
import { unawaited } from "../deployment/obey.ts";
import { mayAsk } from "../deployment/phases.ts";
import { answerSchemas, askAndReply } from "./answers.ts";
import { actorOf, askingHeaders, keyOf } from "./asking.ts";
import { commandQuery, deploymentId, gateName, hookAnswerRequest } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import type { ApiParts, App } from "./parts.ts";

/** As of an answer to the call itself. */
const messageMax = 500;
const callBackSeconds = 30;

export function hookAnswers(app: App, parts: ApiParts): void {
  app.post(
    "/v1/deployments/:id/gates/:gate/answer",
    {
      config: { access: { action: "answer", of: "service" } },
      schema: {
        operationId: "answerHook",
        tags: ["commands"],
        summary: "Answer a hook's call",
        description: "For the attempt that it was called with; an answer to an earlier one is refused.",
        params: z.strictObject({ id: deploymentId, gate: gateName }),
        headers: askingHeaders,
        querystring: commandQuery,
        body: hookAnswerRequest,
        response: answerSchemas,
      },
    },
    async (request, reply) => {
      const { id, gate } = request.params;
      const { attempt, status, hookStatus, callBackDelay = callBackSeconds, message } = request.body;
      const said = status ?? hookStatus ?? "FAILED";
      const before = await loadOrFail(parts, id);
      request.permit(before.service);
      const question = {
        order: {
          kind: "answer" as const,
          actor: { ...actorOf(request), kind: "ci" as const },
          requestId: request.id,
          gate,
          attempt,
          answer: {
            status: said,
            ...(said === "IN_PROGRESS" && { callBackMs: callBackDelay * 1000 }),
            ...(message !== undefined && { message: message.slice(0, messageMax) }),
          },
        },
        key: keyOf(request),
        waitMs: request.query.wait ?? 0,
      };
      const misfit = () =>
        mayAsk(before.phase, "answer")
          ? unawaited(before, gate, attempt)
          : `${id} is ${before.phase} and waits for no answer`;
      return await askAndReply(parts, before, question, misfit, reply);
    },
  );
}
