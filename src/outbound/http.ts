/**
 * One guarded HTTP request to somebody else's system. It has a connection of its own, so that every call resolves
 * and judges the address anew and none fails on a connection that the other side closed long ago; no redirect is
 * followed, no proxy of the environment is used, nothing is repeated, and everything is limited. Neither headers
 * nor bodies are ever logged, and of a URL only its origin is shown: paths and queries may be secrets.
 */
import { Client } from "undici";
import type { HeaderValue } from "../deployment/check.ts";
import type { Fault } from "../deployment/observation.ts";
import type { Clock } from "../engine/ports.ts";
import { type Allowance, createJudge } from "./allowance.ts";
import { Forbidden, guardedConnector, type Resolve } from "./connector.ts";
import { CallFailed, type CallLog } from "./fault.ts";
import { fillHeaders, type Hidden } from "./headers.ts";

export interface OutboundOptions {
  clock: Clock;
  /** Hosts that may be private, or be called by plain HTTP. */
  allow: Allowance;
  /** Values of headers, by name. */
  secrets: Readonly<Record<string, Hidden>>;
  /** Timers that go with `clock`: runs `fn` once, in `ms`, unless cancelled; real ones where left out. */
  after?: (ms: number, fn: () => void) => () => void;
  /** The system's resolver where left out. */
  resolve?: Resolve;
  /** Certificates to trust in place of the usual ones, as PEM. */
  ca?: string;
  log?: CallLog;
}

export interface Asked {
  /** What it is for, such as `hook:call`: told with every fault. */
  action: string;
  method: "GET" | "POST";
  url: URL;
  headers: Readonly<Record<string, HeaderValue>>;
  /** Go before those above. */
  ownHeaders?: Readonly<Record<string, string>>;
  body?: string;
  /** Largest answer. */
  bytesMax: number;
  /** The request ends by then, whatever the connection does; ms since the epoch. */
  deadline: number;
}

export interface Answer {
  status: number;
  /** Without the secrets that were sent. Of an answer other than 2xx, empty where it couldn't be read. */
  text: string;
  /** Of whom it is, for messages: `https://hooks.example.com`. */
  origin: string;
}

/** Throws `CallFailed` where there is no whole answer; `unsure` where the request may have arrived. */
export type Send = (asked: Asked) => Promise<Answer>;

/** How long each stage of a call may take. */
const limitsMs = {
  /** Resolving the name, connecting, and TLS. */
  connect: 5_000,
  /** From the connection until the answer begins. */
  headers: 10_000,
  /** From there until it ends. */
  body: 10_000,
};

type Stage = keyof typeof limitsMs;

export function createSend(options: OutboundOptions): Send {
  const { clock, log } = options;
  return async (asked) => {
    const startedAt = clock.now();
    const { action } = asked;
    try {
      const answer = await exchange(options, asked);
      const fields = { action, origin: answer.origin, status: answer.status };
      log?.debug({ ...fields, ms: clock.now() - startedAt }, "somebody else's system answered");
      return answer;
    } catch (error) {
      if (error instanceof CallFailed) {
        log?.debug(
          { ms: clock.now() - startedAt, ...error.fault },
          "a call to somebody else's system failed",
        );
      }
      throw error;
    }
  };
}

/** Throws `CallFailed` for what can't be called. Not a word of it is shown: it may hold secrets. */
export function readUrl(text: string, action: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong =
    url === undefined
      ? "is malformed"
      : url.protocol !== "https:" && url.protocol !== "http:"
        ? "must begin with https:// or http://"
        : url.username || url.password
          ? "must not hold a user or password; use a header with a secret"
          : undefined;
  if (url && wrong === undefined) return url;
  throw new CallFailed({ class: "refuse", code: "BadUrl", message: `the URL ${wrong}`, action });
}

