/** `/v1/deployments/:id/commands`: what people ask of a deployment, and what it answers. */
import { z } from "zod";
import type { Action } from "../auth/roles.ts";
import type { CommandKind } from "../deployment/command.ts";
import { mayAsk } from "../deployment/phases.ts";
import type { Deployment } from "../deployment/record.ts";
import { TealError } from "../errors.ts";
import { answerSchemas, askAndReply } from "./answers.ts";
import { actorOf, askingHeaders, keyOf } from "./asking.ts";
import { type CommandName, commandQuery, commandRequest, deploymentId } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import type { ApiParts, App } from "./parts.ts";
import { commandsOf } from "./view.ts";

/** What is meant for later than that is a schedule. */
const aheadMsMax = 30 * 86_400_000;

/** The right that each of them needs. */
export const actionOf = {
  rollback: "rollback",
  abort: "rollback",
  pause: "steer",
  resume: "steer",
  promote: "steer",
  approve: "approve",
  skip: "steer",
  override: "override",
  retry: "steer",
  release: "override",
} as const satisfies Record<CommandName, Action>;

export function commands(app: App, parts: ApiParts): void {
  app.post(
    "/v1/deployments/:id/commands",
    {
      config: { access: { action: "by request", of: "service" }, bucket: "by command" },
      schema: {
        operationId: "askCommand",
        tags: ["commands"],
        summary: "Ask something of a deployment",
        description: "Its field `commands` lists what fits now.",
        params: z.strictObject({ id: deploymentId }),
        headers: askingHeaders,
        querystring: commandQuery,
        body: commandRequest,
        response: answerSchemas,
      },
    },
    async (request, reply) => {
      const { command, at, full, ifHealthy, gate, reason } = request.body;
      const kind = command === "abort" ? "rollback" : command;
      const promoteAt = at === undefined ? undefined : Date.parse(at);
      if (promoteAt !== undefined && promoteAt > parts.clock.now() + aheadMsMax) {
        throw new TealError("bad-request", "A promotion can be asked for at most 30 days ahead.");
      }
      const before = await loadOrFail(parts, request.params.id);
      request.permit(before.service, actionOf[command]);
      const question = {
        order: {
          kind,
          actor: actorOf(request),
          requestId: request.id,
          ...(full !== undefined && { full }),
          ...(promoteAt !== undefined && { promoteAt }),
          ...(ifHealthy !== undefined && { ifHealthy }),
          ...(gate !== undefined && { gate }),
          ...(reason !== undefined && { reason }),
        },
        key: keyOf(request),
        waitMs: request.query.wait ?? 0,
      };
      return await askAndReply(parts, before, question, () => misfit(before, kind), reply);
    },
  );
}

function misfit(d: Deployment, kind: CommandKind): string | undefined {
  if (mayAsk(d.phase, kind)) return undefined;
  const fitting = commandsOf(d);
  const instead = fitting.length > 0 ? `it can obey ${fitting.join(", ")}` : "it obeys no command any more";
  return `${d.id} is ${d.phase}, so ${kind} does not fit; ${instead}`;
}
