/** Speaks to the API: one request at a time, each bounded; repeats what is safe to repeat. */
import type { z } from "zod";
import {
  auditPage,
  type CommandBody,
  commandAnswer,
  deliveryDetail,
  deliveryPage,
  deliveryView,
  type DeployBody,
  deploymentPage,
  deploymentView,
  eventPage,
  newToken,
  planView,
  problemDetails,
  type RecoverBody,
  type RedeliverBody,
  redeployAnswer,
  type RedeployBody,
  scheduleList,
  serviceDetail,
  serviceList,
  strayList,
  type TokenBody,
  tokenPage,
  tokenView,
  whoami,
} from "../api/contract.ts";
import { patiently } from "../client/patience.ts";
import { exitCodes, Failure, refusal } from "./exit.ts";

export interface Address {
  url: string;
  token: string | undefined;
  /** Who asks, for the history. */
  actor: string | undefined;
}

/** A single request ends by then, a command's wait included. */
const requestMsMax = 30_000;

export interface Ask {
  /** How long to repeat a request that gets no answer, or a 5xx. */
  patienceMs: number;
  signal?: AbortSignal;
  /** Told once, when a request is about to be repeated. */
  onTrouble?: (failure: Failure) => void;
}

export function createClient({ url, token, actor }: Address) {
  const base = baseOf(url);

  async function once<T>(
    schema: z.ZodType<T>,
    path: string,
    init: { method?: string; body?: unknown; key?: string },
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const limit = AbortSignal.timeout(requestMsMax);
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, base), {
        method: init.method ?? "GET",
        headers: {
          ...headers(),
          ...(init.body !== undefined && { "content-type": "application/json" }),
          ...(init.key !== undefined && { "idempotency-key": init.key }),
        },
        ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        redirect: "manual",
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(base, error);
    }
    if (!response.ok) throw failureOf(response, text, base);
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) throw strange(base);
    return parsed.data;
  }

  async function ask<T>(
    schema: z.ZodType<T>,
    path: string,
    { patienceMs, signal, onTrouble }: Ask,
    init: { method?: string; body?: unknown; key?: string } = {},
  ): Promise<T> {
    return patiently(() => once(schema, path, init, signal), {
      patienceMs,
      signal,
      isPassing: (error) => error instanceof Failure && error.exitCode === exitCodes.unavailable,
      leastWaitMs: (error) => (error instanceof Failure ? error.retryAfterMs : undefined),
      onTrouble: (error) => error instanceof Failure && onTrouble?.(error),
    });
  }

  function headers(): Record<string, string> {
    return {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(actor !== undefined && { "teal-actor": actor }),
    };
  }

  return {
    base,
    /** With the key, repeating it never starts a second deployment. */
    deploy: (body: DeployBody, key: string, how: Ask) =>
      ask(deploymentView, "/v1/deployments", how, { method: "POST", body, key }),
    plan: (body: DeployBody, how: Ask) => ask(planView, "/v1/plan", how, { method: "POST", body }),
    services: (how: Ask) => ask(serviceList, "/v1/services", how),
    service: (name: string, how: Ask) => ask(serviceDetail, servicePath(name), how),
    schedules: (how: Ask) => ask(scheduleList, "/v1/schedules", how),
    /** With the key, repeating it never goes back twice. */
    redeploy: (id: string, body: RedeployBody, key: string, how: Ask) =>
      ask(redeployAnswer, `${deploymentPath(id)}/redeploy`, how, { method: "POST", body, key }),
    audit: (query: Record<string, string>, how: Ask) =>
      ask(auditPage, `/v1/audit?${new URLSearchParams(query).toString()}`, how),
    whoami: (how: Ask) => ask(whoami, "/v1/whoami", how),
    /** With the key, repeating it gives the same token another text. */
    createToken: (body: TokenBody, key: string, how: Ask) =>
      ask(newToken, "/v1/tokens", how, { method: "POST", body, key }),
    tokens: (cursor: string | undefined, how: Ask) =>
      ask(
        tokenPage,
        `/v1/tokens?${new URLSearchParams({ limit: "100", ...(cursor && { cursor }) }).toString()}`,
        how,
      ),
    revokeToken: (id: string, how: Ask) =>
      ask(tokenView, `/v1/tokens/${encodeURIComponent(id)}`, how, { method: "DELETE" }),
    strays: (service: string, how: Ask) => ask(strayList, `${servicePath(service)}/strays`, how),
    /** Repeating it gives the deployment that took it over. */
    recover: (service: string, body: RecoverBody, how: Ask) =>
      ask(deploymentView, `${servicePath(service)}/recover`, how, { method: "POST", body }),
    deliveries: (query: Record<string, string>, how: Ask) =>
      ask(deliveryPage, `/v1/deliveries?${new URLSearchParams(query).toString()}`, how),
    delivery: (id: string, how: Ask) => ask(deliveryDetail, deliveryPath(id), how),
    /** With the key, repeating it never starts a second deployment. */
    redeliver: (id: string, body: RedeliverBody, key: string, how: Ask) =>
      ask(deliveryView, `${deliveryPath(id)}/redeliver`, how, { method: "POST", body, key }),
    get: (id: string, how: Ask) => ask(deploymentView, deploymentPath(id), how),
    list: (query: Record<string, string>, how: Ask) =>
      ask(deploymentPage, `/v1/deployments?${new URLSearchParams(query).toString()}`, how),
    events: (id: string, from: number, how: Ask) =>
      ask(eventPage, `${deploymentPath(id)}/events?cursor=${from}&limit=500`, how),
    /** With the key, repeating it never gives the command twice. */
    command: (id: string, body: CommandBody, waitSeconds: number, key: string, how: Ask) =>
      ask(commandAnswer, `${deploymentPath(id)}/commands?wait=${waitSeconds}s`, how, {
        method: "POST",
        body,
        key,
      }),
    /** Opens the event stream after event `after`; the caller reads and ends it. Throws Failure. */
    stream: async (id: string, after: number | undefined, signal: AbortSignal): Promise<Response> => {
      let response: Response;
      try {
        response = await fetch(new URL(`${deploymentPath(id)}/events`, base), {
          headers: {
            ...headers(),
            accept: "text/event-stream",
            ...(after !== undefined && { "last-event-id": String(after) }),
          },
          signal,
          redirect: "manual",
        });
        if (response.ok) return response;
      } catch (error) {
        throw unreachable(base, error);
      }
      throw failureOf(response, await response.text(), base);
    },
  };
}

