/** `/v1/services`: what teal.yaml says, who has a service and who waits for it, whether it is closed, and strays. */
import { z } from "zod";
import type { ConfiguredService } from "../config/configured.ts";
import { closuresAt } from "../deployment/calendar.ts";
import { describeRequest } from "../deployment/event.ts";
import type { Deployment } from "../deployment/record.ts";
import { accountIdOf } from "../deployment/target.ts";
import type { Slot, StraysFound } from "../engine/ports.ts";
import { TealError } from "../errors.ts";
import { type HolderView, serviceDetail, serviceList, serviceName, type ServiceView } from "./contract.ts";
import { serviceNamed } from "./intake.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";

export function services(app: App, { config, records, strayBook, clock }: ApiParts): void {
  app.get(
    "/v1/services",
    {
      config: { access: { action: "view", of: "some" } },
      schema: {
        operationId: "listServices",
        tags: ["services"],
        summary: "List the configured services and strategies",
        response: { 200: serviceList },
      },
    },
    async (request) => {
      const { services, strategies } = config.current();
      const names = Object.keys(services).filter((name) => request.may(name));
      // The configuration is known without Redis; nobody should be kept from it.
      const strays = await strayBook.read(names).catch(nothingWithoutRedis);
      const slots = await Promise.all(names.map((name) => records.slot(name))).catch(nothingWithoutRedis);
      const now = clock.now();
      return {
        services: names.flatMap((name, index) => {
          const service = services[name];
          return service ? [serviceOf(service, now, slots?.[index], strays?.[name])] : [];
        }),
        strategies: Object.keys(strategies),
      };
    },
  );

  app.get(
    "/v1/services/:name",
    {
      config: { access: { action: "view", of: "service" } },
      schema: {
        operationId: "getService",
        tags: ["services"],
        summary: "Look at a service: who acts on it, who waits for it, when it is closed",
        params: z.strictObject({ name: serviceName }),
        response: { 200: serviceDetail },
      },
    },
    async (request) => {
      const { name } = request.params;
      request.permit(name);
      const service = serviceNamed(config.current(), name);
      const slot = await records.slot(name);
      const { [name]: strays } = await strayBook.read([name]);
      const [acting] = await holders([slot.acting]);
      const [retaining] = await holders([slot.retaining]);
      const now = clock.now();
      const { windows, freezes } = service.calendar;
      const ahead = freezes.filter(({ to }) => to > now).toSorted((a, b) => a.from - b.from);
      return {
        ...serviceOf(service, now, slot, strays),
        ...(acting && { acting }),
        ...(retaining && { retaining }),
        queue: await holders(slot.queue),
        windows,
        freezes: ahead.map(({ id, from, to, reason }) => ({ id, from: iso(from), to: iso(to), reason })),
      };
    },
  );

  async function holders(ids: (string | undefined)[]): Promise<HolderView[]> {
    const named = ids.filter((id) => id !== undefined);
    const found = await Promise.all(named.map((id) => records.load(id)));
    return found.flatMap((d) => (d ? [holderOf(d)] : []));
  }
}

function serviceOf(
  { target, strategy, whenBusy, calendar }: ConfiguredService,
  now: number,
  slot: Slot | undefined,
  strays: StraysFound | undefined,
): ServiceView {
  const [closed] = closuresAt(calendar, target.name, now);
  return {
    name: target.name,
    region: target.region,
    ...(target.account && { account: accountIdOf(target) }),
    cluster: target.cluster,
    service: target.service,
    targetGroups: [...target.targetGroups],
    routes: target.routes,
    testRoutes: target.testRoutes ?? [],
    strategy: strategy.name,
    whenBusy,
    ...(closed && { closed: { ...closed, until: iso(closed.until) } }),
    ...(slot && { slot }),
    ...(strays && { strays: { deployments: strays.deployments, seenAt: iso(strays.at) } }),
  };
}

function holderOf(d: Deployment): HolderView {
  return {
    id: d.id,
    phase: d.phase,
    note: d.note,
    what: describeRequest(d.request),
    by: d.actor,
    ...(d.request.build !== undefined && { build: d.request.build }),
    createdAt: iso(d.createdAt),
  };
}

function nothingWithoutRedis(error: unknown): undefined {
  if (error instanceof TealError && error.code === "unavailable") return undefined;
  throw error;
}
