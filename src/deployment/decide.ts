/**
 * The state machine. Pure and total: from a record, an observation, the commands in the inbox and the time it
 * makes the next record, with at most one effect, which is performed only after the decision was written down.
 *
 * A decision has three parts. What the last effect came to and what the look found is taken over (`absorb`).
 * Commands are obeyed or refused (`obey`). Then, unless a command changed the phase, the first rule of the phase
 * whose situation holds says what to do. Entering a phase does nothing else: the next turn, at once, looks at
 * what that phase needs.
 */
import { absorb } from "./absorb.ts";
import type { Command } from "./command.ts";
import type { Decision } from "./decision.ts";
import { Draft } from "./draft.ts";
import type { Seen } from "./observation.ts";
import { obey } from "./obey.ts";
import type { Phase } from "./phases.ts";
import type { Deployment } from "./record.ts";
import { draining, promoting, retaining } from "./rules/finishing.ts";
import { provisioning } from "./rules/provisioning.ts";
import type { Rule } from "./rules/rule.ts";
import { settling } from "./rules/settling.ts";
import { baking, shifting, testing } from "./rules/shifting.ts";
import { rollingBack } from "./rules/undoing.ts";
import { preparing, queued } from "./rules/waiting.ts";
import { forbid } from "./forbid.ts";
import { lookedAt, type View, view } from "./view.ts";

/** What each phase does, situation by situation, the most pressing first. */
export const rules = {
  queued,
  preparing,
  provisioning,
  testing,
  shifting,
  baking,
  promoting,
  retaining,
  draining,
  rolling_back: rollingBack,
  succeeded: settling,
  rolled_back: settling,
  failed: settling,
  cancelled: settling,
  superseded: settling,
  abandoned: settling,
} satisfies Record<Phase, Rule[]>;

/** The state machine as a function of its rules and its guard, so that a test can break either on purpose. */
export function machine(phases: Record<Phase, Rule[]>, guard: typeof forbid) {
  return function decide(before: Deployment, seen: Seen, commands: Command[], now: number): Decision {
    const draft = new Draft(before, seen, now);
    absorb(draft, seen);
    obey(draft, commands, seen);
    if (draft.d.phase !== before.phase || draft.looksAgain) return draft.finish();
    const v = view(draft.d, seen, now);
    const move = firstRule(phases, v).move(v);
    if (move.kind === "perform" && now - lookedAt(seen, now) > lookLifeMs) {
      draft.d.note = "the look is too old to act on: looking again";
      draft.lookAgain();
      return draft.finish();
    }
    const reason = move.kind === "perform" ? guard(move.effect, draft.d, seen, now) : undefined;
    // The rules should never get here; if they do, standing still is the harmless thing.
    draft.apply(reason ? { kind: "hold", hold: "stuck", reason, until: now + guardedMs } : move);
    return draft.finish();
  };
}

/** A look takes 10 s at most. One that is older was made by a worker that stood still since, and nothing is done on it. */
const lookLifeMs = 12_000;

/** How long a decision that the guard forbade is left alone. */
const guardedMs = 5_000;

export type Decide = ReturnType<typeof machine>;

export const decide: Decide = machine(rules, forbid);

/** The name of the situation that a deployment is in: the first rule of its phase that holds. */
export function classify(before: Deployment, seen: Seen, now: number): string {
  const draft = new Draft(before, seen, now);
  absorb(draft, seen);
  return firstRule(rules, view(draft.d, seen, now)).situation;
}

function firstRule(phases: Record<Phase, Rule[]>, v: View): Rule {
  const rule = phases[v.d.phase].find((rule) => rule.when(v));
  if (!rule) throw new Error(`${v.d.id}: no rule for ${v.d.phase}`);
  return rule;
}
