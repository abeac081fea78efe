/**
 * Task sets that no record answers for: after Redis lost something, or where a create was sent so late that its
 * deployment had ended. Whoever is called decides what becomes of each.
 */
import { TealError } from "../../src/errors.ts";
import type { Random } from "../../sandbox/random.ts";
import { ada, type Laid, type World } from "../support/world.ts";
import type { Journal } from "./journal.ts";
import type { RedisMemory } from "./redis.ts";
import { plainly } from "./requests.ts";
import type { Workers } from "./workers.ts";

/** So often somebody tries to have a stray removed before asking why it stays. */
const removalsMax = 3;

export interface StraysOptions {
  world: World;
  services: Laid[];
  /** These two tell whether there may be any. */
  redis: RedisMemory;
  workers: Workers;
  random: Random;
  journal: Journal;
}

export class Strays {
  private readonly options: StraysOptions;
  private removals = 0;

  constructor(options: StraysOptions) {
    this.options = options;
  }

  /** Whether there may be any. */
  get possible(): boolean {
    const { redis, workers } = this.options;
    return redis.lost || workers.lateCalls.some(({ action }) => action === "CreateTaskSet");
  }

  async exist(): Promise<boolean> {
    const { world, services } = this.options;
    const strays = await Promise.all(services.map(({ target }) => world.engine.strays(target)));
    return strays.some((found) => found.length > 0);
  }

  async recover(): Promise<void> {
    const { world, services, journal } = this.options;
    for (const laid of services) {
      // One that shares its group with what serves can go only once another deployment has taken the other group.
      if (this.removals > 0 && this.removals % removalsMax === 0) {
        this.removals += 1;
        const request = { taskDefinition: `${laid.target.name}:2` };
        await world.start(laid, request, { strategy: plainly, whenBusy: "queue" });
        journal.note("deploy once more");
      }
      for (const { deployment, ways } of await world.engine.strays(laid.target)) {
        const way = ways[Math.floor(this.options.random() * ways.length)] ?? "back";
        const order = { target: laid.target, strategy: plainly, deployment, way, actor: ada };
        try {
          const d = await world.engine.recover(order);
          journal.note(`recover ${deployment} ${way} as ${d.id}`);
          if (way === "remove") this.removals += 1;
        } catch (error) {
          const code = error instanceof TealError ? error.code : undefined;
          // A turn may just have taken away what made it one.
          const gone = code === "command-refused" && !(await this.isThere(laid, deployment));
          if (code !== "busy" && !gone) throw error;
        }
      }
    }
  }

  private async isThere({ target }: Laid, deployment: string): Promise<boolean> {
    const strays = await this.options.world.engine.strays(target);
    return strays.some((stray) => stray.deployment === deployment);
  }
}
