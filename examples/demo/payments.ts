/**
 * Payments: a version that passes every health check, and answers three requests in a hundred with an error. Nobody
 * has configured anything that would notice; green-vs-blue, which every strategy has, does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Act, deploy, deregistrationMs, exited, inForce, type Plot } from "./act.ts";
import { drainOf, startOf } from "./least.ts";
import type { Stage } from "./stage.ts";
import type { Story } from "./story.ts";

const minuteMs = 60_000;
const holdMs = 3_000;

/** Two minutes alone never decide, however bad (docs/verdict.md). */
const minutesNeeded = 3;
const atTen: Record<string, number> = { 1: 90, 2: 10 };

const quietlyFailing: Act = async (stage, story, cue) => {
  story.act("version 2, healthy, but failing 3 % of its requests, and no check is configured");
  story.line("its strategy says `canary 10% for 15m`, and nothing else that could notice");
  const { deployment, exitCode } = await deploy(
    stage,
    story,
    "2",
    async (id) => {
      await inForce(stage, atTen);
      cue();
      if (await heard(stage, story, id)) return;
      const why = "the demo waits no longer for green-vs-blue";
      story.typed(`teal abort ${stage.service} --reason '${why}'`);
      await stage.teal("abort", stage.service, "--reason", why).exited;
    },
    verdictMsMax() + 2 * minuteMs,
  );
  const settings = await stage.sandbox.settings();
  const { phase, cause } = deployment;
  const told = `${phase}: ${cause?.message ?? "without a cause"}`;
  return {
    version: "2",
    deployment,
    weights: [atTen, { 1: 100 }],
    least: [
      startOf(settings, "1 task"),
      { what: `${minutesNeeded} whole minutes`, ms: minutesNeeded * minuteMs },
      { what: "until CloudWatch has the last of them", ms: settings.metricDelayMs },
      { what: "hold", ms: holdMs },
      drainOf(settings, await deregistrationMs(stage), "version 2"),
    ],
    note: "and up to a minute until the first whole one begins",
    checks: [
      {
        what: "version 2 was turned back by green-vs-blue",
        ok:
          phase === "rolled_back" &&
          cause?.code === "analysis-failed" &&
          cause.message.startsWith("green-vs-blue: green fails "),
        detail: told,
      },
      {
        what: "none of its tasks ever failed a health check",
        ok: stage.watch.unwell.size === 0,
        detail: stage.watch.unwell.size === 0 ? "" : `version ${[...stage.watch.unwell].join(", ")} did`,
      },
      exited("2", exitCode, 1),
    ],
  };
};

/** Tells what green-vs-blue says, as it changes, until it has decided; false where it doesn't in its time. */
async function heard(stage: Stage, story: Story, id: string): Promise<boolean> {
  const deadline = Date.now() + verdictMsMax();
  let told: string | undefined;
  while (Date.now() < deadline) {
    const { analysis, phase } = await stage.client.get(id, { patienceMs: 10_000, signal: stage.signal });
    if (phase !== "shifting") return true;
    const said = analysis.find(({ name }) => name === "green-vs-blue")?.last?.what;
    if (said !== undefined && said !== told) story.line(`green-vs-blue: ${said}`);
    told = said;
    await sleep(500, undefined, { signal: stage.signal });
  }
  return false;
}

/**
 * From now to the end of the minutes needed, one more in case that one of them isn't complete at once, the one until
 * CloudWatch has them, and some patience.
 */
function verdictMsMax(now = Date.now()): number {
  const untilWhole = minuteMs - (now % minuteMs);
  return untilWhole + (minutesNeeded + 2) * minuteMs + 30_000;
}

export const payments: Plot = {
  service: "payments",
  strategy: { steps: "canary 10% for 15m", hold: `${holdMs / 1000}s` },
  ratePerSecond: 100,
  acts: [quietlyFailing],
};
