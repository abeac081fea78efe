/** The person who is called: resumes what is held, and does as the reason of what is stuck says. */
import { needsPerson } from "../../src/deployment/draft.ts";
import { mayAsk } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { stepsOf } from "../../src/deployment/view.ts";
import type { Random } from "../../sandbox/random.ts";
import type { Laid } from "../support/world.ts";
import type { Journal } from "./journal.ts";
import type { Others } from "./others.ts";
import type { RedisMemory } from "./redis.ts";
import type { Requests } from "./requests.ts";
import type { Workers } from "./workers.ts";

export interface PersonOptions {
  services: Laid[];
  requests: Requests;
  others: Others;
  redis: RedisMemory;
  workers: Workers;
  random: Random;
  journal: Journal;
}

export class Person {
  private readonly options: PersonOptions;
  /** Deployments that were told to go back, because they were stuck. */
  private readonly sentBack = new Set<string>();

  constructor(options: PersonOptions) {
    this.options = options;
  }

  /** Whoever is tired of it gives up what will not go on. */
  async care(d: Deployment, tired: boolean): Promise<void> {
    const { services, requests, others, random } = this.options;
    const waits = stepsOf(d)[d.step];
    if (waits?.kind === "wait" && waits.until.kind === "approval") await requests.ask(d.id, "approve");
    const laid = services.find(({ target }) => target.name === d.service);
    if (laid && d.hold?.reason.includes("give its group no weight there")) return others.leadHome(laid);
    if (d.hold?.kind === "waiting" && d.phase === "shifting") await requests.ask(d.id, "resume");
    // A redeployment that fails is not asked for again and again.
    const goesBack = d.undoneBy === undefined && (tired || random() < 0.3);
    if (d.hold?.kind === "drift" && goesBack) await requests.ask(d.id, "rollback");
    // A check that can't tell will not be able to later either.
    else if (d.hold?.gate !== undefined) await requests.ask(d.id, "skip");
    else if (d.hold?.kind === "paused" || d.hold?.kind === "drift") await requests.ask(d.id, "resume");
    if (d.hold?.kind === "stuck") await this.help(d, tired);
  }

  /** As its reason says: what was refused is tried again; what only a person can decide goes back. */
  private async help(d: Deployment, tired: boolean): Promise<void> {
    const { requests, redis, others, workers, journal } = this.options;
    if (tired || redis.lost) return await requests.ask(d.id, "release");
    const refused = Object.values(d.trouble).some(needsPerson);
    if (refused || d.phase === "rolling_back" || !mayAsk(d.phase, "rollback"))
      return await requests.ask(d.id, "retry");
    // Nobody but Teal has done anything that a person would have to judge.
    if (!others.meddled.has(d.service) && workers.lateCalls.length === 0)
      journal.violations.push(`6 ${d.id} (${d.phase}) calls a person for nothing: ${d.hold?.reason}`);
    await requests.ask(d.id, this.sentBack.has(d.id) ? "release" : "rollback");
    this.sentBack.add(d.id);
  }
}