/** Throws `CallFailed` unless the status is 2xx. `text` adds what the answer says about it. */
export function expectOk(answer: Answer, action: string, text = ""): void {
  const { status, origin } = answer;
  if (status >= 200 && status < 300) return;
  const passing = status === 408 || status === 425 || status === 429 || status >= 500;
  const said = `${origin} answered ${status}${text && `: ${text}`}`;
  const message = redirects.has(status) ? `${said}, a redirect; none is followed, so write its target` : said;
  throw new CallFailed({ class: passing ? "repeat" : "refuse", code: `Http${status}`, message, action });
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

async function exchange(on: OutboundOptions, asked: Asked): Promise<Answer> {
  const { clock, after = realAfter } = on;
  const { action, url } = asked;
  const { values, hide } = fillHeaders(asked.headers, on.secrets, action);

  let stage: Stage = "connect";
  let lateMs: number | undefined;
  let stop: (() => void) | undefined;
  const enter = (next: Stage): void => {
    stage = next;
    stop?.();
    const ms = Math.max(0, Math.min(limitsMs[next], asked.deadline - clock.now()));
    stop = after(ms, () => {
      lateMs = ms;
      void client.destroy();
    });
  };
  if (clock.now() >= asked.deadline) {
    const message = "the time for this call was over before it began";
    throw new CallFailed({ class: "repeat", code: "Timeout", message, action });
  }

  const client = new Client(url.origin, {
    connect: guardedConnector({
      judge: createJudge(on.allow, url.protocol),
      resolve: on.resolve,
      ca: on.ca,
      timeoutMs: limitsMs.connect,
      connected: () => enter("headers"),
    }),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: asked.bytesMax,
  });
  try {
    enter("connect");
    const { statusCode, headers, body } = await client.request({
      method: asked.method,
      reset: true,
      path: url.pathname + url.search,
      headers: {
        "user-agent": "teal",
        accept: "application/json",
        ...values,
        "accept-encoding": "identity",
        ...asked.ownHeaders,
      },
      body: asked.body ?? null,
    });
    enter("body");
    const ok = statusCode >= 200 && statusCode < 300;
    const encoding = headers["content-encoding"] ?? "identity";
    if (ok && encoding !== "identity") throw unreadable(url.origin, "is compressed, unasked", action);
    const bytes = await body.arrayBuffer().catch((error: unknown) => {
      if (ok) throw error;
    });
    return { status: statusCode, text: hide(decode(bytes, ok, url.origin, action)), origin: url.origin };
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    if (lateMs !== undefined) throw late(url.origin, stage, lateMs, action);
    throw broken(error, url.origin, stage, asked);
  } finally {
    stop?.();
    await client.destroy();
  }
}

function realAfter(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
}

/** Fails on what is not UTF-8; an answer that isn't 2xx is read as well as it goes. */
function decode(bytes: ArrayBuffer | void, strict: boolean, origin: string, action: string): string {
  if (bytes === undefined) return "";
  try {
    return new TextDecoder("utf-8", { fatal: strict }).decode(bytes);
  } catch {
    throw unreadable(origin, "is no UTF-8", action);
  }
}

function unreadable(origin: string, how: string, action: string): CallFailed {
  const message = `the answer of ${origin} ${how}`;
  return new CallFailed({ class: "refuse", code: "BadAnswer", message, action });
}

function late(origin: string, stage: Stage, ms: number, action: string): CallFailed {
  const what = {
    connect: "could not be connected to",
    headers: "gave no answer",
    body: "did not end its answer",
  };
  const message = `${origin} ${what[stage]} within ${ms / 1000} s`;
  return new CallFailed(
    { class: "repeat", code: "Timeout", message, action },
    { unsure: stage !== "connect" },
  );
}

function broken(error: unknown, origin: string, stage: Stage, { action, bytesMax }: Asked): CallFailed {
  if (error instanceof Forbidden) {
    return new CallFailed({ class: "refuse", code: "Forbidden", message: error.message, action });
  }
  const code = codeOf(error);
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return unreadable(origin, `is larger than ${bytesMax / 1024} KiB`, action);
  }
  // Their messages stay out: some repeat what was sent or received.
  const unsure = stage !== "connect";
  const message = unsure
    ? `the connection to ${origin} broke before its answer ended (${code})`
    : `${origin} could not be connected to (${code})`;
  const fault: Fault = { class: "repeat", code: "Network", message, action };
  return new CallFailed(fault, { unsure, cause: error });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "Unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
