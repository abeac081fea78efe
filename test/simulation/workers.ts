/** The workers: each run of turns is one of its own, so that what befalls it befalls nobody else. */
import type { Engine } from "../../src/engine/engine.ts";
import type { Cloud } from "../../src/engine/ports.ts";
import { TealError } from "../../src/errors.ts";
import type { Random } from "../../sandbox/random.ts";
import type { CallBegun } from "../../sandbox/wire/calls.ts";
import type { World } from "../support/world.ts";
import type { Plan } from "./chaos.ts";
import { hostFrom, ownClock, sharedClock, tellingTime } from "./hosts.ts";
import type { Journal } from "./journal.ts";
import type { Planted } from "./planted.ts";
import { type Fates, type Process, ProcessGates } from "./process.ts";
import type { RedisClock } from "./redis.ts";

/** A lock of a job is given up this long after its holder was last heard of. */
const lockMs = 15_000;

/** Where a process stands when it has passed every guard. */
const sending = "before send ";

/** So long after a process went on, what comes by the name of its call may be that call. */
const excusedMs = 30_000;

interface Run extends Process {
  deployment: string;
  startedAt: number;
}

/** A call of a process that stood still just before it sent it, by when it went on: nothing in it can know. */
interface LateCall {
  action: string;
  at: number;
}

export interface WorkersOptions {
  world: World;
  redisClock: RedisClock;
  plan: Pick<Plan, "fate" | "hosts">;
  planted: Planted;
  random: Random;
  journal: Journal;
}

export class Workers {
  /** Runs of turns that were begun. */
  turns = 0;
  /** Nobody takes up what is due before that. */
  stalledUntil = 0;
  readonly lateCalls: LateCall[] = [];
  private readonly options: WorkersOptions;
  private fates: Fates;
  private turnsHarmed = 0;
  private runs: Run[] = [];

  constructor(options: WorkersOptions) {
    this.options = options;
    this.fates = options.plan.fate;
  }

  /** Whether nobody is under way. */
  get idle(): boolean {
    return this.runs.length === 0;
  }

  isRunning(deployment: string): boolean {
    return this.runs.some((run) => run.deployment === deployment && this.now() < run.startedAt + lockMs);
  }

  async startDue(): Promise<void> {
    if (this.now() < this.stalledUntil) return;
    const { world, redisClock } = this.options;
    for (const id of await world.records.due(redisClock.now() + 1, 1_000)) {
      if (!this.isRunning(id)) this.start(id);
    }
  }

  start(deployment: string): void {
    const run: Run = { id: `w${this.turns++}`, dead: false, deployment, startedAt: this.now() };
    this.runs.push(run);
    void this.carry(run);
  }

  /** All that are under way die. */
  kill(): void {
    for (const run of this.runs) run.dead = true;
    this.runs = [];
  }

  /** From now on nothing befalls anybody. */
  leaveInPeace(): void {
    this.fates = () => ({ kind: "go" });
    this.turnsHarmed = this.turns;
  }

  /** Runs of turns that were begun since then. */
  get turnsInPeace(): number {
    return this.turns - this.turnsHarmed;
  }

  /** When one of them may do something, or no longer keeps others from it; some have passed. */
  moments(): number[] {
    // Whoever is under way may wait for any timer.
    const timer = this.idle ? undefined : this.options.world.clock.nextAt();
    return [
      ...(timer === undefined ? [] : [timer]),
      ...this.runs.map((run) => run.startedAt + lockMs),
      ...this.lateCalls.map(({ at }) => at),
      this.stalledUntil,
    ];
  }

  /** Whether a call may be one that its sender could not know to be late. */
  mayBeLate({ action, receivedAt }: Pick<CallBegun, "action" | "receivedAt">): boolean {
    return this.lateCalls.some(
      (call) => call.action === action && receivedAt >= call.at && receivedAt <= call.at + excusedMs,
    );
  }

  private now(): number {
    return this.options.world.clock.now();
  }

  private async carry(run: Run): Promise<void> {
    const { journal } = this.options;
    try {
      const rest = await this.engineOf(run).run(run.deployment, new AbortController().signal);
      if (rest.kind === "lost") {
        journal.tally["4 commit of a replaced worker refused"] += 1;
        journal.note(`${run.id} lost ${run.deployment}`);
      }
    } catch (error) {
      if (error instanceof TealError && error.code === "unavailable")
        journal.note(`${run.id} ${error.message}`);
      else
        journal.violations.push(
          `6 ${run.deployment} threw: ${error instanceof Error ? error.stack : String(error)}`,
        );
    } finally {
      this.forget(run);
    }
  }

  private engineOf(run: Run): Engine {
    const { world, redisClock, plan, planted, random, journal } = this.options;
    const redisNow = () => redisClock.now();
    const host = hostFrom(plan.hosts, random);
    const clock = planted.clocks
      ? ownClock(host, world.clock)
      : sharedClock(host, world.clock, redisNow, random);
    const gates = new ProcessGates(
      run,
      { world: world.clock, clock },
      (at) => this.fates(at),
      (at, fate) => {
        journal.note(`${run.id} ${fate.kind} ${at}`);
        if (fate.kind === "freeze" && at.startsWith(sending))
          this.lateCalls.push({ action: at.slice(sending.length), at: this.now() + fate.ms });
        if (fate.kind === "crash") this.forget(run);
      },
    );
    let reached: Cloud;
    return world.worker({
      clock,
      handler: (handler) => gates.handler(handler),
      hooks: (hooks) => gates.hooks(planted.hooks ? planted.hooks(hooks) : hooks),
      direct: (direct) => gates.direct(direct),
      cloud: (cloud) => (reached = gates.cloud(planted.cloud ? planted.cloud(cloud) : cloud)),
      records: (records) => {
        const gated = gates.records(tellingTime(records, clock, redisNow));
        return planted.records ? planted.records(gated, () => reached) : gated;
      },
    });
  }

  private forget(run: Run): void {
    this.runs = this.runs.filter((other) => other !== run);
  }
}
