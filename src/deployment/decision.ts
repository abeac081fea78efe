/** What a turn decides: the next record with everything that is written together with it. */
import type { Answer, Command } from "./command.ts";
import type { Doubt } from "./doubt.ts";
import type { DeploymentEvent } from "./event.ts";
import type { Deployment } from "./record.ts";

/**
 * How the commit changes who holds the service:
 * - `retain`: green is PRIMARY; the way is free for the next deployment while this one keeps blue warm.
 * - `retake`: this one wants to act again; at once if nobody acts, else at the head of the queue.
 * - `done`: this one lets go of the service altogether.
 */
export type SlotChange = "retain" | "retake" | "done";

export interface Decision {
  /** The next record; the effect to perform after the commit, if any, is `next.pending` with `perform`. */
  next: Deployment;
  /** Whether `next.pending` is to be performed once it is committed. */
  perform: boolean;
  events: DeploymentEvent[];
  answers: Answer[];
  slot?: SlotChange;
  /** With the service let go: what whoever acts on it next must reckon with. */
  doubt?: Doubt;
  /** Commands for the inboxes of other deployments. */
  tell: { deployment: string; command: Command }[];
  /** A new deployment that this commit creates, at the head of its service's queue. */
  spawn?: Deployment;
  /**
   * When the next turn is due, ms since the epoch; a moment not after `now` means at once. Absent: never, until
   * a command comes.
   */
  wakeAt?: number;
  /**
   * Where what is waited for has an end that is known: that end. The turns before it only see whether all is still
   * well.
   */
  endsAt?: number;
}
