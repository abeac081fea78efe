/** `/v1/deployments/:id/commands`: what people ask of a deployment, and what it answers. */
import { z } from "zod";
import type { CommandKind } from "../deployment/command.ts";
import type { DeploymentEvent } from "../deployment/event.ts";
import { mayAsk } from "../deployment/phases.ts";
import type { Deployment } from "../deployment/record.ts";
import { TealError } from "../errors.ts";
import { actorOf, askingHeaders } from "./asking.ts";
import { createBell } from "./bell.ts";
import {
  type CommandAnswer,
  commandAnswer,
  commandQuery,
  commandRequest,
  deploymentId,
  errorBody,
} from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import type { ApiParts, App } from "./parts.ts";
import { viewOf } from "./view.ts";

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
      // A repeated command is answered as it was, also where it would no longer fit.
      const earlier = key === undefined ? undefined : await answerIn(key, 0);
      if (earlier) return reply.send(told(earlier));
      if (!mayAsk(before.phase, kind)) throw misfit(before, kind, clock.now());

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

        const deadline = clock.now() + waitMs;
        for (let leftMs = waitMs; leftMs > 0 && !reply.raw.destroyed; leftMs = deadline - clock.now()) {
          const answer = await answerIn(command.id, before.events);
          if (answer) return reply.send(told(answer));
          await bell.wait(Math.min(leftMs, pollMs));
        }
        return reply.code(202).send({
          deployment: id,
          commandId: command.id,
          command: kind,
          state: "pending",
          message: `${id} has not answered yet; its answer will be among its events`,
        });
      } finally {
        await unsubscribe();
      }

      /** The answer to a command among the events from `from` on. */
      async function answerIn(commandId: string, from: number): Promise<Answered | undefined> {
        for (let next = from; ;) {
          const found = await records.events(id, next, pageSize);
          const answer = found.find(
            (event): event is Answered => event.type === "command" && event.commandId === commandId,
          );
          const last = found.at(-1);
          if (answer || !last || found.length < pageSize) return answer;
          next = last.seq + 1;
        }
      }

      function told(answer: Answered): CommandAnswer {
        if (!answer.obeyed) throw new TealError("command-refused", answer.message);
        return {
          deployment: id,
          commandId: answer.commandId,
          command: kind,
          state: "obeyed",
          message: answer.message,
          ...(answer.deployment && { started: answer.deployment }),
        };
      }
    },
  );
}

function misfit(d: Deployment, kind: CommandKind, now: number): TealError {
  const fitting = viewOf(d, now).commands;
  const instead = fitting.length > 0 ? `it can obey ${fitting.join(", ")}` : "it obeys no command any more";
  return new TealError("command-refused", `${d.id} is ${d.phase}, so ${kind} does not fit; ${instead}`);
}
