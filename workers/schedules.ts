/**
 * Recurring schedules, one BullMQ job scheduler each: at their time they ask a service's deployment to promote, or
 * start one. One worker among all takes each occurrence; what it asks carries the occurrence's time as its key, so
 * that asking twice asks once.
 */
import { DelayedError, type Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Schedule } from "../src/config/schedules.ts";
import type { ConfiguredService } from "../src/config/configured.ts";
import type { Actor } from "../src/deployment/record.ts";
import type { Engine } from "../src/engine/engine.ts";
import type { Clock, Records } from "../src/engine/ports.ts";
import { TealError } from "../src/errors.ts";
import type { TroubleLog } from "../src/telemetry.ts";
import { restAfterRefusals } from "./rest.ts";
import { Schedulers } from "./schedulers.ts";

export interface ScheduleParts {
  engine: Pick<Engine, "start" | "ask">;
  records: Pick<Records, "slot" | "load">;
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
  /** What became of each occurrence; those that were left out as warnings. */
  tell: Record<"info" | "warn", (fields: object, message: string) => void>;
  log: TroubleLog;
}

const queueName = "schedules";

/** How often the schedulers are compared with the configuration, and put back where Redis came back without them. */
const renewMs = 30_000;

/** What should have happened longer ago was missed: nobody expects the morning's promotion in the evening. */
export const lateMsMax = 600_000;

/** A job of a schedule that this worker's configuration hasn't goes back, for another worker, for so long. */
const unknownMs = { again: 2_000, most: 60_000 } as const;

/** What became of an occurrence, in words. */
export interface Occurrence {
  kept: boolean;
  what: string;
}

/**
 * Does what a schedule asks for at an occurrence; safe to repeat. What can't be done is told, not thrown; throws
 * `unavailable` where Redis doesn't answer: then it is tried again.
 */
export async function keepSchedule(
  schedule: Schedule,
  at: number,
  parts: ScheduleParts,
): Promise<Occurrence> {
  const { engine, records, clock, services } = parts;
  const { name, service, asks } = schedule;
  const actor: Actor = { kind: "schedule", name };
  const key = `schedule-${name}-${at}`;
  const lateMs = clock.now() - at;
  if (lateMs > lateMsMax) return leftOut(`it comes ${Math.round(lateMs / 60_000)} min late`);
  const configured = services()[service];
  if (!configured) return leftOut(`there is no service ${service}`);
  try {
    if (asks.kind === "deploy") {
      const { strategy, request } = asks;
      const { target, whenBusy } = configured;
      const order = { target, strategy, request, actor, whenBusy, idempotencyKey: key };
      const { deployment } = await engine.start(order);
      return { kept: true, what: `started ${deployment.id}` };
    }
    const { acting } = await records.slot(service);
    const deployment = acting === undefined ? undefined : await records.load(acting);
    if (!deployment) return leftOut(`no deployment of ${service} acts`);
    // Tried again, or late: what was meant is what acted then, and it has ended.
    if (deployment.createdAt > at) return leftOut(`${deployment.id}, which acts, was asked for only later`);
    const { full, ifHealthy } = asks;
    const reason = `schedule ${name}`;
    await engine.ask(deployment.id, { kind: "promote", actor, full, ifHealthy, reason, commandId: key });
    return { kept: true, what: `asked ${deployment.id} to promote` };
  } catch (error) {
    if (!(error instanceof TealError) || error.code === "unavailable") throw error;
    return leftOut(error.message);
  }
}

function leftOut(why: string): Occurrence {
  return { kept: false, what: `left out: ${why}` };
}

export function startSchedules(options: ScheduleOptions): { stop(): Promise<void> } {
  const { connection, prefix, lockMs, stalledMs, log } = options;
  const queue = new Queue(queueName, { connection, prefix });
  queue.on("error", (error) => log.warn({ err: error }, "the queue of the schedules failed"));

  const keep = async (job: Job, token?: string): Promise<void> => {
    const schedule = options.schedules().find(({ name }) => name === job.name);
    const at = occurrenceOf(job);
    const now = options.clock.now();
    if (!schedule && now - at < unknownMs.most) {
      // BullMQ goes by the clock of the host.
      await job.moveToDelayed(Date.now() + unknownMs.again, token);
      throw new DelayedError();
    }
    const { kept, what } = schedule
      ? await keepSchedule(schedule, at, options)
      : leftOut("the configuration has it no longer");
    const fields = {
      schedule: job.name,
      ...(schedule && { service: schedule.service }),
      at: new Date(at).toISOString(),
    };
    options.tell[kept ? "info" : "warn"](fields, what);
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

  const schedulers = new Schedulers(queue);
  let renewing = Promise.resolve();
  const renew = (): void => {
    renewing = renewing
      .then(() => schedulers.agree(options.schedules(), options.clock.now()))
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
