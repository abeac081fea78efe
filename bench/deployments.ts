/**
 * Whole deployments in stepped time, the real engine and the real AWS adapters on the sandbox's model: how long they
 * take beside the least that AWS and the strategy allow, and how often they call AWS.
 */
import { type Strategy, strategyDefaults } from "../src/deployment/strategy.ts";
import { defaultSettings } from "../sandbox/model/settings.ts";
import { type Laid, need, World } from "../test/support/world.ts";
import type { Figure, Measurement } from "./figures.ts";
import { leastTimes, type Times } from "./least.ts";

export interface DeploymentsSizes {
  /** Deployments that pause at once, of as many services in one cluster. */
  many: number;
  pauseMs: number;
}

/** One deployment, from being asked for to its end. */
interface Life extends Times {
  calls: number;
}

/** Deployments that all pause, part of the traffic being on green. */
interface Pause {
  callsPerLook: number;
  /** Of each of them. */
  callsPerMinute: number;
  /** Of all together. */
  balancerCallsPerSecond: number;
}

/**
 * What AWS allows an account in a region for all of ELBv2's Describe calls together, sustained; learnt from the
 * field, AWS publishes no number.
 */
const balancerCallsPerSecondMax = 10;

/** Until blue is in good order. */
const settledMs = 300_000;
const limitMs = 2 * 3_600_000;

export async function measureDeployments({ many, pauseMs }: DeploymentsSizes): Promise<Measurement> {
  const strategy: Strategy = {
    name: "canary",
    ...strategyDefaults,
    steps: [
      { kind: "weight", percent: 10 },
      { kind: "pause", ms: pauseMs },
      { kind: "weight", percent: 50 },
      { kind: "weight", percent: 100 },
    ],
    bakeMs: 60_000,
  };
  const world = new World({ settings: defaultSettings });
  const [laid] = lay(world, 1);
  const least = leastTimes(world, need(laid), strategy);
  const life = await wholeLife(strategy);
  const one = await pauseTogether(1, 0, strategy);
  const inStep = await pauseTogether(many, 0, strategy);
  // Some odd milliseconds, so that in stepped time no two of them fall into step.
  const spread = await pauseTogether(many, Math.floor(pauseMs / 2 / many) + 37, strategy);

  const calls = (what: string, value: number): Figure => ({
    what,
    value,
    unit: "per look",
    beside: { what: "one alone", value: one.callsPerLook },
  });
  return {
    name: "deployments",
    how: `stepped time; 10 %, pause ${pauseMs / 1000} s, 50 %, 100 %, bake 60 s`,
    figures: [
      seconds("until green is PRIMARY", life.promotedMs, least.promotedMs),
      seconds("until the old task set is gone", life.goneMs, least.goneMs),
      { what: "AWS calls until then", value: life.calls, unit: "" },
      { what: "AWS calls of one that pauses", value: one.callsPerMinute, unit: "/min" },
      { what: "AWS calls of one alone", value: one.callsPerLook, unit: "per look" },
      calls(`AWS calls of ${many} that look at the same moment`, inStep.callsPerLook),
      calls(`AWS calls of ${many} begun one by one`, spread.callsPerLook),
      balancerCalls("load balancer reads, one pauses", one.balancerCallsPerSecond),
      balancerCalls(`load balancer reads, ${many} pause`, spread.balancerCallsPerSecond),
    ],
  };
}

function seconds(what: string, value: number, leastMs: number): Figure {
  return { what, value: value / 1000, unit: "s", beside: { what: "least possible", value: leastMs / 1000 } };
}

function balancerCalls(what: string, value: number): Figure {
  return { what, value, unit: "/s", beside: { what: "AWS allows about", value: balancerCallsPerSecondMax } };
}

/** With delays as AWS has them. */
async function wholeLife(strategy: Strategy): Promise<Life> {
  const world = new World({ settings: defaultSettings });
  const laid = lay(world, 1);
  const { clock, local } = world;
  const began = clock.now();
  const times: Partial<Times> = {};
  let calls = 0;
  local.calls.subscribe(() => {
    calls += 1;
  });
  world.onCommit(({ decision: { next }, at }) => {
    if (next.phase === "retaining") times.promotedMs ??= at - began;
    if (next.phase === "succeeded") times.goneMs ??= at - began;
  });
  await deploy(world, laid, 0, strategy, () => times.goneMs !== undefined);
  return { promotedMs: need(times.promotedMs), goneMs: need(times.goneMs), calls };
}

/** With green there at once: only the pause is looked at. */
async function pauseTogether(count: number, apartMs: number, strategy: Strategy): Promise<Pause> {
  const counted = { looks: 0, calls: 0, balancer: 0 };
  const world = new World({
    wrap: (cloud) => ({
      perform: (target, effect, guard) => cloud.perform(target, effect, guard),
      look: (target, look, deadline) => {
        counted.looks += 1;
        return cloud.look(target, look, deadline);
      },
    }),
  });
  const laid = lay(world, count);
  const pausing = new Set<string>();
  let first: (typeof counted & { at: number }) | undefined;
  let over = false;
  world.local.calls.subscribe(({ service }) => {
    counted.calls += 1;
    if (service === "elasticloadbalancing") counted.balancer += 1;
  });
  world.onCommit(({ id, decision: { next }, at }) => {
    // Counted from the first look after all of them pause.
    if (pausing.size === count) first ??= { ...counted, at };
    const pauses = next.phase === "shifting" && strategy.steps[next.step]?.kind === "pause";
    if (pauses) pausing.add(id);
    else if (pausing.delete(id)) over = true;
  });
  const enough = (): boolean => over || (first !== undefined && world.clock.now() - first.at >= watchedMs);
  await deploy(world, laid, apartMs, strategy, enough);
  const { looks, calls, balancer, at } = need(first);
  const took = world.clock.now() - at;
  return {
    callsPerLook: (counted.calls - calls) / (counted.looks - looks),
    callsPerMinute: (counted.calls - calls) / (took / 60_000) / count,
    balancerCallsPerSecond: (counted.balancer - balancer) / (took / 1000),
  };
}

/** Some looks of each. */
const watchedMs = 20_000;

function lay(world: World, count: number): Laid[] {
  const laid = Array.from({ length: count }, (_, n) => world.lay(`shop-${n}`));
  world.clock.advance(settledMs);
  return laid;
}

/** Begins a deployment of each service, `apartMs` after the one before, and lets time pass until it is done. */
async function deploy(
  world: World,
  laid: Laid[],
  apartMs: number,
  strategy: Strategy,
  done: () => boolean,
): Promise<void> {
  const { clock, records, engine } = world;
  const began = clock.now();
  const end = began + limitMs;
  const waiting = laid.map((service, n) => ({ service, at: began + n * apartMs }));
  for (;;) {
    while ((waiting[0]?.at ?? Infinity) <= clock.now()) {
      const { service } = need(waiting.shift());
      await world.start(service, { taskDefinition: `${service.target.name}:2` }, { strategy });
    }
    // All at once, as a worker runs them, so that looks can share calls.
    const due = await records.due(clock.now() + 1, 100);
    await Promise.all(due.map((id) => engine.run(id, new AbortController().signal)));
    if (done()) return;
    const [soonest] = await records.due(Infinity, 1);
    const dueAt = soonest === undefined ? undefined : await records.dueAt(soonest);
    const next = Math.min(dueAt ?? Infinity, waiting[0]?.at ?? Infinity);
    if (next > end)
      throw new Error(`still not done
${await world.story()}`);
    clock.advance(Math.max(1, next - clock.now()));
  }
}
