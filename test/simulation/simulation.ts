/**
 * A run of one seed: real engine, real AWS adapters on the sandbox's model, records in memory, stepped time. While
 * it is disturbed the promises are watched after every step (safety); then the faults cease and everything must
 * end (liveness). The same seed gives the same run, to the letter. Every fiftieth goes over AWS's protocols as the SDK
 * speaks them; the others leave these out, which takes a fifth of the time and changes nothing that is decided.
 */
import { isTerminal } from "../../src/deployment/phases.ts";
import { SteppedClock } from "../../sandbox/clock.ts";
import { seededRandom } from "../../sandbox/random.ts";
import { watchPromises } from "../support/promises.ts";
import { World, type WorldOptions } from "../support/world.ts";
import { begin, type Plan, planOf, type Size, small } from "./chaos.ts";
import { Ending } from "./ending.ts";
import { happen, type Scene } from "./happenings.ts";
import { Journal } from "./journal.ts";
import { layOut, type Service } from "./layout.ts";
import { Others } from "./others.ts";
import { settle, upset } from "./outside.ts";
import { Passage } from "./passage.ts";
import { Person } from "./person.ts";
import type { Planted } from "./planted.ts";
import { RedisClock, RedisMemory } from "./redis.ts";
import { Requests } from "./requests.ts";
import { Strays } from "./strays.ts";
import { judgeEnds, occasionsOf, type Verdict } from "./verdict.ts";
import { Workers } from "./workers.ts";

export interface SimulateOptions {
  seed: number;
  size?: Size;
  /** A fault in Teal itself, for showing that the checkers see it. */
  planted?: Planted;
  /** Changes the plan that the seed gives. */
  adjust?: (plan: Plan) => void;
  /** Over AWS's protocols or past them, instead of as the seed says. */
  wire?: Wire;
}

type Wire = NonNullable<WorldOptions["wire"]>;

export async function simulate({
  seed,
  size = small,
  planted = {},
  adjust,
  wire = seed % 50 === 0 ? "sdk" : "direct",
}: SimulateOptions): Promise<Verdict> {
  if (wire === "sdk") await (sdkReady ??= readConfiguration());
  const plan = planOf(seed, size);
  adjust?.(plan);
  return await new Simulation(plan, planted, wire).run();
}

/** The SDK's first call reads its configuration from files, which takes real time: no seed may begin before that. */
let sdkReady: Promise<void> | undefined;

async function readConfiguration(): Promise<void> {
  const world = new World();
  await world.engine.strays(world.lay().target);
}

class Simulation {
  private readonly plan: Plan;
  private readonly services: Service[];
  private readonly scene: Scene;
  private readonly passage: Passage;
  private readonly ending: Ending;
  private readonly endedAt = new Map<string, number>();

  constructor(plan: Plan, planted: Planted, wire: Wire) {
    const clock = new SteppedClock(begin);
    const redisClock = new RedisClock(clock);
    const { world, services } = layOut(plan, {
      clock,
      shared: redisClock,
      wire,
      ...(planted.decide && { decide: planted.decide }),
      ...(planted.shared && { records: planted.shared }),
    });
    const random = seededRandom(plan.seed + 7);
    const journal = new Journal(clock);
    const redis = new RedisMemory(world.records, clock, journal);
    const workers = new Workers({ world, redisClock, plan, planted, random, journal });
    const requests = new Requests(world, redisClock, journal);
    const others = new Others(world, random);
    const watch = watchPromises(world, { excused: (call) => workers.mayBeLate(call) });
    const passage = new Passage({ world, redisClock, workers, requests, watch });
    const person = new Person({ services, requests, others, redis, workers, random, journal });
    const strays = new Strays({ world, services, redis, workers, random, journal });
    const scene = { world, redisClock, redis, workers, requests, others, watch, random, journal };
    this.plan = plan;
    this.services = services;
    this.scene = scene;
    this.passage = passage;
    this.ending = new Ending({
      world,
      redisClock,
      redis,
      workers,
      requests,
      passage,
      person,
      strays,
      journal,
    });
    upset(world.outside, plan.outside, random);
    this.listen();
  }

  async run(): Promise<Verdict> {
    const { world, redis, workers, watch, journal } = this.scene;
    try {
      await this.disturbed();
      this.cease();
      await this.ending.run(() => this.isBroken());
      if (!this.isBroken())
        await judgeEnds({ ...this.scene, services: this.services, endedAt: this.endedAt });
    } catch (error) {
      journal.violations.push(
        `6 it could not go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    const violations = [...journal.violations, ...watch.violations];
    const ends: Record<string, number> = {};
    for (const { phase } of await redis.deployments()) ends[phase] = (ends[phase] ?? 0) + 1;
    return {
      seed: this.plan.seed,
      violations,
      history: [...journal.lines, ...(violations.length > 0 ? [await world.story()] : [])],
      turns: workers.turns,
      calmTurns: Math.ceil(this.ending.turnsEach()),
      ends,
      occasions: occasionsOf(journal, watch),
      digest: journal.digest(),
    };
  }

  /** Safety: what the plan has in store happens at its time, until the disturbed time is over. */
  private async disturbed(): Promise<void> {
    const { world, redis } = this.scene;
    const { happenings, disturbedMs } = this.plan;
    const startedAt = world.clock.now();
    const end = startedAt + disturbedMs;
    const comesBackOlder = happenings.some(({ kind }) => kind === "older");
    const left = [...happenings];
    while (world.clock.now() < end && !this.isBroken()) {
      const [next] = left;
      const at = next ? startedAt + next.at : end;
      if (next && at <= world.clock.now()) {
        left.shift();
        const service = this.services[next.service];
        if (service) await happen(next, service, this.scene);
        this.passage.check();
        continue;
      }
      if (comesBackOlder) redis.snapshot();
      await this.passage.step(Math.min(at, end));
    }
  }

  /** Nothing goes wrong from now on, and whoever did something to a service puts it right. */
  private cease(): void {
    const { world, workers, others, random, journal } = this.scene;
    world.calendar = { windows: [], freezes: [] };
    world.local.faults.clear();
    workers.leaveInPeace();
    settle(world.outside, random);
    others.putRight(this.services);
    journal.note("calm");
  }

  private listen(): void {
    const { world, journal } = this.scene;
    world.local.calls.subscribe(({ action, outcome }) => {
      if (/^(Describe|List)/.test(action)) return;
      if (action === "CreateTaskSet" && outcome === "lost") journal.tally["3 create without an answer"] += 1;
      journal.note(`${action} ${outcome}`);
    });
    world.onCommit(({ id, decision, at }) => {
      if (isTerminal(decision.next.phase) && !this.endedAt.has(id)) this.endedAt.set(id, at);
    });
  }

  private isBroken(): boolean {
    return this.scene.journal.violations.length > 0 || this.scene.watch.violations.length > 0;
  }
}
