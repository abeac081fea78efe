/**
 * What a deployment would do. It is played by the very rules that would carry it out, turn by turn in simulated time,
 * in a world that begins as AWS was just read and obliges from there. Nothing of the steps is described twice.
 */
import type { Problem } from "../../errors.ts";
import type { SlotSeen } from "../observation.ts";
import type { Phase } from "../phases.ts";
import type { Cause, Deployment } from "../record.ts";
import { clock } from "../rules/rule.ts";
import { nameOf } from "../rules/shared.ts";
import { production, value } from "../view.ts";
import { asBefore } from "./free.ts";
import { type Headroom, headroomOf } from "./headroom.ts";
import type { Moment } from "./moments.ts";
import { type Beginning, momentsMax, play, type Played } from "./play.ts";
import type { Pace } from "./world.ts";

/** What a plan goes by. */
export interface Circumstances extends Pick<Beginning, "first" | "closed"> {
  slot: SlotSeen;
  /** The record of the one that acts on the service. */
  acting?: Deployment;
  /** What is refused before anything is looked at: a busy service, a stale build. */
  refusals: Problem[];
  /** How long tasks of this service took to be healthy, where earlier deployments tell. */
  startMs?: number;
}

export interface Plan {
  service: string;
  strategy: string;
  /** The task definitions that they run; green's ends in `:next` where it is yet to be registered. */
  blue?: string;
  green?: string;
  /** It would be accepted, and succeeds where nothing goes wrong. */
  ok: boolean;
  /** Why it would be refused: all of it. */
  findings: Problem[];
  /** What people should know before. */
  warnings: string[];
  moments: Moment[];
  /** How the moments end. */
  end: { phase: Phase; cause?: Cause };
  /** Calls that change something at AWS, by their action. */
  calls: Record<string, number>;
  /** Absent where it would be refused. */
  headroom?: Headroom;
  /** Tasks start and stop in no time, people answer at once. */
  least: Lengths;
  /** Tasks take their time, people answer at once. */
  expected: Lengths;
  /** What tasks' times are taken to be, and whether that is from earlier deployments of the service. */
  assumed: { startMs: number; drainMs: number; startKnown: boolean };
}

export interface Lengths {
  ms: number;
  /** Until green is PRIMARY, which CI waits for; absent where it never is. */
  untilPrimaryMs?: number;
}

/** What is reckoned with where nothing tells: a start with a few health checks, and AWS's deregistration delay. */
const usual: Pace = { startMs: 90_000, drainMs: 300_000 };

/** @param fresh a deployment as it is accepted now */
export function plan(fresh: Deployment, on: Circumstances): Plan {
  const turns = planning(fresh, on);
  for (;;) {
    const { done, value: made } = turns.next();
    if (done) return made;
  }
}

/** The same, yielding after every turn: an unusually long strategy keeps a processor busy for seconds. */
export function* planning(fresh: Deployment, on: Circumstances): Generator<undefined, Plan> {
  const { acting, slot, closed, refusals } = on;
  // A mere guess must not be what it fails by.
  const guessMs = Math.min(usual.startMs, fresh.strategy.deadlines.provisioningMs / 2);
  const pace = { startMs: on.startMs ?? guessMs, drainMs: usual.drainMs };
  const first = acting ? asBefore(on.first, acting) : on.first;
  const beginning = { first, closed, ...(slot.retaining !== undefined && { retaining: slot.retaining }) };
  const least = yield* play(fresh, { ...beginning, pace: { startMs: 0, drainMs: 0 } });
  const expected = yield* play(fresh, { ...beginning, pace });
  const { d, moments, calls, peak } = expected;
  const findings = [...refusals, ...d.problems];
  const headroom = headroomOf(d, value(first.service)?.taskSets ?? [], peak);
  return {
    service: d.service,
    strategy: d.strategy.name,
    ...(d.blue && { blue: d.blue.taskDefinition }),
    ...(d.green.taskDefinition !== undefined && { green: d.green.taskDefinition }),
    ok: findings.length === 0 && (d.phase === "succeeded" || d.phase === "draining"),
    findings,
    warnings: warningsOf(expected, on),
    moments,
    end: { phase: d.phase, ...(d.cause && { cause: d.cause }) },
    calls,
    ...(headroom && { headroom }),
    least: lengthsOf(least),
    expected: lengthsOf(expected),
    assumed: { ...pace, startKnown: on.startMs !== undefined },
  };
}

function lengthsOf({ ms, untilPrimaryMs }: Played): Lengths {
  return { ms, ...(untilPrimaryMs !== undefined && { untilPrimaryMs }) };
}

function warningsOf(played: Played, on: Circumstances): string[] {
  const { d, refused } = played;
  return [
    ...waitsBefore(d, on),
    ...startsLater(played),
    ...(d.desiredAtStart === undefined ? [] : aboutTraffic(d)),
    ...refused,
    ...needsPeople(played),
    ...(d.phase === "draining" ? ["the old tasks go in so many steps that not all of them are planned"] : []),
    ...(played.moments.length === momentsMax ? [`only the first ${momentsMax} moments are listed`] : []),
    ...(d.phase === "rolled_back" ? [`where nothing changes it goes back: ${d.cause?.message}`] : []),
  ];
}

function waitsBefore(d: Deployment, { acting, slot, refusals }: Circumstances): string[] {
  if (refusals.some(({ code }) => code === "busy")) return [];
  const waiting = slot.queue.join(", ");
  const others = d.supersedes ? `it supersedes ${waiting}` : `it waits behind ${waiting} first`;
  return [
    ...(acting
      ? [`${acting.id} acts on the service and goes first; this is planned on what was before it`]
      : []),
    ...(waiting === "" ? [] : [others]),
  ];
}

function startsLater({ moments }: Played): string[] {
  return moments.flatMap(({ phase, waitsFor }) =>
    phase === "queued" && waitsFor?.until !== undefined
      ? [`it does not start before ${clock(waitsFor.until)}`]
      : [],
  );
}

function aboutTraffic(d: Deployment): string[] {
  const sticky = production(d).filter((route) => route.sticky);
  return [
    ...(d.blue
      ? []
      : ["there is no PRIMARY task set: green gets all traffic at once, and there is no way back"]),
    ...(d.pair
      ? []
      : [
          "no load balancer shares the traffic: green gets its part from service discovery as soon as its tasks run",
        ]),
    ...(sticky.length > 0
      ? [
          `clients stay with the group that they had on ${sticky.map(nameOf).join(", ")}: weights are no shares`,
        ]
      : []),
  ];
}

function needsPeople({ moments }: Played): string[] {
  return moments.flatMap(({ waitsFor, what }) =>
    waitsFor?.kind === "person" ? [`it needs a person: ${what}`] : [],
  );
}
