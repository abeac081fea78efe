/** How ready the way back is: what a rollback would have to do before traffic is as it was, and how long that takes. */
import { seconds } from "./draft.ts";
import type { Phase } from "./phases.ts";
import type { Deployment } from "./record.ts";
import { tasksFor } from "./traffic.ts";
import { production } from "./view.ts";

export interface WayBack {
  kind:
    /** No production traffic was moved. */
    | "untouched"
    /** Blue could take its traffic at once. */
    | "flip"
    /** Blue has too few tasks left. */
    | "scale"
    /** Blue is gone: what it ran is deployed again, without a canary. */
    | "redeploy"
    /** There was nothing before it. */
    | "none";
  /** About how long until traffic is as it was, from the moment of asking; absent where nothing tells. */
  ms?: number;
  /** In words. */
  what: string;
}

/** A rollback begins with a look; each route then takes a call and a look. */
const flipMs = { first: 1_500, each: 500 } as const;

/** Queueing, reading everything and creating the task set, without its tasks' start. */
const createMs = 5_000;

const unmoved = new Set<Phase>(["queued", "preparing", "provisioning", "testing"]);

/** By the record alone, so as of its last look. Undefined where it goes back already, or has. */
export function wayBack(d: Deployment): WayBack | undefined {
  if (goneBack.has(d.phase)) return undefined;
  if (d.phase === "queued" || d.phase === "preparing") {
    return { kind: "untouched", ms: 0, what: "nothing was touched: a rollback cancels it" };
  }
  const routes = production(d);
  const moved = routes.some(({ asked }) => asked.green > 0);
  if (unmoved.has(d.phase) || (d.phase === "shifting" && routes.length > 0 && !moved)) {
    return { kind: "untouched", ms: 0, what: "no traffic was moved: green is taken away" };
  }
  if (!d.blue) return { kind: "none", what: "nothing to go back to: it is the first version" };
  const startMs = d.green.startMs;
  const flips = routes.length === 0 ? 0 : flipMs.first + flipMs.each * routes.length;
  if (d.phase === "succeeded" || d.deleting.blue) {
    const ms = startMs === undefined ? undefined : createMs + startMs + flips;
    return told("redeploy", "blue is gone: what it ran is deployed again", ms);
  }
  const { healthy, needed, fit } = blueOf(d);
  if (!fit) {
    const ms = startMs === undefined ? undefined : startMs + flips;
    return told("scale", `blue must scale first: it has ${healthy} of ${needed} tasks that it needs`, ms);
  }
  if (routes.length === 0) return told("flip", "blue serves beside it: green is taken away", flipMs.first);
  return told("flip", routes.length === 1 ? "one weight flip" : `${routes.length} weight flips`, flips);
}

const goneBack = new Set<Phase>([
  "rolling_back",
  "rolled_back",
  "failed",
  "cancelled",
  "superseded",
  "abandoned",
]);

function told(kind: WayBack["kind"], what: string, ms: number | undefined): WayBack {
  return ms === undefined ? { kind, what } : { kind, ms, what: `${what}, about ${seconds(ms)}` };
}

/** Whether traffic can go back as it is, as rules/undoing.ts has it: to most of blue's tasks, or to more than green's. */
function blueOf({ blue, observed, blueShrunk, desiredAtStart = 1 }: Deployment) {
  const counts = observed?.blue;
  // Of a blue that was never scaled down, what it is meant to have now is known; an autoscaler may have changed it.
  const full = blueShrunk || !counts ? tasksFor(desiredAtStart, blue?.scalePercent ?? 100) : counts.desired;
  const needed = Math.ceil(Math.max(1, full) * 0.8);
  const healthy = counts ? (counts.healthy ?? counts.running) : blueShrunk ? 0 : needed;
  const green = observed?.green?.healthy ?? observed?.green?.running ?? Infinity;
  return { healthy, needed, fit: healthy >= needed || (healthy > 0 && healthy >= green) };
}
