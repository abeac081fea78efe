/** What a plan has in store is done to the world. */
import type { World } from "../support/world.ts";
import type { Watch } from "../support/promises.ts";
import type { Random } from "../../sandbox/random.ts";
import type { Happening } from "./chaos.ts";
import type { Journal } from "./journal.ts";
import type { Service } from "./layout.ts";
import type { Others } from "./others.ts";
import type { RedisClock, RedisMemory } from "./redis.ts";
import type { Requests } from "./requests.ts";
import type { Workers } from "./workers.ts";

/** All that something can happen to, and who does it. */
export interface Scene {
  world: World;
  redisClock: RedisClock;
  redis: RedisMemory;
  workers: Workers;
  requests: Requests;
  others: Others;
  watch: Watch;
  random: Random;
  journal: Journal;
}

export async function happen(happening: Happening, service: Service, scene: Scene): Promise<void> {
  const { world, redisClock, redis, workers, requests, others, watch, random, journal } = scene;
  const command = "command" in happening ? ` ${happening.command}` : "";
  journal.note(`${happening.kind} ${service.target.name}${command}`);
  switch (happening.kind) {
    case "deploy":
      return requests.deploy(happening, service);
    case "redeploy":
      return requests.redeploy(happening, service);
    case "command":
      return requests.command(happening.service, happening.command, happening);
    case "commands":
      for (const command of happening.commands) await requests.command(happening.service, command, happening);
      return;
    case "appointment":
      return requests.promoteLater(happening);
    case "schedule":
      return requests.promoteBySchedule(happening, service);
    case "hours":
      return keepHours(world, happening.hours, happening.ms);
    case "freeze":
      return freeze(world, redisClock.now(), happening.ms);
    case "drift":
      return others.drift(service, happening.route, happening.green);
    case "meddle":
      return others.meddle(service, happening.how);
    case "protect":
      return others.protect(service, happening.ms);
    case "leftover":
      return others.leaveOver(service);
    case "autoscale":
      return others.autoscale(service, happening.desired);
    case "kill":
      return others.kill(service);
    case "duplicate": {
      const id = requests.latestOf(happening.service);
      if (id) workers.start(id);
      return;
    }
    case "stall":
      workers.stalledUntil = world.clock.now() + happening.ms;
      return;
    case "clock":
      journal.tally["10 clock set"] += 1;
      redisClock.aheadMs += happening.ms;
      // Jobs sleep by the clocks of their hosts.
      for (const { id } of requests.deployments)
        world.clock.after(Math.round(1_000 + 9_000 * random()), () => workers.start(id));
      return;
    case "older":
    case "empty":
      // Workers that ran on the Redis that is lost are gone with it.
      workers.kill();
      watch.forget();
      return redis.lose(happening.kind === "older" ? happening.ms : Infinity);
  }
}

function keepHours(world: World, hours: string, ms: number): void {
  const windows = [{ hours, timezone: "Europe/Berlin" }];
  world.calendar = { ...world.calendar, windows };
  world.clock.after(ms, () => {
    world.calendar = { ...world.calendar, windows: [] };
  });
}

function freeze(world: World, from: number, ms: number): void {
  const added = { id: `freeze-${from}`, from, to: from + ms, reason: "chaos" };
  world.calendar = { ...world.calendar, freezes: [...world.calendar.freezes, added] };
}
