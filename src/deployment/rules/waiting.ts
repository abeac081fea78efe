/** `queued` and `preparing`: nothing of AWS is changed. */
import type { Command } from "../command.ts";
import type { Problem } from "../../errors.ts";
import { mayBeLate, mayBeScaled } from "../doubt.ts";
import type { Deployment } from "../record.ts";
import { withoutCanary } from "../strategy.ts";
import { findings, pairOf, preparedRoutes } from "../findings.ts";
import { readingFaults, value, type View } from "../view.ts";
import { closure, deadlineCause, holdClosed, pastDeadline, paused, unreadable } from "./shared.ts";
import { enter, rollBack, type Rule, soon } from "./rule.ts";

export const queued: Rule[] = [
  {
    situation: "slot-is-ours-to-take-up",
    when: (v) => v.seen.slot.acting === v.d.id && v.d.takeUp !== undefined,
    move: (v) =>
      v.d.takeUp === "rolling_back"
        ? rollBack({ code: "operator", message: `it was found without a record: ${v.d.recovers}` })
        : enter(v.d.takeUp ?? "preparing", `going on with ${v.d.recovers}, which was found without a record`),
  },
  {
    situation: "older-ones-wait",
    when: (v) => olderOne(v) !== undefined,
    move: (v) => {
      const other = olderOne(v) ?? "";
      const actor = { ...v.d.actor, name: v.d.id };
      const command: Command = { id: `${v.d.id}-supersedes-${other}`, kind: "supersede", actor, at: v.now };
      return {
        kind: "tell",
        deployment: other,
        command,
        note: `${other} is older and makes way`,
        until: v.now,
      };
    },
  },
  {
    situation: "closed",
    when: (v) => v.seen.slot.acting === v.d.id && closure(v) !== undefined,
    move: (v) => holdClosed(v),
  },
  {
    situation: "slot-is-ours",
    when: (v) => v.seen.slot.acting === v.d.id,
    move: () => enter("preparing", "the service is free: preparing"),
  },
  {
    situation: "waiting-for-its-turn",
    when: () => true,
    // The commit that frees the service wakes the next one; this look is for safety.
    move: (v) => ({
      kind: "wait",
      until: v.now + 60_000,
      note: `waiting behind ${v.seen.slot.acting ?? "nobody"}`,
    }),
  },
];

export const preparing: Rule[] = [
  {
    situation: "deadline",
    when: (v) => pastDeadline(v, v.d.phaseSince, v.d.strategy.deadlines.preparingMs),
    move: (v) => {
      const cause = deadlineCause(v, v.d.strategy.deadlines.preparingMs);
      return { kind: "enter", phase: "failed", message: cause.message, cause };
    },
  },
  {
    situation: "prepared",
    when: (v) => v.d.desiredAtStart !== undefined && v.d.hold?.kind !== "paused",
    move: (v) => enter("provisioning", `preparing is done: creating green from ${v.d.green.base}`),
  },
  {
    situation: "base-unknown",
    when: (v) => v.d.green.base === undefined && baseOf(v) !== undefined,
    move: (v) => ({
      kind: "note",
      message: `reading ${baseOf(v)}`,
      change: (d) => {
        const base = baseOf(v);
        if (base) d.green.base = base;
      },
    }),
  },
  {
    // What AWS refuses to tell for good is a finding; anything else is read again, so that all is found at once.
    ...unreadable,
    when: (v) => readingFaults(v.seen).some((fault) => fault.class !== "refuse"),
  },
  {
    // Whoever acted before puts it right with its last looks.
    situation: "route-late",
    when: (v) =>
      findings(v).some(({ code }) => code === "green-has-weight") &&
      Object.values(v.seen.routes).some((read) => read.ok && mayBeLate(read.value, v.d.doubt, v.now)),
    move: (v) => soon(v, "a call of the deployment before came late, and is to be put right first"),
  },
  {
    // What blue is to have after a rollback is read here. What undoes an earlier deployment waits for nothing.
    situation: "scaled-late",
    when: (v) => !v.d.undoes && mayBeScaled(v.d.doubt, v.now) && (v.primary?.scalePercent ?? 100) < 100,
    move: (v) => soon(v, "a scale of the deployment before may have come late, and is to be put right first"),
  },
  {
    situation: "wrong",
    when: (v) => findings(v).length > 0,
    move: (v) => fail(findings(v)),
  },
  paused,
  {
    situation: "right",
    when: (v) => v.service !== undefined,
    move: (v) => ({
      kind: "note",
      message: "everything is in order",
      change: (d) => prepare(d, v),
      event: { type: "note" },
    }),
  },
  { situation: "looking", when: () => true, move: (v) => soon(v, "reading everything that matters") },
];

/** One that waits before it and has not been told yet to make way. */
function olderOne(v: View): string | undefined {
  if (!v.d.supersedes) return undefined;
  const { acting, queue } = v.seen.slot;
  const waiting = queue.slice(0, Math.max(0, queue.indexOf(v.d.id)));
  // Who acts may still be waiting, for the end of a freeze; who has begun refuses.
  const before = acting === undefined || acting === v.d.id ? waiting : [acting, ...waiting];
  return before.find((id) => !v.d.told.includes(`supersede ${id}`));
}

/** The task definition that green runs or derives from. */
export function baseOf(v: View): string | undefined {
  return v.d.request.taskDefinition ?? v.primary?.spec.taskDefinition ?? v.d.target.taskSet?.taskDefinition;
}

function fail(problems: Problem[]) {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return {
    kind: "enter" as const,
    phase: "failed" as const,
    message: `refused before anything was touched: ${first?.message}${more}`,
    problems,
    ...(first && { cause: { code: first.code, message: first.message } }),
  };
}

/** Writes down everything a rollback must restore, before anything is changed. */
function prepare(d: Deployment, v: View): void {
  const { primary, service } = v;
  const pair = pairOf(v);
  const definition = value(v.seen.taskDefinition);
  if (pair) d.pair = pair;
  d.routes = preparedRoutes(v);
  if (service) d.desiredAtStart = service.desiredCount;
  if (definition) d.green.base = definition.arn;
  if (definition && !d.request.images) d.green.taskDefinition = definition.arn;
  if (primary) {
    d.blue = {
      arn: primary.arn,
      id: primary.id,
      taskDefinition: primary.spec.taskDefinition ?? "",
      scalePercent: primary.scalePercent,
      spec: primary.spec,
    };
  } else {
    // Nothing serves yet: there is no traffic to protect, and nothing to keep warm.
    d.strategy = { ...withoutCanary(d.strategy), retainMs: 0 };
  }
}
