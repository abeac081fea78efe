/** `provisioning`: makes room, creates green once, and waits until it could carry the first step. */
import type { Command } from "../command.ts";
import { teal } from "../draft.ts";
import { setsIn } from "../findings.ts";
import { createRequest, withImages } from "../inherit.ts";
import { firstScale } from "../strategy.ts";
import { tagKeys, taskSetsMax } from "../target.ts";
import {
  countOf,
  failedTasks,
  greenHealthy,
  isSteady,
  routesIn,
  stopReasons,
  tasksNeeded,
  value,
  type View,
} from "../view.ts";
import { currentStep, hookGates } from "./gates.ts";
import { enter, hold, perform, performOnce, pollMs, rollBack, type Rule, soon } from "./rule.ts";
import {
  blueGone,
  deadlineCause,
  drifted,
  greenFailing,
  greenGone,
  pastDeadline,
  paused,
  refused,
  scaledLate,
  primaryElsewhere,
  promotedUnknown,
  putRight,
  taggedBack,
  unreadable,
} from "./shared.ts";

export const provisioning: Rule[] = [
  {
    situation: "deadline",
    // A hook before green has a limit of its own.
    when: (v) =>
      currentStep(v) === undefined &&
      pastDeadline(v, Math.max(v.d.phaseSince, v.d.stepSince), v.d.strategy.deadlines.provisioningMs),
    move: (v) => rollBack(deadlineCause(v, v.d.strategy.deadlines.provisioningMs)),
  },
  {
    situation: "no-room-for-too-long",
    when: (v) =>
      v.d.hold?.kind === "waiting" &&
      v.now - Math.max(v.d.hold.since, v.d.crowd?.since ?? 0) > 2 * v.d.strategy.deadlines.drainingMs,
    move: (v) =>
      rollBack({ code: "deadline", message: `there was no room for too long: ${v.d.hold?.reason}` }),
  },
  greenFailing,
  taggedBack,
  greenGone,
  refused,
  unreadable,
  {
    // It asked for nothing yet. While the one before still keeps its blue, it puts right by itself what came late of it.
    situation: "route-late",
    when: (v) => predecessor(v) === undefined && routesIn(v, "late").length > 0,
    move: (v) => putRight(v, routesIn(v, "late")),
  },
  scaledLate(() => 0),
  paused,
  primaryElsewhere,
  promotedUnknown,
  drifted,
  blueGone,
  // Whoever may refuse is asked before the way back of the one before is given up.
  ...hookGates,
  {
    situation: "predecessor-retains",
    when: (v) => predecessor(v) !== undefined && v.d.green.arn === undefined,
    move: (v) => {
      const other = predecessor(v) ?? "";
      const note = `${other} still keeps its old task set in the idle group; it was asked to end`;
      if (v.d.told.includes(`yield ${other}`)) return hold(v, "waiting", note);
      const command: Command = { id: `${v.d.id}-yield-${other}`, kind: "yield", actor: teal, at: v.now };
      return { kind: "tell", deployment: other, command, note, until: v.now + pollMs.soon };
    },
  },
  {
    situation: "idle-group-occupied",
    when: (v) => !isBegun(v) && occupants(v).length > 0,
    move: (v) => hold(v, "waiting", `the idle group still has ${occupants(v).join(" and ")}`),
  },
  {
    situation: "too-many-task-sets",
    when: (v) => !isBegun(v) && (v.service?.taskSets.length ?? 0) >= taskSetsMax,
    move: (v) =>
      hold(v, "waiting", `the service has ${v.service?.taskSets.length} task sets, draining ones included`),
  },
  {
    situation: "revision-in-doubt",
    when: (v) =>
      needsRevision(v) && !registered(v) && (v.now < v.d.unsureUntil || v.seen.registered === undefined),
    move: (v) => soon(v, "looking whether the new revision was registered"),
  },
  {
    situation: "revision-registered",
    when: (v) => needsRevision(v) && registered(v) !== undefined,
    move: (v) => ({
      kind: "note",
      message: `the new revision is ${registered(v)}`,
      change: (d) => {
        const arn = registered(v);
        if (arn) d.green.taskDefinition = arn;
      },
    }),
  },
  {
    situation: "revision-missing",
    when: (v) => needsRevision(v) && value(v.seen.taskDefinition) !== undefined,
    move: (v) => {
      const base = value(v.seen.taskDefinition);
      const images = v.d.request.images ?? {};
      const tags = (base?.tags ?? []).filter(
        (tag) => !tag.key.startsWith("aws:") && tag.key !== tagKeys.deployment,
      );
      return perform(
        {
          kind: "registerTaskDefinition",
          registration: withImages(base?.registration ?? {}, images),
          tags: [...tags, { key: tagKeys.deployment, value: v.d.id }],
        },
        `registering a revision of ${base?.family} with ${Object.values(images).join(", ")}`,
      );
    },
  },
  {
    // With the token, repeating gives the set that the first call made, if it made one.
    situation: "green-missing",
    when: (v) => v.d.green.arn === undefined && v.d.green.taskDefinition !== undefined,
    move: (v) =>
      perform(
        {
          kind: "createTaskSet",
          request: v.d.green.create ?? createRequest(v.d, v.d.green.taskDefinition ?? ""),
        },
        v.d.green.doubt
          ? "asking again for the new task set, by its token"
          : `creating green from ${v.d.green.taskDefinition}`,
      ),
  },
  {
    situation: "green-not-shown",
    when: (v) => v.green === undefined,
    move: (v) => soon(v, "green is created; waiting until it shows"),
  },
  {
    // Its id was not known yet when this look began.
    situation: "tasks-unread",
    when: (v) => v.seen.tasks === undefined && v.d.green.id !== undefined,
    move: (v) => ({ kind: "wait", until: v.now, note: "green shows; reading its tasks" }),
  },
  {
    situation: "green-small",
    when: (v) => (v.green?.scalePercent ?? 0) < firstScale(v.d.strategy),
    move: (v) => {
      const scalePercent = firstScale(v.d.strategy);
      return performOnce(
        v,
        { kind: "scaleTaskSet", arn: v.d.green.arn ?? "", scalePercent },
        `scaling green to ${scalePercent} %`,
      );
    },
  },
  {
    situation: "green-ready",
    when: (v) => isSteady(v.green) && (greenHealthy(v) ?? 0) >= Math.max(1, v.green?.computedDesired ?? 1),
    move: (v) =>
      enter(
        v.d.strategy.testing.length > 0 ? "testing" : "shifting",
        `green is steady: ${countOf(greenHealthy(v) ?? 0, "healthy task")}`,
      ),
  },
  {
    situation: "green-starting",
    when: () => true,
    move: (v) => {
      const failed = failedTasks(v);
      const wanted = v.green?.computedDesired ?? tasksNeeded(v, 100);
      const note = `green starts: ${v.green?.running ?? 0} of ${wanted} tasks run, ${greenHealthy(v) ?? 0} are healthy`;
      return soon(v, failed.length > 0 ? `${note}; ${failed.length} failed: ${stopReasons(failed)}` : note);
    },
  },
];

function predecessor(v: View): string | undefined {
  const { retaining } = v.seen.slot;
  return retaining === v.d.id ? undefined : retaining;
}

/** Green was created, or may have been: then its own targets are in the group and its own set counts. */
function isBegun(v: View): boolean {
  return v.d.green.create !== undefined || v.d.green.arn !== undefined;
}

/** Who is in the idle group, draining targets included: green would share it with them. */
function occupants(v: View): string[] {
  if (!v.d.pair) return [];
  const targets = value(v.seen.health[v.d.pair.green])?.length ?? 0;
  const sets = setsIn(v, v.d.pair.green).map((set) => set.id);
  return targets > 0 ? [countOf(targets, "earlier target"), ...sets] : sets;
}

function needsRevision(v: View): boolean {
  return v.d.request.images !== undefined && v.d.green.taskDefinition === undefined;
}

function registered(v: View): string | undefined {
  return value(v.seen.registered)?.arn;
}
