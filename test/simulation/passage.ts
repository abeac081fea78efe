/** How time passes: what is due runs, and whoever runs gets as far as it can without the clock. */
import type { Watch } from "../support/promises.ts";
import type { World } from "../support/world.ts";
import type { RedisClock } from "./redis.ts";
import type { Requests } from "./requests.ts";
import type { Workers } from "./workers.ts";

/** Where nothing is due, how the world is is noted this often. */
const idleMs = 30_000;

export interface PassageOptions {
  world: World;
  redisClock: RedisClock;
  workers: Workers;
  requests: Requests;
  watch: Watch;
}

export class Passage {
  private readonly options: PassageOptions;

  constructor(options: PassageOptions) {
    this.options = options;
  }

  /** Time goes on to the next thing that happens, but not past `limit`. */
  async step(limit: number): Promise<void> {
    const { world, workers } = this.options;
    const { clock } = world;
    await workers.startDue();
    await this.settle();
    const times = [...(await this.dues()), ...workers.moments()].filter((at) => at > clock.now());
    const next = Math.min(limit, ...times, clock.now() + idleMs);
    // A millisecond at least: what is due now has been started.
    clock.advance(Math.max(1, next - clock.now()));
    await this.settle();
    this.check();
  }

  /** Call after anything that was done to the world by hand. */
  check(): void {
    this.options.world.local.calls.reset();
    this.options.watch.check();
  }

  /** Everything in one process is a microtask; once the queue is empty, whoever still runs waits for the clock. */
  private async settle(): Promise<void> {
    if (this.options.workers.idle && !this.options.world.busy) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** When what nobody has in hand is due, by the clock of the world. */
  private async dues(): Promise<number[]> {
    const { world, redisClock, workers, requests } = this.options;
    const waiting = requests.deployments.filter(({ id }) => !workers.isRunning(id));
    const dues = await Promise.all(waiting.map(({ id }) => world.records.dueAt(id)));
    return dues.filter((at) => at !== undefined).map((at) => at - redisClock.aheadMs);
  }
}
