/**
 * Recurring schedules, one BullMQ job scheduler each: at their time they ask a service's deployment to promote, or
 * start one. One worker among all takes each occurrence; what it asks carries the occurrence's time as its key, so
 * that asking twice asks once.
 */
import { type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Schedule } from "../src/config/schedules.ts";
import type { ConfiguredService } from "../src/config/configured.ts";
import type { Actor } from "../src/deployment/record.ts";
import type { Engine } from "../src/engine/engine.ts";
import type { Clock, Records } from "../src/engine/ports.ts";
import { TealError } from "../src/errors.ts";
import type { TroubleLog } from "../src/telemetry.ts";
import { restAfterRefusals } from "./rest.ts";

export interface ScheduleParts {
  engine: Pick<Engine, "start" | "ask">;
  records: Pick<Records, "slot">;
  clock: Clock;
  /** Those that there are now. */
  schedules: () => readonly Schedule[];
  services: () => Readonly<Record<string, ConfiguredService>>;
}

export interface ScheduleOptions extends ScheduleParts {
  /** A connection of use `jobs`; stays open when the schedules stop. */
  connection: Redis;
  prefix: string;
  lockMs: number;
  stalledMs: number;
  /** What became of each occurrence. */
  tell: { info(fields: object, message: string): void };
  log: TroubleLog;
}

const queueName = "schedules";

/** How often the schedulers are compared with the configuration, and put back where Redis came back without them. */
const renewMs = 30_000;

/** What should have happened longer ago was missed: nobody expects the morning's promotion in the evening. */
export const lateMsMax = 600_000;

/**
 * Does what a schedule asks for at an occurrence; safe to repeat. What can't be done is told, not thrown; throws
 * `unavailable` where Redis doesn't answer: then it is tried again.
 */
export async function keepSchedule(schedule: Schedule, at: number, parts: ScheduleParts): Promise<string> {
  const { engine, records, clock, services } = parts;
  const { name, service, asks } = schedule;
  const actor: Actor = { kind: "schedule", name };
  const key = `schedule-${name}-${at}`;
  const lateMs = clock.now() - at;
  if (lateMs > lateMsMax) return `left out: it comes ${Math.round(lateMs / 60_000)} min late`;
  const configured = services()[service];
  if (!configured) return `left out: there is no service ${service}`;
  try {
    if (asks.kind === "deploy") {
      const { strategy, request } = asks;
      const { target } = configured;
      const order = { target, strategy, request, actor, whenBusy: "queue", idempotencyKey: key } as const;
      const { deployment } = await engine.start(order);
      return `started ${deployment.id}`;
    }
    const { acting } = await records.slot(service);
    if (acting === undefined) return `left out: no deployment of ${service} acts`;
    const { full, ifHealthy } = asks;
    const reason = `schedule ${name}`;
    await engine.ask(acting, { kind: "promote", actor, full, ifHealthy, reason, commandId: key });
    return `asked ${acting} to promote`;
  } catch (error) {
    if (!(error instanceof TealError) || error.code === "unavailable") throw error;
    return `left out: ${error.message}`;
  }
}

export function startSchedules(options: ScheduleOptions): { stop(): Promise<void> } {
  const { connection, prefix, lockMs, stalledMs, log } = options;
  const queue = new Queue(queueName, { connection, prefix });
  queue.on("error", (error) => log.warn({ err: error }, "the queue of the schedules failed"));

  const keep = async (job: Job): Promise<void> => {
    const schedule = options.schedules().find(({ name }) => name === job.name);
    // Taken out of the configuration since.
    if (!schedule) return;
    const at = occurrenceOf(job);
    const what = await keepSchedule(schedule, at, options);
    options.tell.info(
      { schedule: job.name, service: schedule.service, at: new Date(at).toISOString() },
      what,
    );
  };
  const worker = new Worker(queueName, keep, {
    connection,
    prefix,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: 1_000_000_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on("error", (error) => log.warn({ err: error }, "the worker of the schedules failed"));
  worker.on("failed", (job, error) =>
    log.error({ err: error, schedule: job?.name }, "a schedule could not be kept"),
  );
  restAfterRefusals(worker);

  let renewing = Promise.resolve();
  const renew = (): void => {
    renewing = renewing
      .then(() => agree(queue, options.schedules()))
      .catch((error: unknown) => log.warn({ err: error }, "the schedules could not be written"));
  };
  renew();
  const timer = setInterval(renew, renewMs);

  return {
    stop: async () => {
      clearInterval(timer);
      await renewing;
      await Promise.all([worker.close(true), queue.close()]);
    },
  };
}

/** The occurrence's own time, which the scheduler puts into the job's id: a worker may take it later. */
function occurrenceOf(job: Job): number {
  const at = Number(job.id?.split(":").at(-1));
  return Number.isFinite(at) ? at : job.timestamp;
}

/** Makes the schedulers those of the configuration. One that is as it should be isn't touched: it may be due. */
async function agree(queue: Queue, schedules: readonly Schedule[]): Promise<void> {
  const present = new Map((await queue.getJobSchedulers()).map((one) => [one.key, one]));
  const wanted = new Set(schedules.map(({ name }) => name));
  for (const key of present.keys()) if (!wanted.has(key)) await queue.removeJobScheduler(key);
  for (const { name, cron, timezone } of schedules) {
    const one = present.get(name);
    if (one?.pattern === cron && one.tz === timezone) continue;
    const opts = {
      removeOnComplete: true,
      removeOnFail: true,
      attempts: 5,
      backoff: { type: "exponential", delay: 2_000 },
    };
    await queue.upsertJobScheduler(name, { pattern: cron, tz: timezone }, { name, opts });
  }
}
