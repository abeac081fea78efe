/** `/v1/services/:name/strays` and `/recover`: task sets without a record, and taking them over. */
import { z } from "zod";
import { actorOf, askingHeaders } from "./asking.ts";
import { deploymentView, recoverRequest, serviceName, strayList } from "./contract.ts";
import { orderOf } from "./intake.ts";
import type { ApiParts, App } from "./parts.ts";
import { viewOf } from "./view.ts";

const params = z.strictObject({ name: serviceName });

export function recovery(app: App, { engine, strayBook, config, clock, log }: ApiParts): void {
  app.get(
    "/v1/services/:name/strays",
    {
      config: { access: { action: "view", of: "service" }, bucket: "aws" },
      schema: {
        operationId: "listStrays",
        tags: ["services"],
        summary: "Look for task sets of ours that no record answers for",
        params,
        response: { 200: strayList },
      },
    },
    async (request) => {
      const service = request.params.name;
      request.permit(service);
      const { target } = orderOf(config.current(), { service });
      const strays = await engine.strays(target);
      await strayBook.write(service, {
        at: clock.now(),
        deployments: strays.map(({ deployment }) => deployment),
      });
      return { service, strays };
    },
  );

  app.post(
    "/v1/services/:name/recover",
    {
      config: { access: { action: "override", of: "service" } },
      schema: {
        operationId: "recover",
        tags: ["services"],
        summary: "Take over a task set that no record answers for",
        params,
        headers: askingHeaders,
        body: recoverRequest,
        response: { 201: deploymentView },
      },
    },
    async (request, reply) => {
      const service = request.params.name;
      request.permit(service);
      const { deployment, way, strategy } = request.body;
      const order = orderOf(config.current(), { service, ...(strategy && { strategy }) });
      const { target, strategy: chosen } = order;
      const actor = actorOf(request);
      const made = await engine.recover({ target, strategy: chosen, deployment, way, actor });
      log.info({ deploymentId: made.id, service, recovers: deployment, way, actor: actor.name }, "recovers");
      await forget(service, deployment);
      const view = viewOf(made, clock.now());
      return reply.code(201).header("location", `/v1/deployments/${view.id}`).send(view);
    },
  );

  /** It is no stray any more; whoever reads the book shouldn't have to wait for the next look. */
  async function forget(service: string, deployment: string): Promise<void> {
    const { [service]: found } = await strayBook.read([service]);
    if (!found) return;
    const deployments = found.deployments.filter((other) => other !== deployment);
    await strayBook.write(service, { ...found, deployments });
  }
}
