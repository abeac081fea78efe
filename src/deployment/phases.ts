/**
 * Phases, transitions and who may ask what when: the one table that the machine, the API's guards, the CLI's
 * hints, the diagram in ARCHITECTURE.md and the tests read.
 */
import type { CommandKind } from "./command.ts";

export const phases = [
  "queued",
  "preparing",
  "provisioning",
  "testing",
  "shifting",
  "baking",
  "promoting",
  "retaining",
  "draining",
  "succeeded",
  "rolling_back",
  "rolled_back",
  "failed",
  "cancelled",
  "superseded",
  "abandoned",
] as const;

export type Phase = (typeof phases)[number];

interface PhaseEntry {
  to: readonly Phase[];
  /** Commands that it can obey; every other one is refused with a reason. */
  commands: readonly CommandKind[];
  /** What it does, for people. */
  what: string;
}

export const phaseTable = {
  queued: {
    // The last four are for one that was rebuilt from AWS.
    to: ["preparing", "cancelled", "superseded", "provisioning", "shifting", "retaining", "rolling_back"],
    commands: ["rollback", "override", "supersede"],
    what: "waits until the service is free",
  },
  preparing: {
    to: ["provisioning", "failed", "cancelled"],
    commands: ["rollback", "pause", "resume", "retry", "release"],
    what: "reads everything and changes nothing",
  },
  provisioning: {
    to: ["testing", "shifting", "rolling_back", "abandoned"],
    commands: ["rollback", "pause", "resume", "skip", "answer", "retry", "release"],
    what: "creates green and waits until it is steady and healthy",
  },
  testing: {
    to: ["shifting", "rolling_back", "abandoned"],
    commands: [
      "rollback",
      "pause",
      "resume",
      "promote",
      "approve",
      "skip",
      "answer",
      "look",
      "retry",
      "release",
    ],
    what: "proves green before production: test traffic, hooks, checks",
  },
  shifting: {
    to: ["baking", "rolling_back", "abandoned"],
    commands: [
      "rollback",
      "pause",
      "resume",
      "promote",
      "approve",
      "skip",
      "override",
      "answer",
      "look",
      "retry",
      "release",
    ],
    what: "goes through the steps of the strategy",
  },
  baking: {
    to: ["promoting", "rolling_back", "abandoned"],
    commands: ["rollback", "pause", "resume", "promote", "look", "retry", "release"],
    what: "keeps all traffic on green, blue at full scale",
  },
  promoting: {
    to: ["retaining", "rolling_back", "abandoned"],
    commands: ["rollback", "pause", "resume", "retry", "release"],
    what: "makes green the PRIMARY task set",
  },
  retaining: {
    to: ["draining", "rolling_back", "abandoned"],
    commands: ["rollback", "pause", "resume", "promote", "yield", "look", "retry", "release"],
    what: "keeps blue warm: a rollback is one change of weights",
  },
  draining: {
    to: ["succeeded", "rolling_back", "abandoned"],
    commands: ["rollback", "pause", "resume", "yield", "retry", "release"],
    what: "takes blue away once nothing reaches it any more",
  },
  rolling_back: {
    to: ["rolled_back", "abandoned"],
    commands: ["rollback", "retry", "release"],
    what: "puts everything back as it was",
  },
  succeeded: { to: [], commands: ["rollback", "yield"], what: "green serves; blue is gone" },
  rolled_back: { to: [], commands: [], what: "blue serves as before; green is gone" },
  failed: { to: [], commands: [], what: "refused before anything was touched" },
  cancelled: { to: [], commands: [], what: "called off before anything was touched" },
  superseded: { to: [], commands: [], what: "made way for a newer one before anything was touched" },
  abandoned: { to: [], commands: [], what: "given up on request; what is left is listed" },
} as const satisfies Record<Phase, PhaseEntry>;

/** In a terminal phase a deployment does nothing more but see that nothing of it is still in flight. */
export function isTerminal(phase: Phase): boolean {
  return phaseTable[phase].to.length === 0;
}

/** CI stops waiting here: green is PRIMARY, or it will never be. */
export function isDecided(phase: Phase): boolean {
  return isTerminal(phase) || phase === "retaining" || phase === "draining";
}

export function mayGo(from: Phase, to: Phase): boolean {
  return (phaseTable[from].to as readonly Phase[]).includes(to);
}

export function mayAsk(phase: Phase, command: CommandKind): boolean {
  return (phaseTable[phase].commands as readonly CommandKind[]).includes(command);
}