export type Client = ReturnType<typeof createClient>;

function deploymentPath(id: string): string {
  return `/v1/deployments/${encodeURIComponent(id)}`;
}

function deliveryPath(id: string): string {
  return `/v1/deliveries/${encodeURIComponent(id)}`;
}

function servicePath(name: string): string {
  return `/v1/services/${encodeURIComponent(name)}`;
}

function baseOf(url: string): URL {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Failure(exitCodes.usage, `${url} is not an address of Teal`, {
      fix: "Set --url or TEAL_URL to something like http://127.0.0.1:8080.",
    });
  }
  return new URL(url);
}

function unreachable(base: URL, error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const why = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new Failure(exitCodes.unavailable, `Teal can't be reached at ${base.origin} (${why})`, {
    fix: "Check --url or TEAL_URL, and that Teal's API is running.",
  });
}

function failureOf({ status, headers }: Response, text: string, base: URL): Failure {
  const parsed = problemDetails.safeParse(parseJson(text));
  if (parsed.success) return refusal(parsed.data, Number(headers.get("retry-after") ?? 0) * 1000);
  if (status >= 300 && status < 400) {
    return new Failure(exitCodes.usage, `${base.origin} answered ${status}, a redirect; none is followed`, {
      fix: "Set --url or TEAL_URL to where it leads, if that is your Teal.",
    });
  }
  // A proxy in between, or something else altogether.
  return status >= 500
    ? new Failure(exitCodes.unavailable, `${base.origin} answered ${status}`, {
        fix: "Look whether Teal's API is running behind it.",
      })
    : strange(base);
}

function strange(base: URL): Failure {
  return new Failure(exitCodes.usage, `${base.origin} does not answer as Teal's API of this version does`, {
    fix: "Check --url or TEAL_URL, and that teal and the server have the same version.",
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
