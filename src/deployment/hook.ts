/**
 * Hooks: signed HTTP calls at which others decide whether a deployment goes on. The stages carry ECS's names
 * (AWS docs, "Lifecycle hooks for Amazon ECS service deployments").
 */
import type { HeaderValue } from "./check.ts";

export const stages = [
  "PRE_SCALE_UP",
  "POST_SCALE_UP",
  "TEST_TRAFFIC_SHIFT",
  "POST_TEST_TRAFFIC_SHIFT",
  "PRE_PRODUCTION_TRAFFIC_SHIFT",
  "PRODUCTION_TRAFFIC_SHIFT",
  "POST_PRODUCTION_TRAFFIC_SHIFT",
] as const;
export type Stage = (typeof stages)[number];

export interface Hook {
  url: string;
  headers: Record<string, HeaderValue>;
  /** For the whole of it, from the first call to a final answer. */
  timeoutMs: number;
  /** Attempts to reach it at all; one that answers, be it IN_PROGRESS, is reached. */
  attemptsMax: number;
  /** What follows a FAILED, a time-out or an end of the attempts. */
  onFailure: "rollback" | "pause" | "proceed";
}

/** One call of a hook, complete. Its body is JSON; the same attempt always sends the same key and body. */
export interface HookRequest {
  url: string;
  headers: Record<string, HeaderValue>;
  /** The same for every repeat of the same attempt: `<deployment>/<gate>/<attempt>`. */
  idempotencyKey: string;
  body: Record<string, unknown>;
}

/** What a hook says, in ECS's words. */
export interface HookAnswer {
  status: "SUCCEEDED" | "FAILED" | "IN_PROGRESS";
  /** For IN_PROGRESS: when to ask again; left out, after 30 s (AWS docs). */
  callBackMs?: number;
  /** For people. */
  message?: string;
}
