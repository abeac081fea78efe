/**
 * A run of one seed: real engine, real AWS adapters on the sandbox's model, records in memory, stepped time. While
 * it is disturbed the promises are watched after every step (safety); then the faults cease and everything must
 * end (liveness). The same seed gives the same run, to the letter. Every fiftieth goes over AWS's protocols as the SDK
 * speaks them; the others leave these out, which takes a fifth of the time and changes nothing that is decided.
 */
import { createHash } from "node:crypto";
import type { CommandKind } from "../../src/deployment/command.ts";
import type { Decide } from "../../src/deployment/decide.ts";
import { needsPerson } from "../../src/deployment/draft.ts";
import { isTerminal, mayAsk } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";
import type { CommandOrder, Engine } from "../../src/engine/engine.ts";
import type { Cloud, Hooks, Records } from "../../src/engine/ports.ts";
import type { Ask, Measured } from "../../src/deployment/check.ts";
import type { HookAnswer } from "../../src/deployment/hook.ts";
import type { Fault } from "../../src/deployment/observation.ts";
import { stepsOf } from "../../src/deployment/view.ts";
import { TealError } from "../../src/errors.ts";
import { createSharedClock, type SharedClock } from "../../src/redis/clock.ts";
import { keepSchedule } from "../../workers/schedules.ts";
import { hookFault } from "../support/outside.ts";
import type { CallBegun } from "../../sandbox/wire/calls.ts";
import { SteppedClock } from "../../sandbox/clock.ts";
import { seededRandom } from "../../sandbox/random.ts";
import { type Watch, watchPromises } from "../support/promises.ts";
import type { MemoryRecords, MemoryState } from "../support/memory-records.ts";
import { ada, canary, type Laid, region, World } from "../support/world.ts";
import { checkEnd, restOfRoutes } from "./ends.ts";
import { begin, type Happening, type Plan, planOf, type Size, small } from "./chaos.ts";
import { rememberLooks } from "./memory.ts";
import { drift, leadHome, meddle, protect, repair } from "./others.ts";
import { noOccasions, type Tally, tellOccasions } from "./occasions.ts";
import { type Process, ProcessGates } from "./process.ts";

export interface Verdict {
  seed: number;
  /** What was broken, in words that begin with the promise's number; empty when all is well. */
  violations: string[];
  /** What happened, a line each. */
  history: string[];
  turns: number;
  /** Runs of turns that a deployment took to its end once things were calm, on average over the world's. */
  calmTurns: number;
  /** Deployments by the phase they ended in. */
  ends: Record<string, number>;
  /** How often what puts promises to the test came up. */
  occasions: Tally;
  /** Of the history; equal for equal runs. */
  digest: string;
}

/** Broken parts in the place of the real ones. */
export interface Planted {
  decide?: Decide;
  cloud?: (cloud: Cloud) => Cloud;
  hooks?: (hooks: Hooks) => Hooks;
  records?: (records: Records, cloud: () => Cloud) => Records;
  /** What all workers share, rather than what one has in hand. */
  shared?: (records: MemoryRecords) => Records;
  /** Every worker goes by the clock of its host. */
  clocks?: "of hosts";
}

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

type Wire = "sdk" | "direct";

/** A lock of a job is given up this long after its holder was last heard of. */
const lockMs = 15_000;
/** After the disturbance everything ends within this time and so many turns of each deployment. */
const calmMs = 7_200_000;
export const turnsMax = 1_000;
/** Where nothing is due, how the world is is noted this often. */
const idleMs = 30_000;
/** How often somebody looks after what waits for a person. */
const careMs = 20_000;

/** Where a process stands when it has passed every guard. */
const sending = "before send ";

/** What may be asked with a command. */
type Asked = Pick<CommandOrder, "full" | "gate" | "promoteAt" | "ifHealthy">;

/** So often somebody tries to have a stray removed before asking why it stays. */
const removalsMax = 3;

/** Without any canary. */
const plainly = canary([{ kind: "weight", percent: 100 }], { holdMs: 6_000 });

/** Of a redeployment. */
const usualRefusals = new Set(["busy", "command-refused", "unknown-deployment"]);

