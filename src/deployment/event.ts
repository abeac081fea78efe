/** A line of a deployment's append-only history. */
import type { CommandKind } from "./command.ts";
import type { Effect } from "./effect.ts";
import type { Actor, Hold } from "./record.ts";
import type { Phase } from "./phases.ts";

export type EventBody =
  | { type: "created"; actor: Actor; request: string }
  | { type: "phase"; from: Phase; to: Phase }
  | { type: "step"; index: number; what: string }
  | { type: "effect"; effect: Effect; reason: string; actor: Actor }
  | { type: "done"; effect: Effect["kind"]; requestId?: string; arn?: string }
  | { type: "refused"; effect: Effect["kind"]; code: string; class: string; requestId?: string }
  | { type: "unknown"; effect: Effect["kind"]; code: string }
  | { type: "hold"; hold: Hold }
  | { type: "lifted"; kind: Hold["kind"]; afterMs: number }
  | {
      type: "command";
      command: CommandKind;
      commandId: string;
      actor: Actor;
      obeyed: boolean;
      reason?: string;
      deployment?: string;
    }
  | { type: "told"; deployment: string; command: CommandKind }
  | { type: "drift"; route: string; expected: string; found: string }
  | { type: "note" };

/** `seq` counts from 0 without holes. `message` is for people; the rest is for programs. */
export type DeploymentEvent = { seq: number; at: number; message: string } & EventBody;
