/** `/v1/deployments`: start, list, get. */
import { z } from "zod";
import { TealError } from "../errors.ts";
import type { Deployment } from "../deployment/record.ts";
import { actorOf, askingHeaders, keyOf } from "./asking.ts";
import { deploymentId, deploymentPage, deploymentView, deployRequest, listQuery } from "./contract.ts";
import { orderOf, start } from "./intake.ts";
import type { ApiParts, App } from "./parts.ts";
import { viewOf } from "./view.ts";

export function deployments(app: App, parts: ApiParts): void {
  const { records, clock } = parts;

  app.post(
    "/v1/deployments",
    {
      config: { access: { action: "deploy", of: "service" }, repeats: "own" },
      schema: {
        operationId: "startDeployment",
        tags: ["deployments"],
        summary: "Start a deployment",
        headers: askingHeaders,
        body: deployRequest,
        response: {
          200: deploymentView.describe("The same request with the same key started it before."),
          201: deploymentView,
        },
      },
    },
    async (request, reply) => {
      const { service, force } = request.body;
      request.permit(service);
      if (force) request.permit(service, "override");
      const order = orderOf(parts.config.current(), request.body);
      const { source } = request.identity;
      const key = keyOf(request);
      const { status, view } = await start(parts, {
        ...order,
        request: { ...order.request, ...(source && { source }) },
        actor: actorOf(request),
        requestId: request.id,
        ...(key !== undefined && { idempotencyKey: key }),
      });
      return reply.code(status).header("location", `/v1/deployments/${view.id}`).send(view);
    },
  );

  app.get(
    "/v1/deployments",
    {
      config: { access: { action: "view", of: "some" } },
      schema: {
        operationId: "listDeployments",
        tags: ["deployments"],
        summary: "List deployments, newest first",
        description:
          "Of the services that may be seen; a page may be short, or empty, and still have a next one.",
        querystring: listQuery,
        response: { 200: deploymentPage },
      },
    },
    async (request) => {
      const { service, phase, limit, cursor } = request.query;
      const page = await records.list({
        limit,
        ...(service !== undefined && { service }),
        ...(phase && { phases: phase }),
        ...(cursor !== undefined && { before: cursor }),
      });
      return {
        deployments: page.deployments
          .filter((d) => request.may(d.service))
          .map((d) => viewOf(d, clock.now())),
        ...(page.next !== undefined && { next: page.next }),
      };
    },
  );

  app.get(
    "/v1/deployments/:id",
    {
      config: { access: { action: "view", of: "service" } },
      schema: {
        operationId: "getDeployment",
        tags: ["deployments"],
        summary: "Look at a deployment",
        params: z.strictObject({ id: deploymentId }),
        response: { 200: deploymentView },
      },
    },
    async (request) => {
      const d = await loadOrFail(parts, request.params.id);
      request.permit(d.service);
      return viewOf(d, clock.now());
    },
  );
}

/** Throws TealError('unknown-deployment'). */
export async function loadOrFail(parts: Pick<ApiParts, "records">, id: string): Promise<Deployment> {
  const d = await parts.records.load(id);
  if (!d) throw new TealError("unknown-deployment", `There is no deployment ${id}.`);
  return d;
}
