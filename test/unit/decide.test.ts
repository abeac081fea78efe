import { describe, expect, it } from "vitest";
import type { CommandKind } from "../../src/deployment/command.ts";
import { classify, decide, rules } from "../../src/deployment/decide.ts";
import type { Decision } from "../../src/deployment/decision.ts";
import { isTerminal, mayAsk, mayGo, type Phase, phases } from "../../src/deployment/phases.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { command, now, scene } from "../support/fixtures.ts";
import { situations } from "./situations.ts";

const commands: CommandKind[] = [
  "rollback",
  "pause",
  "resume",
  "promote",
  "retry",
  "release",
  "look",
  "yield",
  "approve",
  "skip",
  "override",
  "answer",
  "supersede",
];

/** Situations that a phase shares with others but can't meet itself. */
const unreachable: Partial<Record<Phase, string[]>> = {
  succeeded: ["late-green-held", "late-green"],
  failed: ["unreadable", "late-weights", "scaled-late", "late-green-held", "late-green"],
  cancelled: ["unreadable", "late-weights", "scaled-late", "late-green-held", "late-green"],
  superseded: ["unreadable", "late-weights", "scaled-late", "late-green-held", "late-green"],
  abandoned: ["unreadable", "late-weights", "scaled-late", "late-green-held", "late-green"],
};

const cases = phases.flatMap((phase) =>
  Object.entries(situations[phase]).map(([situation, [change, decision]]) => ({
    phase,
    situation,
    decision,
    make: () => {
      const made = scene(phase);
      change(made);
      return made;
    },
  })),
);

describe("decide", () => {
  it("has a row for every situation of every phase", () => {
    for (const phase of phases) {
      const named = rules[phase].map((rule) => rule.situation);
      expect(new Set(named).size, `${phase}: names are unique`).toBe(named.length);
      const rows = [...Object.keys(situations[phase]), ...(unreachable[phase] ?? [])];
      expect(rows.toSorted(), phase).toEqual(named.toSorted());
    }
  });

  it.each(cases)("$phase, $situation: $decision", ({ situation, decision, make }) => {
    const { d, seen } = make();
    expect(classify(d, seen, now)).toBe(situation);
    const frozen = freeze(structuredClone({ d, seen }));
    const made = decide(frozen.d, frozen.seen, [], now);
    expect(summary(d, made)).toBe(decision);
    check(d, made);
  });

  for (const kind of commands) {
    it.each(cases)(`$phase, $situation, asked to ${kind}`, ({ make }) => {
      const { d, seen } = make();
      const frozen = freeze(structuredClone({ d, seen }));
      const made = decide(frozen.d, frozen.seen, [command(kind)], now);
      check(d, made);
      expect(made.answers).toHaveLength(1);
      const [answer] = made.answers;
      if (!mayAsk(d.phase, kind)) expect(answer?.obeyed).toBe(false);
      if (kind === "rollback" && answer?.obeyed) {
        const goesBack =
          d.phase === "rolling_back" ||
          made.next.phase === "rolling_back" ||
          made.next.phase === "cancelled" ||
          made.next.rollbackAsked !== undefined ||
          made.spawn !== undefined;
        expect(goesBack, made.next.phase).toBe(true);
        if (made.perform && made.next.pending?.effect.kind === "setWeights" && !isTerminal(d.phase)) {
          expect(d.phase).toBe("rolling_back");
        }
      }
      if (kind === "rollback" && mayAsk(d.phase, kind) && d.blue) expect(answer?.obeyed).toBe(true);
      // It stands still: nothing is written but what was asked before, where a route no longer reads so.
      const effect = made.perform ? made.next.pending?.effect : undefined;
      if (kind === "pause" && answer?.obeyed && effect?.kind === "setWeights") {
        expect(effect.to).toEqual(d.routes.find(({ ref }) => ref.arn === effect.route.arn)?.asked);
      }
    });
  }

  it.each(cases.filter(({ decision }) => decision.startsWith("perform")))(
    "$phase, $situation: looks again where it stood still since the look",
    ({ make }) => {
      const { d, seen } = make();
      const late = now + 12_001;
      const made = decide({ ...d, turnAt: late, dueAt: late }, seen, [], late);
      expect(made.perform).toBe(false);
      expect(made.next.pending).toBeUndefined();
    },
  );

  it("obeys a rollback before whatever else came with it", () => {
    for (const phase of ["provisioning", "shifting", "baking", "promoting"] as const) {
      const { d, seen } = scene(phase);
      const asked = [command("promote", { full: true }), command("pause"), command("rollback")];
      const made = decide(d, seen, asked, now);
      expect(made.next.phase).toBe("rolling_back");
      expect(made.answers).toHaveLength(3);
      expect(made.answers[0]).toMatchObject({ kind: "rollback", obeyed: true });
    }
  });
});

/** What a decision comes to, in a few words. */
function summary(before: Deployment, decision: Decision): string {
  const { next } = decision;
  if (next.phase !== before.phase) return `enter ${next.phase}`;
  if (decision.perform) return `perform ${next.pending?.effect.kind}`;
  const [tell] = decision.tell;
  if (tell) return `tell ${tell.command.kind} ${tell.deployment}`;
  if (decision.slot) return `slot ${decision.slot}`;
  if (next.hold) return `hold ${next.hold.kind}`;
  if (decision.wakeAt === undefined) return "rest";
  return decision.wakeAt > now ? "wait" : "note";
}

/** What must hold of every decision, whatever it is. */
function check(before: Deployment, { next, events, perform, wakeAt, slot }: Decision): void {
  if (next.phase !== before.phase)
    expect(mayGo(before.phase, next.phase), `${before.phase} to ${next.phase}`).toBe(true);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, n) => before.events + n));
  expect(next.events).toBe(before.events + events.length);
  for (const event of events) expect(event.message).not.toBe("");
  expect(JSON.parse(JSON.stringify(next)), "a record is plain JSON").toEqual(next);
  expect(perform).toBe(next.pending !== undefined);
  if (perform) {
    expect(events.some((event) => event.type === "effect" && event.reason !== "")).toBe(true);
    expect(next.pending?.deadline).toBeGreaterThan(now);
  }
  if (wakeAt === undefined)
    expect(isTerminal(next.phase) && next.settled, "only the settled rest").toBe(true);
  if (next.phase === "retaining" && before.phase !== "retaining") expect(slot).toBe("retain");
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}
