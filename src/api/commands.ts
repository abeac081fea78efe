/** `/v1/deployments/:id/commands`: what people ask of a deployment, and what it answers. */
import { z } from "zod";
import type { DeploymentEvent } from "../deployment/event.ts";
import { TealError } from "../errors.ts";
import { actorOf, askingHeaders } from "./asking.ts";
import { createBell } from "./bell.ts";
import { commandAnswer, commandQuery, commandRequest, deploymentId, errorBody } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import type { ApiParts, App } from "./parts.ts";

const pageSize = 100;
/** How often the history is read while an answer is awaited and no hint comes. */
const pollMs = 500;

type Answered = Extract<DeploymentEvent, { type: "command" }>;

export function commands(app: App, parts: ApiParts): void {
  const { engine, records, clock } = parts;

  app.post(
    "/v1/deployments/:id/commands",
    {
      schema: {
        summary: "Ask something of a deployment",
        params: z.strictObject({ id: deploymentId }),
        headers: askingHeaders,
        querystring: commandQuery,
        body: commandRequest,
        response: {
          200: commandAnswer.describe("It was obeyed."),
          202: commandAnswer.describe("It was kept; the deployment has not answered yet."),
          "4xx": errorBody,
          "5xx": errorBody,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { full, reason } = request.body;
      const kind = request.body.command === "abort" ? "rollback" : request.body.command;
      const key = request.headers["idempotency-key"];
      const waitMs = request.query.wait ?? 0;

      const before = await loadOrFail(parts, id);
      const bell = createBell();
      const unsubscribe =
        waitMs > 0 ? await records.subscribe((changed) => changed === id && bell.ring()) : async () => {};
      try {
        const command = await engine.ask(id, {
          kind,
          actor: actorOf(request.headers),
          ...(reason !== undefined && { reason }),
          ...(full !== undefined && { full }),
          ...(key !== undefined && { commandId: key }),
        });
        parts.log.info({ deploymentId: id, command: kind, commandId: command.id }, "accepted a command");
        // A repeated command may have had its answer long ago.
        const from = key === undefined ? before.events : 0;
        const answer = await answerOf(command.id, from);
        if (!answer) {
          return reply.code(202).send({
            deployment: id,
            commandId: command.id,
            command: kind,
            state: "pending",
            message: `${id} has not answered yet; look at its events`,
          });
        }
        if (!answer.obeyed) throw new TealError("command-refused", answer.message);
        return reply.code(200).send({
          deployment: id,
          commandId: command.id,
          command: kind,
          state: "obeyed",
          message: answer.message,
          ...(answer.deployment && { started: answer.deployment }),
        });
      } finally {
        await unsubscribe();
      }

      async function answerOf(commandId: string, from: number): Promise<Answered | undefined> {
        if (waitMs === 0) return undefined;
        const deadline = clock.now() + waitMs;
        let next = from;
        for (;;) {
          const found = await records.events(id, next, pageSize);
          const answer = found.find(
            (event): event is Answered => event.type === "command" && event.commandId === commandId,
          );
          if (answer) return answer;
          next = (found.at(-1)?.seq ?? next - 1) + 1;
          if (found.length === pageSize) continue;
          const leftMs = deadline - clock.now();
          if (leftMs <= 0 || request.raw.destroyed) return undefined;
          await bell.wait(Math.min(leftMs, pollMs));
        }
      }
    },
  );
}
