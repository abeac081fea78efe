/** `/v1/deployments/:id/redeploy`: back to what an earlier deployment brought. */
import { z } from "zod";
import type { Redeployed } from "../engine/engine.ts";
import { actorOf, askingHeaders, keyOf } from "./asking.ts";
import { deploymentId, redeployAnswer, type RedeployAnswer, redeployRequest } from "./contract.ts";
import { loadOrFail } from "./deployments.ts";
import { orderOf } from "./intake.ts";
import type { ApiParts, App } from "./parts.ts";
import { viewOf } from "./view.ts";

export function redeploy(app: App, parts: ApiParts): void {
  app.post(
    "/v1/deployments/:id/redeploy",
    {
      config: { access: { action: "rollback", of: "service" }, bucket: "way-back" },
      schema: {
        operationId: "redeploy",
        tags: ["deployments"],
        summary: "Go back to what an earlier deployment brought",
        description:
          "Without a canary, and before all that wait. Where what came after it still has the old task set, that is rolled back instead, which is faster.",
        params: z.strictObject({ id: deploymentId }),
        headers: askingHeaders,
        body: redeployRequest,
        response: {
          200: redeployAnswer.describe("Nothing is to be done, or the same was asked for before."),
          201: redeployAnswer.describe("A new deployment was accepted, or a rollback asked for."),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { reason, whenBusy = "rollback" } = request.body;
      const { service } = await loadOrFail(parts, id);
      request.permit(service);
      const { target, strategy } = orderOf(parts.config.current(), { service });
      const actor = actorOf(request);
      const key = keyOf(request);
      const result = await parts.engine.redeploy(id, {
        target,
        strategy,
        actor,
        whenBusy,
        ...(reason !== undefined && { reason }),
        ...(key !== undefined && { idempotencyKey: key }),
      });
      const answer = answerOf(id, result, parts.clock.now());
      const { way, deployment } = answer;
      parts.log.info(
        { deploymentId: deployment.id, service, back: id, way, actor: actor.name },
        answer.message,
      );
      return reply.code(isNew(result) ? 201 : 200).send(answer);
    },
  );
}

function isNew(result: Redeployed): boolean {
  return result.kind === "rolls-back" || (result.kind === "started" && !result.existing);
}

function answerOf(earlier: string, result: Redeployed, now: number): RedeployAnswer {
  const deployment = viewOf(result.deployment, now);
  const { id } = deployment;
  switch (result.kind) {
    case "rolls-back":
      return {
        way: "rollback",
        message: `${id} rolls back: it still has the task set that ${earlier} brought`,
        deployment,
      };
    case "serves":
      return { way: "none", message: `what ${earlier} brought serves already`, deployment };
    case "started": {
      const does = result.existing ? "deploys it again already" : "deploys again what it brought";
      const asked = `${id} ${does}: ${result.deployment.request.taskDefinition}, without a canary`;
      return { way: "redeploy", message: asked, deployment };
    }
  }
}