interface Run extends Process {
  deployment: string;
  startedAt: number;
}

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
  const simulation = new Simulation(plan, planted, wire);
  return await simulation.run();
}

/** The SDK's first call reads its configuration from files, which takes real time: no seed may begin before that. */
let sdkReady: Promise<void> | undefined;

async function readConfiguration(): Promise<void> {
  const world = new World();
  await world.engine.strays(world.lay().target);
}

class Simulation {
  private readonly plan: Plan;
  private readonly clock = new SteppedClock(begin);
  private readonly world: World;
  private readonly planted: Planted;
  private readonly laid: Laid[];
  /** What no deployment may touch, service by service. */
  private readonly rests: string[];
  private readonly watch: Watch;
  private readonly random: () => number;
  private readonly history: string[] = [];
  private readonly deployments: { id: string; service: number }[] = [];
  private readonly violations: string[] = [];
  private readonly startedAt: number;
  private runs: Run[] = [];
  private known: Deployment[] = [];
  private changed = true;
  private turns = 0;
  private runCount = 0;
  private calm = false;
  private calmAt = 0;
  /** Calls of processes that stood still just before they sent them, by when they went on: nothing in one can know. */
  private readonly thawed: { action: string; at: number }[] = [];
  private stalledUntil = 0;
  private nextCareAt = 0;
  private readonly snapshots: { at: number; state: MemoryState }[] = [];
  private lost = false;
  /** How much Redis's clock is ahead of AWS's. */
  private redisAheadMs = 0;
  private readonly leftovers: { group: string; target: object }[] = [];
  private readonly asked: { id: string; commandId: string }[] = [];
  /** Services that somebody did to what only Teal should: how they end is not ours to answer for. */
  private readonly meddled = new Set<string>();
  /** Those that a person told to go back, because they were stuck. */
  private readonly helped = new Set<string>();
  private removals = 0;
  private turnsBefore = 0;
  private readonly endedAt = new Map<string, number>();
  private readonly tally = noOccasions();

  constructor(plan: Plan, planted: Planted, wire: Wire) {
    this.plan = plan;
    this.random = seededRandom(plan.seed + 7);
    this.planted = planted;
    this.world = new World({
      seed: plan.seed,
      clock: this.clock,
      settings: { ...plan.settings, behaviours: imagesOf(plan) },
      ...(planted.decide && { decide: planted.decide }),
      ...(planted.shared && { records: planted.shared }),
      wrap: rememberLooks,
      wire,
      metrics: plan.services.some(({ traffic }) => traffic !== undefined) ? "traffic" : false,
      shared: { now: () => this.redisNow() },
    });
    this.laid = plan.services.map((service, n) =>
      this.world.lay(`s${n}`, {
        desired: service.desired,
        ...layoutOf(service.forward),
        grace: 3,
        ...(service.test && { test: service.test }),
        ...(service.network && { network: true }),
      }),
    );
    for (const [n, { traffic }] of plan.services.entries())
      if (traffic !== undefined) this.world.traffic(this.laid[n]?.listener ?? "", { perMinute: traffic });
    this.world.outside.value = (ask) => this.measured(ask);
    this.world.outside.answer = () => this.answered();
    this.startedAt = this.clock.now();
    void this.world.records.subscribe(() => {
      this.changed = true;
    });
    this.watch = watchPromises(this.world, {
      excused: (call) => this.isThawed(call),
    });
    this.world.local.calls.subscribe((call) => {
      if (/^(Describe|List)/.test(call.action)) return;
      if (call.action === "CreateTaskSet" && call.outcome === "lost")
        this.tally["3 create without an answer"] += 1;
      this.note(`${call.action} ${call.outcome}`);
    });
    this.world.onCommit(({ id, decision, at }) => {
      if (isTerminal(decision.next.phase) && !this.endedAt.has(id)) this.endedAt.set(id, at);
    });
    this.rests = this.laid.map((laid) => restOfRoutes(this.world.aws.region(region), laid));
    for (const fault of plan.faults) this.world.local.faults.add(fault);
  }

