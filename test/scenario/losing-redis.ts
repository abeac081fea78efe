/**
 * Deployments whose Redis is lost at a stated moment, and the person who is called then. A moment is a commit after
 * which the record is in another phase or step, or writes down another effect; the commit's effect isn't performed.
 */
import { type Phase } from "../../src/deployment/phases.ts";
import type { Way } from "../../src/deployment/recover.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import type { Strategy } from "../../src/deployment/strategy.ts";
import type { MemoryState } from "../support/memory-records.ts";
import { checkEnd, restOfRoutes } from "../simulation/ends.ts";
import { type Watch, watchPromises } from "../support/promises.ts";
import { sampleOf } from "../support/samples.ts";
import { ada, canary, type Laid, region, World } from "../support/world.ts";

export const steps: Strategy = canary(
  [
    { kind: "weight", percent: 10 },
    { kind: "pause", ms: 5_000 },
    { kind: "weight", percent: 50 },
    { kind: "weight", percent: 100 },
  ],
  { testing: [{ kind: "test" }, { kind: "pause", ms: 2_000 }], bakeMs: 5_000, retainMs: 10_000 },
);

/** To the end; or rolled back where it is half way, or while blue is retained. */
export const courses = ["through", "back from half way", "back from retaining"] as const;
export type Course = (typeof courses)[number];

export interface Moment {
  n: number;
  label: string;
  phase: Phase;
}

/** Plays the course until the moment. */
export async function cut(course: Course, at: number): Promise<Drama> {
  const drama = new Drama();
  await drama.play(course, at);
  return drama;
}

/** At moment `n` Redis comes back as it was at `earlier`; what is wrong once the person on call has done their part. */
export async function loseAndCare(
  course: Course,
  n: number,
  earlier: number,
  wish: "forward" | "back",
): Promise<string[]> {
  const drama = await cut(course, n);
  drama.lose(earlier);
  const deployments = await drama.care(wish);
  const released = deployments.some((d) => d.phase === "abandoned");
  const blueLeft = drama.world.sets().some((set) => set.taskSetArn === drama.blue);
  // Without blue there is no way back, and the deployment says so.
  const excess = released && (wish === "forward" || blueLeft) ? ["it had to be released"] : [];
  return [...excess, ...(await drama.misfits())];
}

class Cut extends Error {}

export class Drama {
  readonly world = new World();
  readonly laid: Laid = this.world.lay("checkout", { test: [1, 0] });
  private readonly rest = restOfRoutes(this.world.aws.region(region), this.laid);
  readonly watch: Watch = watchPromises(this.world);
  readonly moments: Moment[] = [];
  readonly snapshots: MemoryState[] = [];
  readonly blue = this.world.sets()[0]?.taskSetArn ?? "";
  /** What was sent where nobody was healthy. */
  readonly outages: string[] = [];
  id = "";
  private cutAt: number | undefined;

  /** Plays until the moment, or to the end. */
  async play(course: Course, cutAt?: number): Promise<void> {
    this.cutAt = cutAt;
    const unsubscribe = this.world.onCommit(({ decision }) => this.note(decision.next));
    try {
      await this.course(course);
      if (cutAt !== undefined) throw new Error(`there is no moment ${cutAt}`);
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
    } finally {
      unsubscribe();
    }
  }

  private async course(course: Course): Promise<void> {
    const { world, laid } = this;
    this.id = await world.start(laid, { taskDefinition: "checkout:2" }, { strategy: steps });
    this.snapshots.push(world.records.snapshot());
    this.moments.push({ n: 0, label: "queued 0", phase: "queued" });
    if (course === "back from half way") {
      await this.until(() => world.weights(laid).every(([, green]) => green === 50));
      await world.ask(this.id, "rollback");
    }
    if (course === "back from retaining") {
      await this.until(async () => (await world.deployment(this.id)).phase === "retaining");
      await world.ask(this.id, "rollback");
    }
    await this.until(async () => (await world.deployment(this.id)).settled);
  }

  private note(d: Deployment): void {
    if (d.id !== this.id) return;
    const effect = d.pending?.effect;
    const what = effect ? ` ${effect.kind} ${"route" in effect ? effect.route.kind : ""}` : "";
    const label = `${d.phase} ${d.step}${what}`.trimEnd();
    if (label === this.moments.at(-1)?.label) return;
    const n = this.moments.length;
    this.moments.push({ n, label, phase: d.phase });
    this.snapshots.push(this.world.records.snapshot());
    if (n === this.cutAt) throw new Cut();
  }

  /** Redis comes back empty, or as it was at an earlier moment. */
  lose(earlier?: number): void {
    const snapshot = earlier === undefined ? undefined : this.snapshots[earlier];
    if (snapshot) this.world.records.restore(snapshot);
    else this.world.records.clear();
    this.watch.forget();
  }

  async pass(ms: number): Promise<void> {
    const end = this.world.clock.now() + ms;
    await this.until(() => this.world.clock.now() >= end);
  }

  async until(holds: () => Promise<boolean> | boolean, limitMs = 1_800_000): Promise<void> {
    const { world } = this;
    const end = world.clock.now() + limitMs;
    while (!(await holds())) {
      if (world.clock.now() > end) throw new Error(`it does not end\n${await world.story()}`);
      await world.turn();
      this.look();
      world.clock.advance(250);
      this.look();
    }
  }

  /** Each group that a route gives weight can answer. */
  private look(): void {
    this.watch.check();
    const { requested } = sampleOf(this.world.aws.region(region), 0);
    for (const arn of [this.laid.listener, this.laid.rule]) {
      for (const [group, weight] of Object.entries(requested[arn] ?? {})) {
        if (weight > 0 && !this.canAnswer(group)) this.outages.push(`${arn} sends to ${group}`);
      }
    }
  }

  private canAnswer(group: string): boolean {
    return [...this.world.aws.region(region).elb.targets.values()].some(
      (target) => target.groupArn === group && target.health === "healthy",
    );
  }

  async recover(way: Way, deployment = this.id): Promise<string> {
    const order = { target: this.laid.target, strategy: steps, deployment, way, actor: ada };
    return (await this.world.engine.recover(order)).id;
  }

  /** All that is wrong at the end. */
  async misfits(): Promise<string[]> {
    const { deployments } = await this.world.records.list({ limit: 100 });
    const about = { drift: false, lost: true, sum: 1, test: undefined, rest: this.rest };
    const found = checkEnd(this.world, this.laid, deployments, about);
    const wrong = [...found, ...this.watch.violations, ...this.outages.slice(0, 3)];
    return wrong.length > 0 ? [...wrong, await this.world.story()] : [];
  }

  /** The person who is called: says what becomes of whatever stands still, until nothing does. */
  async care(wish: "forward" | "back"): Promise<Deployment[]> {
    const { world } = this;
    for (let visit = 0; visit < 40; visit++) {
      await this.pass(40_000);
      const { deployments } = await world.records.list({ limit: 100 });
      const open = deployments.filter((d) => !d.settled);
      const strays = await world.engine.strays(this.laid.target);
      if (open.length + strays.length === 0) return deployments;
      for (const d of open) {
        if (d.hold === undefined) continue;
        const lost = /is gone/.test(d.hold.reason);
        await world.ask(d.id, lost ? "release" : wish === "forward" ? "resume" : "rollback");
      }
      const [stray] = strays;
      if (stray && open.length === 0) {
        const way = stray.ways.includes(wish) ? wish : stray.ways[0];
        if (way) await this.recover(way, stray.deployment);
      }
    }
    throw new Error(`it does not end\n${await world.story()}`);
  }
}
