/** `/v1/plan`: what a deployment would do, were it started now. */
import type { Plan } from "../deployment/plan/plan.ts";
import { catalogue } from "../errors.ts";
import { actorOf, askingHeaders } from "./asking.ts";
import { deployRequest, planView, type PlanView } from "./contract.ts";
import { orderOf } from "./intake.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";

export function plans(app: App, { engine, config, clock }: ApiParts): void {
  app.post(
    "/v1/plan",
    {
      // It changes nothing, and the world may be another one by then.
      config: { access: { action: "view", of: "service" }, repeats: "own", bucket: "aws" },
      schema: {
        operationId: "planDeployment",
        tags: ["deployments"],
        summary: "Plan a deployment without starting it",
        description: "Takes what starts one. Reads AWS, changes nothing and keeps nothing.",
        headers: askingHeaders,
        body: deployRequest,
        response: { 200: planView },
      },
    },
    async (request) => {
      request.permit(request.body.service);
      const at = clock.now();
      const order = orderOf(config.current(), request.body);
      return viewOf(await engine.plan({ ...order, actor: actorOf(request) }), at);
    },
  );
}

function viewOf({ findings, moments, end, ...plan }: Plan, at: number): PlanView {
  const { phase, cause } = end;
  return {
    ...plan,
    at: iso(at),
    findings: findings.map((problem) => ({ ...problem, fix: catalogue[problem.code].fix })),
    moments: moments.map(({ waitsFor, ...moment }) => {
      if (!waitsFor) return moment;
      const { until, ...wait } = waitsFor;
      return { ...moment, waitsFor: { ...wait, ...(until !== undefined && { until: iso(until) }) } };
    }),
    end: { phase, ...(cause && { cause: { ...cause, fix: catalogue[cause.code].fix } }) },
  };
}
