/** Checkout: a canary in whose middle a worker is killed, a version that never gets healthy, an abort half way. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Act, deploy, deregistrationMs, exited, firstSaid, inForce, type Plot, whoSays } from "./act.ts";
import { drainOf, failureOf, startOf } from "./least.ts";
import type { DemoWorker } from "./house.ts";

/** The canary that all its acts deploy by. */
const pace = { pauseMs: 8_000, bakeMs: 5_000, holdMs: 3_000, failedTasks: 2 } as const;

const canary = {
  steps: [
    { weight: 10 },
    { pause: `${pace.pauseMs / 1000}s` },
    { weight: 50 },
    { pause: `${pace.pauseMs / 1000}s` },
    { weight: 100 },
  ],
  bake: `${pace.bakeMs / 1000}s`,
  hold: `${pace.holdMs / 1000}s`,
  failedTasks: pace.failedTasks,
};

/** What each deployment must bring into force, in percent by version. */
const canaryWeights: Record<string, number>[] = [{ 1: 90, 2: 10 }, { 1: 50, 2: 50 }, { 2: 100 }];
const abortWeights: Record<string, number>[] = [{ 2: 90, 4: 10 }, { 2: 50, 4: 50 }, { 2: 100 }];

/** How long the audience may look at the half-way point before the abort. */
const lookMs = 3_000;

const canaryUnderFire: Act = async (stage, story) => {
  story.act("version 2, by canary: 10 %, 50 %, 100 % – and a worker dies on the way");
  let lost: { worker: DemoWorker; at: number } | undefined;
  let costMs = 0;
  const deployed = await deploy(stage, story, "2", async (id) => {
    const holder = await whoSays(stage, id, /green gets 50 %/);
    lost = { worker: holder, at: Date.now() };
    await holder.process.kill();
    story.stress(`${holder.name}, which was changing the weights, was killed (SIGKILL)`);
    const by = await whoSays(stage, id, /./, lost.at);
    const tookMs = firstSaid(by, id, lost.at) - lost.at;
    story.stress(
      `${by.name} has taken over after ${(tookMs / 1000).toFixed(1)} s, with the traffic as it was`,
    );
    await whoSays(stage, id, /is done: weight 50 %/, lost.at);
    costMs = Date.now() - lost.at;
  });
  const settings = await stage.sandbox.settings();
  const { phase } = deployed.deployment;
  const wentOn = stage.workers.find(
    (worker) =>
      lost && worker !== lost.worker && firstSaid(worker, deployed.deployment.id, lost.at) < Infinity,
  );
  return {
    version: "2",
    deployment: deployed.deployment,
    weights: canaryWeights,
    least: [
      startOf(settings, "1 task"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "1 more"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "2 more"),
      // The hold time passes while it bakes.
      { what: "bake", ms: Math.max(pace.bakeMs, pace.holdMs) },
      drainOf(settings, await deregistrationMs(stage), "version 1"),
    ],
    note: `and ${(costMs / 1000).toFixed(1)} s from the kill until its step was done: a change of weights that may be on its way is looked for before it is made again`,
    checks: [
      { what: "version 2 was deployed", ok: phase === "succeeded", detail: phase },
      exited("2", deployed.exitCode, 0),
      {
        what: "a killed worker's deployment goes on",
        ok: wentOn !== undefined,
        detail: wentOn ? `${lost?.worker.name} was killed, ${wentOn.name} went on` : "nobody went on",
      },
    ],
  };
};

const badVersion: Act = async (stage, story) => {
  story.act("version 3, whose tasks never pass their health check");
  const { deployment, exitCode } = await deploy(stage, story, "3");
  const settings = await stage.sandbox.settings();
  const { services } = await stage.sandbox.state();
  const own = services.find(({ name }) => name === stage.service);
  const graceMs = 1_000 * (own?.healthCheckGracePeriodSeconds ?? 0);
  return {
    version: "3",
    deployment,
    weights: [],
    least: [
      failureOf(settings, graceMs, "a task fails"),
      failureOf(settings, graceMs, "another one fails"),
      drainOf(settings, await deregistrationMs(stage), "version 3"),
    ],
    checks: [
      {
        what: "version 3 was turned back by itself",
        ok: deployment.phase === "rolled_back" && deployment.cause?.code === "green-failing",
        detail: `${deployment.phase}: ${deployment.cause?.message ?? "without a cause"}`,
      },
      exited("3", exitCode, 1),
    ],
  };
};

const abortHalfWay: Act = async (stage, story) => {
  story.act("version 4, aborted half way");
  const { deployment, exitCode } = await deploy(stage, story, "4", async () => {
    await inForce(stage, { 2: 50, 4: 50 });
    await sleep(lookMs, undefined, { signal: stage.signal });
    const why = "the audience has seen enough";
    story.typed(`teal abort ${stage.service} --reason '${why}'`);
    await stage.teal("abort", stage.service, "--reason", why).exited;
  });
  const settings = await stage.sandbox.settings();
  return {
    version: "4",
    deployment,
    weights: abortWeights,
    least: [
      startOf(settings, "1 task"),
      { what: "pause", ms: pace.pauseMs },
      startOf(settings, "1 more"),
      { what: "half way", ms: settings.propagationMs + lookMs },
      { what: "hold", ms: pace.holdMs },
      drainOf(settings, await deregistrationMs(stage), "version 4"),
    ],
    checks: [
      {
        what: "version 4 was turned back on request",
        ok: deployment.phase === "rolled_back" && deployment.cause?.code === "operator",
        detail: `${deployment.phase}: ${deployment.cause?.message ?? "without a cause"}`,
      },
      exited("4", exitCode, 1),
    ],
  };
};

export const checkout: Plot = {
  service: "checkout",
  strategy: canary,
  ratePerSecond: 250,
  acts: [canaryUnderFire, badVersion, abortHalfWay],
};
