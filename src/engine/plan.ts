/** What an order would come to, by AWS and the records as they are. Only reads; nothing is kept. */
import { newDeployment } from "../deployment/accept.ts";
import { look } from "../deployment/look.ts";
import type { Look } from "../deployment/observation.ts";
import { type Plan, planning } from "../deployment/plan/plan.ts";
import type { FirstLook } from "../deployment/plan/world.ts";
import type { Deployment } from "../deployment/record.ts";
import { baseOf } from "../deployment/rules/waiting.ts";
import { readingFaults, view } from "../deployment/view.ts";
import { type Problem, TealError } from "../errors.ts";
import { busyWith, staleBeside } from "./accepting.ts";
import type { Order } from "./engine.ts";
import type { Clock, Cloud, Records, Slot } from "./ports.ts";
import { lookLimitMs, type Parts } from "./turn.ts";

/** What planning may use: it can't write. */
export interface PlanParts {
  records: Pick<Records, "slot" | "load" | "list">;
  cloud: Pick<Cloud, "look">;
  closed: Parts["closed"];
  clock: Clock;
}

/** Deployments whose starts tell how long tasks take; one alone may have been an exception. */
const earlierMax = 5;

/** Throws `unavailable` where AWS or the records can't be read. Safe to repeat. */
export async function planFor(order: Order, { records, cloud, closed, clock }: PlanParts): Promise<Plan> {
  const now = clock.now();
  const { target } = order;
  const { name } = target;
  const fresh = newDeployment({
    ...order,
    id: `${name}-plan`,
    supersedes: order.whenBusy === "supersede",
    now,
  });
  const [first, slot, earlier] = await Promise.all([
    lookOnce(fresh, cloud, clock),
    records.slot(name),
    records.list({ service: name, phases: ["retaining", "draining", "succeeded"], limit: earlierMax }),
  ]);
  const acting = slot.acting === undefined ? undefined : await records.load(slot.acting);
  // One that took another's green over was not there when it started.
  const begun = earlier.deployments.filter(({ recovers }) => recovers === undefined);
  const startMs = median(begun.flatMap(({ green }) => green.startMs ?? []));
  return await inSlices(
    planning(fresh, {
      first,
      slot,
      refusals: refusalsOf(order, slot),
      closed: (at) => closed(name, at),
      ...(acting && { acting }),
      ...(startMs !== undefined && { startMs }),
    }),
  );
}

/** Turns in a row before others have a go. */
const sliceTurns = 20;

async function inSlices<T>(turns: Generator<undefined, T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    const { done, value } = turns.next();
    if (done) return value;
    if (turn % sliceTurns === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** All that preparing reads. Which revision green derives from may only be known when the service was read. */
async function lookOnce(fresh: Deployment, cloud: PlanParts["cloud"], clock: Clock): Promise<FirstLook> {
  const base = fresh.request.taskDefinition;
  const d: Deployment = { ...fresh, phase: "preparing", green: { ...(base !== undefined && { base }) } };
  const now = clock.now();
  const deadline = now + lookLimitMs;
  const first = await cloud.look(d.target, look(d, now), deadline);
  const derived = baseOf(view(d, { ...first, slot: { queue: [] } }, now));
  const { taskDefinition } =
    base === undefined && derived !== undefined
      ? await cloud.look(d.target, { ...nothing, taskDefinition: derived }, deadline)
      : first;
  const found = { ...first, ...(taskDefinition && { taskDefinition }) };
  const fault = readingFaults(found).find(({ class: kind }) => kind !== "refuse");
  if (fault) {
    const message = `${fault.action}: ${fault.code}: ${fault.message}`;
    throw new TealError("unavailable", message, { retryAfterMs: 5_000 });
  }
  return found;
}

const nothing: Look = { service: false, routes: false, health: [], tasks: [], survey: false };

function refusalsOf(order: Order, { acting, queue, build }: Slot): Problem[] {
  const { request, whenBusy, force = false } = order;
  const other = acting ?? queue[0];
  const stale = build !== undefined && request.build !== undefined && request.build < build;
  return [
    ...(stale && !force ? [{ code: "stale-build" as const, message: staleBeside(build, order) }] : []),
    ...(other !== undefined && whenBusy === "reject"
      ? [{ code: "busy" as const, message: busyWith(other, order) }]
      : []),
  ];
}

function median(values: number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
