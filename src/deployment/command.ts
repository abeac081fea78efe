/** What a person, CI, a schedule or another deployment asks of a deployment, and what became of it. */
import type { Actor } from "./record.ts";

export type CommandKind =
  | "rollback"
  | "pause"
  | "resume"
  | "promote"
  | "retry"
  | "release"
  /** Sent by the next deployment of the service: end the retention, it needs the group. */
  | "yield";

export interface Command {
  id: string;
  kind: CommandKind;
  actor: Actor;
  at: number;
  reason?: string;
  /** `promote`: all the way to 100 %, instead of to the next step. */
  full?: boolean;
}

export interface Answer {
  commandId: string;
  kind: CommandKind;
  obeyed: boolean;
  message: string;
  /** The new deployment that a late rollback started. */
  deployment?: string;
}
