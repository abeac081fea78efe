/** What teal.yaml asks of services at recurring times. */
import { z } from "zod";
import { moment } from "./words.ts";

export const scheduleView = z
  .object({
    name: z.string(),
    service: z.string(),
    asks: z
      .enum(["promote", "deploy"])
      .describe("`promote` is asked of whatever deployment acts then; `deploy` starts one."),
    what: z.string().describe("The same in words: `promote fully, if healthy`."),
    cron: z.string().describe("Minute, hour, day of the month, month, weekday; in local time of the zone."),
    timezone: z.string(),
    nextAt: moment,
  })
  .meta({ id: "Schedule" });
export type ScheduleView = z.output<typeof scheduleView>;

export const scheduleList = z
  .object({ schedules: z.array(scheduleView).describe("The one that comes first is first.") })
  .meta({ id: "ScheduleList" });
export type ScheduleList = z.output<typeof scheduleList>;
