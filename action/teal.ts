/** Speaks to Teal's API; what is safe to repeat is repeated while Teal does not answer. */
import type { DeployBody, DeploymentView, EventView } from "../src/api/contract.ts";
import type { History } from "../src/client/follow.ts";
import { patiently } from "../src/client/patience.ts";
import type { Credentials } from "./credentials.ts";
import { Refusal } from "./refusal.ts";

export interface Teal {
  /** With the key, repeating it never starts a second deployment. */
  deploy(body: DeployBody, key: string): Promise<DeploymentView>;
  look(id: string): Promise<DeploymentView>;
  /** Asks for a rollback, and gives what the deployment says to it. */
  rollback(id: string, reason: string, key: string): Promise<string>;
  history(id: string): History<EventView>;
}

export interface Talk {
  url: string;
  credentials: Credentials;
  patienceMs: number;
  signal: AbortSignal;
  /** Told when a request is about to be repeated. */
  onTrouble: (message: string) => void;
}

/** A single request ends by then. */
const requestMsMax = 30_000;

/** All of these throw Refusal, and the signal's reason when it fires. */
export function createTeal({ url, credentials, patienceMs, signal, onTrouble }: Talk): Teal {
  const send = async (path: string, init: RequestInit, until: AbortSignal): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", await credentials(until));
    try {
      return await fetch(url + path, { ...init, headers, signal: until, redirect: "manual" });
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(url, error);
    }
  };

  const ask = <T>(path: string, is: (body: unknown) => body is T, init: RequestInit = {}): Promise<T> => {
    const once = async (): Promise<T> => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(requestMsMax)]);
      const response = await send(path, init, until);
      const text = await response.text().catch((error: unknown) => {
        signal.throwIfAborted();
        throw unreachable(url, error);
      });
      if (!response.ok) throw refusalOf(response.status, text);
      const body = parsed(text);
      if (is(body)) return body;
      throw new Refusal(`${url} does not answer as Teal's API of this version does.`, {
        fix: "Check the input url, and that this action has Teal's version.",
      });
    };
    return patiently(once, {
      patienceMs,
      signal,
      isPassing,
      onTrouble: (error) => onTrouble(error instanceof Error ? error.message : String(error)),
    });
  };

  return {
    deploy: (body, key) => ask("/v1/deployments", isDeployment, post(body, key)),
    look: (id) => ask(pathOf(id), isDeployment),
    rollback: async (id, reason, key) => {
      const path = `${pathOf(id)}/commands?wait=10s`;
      const answer = await ask(path, isAnswer, post({ command: "rollback", reason }, key));
      return answer.message;
    },
    history: (id) => ({
      open: async (after, until) => {
        const headers = {
          accept: "text/event-stream",
          ...(after !== undefined && { "last-event-id": String(after) }),
        };
        const response = await send(`${pathOf(id)}/events`, { headers }, until);
        if (!response.ok) throw refusalOf(response.status, await response.text());
        return response;
      },
      read: (data) => {
        const event = parsed(data);
        if (isEvent(event)) return event;
        throw new Error("Teal sent an event that is none");
      },
      isPassing: (error) => !(error instanceof Refusal) || error.passing,
    }),
  };
}

function post(body: unknown, key: string): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify(body),
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof Refusal && error.passing;
}

function pathOf(id: string): string {
  return `/v1/deployments/${encodeURIComponent(id)}`;
}

function unreachable(url: string, error: unknown): Refusal {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const why = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new Refusal(`Teal can't be reached at ${url} (${why}).`, {
    passing: true,
    fix: "Check the input url, that Teal's API is running, and that this runner may reach it.",
  });
}

/** What the API says of a refusal; of somebody in between, such as a proxy, the status alone. */
function refusalOf(status: number, text: string): Refusal {
  const passing = status >= 500 || status === 429;
  const body = parsed(text);
  const { detail, fix } = isRecord(body) ? body : {};
  return new Refusal(typeof detail === "string" ? detail : `Teal's address answered ${status}.`, {
    passing,
    fix: typeof fix === "string" ? fix : undefined,
  });
}

/** As much as is used of it. */
function isDeployment(body: unknown): body is DeploymentView {
  return (
    isRecord(body) &&
    ["id", "service", "phase", "outcome"].every((key) => typeof body[key] === "string") &&
    typeof body["decided"] === "boolean" &&
    ["steps", "gates", "problems"].every((key) => Array.isArray(body[key]))
  );
}

function isEvent(body: unknown): body is EventView {
  return (
    isRecord(body) &&
    typeof body["seq"] === "number" &&
    ["at", "type", "message"].every((key) => typeof body[key] === "string")
  );
}

function isAnswer(body: unknown): body is { message: string } {
  return isRecord(body) && typeof body["message"] === "string";
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === "object" && body !== null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
