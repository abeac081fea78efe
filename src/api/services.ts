/** `/v1/services`: what teal.yaml says, and which services have strays. */
import type { StraysFound } from "../engine/ports.ts";
import { TealError } from "../errors.ts";
import { errorBody, serviceList } from "./contract.ts";
import type { ApiParts, App } from "./parts.ts";
import { iso } from "./moments.ts";

export function services(app: App, { config, strayBook }: ApiParts): void {
  app.get(
    "/v1/services",
    {
      schema: {
        summary: "List the configured services and strategies",
        response: { 200: serviceList, "4xx": errorBody, "5xx": errorBody },
      },
    },
    async () => {
      const { services, strategies } = config.current();
      const found = await strayBook.read(Object.keys(services)).catch(nothingWithoutRedis);
      return {
        services: Object.values(services).map(({ target, strategy, whenBusy }) => {
          const strays = found[target.name];
          return {
            name: target.name,
            region: target.region,
            cluster: target.cluster,
            service: target.service,
            targetGroups: [...target.targetGroups],
            routes: target.routes,
            strategy: strategy.name,
            whenBusy,
            ...(strays && { strays: { deployments: strays.deployments, seenAt: iso(strays.at) } }),
          };
        }),
        strategies: Object.keys(strategies),
      };
    },
  );
}

/** The configuration is known without Redis; nobody should be kept from it. */
function nothingWithoutRedis(error: unknown): Record<string, StraysFound> {
  if (error instanceof TealError && error.code === "unavailable") return {};
  throw error;
}