  async run(): Promise<Verdict> {
    try {
      await this.disturbed();
      await this.ending();
      if (!this.broken()) await this.checkEnds();
    } catch (error) {
      this.violations.push(
        `6 it could not go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    for (const violation of this.watch.violations) this.violations.push(violation);
    const ends: Record<string, number> = {};
    for (const d of await this.all()) ends[d.phase] = (ends[d.phase] ?? 0) + 1;
    const history = [...this.history, ...(this.violations.length > 0 ? [await this.world.story()] : [])];
    return {
      seed: this.plan.seed,
      violations: this.violations,
      history,
      turns: this.turns,
      calmTurns: Math.ceil(this.calmTurns()),
      ends,
      occasions: this.tallied(),
      digest: createHash("sha256").update(this.history.join("\n")).digest("hex").slice(0, 16),
    };
  }

  private calmTurns(): number {
    return (this.turns - this.turnsBefore) / Math.max(1, this.deployments.length);
  }

  private tallied(): Tally {
    const { exercised } = this.watch;
    return {
      ...this.tally,
      "1 weight raised": exercised[1],
      "2 something taken away": exercised[2],
      "3 task set made": exercised[3],
      "4 turn while acting": exercised[4],
      "5 call made": exercised[5],
      "9 weights written": exercised[9],
      "10 step forward after that": exercised[10],
    };
  }

  private async disturbed(): Promise<void> {
    const happenings = [...this.plan.happenings];
    const end = this.startedAt + this.plan.disturbedMs;
    while (this.clock.now() < end && !this.broken()) {
      const next = happenings[0];
      const at = next ? this.startedAt + next.at : end;
      if (next && at <= this.clock.now()) {
        happenings.shift();
        await this.happen(next);
        this.checkNow();
        continue;
      }
      await this.pass(Math.min(at, end));
    }
  }

  private async ending(): Promise<void> {
    this.calm = true;
    this.world.calendar = { windows: [], freezes: [] };
    this.calmAt = this.clock.now();
    for (const { group, target } of this.leftovers) {
      this.world.aws.elb(region, "DeregisterTargets", {
        TargetGroupArn: group,
        Targets: [target as { Id: string }],
      });
    }
    for (const laid of this.laid) if (this.meddled.has(laid.target.name)) repair(this.world, laid);
    this.note("calm");
    this.world.local.faults.clear();
    const end = this.clock.now() + calmMs;
    this.turnsBefore = this.turns;
    while (!this.broken()) {
      const open = (await this.all()).filter((d) => !d.settled);
      // What a frozen worker sent may be put right by the last look only.
      const before = this.thawed.length > 0 ? Infinity : this.redisNow() + 1;
      const due = await this.world.records.due(before, 1);
      const frozen = this.thawed.filter(({ at }) => at >= this.clock.now());
      if (open.length + this.runs.length + due.length + frozen.length === 0 && !(await this.hasStrays()))
        return;
      if (this.clock.now() >= end || this.calmTurns() > turnsMax) {
        for (const d of open)
          this.violations.push(`6 ${d.id} has not ended: ${d.phase}, ${d.hold?.kind ?? ""} ${d.note}`);
        return;
      }
      if (this.clock.now() >= this.nextCareAt) await this.care(open);
      await this.pass(Math.min(end, this.nextCareAt));
    }
  }

  private isThawed({ action, receivedAt }: Pick<CallBegun, "action" | "receivedAt">): boolean {
    return this.thawed.some(
      (sent) => sent.action === action && receivedAt >= sent.at && receivedAt <= sent.at + idleMs,
    );
  }

  private redisNow(): number {
    return this.clock.now() + this.redisAheadMs;
  }

  /** What is outside of AWS goes wrong by chance, and is well once things are calm. */
  private measured({ kind }: Ask): Measured | Fault {
    const { bad, unclear } = this.calm ? { bad: 0, unclear: 0 } : this.plan.outside;
    if (this.random() < unclear) {
      return this.random() < 0.5 ? { kind: "nothing", why: "no data" } : hookFault("Timeout", "repeat");
    }
    const isBad = this.random() < bad;
    if (kind === "traffic") return { kind: "nothing", why: "nothing is counted here" };
    if (kind !== "alarms") return { kind: "value", value: isBad ? 9 : 0 };
    return { kind, firing: isBad ? [{ name: "s-5xx", reason: "crossed" }] : [], missing: [] };
  }

  private answered(): HookAnswer | Fault | "lost" {
    if (this.calm || this.random() >= this.plan.outside.failing) return { status: "SUCCEEDED" };
    const roll = this.random();
    if (roll < 0.3) return "lost";
    if (roll < 0.5) return hookFault("ECONNREFUSED", "repeat");
    if (roll < 0.7) return { status: "FAILED", message: "no" };
    return { status: "IN_PROGRESS", callBackMs: 2_000 };
  }

  /** After Redis lost something, or where a create was sent so late that its deployment had ended. */
  private get mayLeaveStrays(): boolean {
    return this.lost || this.thawed.some(({ action }) => action === "CreateTaskSet");
  }

  private async hasStrays(): Promise<boolean> {
    if (!this.mayLeaveStrays) return false;
    // What was made lately may be missing from reads.
    if (this.clock.now() < this.calmAt + 30_000) return true;
    const strays = await Promise.all(this.laid.map((laid) => this.world.engine.strays(laid.target)));
    return strays.some((found) => found.length > 0);
  }

  /** One step: what is due runs, then time goes on to the next thing that happens, but not past `limit`. */
  private async pass(limit: number): Promise<void> {
    await this.runDue();
    await this.settle();
    const dues = await Promise.all(
      this.deployments.filter(({ id }) => !this.isRunning(id)).map(({ id }) => this.world.records.dueAt(id)),
    );
    const thaws = this.thawed.map(({ at }) => at);
    const locks = this.runs.map((run) => run.startedAt + lockMs);
    // Whoever is under way may wait for any timer; otherwise only what is due wakes anybody.
    const timer = this.runs.length > 0 ? this.clock.nextAt() : undefined;
    const times = [
      timer,
      ...dues.map((at) => at && at - this.redisAheadMs),
      ...locks,
      ...thaws,
      this.stalledUntil,
    ]
      .filter((at) => at !== undefined)
      .filter((at) => at > this.clock.now());
    const next = Math.min(limit, ...times, this.clock.now() + idleMs);
    // A millisecond at least: what is due now has been started.
    this.clock.advance(Math.max(1, next - this.clock.now()));
    await this.settle();
    this.checkNow();
  }

  /** Everything in one process is a microtask; once the queue is empty, whoever still runs waits for the clock. */
  private async settle(): Promise<void> {
    if (this.runs.length === 0 && !this.world.busy) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  private isRunning(id: string): boolean {
    return this.runs.some((run) => run.deployment === id && this.clock.now() < run.startedAt + lockMs);
  }

  private async runDue(): Promise<void> {
    if (!this.calm && this.plan.happenings.some((h) => h.kind === "older")) {
      const at = this.clock.now();
      if (at - (this.snapshots.at(-1)?.at ?? 0) >= 3_000)
        this.snapshots.push({ at, state: this.world.records.snapshot() });
    }
    if (this.clock.now() < this.stalledUntil) return;
    for (const id of await this.world.records.due(this.redisNow() + 1, 1_000)) {
      if (!this.isRunning(id)) this.startRun(id);
    }
  }

  private startRun(deployment: string): void {
    const run: Run = { id: `w${this.runCount++}`, dead: false, deployment, startedAt: this.clock.now() };
    this.runs.push(run);
    this.turns += 1;
    void this.carry(run);
  }

  private async carry(run: Run): Promise<void> {
    try {
      const rest = await this.engineOf(run).run(run.deployment, new AbortController().signal);
      if (rest.kind === "lost") {
        this.tally["4 commit of a replaced worker refused"] += 1;
        this.note(`${run.id} lost ${run.deployment}`);
      }
    } catch (error) {
      if (error instanceof TealError && error.code === "unavailable") this.note(`${run.id} ${error.message}`);
      else
        this.violations.push(
          `6 ${run.deployment} threw: ${error instanceof Error ? error.stack : String(error)}`,
        );
    } finally {
      this.runs = this.runs.filter((other) => other !== run);
    }
  }

  /** Each run is a worker of its own, so that what befalls it befalls nobody else. */
  private engineOf(run: Run): Engine {
    const { planted } = this;
    const clock = this.clockOfHost();
    const gates = new ProcessGates(
      run,
      { world: this.clock, clock },
      (at) => (this.calm ? { kind: "go" } : this.plan.fate(at)),
      (at, fate) => {
        this.note(`${run.id} ${fate.kind} ${at}`);
        if (fate.kind === "freeze" && at.startsWith(sending))
          this.thawed.push({ action: at.slice(sending.length), at: this.clock.now() + fate.ms });
        if (fate.kind === "crash") this.runs = this.runs.filter((other) => other !== run);
      },
    );
    let reached: Cloud;
    return this.world.worker({
      clock,
      handler: (handler) => gates.handler(handler),
      hooks: (hooks) => gates.hooks(planted.hooks ? planted.hooks(hooks) : hooks),
      direct: (direct) => gates.direct(direct),
      cloud: (cloud) => (reached = gates.cloud(planted.cloud ? planted.cloud(cloud) : cloud)),
      records: (records) => {
        const gated = gates.records(this.timed(records, clock));
        return planted.records ? planted.records(gated, () => reached) : gated;
      },
    });
  }

  /** A worker that has just begun: its host's clock is wrong, its own steady one fast or slow, and Redis was asked. */
  private clockOfHost(): SharedClock {
    const { wrongMs, perMille } = this.plan.hosts;
    const pace = 1 + (perMille * (2 * this.random() - 1)) / 1_000;
    const startedAt = this.clock.now();
    const tripMs = 200 * this.random();
    let early = tripMs;
    const wrong = wrongMs * (2 * this.random() - 1);
    if (this.planted.clocks) return { now: () => this.clock.now() + Math.floor(wrong), ask: () => () => {} };
    const steady = () => pace * (this.clock.now() - startedAt - early);
    const clock = createSharedClock(steady, startedAt + wrong);
    const hear = clock.ask();
    early = 0;
    hear(this.redisNow() - Math.floor(tripMs * this.random()));
    return clock;
  }

  /** Every claim tells Redis's time, as it does in Redis. */
  private timed(records: Records, clock: SharedClock): Records {
    return {
      ...records,
      claim: async (id) => {
        const hear = clock.ask();
        const claimed = await records.claim(id);
        hear(this.redisNow());
        return claimed;
      },
    };
  }

  private async happen(happening: Happening): Promise<void> {
    const laid = this.laid[happening.service];
    if (!laid) return;
    const name = laid.target.name;
    this.note(`${happening.kind} ${name}${"command" in happening ? ` ${happening.command}` : ""}`);
    switch (happening.kind) {
      case "deploy":
        return this.deploy(happening, laid);
      case "command": {
        const id = this.latest(happening.service);
        if (id) await this.ask(id, happening.command, happening);
        return;
      }
      case "commands": {
        const id = this.latest(happening.service);
        for (const command of happening.commands) if (id) await this.ask(id, command, happening);
        return;
      }
      case "appointment": {
        const id = this.latest(happening.service);
        const { ms, ifHealthy, full } = happening;
        if (id) await this.ask(id, "promote", { full, ifHealthy, promoteAt: this.redisNow() + ms });
        return;
      }
      case "schedule": {
        const { records, engine } = this.world;
        const asks = { kind: "promote" as const, full: happening.full, ifHealthy: happening.ifHealthy };
        const schedule = { name: "daily", service: name, cron: "0 9 * * *", timezone: "UTC", asks };
        const configured = {
          target: laid.target,
          strategy: plainly,
          strategies: {},
          whenBusy: "queue" as const,
          calendar: this.world.calendar,
        };
        const services = { [name]: configured };
        const parts = {
          engine,
          records,
          clock: this.world.shared,
          schedules: () => [schedule],
          services: () => services,
        };
        const { what } = await keepSchedule(schedule, this.redisNow(), parts);
        this.note(what);
        return;
      }
      case "redeploy":
        return this.redeploy(happening, laid);
      case "hours": {
        const windows = [{ hours: happening.hours, timezone: "Europe/Berlin" }];
        this.world.calendar = { ...this.world.calendar, windows };
        this.clock.after(happening.ms, () => {
          this.world.calendar = { ...this.world.calendar, windows: [] };
        });
        return;
      }
      case "meddle":
        this.meddled.add(name);
        return meddle(this.world, laid, happening.how);
      case "protect": {
        const tasks = this.world.aws.ecs(region, "ListTasks", {
          cluster: "prod",
          serviceName: name,
        }).taskArns;
        const [task] = tasks;
        if (task) protect(this.world, task, true);
        if (task) this.clock.after(happening.ms, () => protect(this.world, task, false));
        return;
      }
      case "freeze": {
        const from = this.redisNow();
        const freeze = { id: `freeze-${from}`, from, to: from + happening.ms, reason: "chaos" };
        this.world.calendar = { ...this.world.calendar, freezes: [...this.world.calendar.freezes, freeze] };
        return;
      }
      case "drift":
        return drift(this.world, laid, happening.route, happening.green);
      case "autoscale":
        this.world.aws.ecs(region, "UpdateService", {
          cluster: "prod",
          service: name,
          desiredCount: happening.desired,
        });
        return;
      case "kill": {
        const tasks = this.world.aws.ecs(region, "ListTasks", {
          cluster: "prod",
          serviceName: name,
        }).taskArns;
        const task = tasks[Math.floor(this.random() * tasks.length)];
        if (task) this.world.aws.ecs(region, "StopTask", { cluster: "prod", task, reason: "chaos" });
        return;
      }
      case "duplicate": {
        const id = this.latest(happening.service);
        if (id) this.startRun(id);
        return;
      }
      case "clock":
        this.tally["10 clock set"] += 1;
        this.redisAheadMs += happening.ms;
        // Jobs sleep by the clocks of their hosts.
        for (const { id } of this.deployments)
          this.clock.after(Math.round(1_000 + 9_000 * this.random()), () => this.startRun(id));
        return;
      case "stall":
        this.stalledUntil = this.clock.now() + happening.ms;
        return;
      case "leftover":
        return this.leaveOver(laid);
      case "older": {
        const from = this.snapshots.findLast(({ at }) => at <= this.clock.now() - happening.ms);
        await this.redisLost();
        if (from) this.world.records.restore(from.state);
        else this.world.records.clear();
        return;
      }
      case "empty":
        await this.redisLost();
        this.world.records.clear();
        return;
    }
  }

  /** Workers that ran on the Redis that was lost are gone with it. */
  private async redisLost(): Promise<void> {
    const underWay = (await this.all()).some((d) => !isTerminal(d.phase) && d.phase !== "queued");
    if (underWay) this.tally["10 Redis lost in mid-deployment"] += 1;
    for (const run of this.runs) run.dead = true;
    this.runs = [];
    this.lost = true;
    this.watch.forget();
    this.changed = true;
  }

  private async redeploy(
    { service, whenBusy }: Extract<Happening, { kind: "redeploy" }>,
    laid: Laid,
  ): Promise<void> {
    const first = this.deployments.find((known) => known.service === service)?.id;
    if (first === undefined) return;
    const strategy = plainly;
    try {
      const { kind, deployment } = await this.world.engine.redeploy(first, {
        target: laid.target,
        strategy,
        actor: ada,
        whenBusy,
      });
      this.note(`redeploy: ${kind} ${deployment.id}`);
      if (kind === "started") this.deployments.push({ id: deployment.id, service });
    } catch (error) {
      if (!(error instanceof TealError && usualRefusals.has(error.code))) throw error;
      this.note(`redeploy: ${error.code}`);
    }
  }

  private leaveOver({ groups, target }: Laid): void {
    const primary = this.world.sets(target.name).find((set) => set.status === "PRIMARY");
    const serving = primary?.loadBalancers?.[0]?.targetGroupArn;
    const idle = groups.find((group) => group !== serving) ?? groups[1];
    const health = this.world.aws.elb(region, "DescribeTargetHealth", {
      TargetGroupArn: serving ?? groups[0],
    });
    const left = health.TargetHealthDescriptions[0]?.Target;
    if (!left) return;
    this.world.aws.elb(region, "RegisterTargets", { TargetGroupArn: idle, Targets: [left] });
    this.leftovers.push({ group: idle, target: left });
  }

  private async deploy(happening: Extract<Happening, { kind: "deploy" }>, laid: Laid): Promise<void> {
    try {
      const id = await this.world.start(
        laid,
        {
          taskDefinition: `${laid.target.name}:${happening.version}`,
          ...(happening.build !== undefined && { build: happening.build }),
        },
        {
          strategy: happening.strategy satisfies Strategy,
          whenBusy: happening.whenBusy,
          ...(happening.force && { force: true }),
        },
      );
      this.deployments.push({ id, service: happening.service });
    } catch (error) {
      if (!(error instanceof TealError && (error.code === "busy" || error.code === "stale-build")))
        throw error;
      this.note(error.code);
    }
  }

  /** The person who is called: resumes what is held, retries what is stuck. */
  private async care(open: Deployment[]): Promise<void> {
    this.nextCareAt = this.clock.now() + careMs;
    for (const { id } of await this.all()) {
      if (!this.deployments.some((known) => known.id === id)) this.deployments.push({ id, service: 0 });
    }
    for (const d of open) {
      const tired = this.clock.now() - this.calmAt > calmMs / 2;
      const waits = stepsOf(d)[d.step];
      if (waits?.kind === "wait" && waits.until.kind === "approval") await this.ask(d.id, "approve");
      const laid = this.laid.find(({ target }) => target.name === d.service);
      if (laid && d.hold?.reason.includes("give its group no weight there")) {
        leadHome(this.world, laid);
        continue;
      }
      if (d.hold?.kind === "waiting" && d.phase === "shifting") await this.ask(d.id, "resume");
      // A redeployment that fails is not asked for again and again.
      const goesBack = d.undoneBy === undefined && (tired || this.random() < 0.3);
      if (d.hold?.kind === "drift" && goesBack) await this.ask(d.id, "rollback");
      // A check that can't tell will not be able to later either.
      else if (d.hold?.gate !== undefined) await this.ask(d.id, "skip");
      else if (d.hold?.kind === "paused" || d.hold?.kind === "drift") await this.ask(d.id, "resume");
      if (d.hold?.kind === "stuck") await this.help(d, tired);
    }
    if (this.mayLeaveStrays) await this.recover();
  }

  /** As its reason says: what was refused is tried again; what only a person can decide goes back. */
  private async help(d: Deployment, tired: boolean): Promise<void> {
    if (tired || this.lost) return await this.ask(d.id, "release");
    const refused = Object.values(d.trouble).some(needsPerson);
    if (refused || d.phase === "rolling_back" || !mayAsk(d.phase, "rollback"))
      return await this.ask(d.id, "retry");
    // Nobody but Teal has done anything that a person would have to judge.
    if (!this.meddled.has(d.service) && this.thawed.length === 0)
      this.violations.push(`6 ${d.id} (${d.phase}) calls a person for nothing: ${d.hold?.reason}`);
    await this.ask(d.id, this.helped.has(d.id) ? "release" : "rollback");
    this.helped.add(d.id);
  }

  private latest(service: number): string | undefined {
    return this.deployments.findLast((known) => known.service === service)?.id;
  }

  private async ask(id: string, kind: CommandKind, order: Asked = {}): Promise<void> {
    if (!(await this.world.records.load(id))) return;
    const { full = false, gate, promoteAt, ifHealthy } = order;
    const more = {
      full,
      ...(gate !== undefined && { gate }),
      ...(promoteAt !== undefined && { promoteAt }),
      ...(ifHealthy !== undefined && { ifHealthy }),
      ...(kind === "answer" ? { attempt: 1, answer: { status: "SUCCEEDED" as const } } : { reason: "chaos" }),
    };
    const { id: commandId } = await this.world.engine.ask(id, { kind, actor: ada, ...more });
    this.asked.push({ id, commandId });
  }

  /** Whoever is called decides, for each set that no record answers for. */
  private async recover(): Promise<void> {
    for (const laid of this.laid) {
      // One that shares its group with what serves can go only once another deployment has taken the other group.
      if (this.removals > 0 && this.removals % removalsMax === 0) {
        this.removals += 1;
        await this.world.start(
          laid,
          { taskDefinition: `${laid.target.name}:2` },
          { strategy: plainly, whenBusy: "queue" },
        );
        this.note("deploy once more");
      }
      for (const stray of await this.world.engine.strays(laid.target)) {
        const way = stray.ways[Math.floor(this.random() * stray.ways.length)] ?? "back";
        const strategy = plainly;
        const order = { target: laid.target, strategy, deployment: stray.deployment, way, actor: ada };
        try {
          const d = await this.world.engine.recover(order);
          this.note(`recover ${stray.deployment} ${way} as ${d.id}`);
          this.removals += way === "remove" ? 1 : 0;
          this.changed = true;
        } catch (error) {
          if (!(error instanceof TealError && error.code === "busy")) throw error;
        }
      }
    }
  }

  private checkNow(): void {
    this.world.local.calls.reset();
    this.watch.check();
  }

  private async checkEnds(): Promise<void> {
    this.clock.advance(120_000);
    for (const [n, laid] of this.laid.entries()) {
      const ended = (await this.all()).filter((d) => d.service === laid.target.name);
      const drift = this.plan.happenings.some((h) => h.kind === "drift" && h.service === n);
      this.violations.push(
        ...checkEnd(this.world, laid, ended, {
          drift: drift || this.meddled.has(laid.target.name),
          meddled: this.meddled.has(laid.target.name),
          endedAt: this.endedAt,
          rest: this.rests[n] ?? "",
          lost: this.lost,
          sum: sums[this.plan.services[n]?.forward ?? "one"],
          test: this.plan.services[n]?.test,
        }),
      );
    }
    for (const d of await this.all()) {
      this.tally["6 deployment ended"] += 1;
      const events = await this.world.events(d.id);
      tellOccasions(events, this.tally);
      if (events.some((event, n) => event.seq !== n) || events.length !== d.events) {
        this.violations.push(`5 ${d.id}: the events have holes`);
      }
      const answers = events.flatMap((event) => (event.type === "command" ? [event.commandId] : []));
      for (const { id, commandId } of this.asked) {
        if (id !== d.id || this.lost) continue;
        const count = answers.filter((answer) => answer === commandId).length;
        if (count !== 1)
          this.violations.push(`8 ${d.id}: the command ${commandId} was answered ${count} times`);
      }
      if (!isTerminal(d.phase)) this.violations.push(`6 ${d.id} is ${d.phase}`);
    }
  }

  private broken(): boolean {
    return this.violations.length > 0 || this.watch.violations.length > 0;
  }

  /** Read anew only when something was committed. */
  private async all(): Promise<Deployment[]> {
    if (this.changed) this.known = (await this.world.records.list({ limit: 100 })).deployments;
    this.changed = false;
    return this.known;
  }

  private note(line: string): void {
    this.history.push(`${((this.clock.now() - this.startedAt) / 1000).toFixed(3)} ${line}`);
  }
}

function imagesOf(plan: Plan): Plan["behaviours"] {
  return Object.fromEntries(
    Object.entries(plan.behaviours).flatMap(([version, behaviour]) =>
      plan.services.map((_, n) => [`demo/s${n}:${version}`, behaviour]),
    ),
  );
}

/** All of the pair's weight on the first group; beside it a third group, or clients that stay where they were. */
function layoutOf(kind: Plan["services"][number]["forward"]) {
  const forward = ([a, b]: [string, string]) => [
    { TargetGroupArn: a, Weight: sums[kind] },
    { TargetGroupArn: b, Weight: 0 },
  ];
  if (kind !== "three" && kind !== "sticky") return { forward };
  return {
    forward,
    actions: (pair: { TargetGroupArn: string; Weight: number }[], third: string) => [
      {
        Type: "forward" as const,
        ForwardConfig:
          kind === "three"
            ? { TargetGroups: [...pair, { TargetGroupArn: third, Weight: 7 }] }
            : { TargetGroups: pair, TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 600 } },
      },
    ],
  };
}

/** What the pair's weights sum up to, whoever serves. Beside a third group they can't be scaled, only shared. */
const sums = { one: 1, hundred: 200, three: 20, sticky: 1 } satisfies Record<
  Plan["services"][number]["forward"],
  number
>;
