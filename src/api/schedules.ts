/** `/v1/schedules`: what teal.yaml asks at recurring times, and when next. */
import { describeAsked } from "../config/schedules.ts";
import { nextOf } from "../deployment/calendar.ts";
import { scheduleList } from "./contract.ts";
import { iso } from "./moments.ts";
import type { ApiParts, App } from "./parts.ts";

export function schedules(app: App, { config, clock }: ApiParts): void {
  app.get(
    "/v1/schedules",
    {
      config: { access: { action: "view", of: "some" } },
      schema: {
        operationId: "listSchedules",
        tags: ["services"],
        summary: "List the configured schedules, with when each comes next",
        response: { 200: scheduleList },
      },
    },
    async (request) => {
      const now = clock.now();
      const seen = Object.values(config.current().schedules).filter(({ service }) => request.may(service));
      const timed = seen.map((schedule) => ({
        schedule,
        at: nextOf(schedule.cron, schedule.timezone, now),
      }));
      return {
        schedules: timed
          .toSorted((a, b) => a.at - b.at)
          .map(({ schedule, at }) => ({
            name: schedule.name,
            service: schedule.service,
            asks: schedule.asks.kind,
            what: describeAsked(schedule),
            cron: schedule.cron,
            timezone: schedule.timezone,
            nextAt: iso(at),
          })),
      };
    },
  );
}
