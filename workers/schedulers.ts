/** Which BullMQ job schedulers there are, brought into agreement with this worker's configuration. */
import type { Queue } from "bullmq";
import type { Schedule } from "../src/config/schedules.ts";

/**
 * A change of the configuration reaches one worker after the other. What Redis has and this one's doesn't say is left
 * for so long: it may be the newer.
 */
export const patienceMs = 600_000;

export class Schedulers {
  private readonly queue: Queue;
  /** Since when a scheduler has been other than this worker's configuration says, by its name. */
  private readonly otherSince = new Map<string, number>();
  /** What this worker's configuration said when a scheduler was last seen to agree or was written. */
  private readonly agreed = new Map<string, string>();

  constructor(queue: Queue) {
    this.queue = queue;
  }

  /**
   * Writes the schedulers that are missing or newly configured at once, and puts right what stands otherwise for long.
   * One that is as it should be isn't touched: it may be due. Safe to repeat.
   */
  async agree(schedules: readonly Schedule[], now: number): Promise<void> {
    const present = new Map((await this.queue.getJobSchedulers()).map((one) => [one.key, one]));
    const wanted = new Set(schedules.map(({ name }) => name));
    for (const name of this.agreed.keys()) if (!wanted.has(name)) this.agreed.delete(name);
    for (const name of this.otherSince.keys())
      if (!wanted.has(name) && !present.has(name)) this.otherSince.delete(name);

    for (const name of present.keys()) {
      if (wanted.has(name) || !this.isLong(name, now)) continue;
      await this.queue.removeJobScheduler(name);
      this.otherSince.delete(name);
    }
    for (const schedule of schedules) {
      const { name, cron, timezone } = schedule;
      const one = present.get(name);
      const wish = `${cron} ${timezone}`;
      const agrees = one?.pattern === cron && one.tz === timezone;
      const isOld = one !== undefined && this.agreed.get(name) === wish;
      if (!agrees && isOld && !this.isLong(name, now)) continue;
      if (!agrees) await this.write(schedule);
      this.agreed.set(name, wish);
      this.otherSince.delete(name);
    }
  }

  private isLong(name: string, now: number): boolean {
    const since = this.otherSince.get(name) ?? now;
    this.otherSince.set(name, since);
    return now - since >= patienceMs;
  }

  private async write({ name, cron, timezone }: Schedule): Promise<void> {
    const opts = {
      removeOnComplete: true,
      removeOnFail: true,
      attempts: 5,
      backoff: { type: "exponential", delay: 2_000 },
    };
    await this.queue.upsertJobScheduler(name, { pattern: cron, tz: timezone }, { name, opts });
  }
}
