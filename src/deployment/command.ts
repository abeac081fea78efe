/** What a person, CI, a schedule or another deployment asks of a deployment, and what became of it. */
import type { HookAnswer } from "./hook.ts";
import type { Actor } from "./record.ts";

export type CommandKind =
  | "rollback"
  | "pause"
  | "resume"
  | "promote"
  /** Lets an approval pass. */
  | "approve"
  /** Lets any gate pass. */
  | "skip"
  /** Goes on although a window or a freeze is closed. */
  | "override"
  /** What a hook says in the end, of the attempt that it was called with. */
  | "answer"
  | "retry"
  | "release"
  /** Sent where AWS tells of an alarm by itself: measure it now. */
  | "look"
  /** Sent by the next deployment of the service: end the retention, it needs the group. */
  | "yield"
  /** Sent by a newer deployment: make way while nothing is touched. */
  | "supersede";

export interface Command {
  id: string;
  kind: CommandKind;
  actor: Actor;
  at: number;
  /** The request that brought it. */
  requestId?: string;
  reason?: string;
  /** `promote`: all the way to 100 %, instead of to the next step. */
  full?: boolean;
  /** `promote`: at this moment rather than now, ms since the epoch; and only where green is well then. */
  promoteAt?: number;
  ifHealthy?: boolean;
  /** `approve`, `skip`, `answer`: the gate that is meant. */
  gate?: string;
  /** `look`: the alarm that changed. */
  alarm?: string;
  /** `answer` */
  attempt?: number;
  answer?: HookAnswer;
}

export interface Answer {
  commandId: string;
  kind: CommandKind;
  obeyed: boolean;
  message: string;
  /** The new deployment that a late rollback started. */
  deployment?: string;
}
