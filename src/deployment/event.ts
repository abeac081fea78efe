/** A line of a deployment's append-only history. */
import type { Facts } from "./audit.ts";
import type { CommandKind } from "./command.ts";
import type { Effect } from "./effect.ts";
import type { Actor, Deployment, DeployRequest, Hold } from "./record.ts";
import type { Phase } from "./phases.ts";

export type EventBody =
  /** `requestId` here and of a command: the API's, which its log has too. */
  | { type: "created"; actor: Actor; request: string; requestId?: string }
  | { type: "phase"; from: Phase; to: Phase }
  | { type: "step"; index: number; what: string }
  /** `before`: what it will change, as last seen. */
  | { type: "effect"; effect: Effect; reason: string; actor: Actor; before?: Facts }
  /** `requestId` here and of what is refused: AWS's. */
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
      gate?: string;
      /** Where the deployment stood, and stands. */
      before?: Facts;
      after?: Facts;
      requestId?: string;
    }
  | { type: "told"; deployment: string; command: CommandKind }
  /** A check, when what it says changes. */
  | { type: "check"; gate: string; check: string; outcome: "good" | "bad" | "unclear" }
  /** A gate passed by itself, or was passed by a person. */
  | { type: "gate"; gate: string; how: "passed" | "approved" | "skipped" | "failed" | "timed out" }
  | { type: "appointment"; at: number; kept: boolean }
  | { type: "note" };

/** `seq` counts from 0 without holes. `message` is for people; the rest is for programs. */
export type DeploymentEvent = { seq: number; at: number; message: string } & EventBody;

/** The first line of every history. */
export function createdEvent(d: Deployment, requestId?: string): DeploymentEvent {
  const request = describeRequest(d.request);
  const message = `${d.actor.name} asked for ${request} on ${d.service} with strategy ${d.strategy.name}`;
  const asked = { actor: d.actor, request, ...(requestId !== undefined && { requestId }) };
  return { seq: 0, at: d.createdAt, type: "created", ...asked, message };
}

/** What was asked for, in a few words. */
export function describeRequest(request: DeployRequest): string {
  const images = Object.entries(request.images ?? {}).map(([container, image]) => `${container}=${image}`);
  const parts = [request.taskDefinition, ...images].filter((part) => part !== undefined);
  if (request.taskSet) parts.push("changed task set parameters");
  return parts.length > 0 ? parts.join(", ") : "the current revision";
}
