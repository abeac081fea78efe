/** Measuring at others' systems: Prometheus, and any JSON over HTTP. */
import type { JSONValue } from "json-p3";
import { z } from "zod";
import type { Ask, Measured } from "../deployment/check.ts";
import type { Reading } from "../deployment/observation.ts";
import { CallFailed, callFailed, shown } from "./fault.ts";
import { type Answer, createSend, expectOk, type OutboundOptions, readUrl, type Send } from "./http.ts";
import { find } from "./path.ts";

/** What is measured here; the other kinds are AWS's. */
export type OutboundAsk = Extract<Ask, { kind: "prometheus" | "http" }>;

export interface Gauges {
  /** Never throws: what fails is a `Fault` in the answer. Ends by `deadline`, ms since the epoch. Safe to repeat. */
  measure(ask: OutboundAsk, deadline: number): Promise<Reading<Measured>>;
}

const actions = { prometheus: "prometheus:query", http: "http:get" } as const;
const answerBytesMax = 1024 * 1024;
const textMax = 500;

export function createGauges(options: OutboundOptions): Gauges {
  const { clock } = options;
  const send = createSend(options);
  return {
    measure: async (ask, deadline) => {
      const at = clock.now();
      try {
        const value = await (ask.kind === "prometheus"
          ? askPrometheus(send, ask, deadline)
          : askJson(send, ask, deadline));
        return { ok: true, value, at };
      } catch (error) {
        return { ok: false, fault: callFailed(error, actions[ask.kind], options.log).fault, at };
      }
    },
  };
}

type Of<K extends OutboundAsk["kind"]> = Extract<OutboundAsk, { kind: K }>;

/** Longer URLs are cut or refused on the way; whoever forbids POST may still ask what is short. */
const getMax = 2_000;

/** An instant query (Prometheus docs, "HTTP API"). Warnings come beside a whole result, so they don't count. */
async function askPrometheus(send: Send, ask: Of<"prometheus">, deadline: number): Promise<Measured> {
  const action = actions.prometheus;
  const url = readUrl(ask.url, action);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v1/query`;
  const query = new URLSearchParams({ query: ask.query, time: String(ask.at / 1000) });
  const posts = query.toString().length > getMax;
  if (!posts) for (const [key, value] of query) url.searchParams.append(key, value);
  const answer = await send({
    action,
    method: posts ? "POST" : "GET",
    url,
    headers: ask.headers,
    ...(posts && {
      ownHeaders: { "content-type": "application/x-www-form-urlencoded" },
      body: query.toString(),
    }),
    bytesMax: answerBytesMax,
    deadline,
  });
  expectOk(answer, action, complaintIn(answer.text));
  const { data: said } = prometheusAnswer.safeParse(jsonOf(answer, action));
  if (said === undefined) throw refused(`${answer.origin} did not answer as Prometheus does`, action);
  const { resultType, result } = said.data;
  if (resultType === "scalar") return numberOf(result[1]);
  const [only, ...more] = result;
  if (only === undefined) return { kind: "nothing", why: "the query found no series" };
  if (more.length > 0) {
    throw refused(
      `the query must give one value, gave ${result.length}; aggregate it, e.g. by sum()`,
      action,
    );
  }
  return numberOf(only.value[1]);
}

/** Of a matrix, a text or a native histogram no single number can be had. */
const sample = z.tuple([z.number(), z.string().regex(/^(?:NaN|[+-]?Inf|-?\d[\d.eE+-]*)$/)]);
const prometheusAnswer = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: sample }),
    z.object({ resultType: z.literal("vector"), result: z.array(z.object({ value: sample })) }),
  ]),
});

/** What Prometheus says of a query that it refuses. */
function complaintIn(text: string): string {
  try {
    const said = z.object({ error: z.string() }).safeParse(JSON.parse(text));
    return shown(said.data?.error ?? "");
  } catch {
    return "";
  }
}

/** Infinity and NaN come from divisions by zero: there was no traffic to measure. No record can hold them. */
function numberOf(text: string): Measured {
  const value = Number(text);
  return Number.isFinite(value) ? { kind: "value", value } : { kind: "nothing", why: `the value is ${text}` };
}

async function askJson(send: Send, ask: Of<"http">, deadline: number): Promise<Measured> {
  const action = actions.http;
  const answer = await send({
    action,
    method: "GET",
    url: readUrl(ask.url, action),
    headers: ask.headers,
    bytesMax: answerBytesMax,
    deadline,
  });
  expectOk(answer, action);
  const found = find(ask.path, jsonOf(answer, action));
  if (found.kind === "unfit") throw refused(`the path ${ask.path}: ${shown(found.why)}`, action);
  if (found.count > 1) throw refused(`the path ${ask.path} must give one value, gave ${found.count}`, action);
  const { first: value = null } = found;
  if (value === null) {
    return {
      kind: "nothing",
      why: `${found.count === 0 ? "there is nothing" : "there is null"} at ${ask.path}`,
    };
  }
  if (typeof value === "object") {
    const what = Array.isArray(value) ? "a list" : "an object";
    throw refused(`the path ${ask.path} must give a number, a text or a truth value, gave ${what}`, action);
  }
  if (typeof value === "string" && value.length > textMax) {
    throw refused(`the path ${ask.path} gave a text longer than ${textMax} characters`, action);
  }
  return typeof value === "number" ? numberOf(String(value)) : { kind: "value", value };
}

function jsonOf(answer: Answer, action: string): JSONValue {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw refused(`${answer.origin} answered ${answer.status}, but not with JSON`, action);
  }
}

function refused(message: string, action: string): CallFailed {
  return new CallFailed({ class: "refuse", code: "BadAnswer", message, action });
}
