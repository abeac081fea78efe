/** `/v1/services`: what teal.yaml says. */
import { errorBody, serviceList } from "./contract.ts";
import type { ApiParts, App } from "./parts.ts";

export function services(app: App, { config }: ApiParts): void {
  app.get(
    "/v1/services",
    {
      schema: {
        summary: "List the configured services and strategies",
        response: { 200: serviceList, "4xx": errorBody, "5xx": errorBody },
      },
    },
    async () => ({
      services: Object.values(config.services).map(({ target, strategy, whenBusy }) => ({
        name: target.name,
        region: target.region,
        cluster: target.cluster,
        service: target.service,
        targetGroups: [...target.targetGroups],
        routes: target.routes,
        strategy: strategy.name,
        whenBusy,
      })),
      strategies: Object.keys(config.strategies),
    }),
  );
}
